// PEM and base64: what was read is written and read again as the same blocks; base64 has one spelling.
#include "base/bug.h"
#include "codec/base64.h"
#include "codec/pem.h"
#include "tests/fuzz/fuzzer.h"

namespace assay {

std::vector<Bytes> fuzz::MintedSeeds() { return {}; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = AsText({data, size});
  if (const auto bytes = codec::FromBase64(text)) ASSAY_CHECK(codec::ToBase64(*bytes) == text);
  if (const auto bytes = codec::FromBase64Url(text)) ASSAY_CHECK(codec::ToBase64Url(*bytes) == text);
  const auto round = codec::FromBase64(codec::ToBase64({data, size}));
  ASSAY_CHECK(round && Equal(*round, {data, size}));

  const auto blocks = codec::ParsePem(text);
  if (!blocks) {
    ASSAY_CHECK(blocks.findings().size() == 1);
    return 0;
  }
  std::string written;
  for (const codec::PemBlock& block : *blocks) {
    ASSAY_CHECK(!block.der.empty() && !block.label.empty());
    written += codec::EncodePem(block.label, block.der);
  }
  const auto again = codec::ParsePem(written, "again", {.bytes = written.size(), .blocks = blocks->size()});
  ASSAY_CHECK(again.ok() && again->size() == blocks->size());
  for (std::size_t i = 0; i < blocks->size(); ++i) {
    ASSAY_CHECK((*again)[i].label == (*blocks)[i].label && Equal((*again)[i].der, (*blocks)[i].der));
  }
  return 0;
}

}  // namespace assay
