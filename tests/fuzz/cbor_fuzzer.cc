// CBOR: any bytes are refused or read; what was read stands inside what it was read from, and reads again on its own.
#include "base/bug.h"
#include "base/hex.h"
#include "codec/cbor.h"
#include "tests/fuzz/fuzzer.h"

namespace assay {
namespace {

void CheckSpans(const cbor::Value& value, cbor::Span around, ByteView bytes) {
  const cbor::Span span = value.span();
  ASSAY_CHECK(span.length > 0 && span.offset >= around.offset);
  ASSAY_CHECK(span.offset + span.length <= around.offset + around.length);
  ASSAY_CHECK(cbor::Parse(bytes.subspan(span.offset, span.length), "inner", {.indefinite = true}).ok());
  if (const auto* elements = value.AsArray()) {
    for (const cbor::Value& element : *elements) CheckSpans(element, span, bytes);
  }
  if (const auto* entries = value.AsMap()) {
    for (const cbor::Entry& entry : *entries) {
      CheckSpans(entry.key, span, bytes);
      CheckSpans(entry.value, span, bytes);
    }
  }
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() {
  return {*FromHex("a201020304"), *FromHex("bf61619f0102ff6162f6ff"), *FromHex("d28443a10126a0440102030443010203"),
          *FromHex("fb3ff199999999999a")};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes{data, size};
  const Outcome<cbor::Value> value = cbor::Parse(bytes, "fuzz", {.indefinite = true});
  if (!value) {
    ASSAY_CHECK(value.findings().size() == 1 && !value.findings().front().component.empty());
    return 0;
  }
  ASSAY_CHECK(value->span().length == size);
  if (size <= 4096) CheckSpans(*value, {0, size}, bytes);
  return 0;
}

}  // namespace assay
