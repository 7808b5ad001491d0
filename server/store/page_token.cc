#include "store/page_token.h"

#include "base/strings.h"
#include "codec/base64.h"
#include "crypto/digest.h"

namespace assay::store {
namespace {

constexpr std::size_t kMacSize = 16;
constexpr std::string_view kDomain = "assay-page-v1";

}  // namespace

Bytes PageTokens::Mac(std::int64_t last, std::string_view arguments) const {
  Bytes message = ToBytes(AsBytes(kDomain));
  AppendU64Be(message, static_cast<std::uint64_t>(last));
  Append(message, AsBytes(arguments));
  const crypto::Sha256Digest mac = crypto::HmacSha256(key_, message);
  return Bytes(mac.begin(), mac.begin() + kMacSize);
}

std::string PageTokens::Seal(std::int64_t last, std::string_view arguments) const {
  Bytes token;
  AppendU64Be(token, static_cast<std::uint64_t>(last));
  Append(token, Mac(last, arguments));
  return codec::ToBase64Url(token);
}

absl::StatusOr<std::int64_t> PageTokens::Open(std::string_view token, std::string_view arguments) const {
  const auto bytes = codec::FromBase64Url(token);
  if (!bytes || bytes->size() != 8 + kMacSize) return absl::InvalidArgumentError("not a page token: send back next_page_token as it was given, or leave it out for the first page");
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < 8; ++i) last = last << 8 | (*bytes)[i];
  const auto value = static_cast<std::int64_t>(last);
  if (value <= 0 || !EqualConstantTime(ByteView(*bytes).subspan(8), Mac(value, arguments))) {
    return absl::InvalidArgumentError("a page token of another request or verifier: filter, order and list must be those of the page before");
  }
  return value;
}

}  // namespace assay::store
