// COSE_Sign1: any bytes are refused with one finding, or read; what was read is the message whole, and each byte of it counts.
#include "base/bug.h"
#include "base/hex.h"
#include "codec/cose.h"
#include "tests/fuzz/fuzzer.h"

namespace assay {

std::vector<Bytes> fuzz::MintedSeeds() {
  return {*FromHex("8444a1013822a0430102034304050a"), *FromHex("d28443a10126a041014101"),
          *FromHex("8444a1013822a058190102030405060708090a0b0c0d0e0f101112131415161718194101")};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes{data, size};
  const Outcome<cose::Sign1> message = cose::ParseSign1(bytes, "fuzz", 4096);
  if (!message) {
    ASSAY_CHECK(message.findings().size() == 1 && !message.findings().front().component.empty());
    return 0;
  }
  ASSAY_CHECK(!message->protected_header.empty() && !message->payload.empty() && !message->signature.empty());
  // Four heads, the empty header, perhaps a tag: everything else is content.
  const std::size_t content = message->protected_header.size() + message->payload.size() + message->signature.size();
  ASSAY_CHECK(content < size && size - content <= 1 + 1 + 1 + 3 * 5);
  const Bytes structure = cose::SigStructure(message->protected_header, message->payload);
  ASSAY_CHECK(structure.size() > message->protected_header.size() + message->payload.size() + 12);
  Bytes longer = ToBytes(bytes);
  longer.push_back(0);
  ASSAY_CHECK(!cose::ParseSign1(longer, "fuzz", 8192).ok());
  return 0;
}

}  // namespace assay
