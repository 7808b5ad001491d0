#include "store/page_token.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "base/bug.h"
#include "base/reader.h"
#include "base/strings.h"
#include "codec/base64.h"
#include "crypto/digest.h"

namespace assay::store {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMacSize = 16;
constexpr std::size_t kBodySize = 1 + 32 + 8;
static_assert((kBodySize + kMacSize) * 4 == kPageTokenSize * 3);
constexpr std::string_view kLabel = "assay-page-token";  // no MAC made for anything else under the same key is one of ours

// With its length before each, so that no two lists of arguments give the same bytes.
crypto::Sha256Digest DigestOf(const ListArguments& arguments) {
  Bytes bytes;
  for (const std::string_view argument : {arguments.list, arguments.parent, arguments.filter, arguments.order_by}) {
    AppendU64Be(bytes, argument.size());
    Append(bytes, AsBytes(argument));
  }
  return crypto::Sha256(bytes);
}

absl::Status Refusal(std::string_view expected, std::string_view found) {
  return absl::InvalidArgumentError(Cat("page_token: expected ", expected, ", found ", found));
}

}  // namespace

PageTokenCodec::PageTokenCodec(Bytes key) : key_(std::move(key)) { ASSAY_CHECK(key_.size() >= kLeastPageTokenKeySize); }

Bytes PageTokenCodec::Mac(ByteView body) const {
  Bytes message = ToBytes(AsBytes(kLabel));
  Append(message, body);
  return ToBytes(ByteView(crypto::HmacSha256(key_, message)).first(kMacSize));
}

std::string PageTokenCodec::Seal(const ListArguments& arguments, std::int64_t last_key) const {
  Bytes token{kVersion};
  token.reserve(kBodySize + kMacSize);
  Append(token, DigestOf(arguments));
  AppendU64Be(token, static_cast<std::uint64_t>(last_key));
  Append(token, Mac(token));
  return codec::ToBase64Url(token);
}

absl::StatusOr<std::int64_t> PageTokenCodec::Open(std::string_view token, const ListArguments& arguments) const {
  if (token.size() != kPageTokenSize) {
    return Refusal(Cat("the next_page_token of the page before, ", kPageTokenSize, " characters"),
                   Cat("a malformed one of ", token.size(), " characters; pass it on unchanged"));
  }
  const std::optional<Bytes> bytes = codec::FromBase64Url(token);
  if (!bytes || bytes->front() != kVersion) {
    return Refusal(Cat("the next_page_token of the page before, base64url of version ", int{kVersion}),
                   Cat("a malformed one", bytes ? Cat(" of version ", int{bytes->front()}) : "", "; pass it on unchanged"));
  }
  const ByteView body = ByteView(*bytes).first(kBodySize);
  if (!EqualConstantTime(Mac(body), ByteView(*bytes).last(kMacSize))) {
    return Refusal("a token of this server", "one with the MAC of another key, or changed; list again from the first page");
  }
  Reader reader(body.subspan(1));
  if (!Equal(*reader.Take(32), DigestOf(arguments))) {
    return Refusal("a token of the same list, parent, filter and order_by",
                   "one of others; repeat the arguments of the first page, or list again from there");
  }
  return static_cast<std::int64_t>(*reader.U64Be());
}

}  // namespace assay::store
