// Page tokens: any text is refused, or is exactly what was sealed for these arguments and its last key.
#include "base/absl_bridge.h"
#include "base/bug.h"
#include "base/strings.h"
#include "codec/base64.h"
#include "store/page_token.h"
#include "tests/fuzz/fuzzer.h"

namespace assay {
namespace {

constexpr store::ListArguments kArguments{.list = "verdicts", .filter = "verdict = REJECTED"};

const store::PageTokenCodec& Codec() {
  static const store::PageTokenCodec codec(Bytes(32, 0x5a));
  return codec;
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() {
  std::vector<Bytes> seeds;
  for (const std::string& token : {Codec().Seal(kArguments, 0), Codec().Seal(kArguments, -1), Codec().Seal(kArguments, 0x0102030405060708),
                                   Codec().Seal({.list = "nodes"}, 7), std::string("AQ==")}) {
    seeds.push_back(ToBytes(AsBytes(token)));
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes{data, size};
  // The input as a token, and as the bytes in one, which gets further.
  for (const std::string& token : {std::string(AsText(bytes)), codec::ToBase64Url(bytes)}) {
    const absl::StatusOr<std::int64_t> last = Codec().Open(token, kArguments);
    if (last.ok()) {
      ASSAY_CHECK(Codec().Seal(kArguments, *last) == token);
      ASSAY_CHECK(!Codec().Open(token, {.list = "nodes"}).ok());
    } else {
      const std::string_view message = MessageOf(last.status());
      ASSAY_CHECK(last.status().code() == absl::StatusCode::kInvalidArgument && message.starts_with("page_token: expected "));
      ASSAY_CHECK(Printable(message, message.size()) == message);
    }
  }
  return 0;
}

}  // namespace assay
