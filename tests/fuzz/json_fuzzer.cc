// JSON: any text is refused or read; what was read can be read again from its own bytes and from its canonical form.
#include "base/absl_bridge.h"
#include "base/bug.h"
#include "codec/json.h"
#include "codec/json_writer.h"
#include "codec/syntax_error.h"
#include "tests/fuzz/fuzzer.h"

namespace assay {
namespace {

void CheckSpans(const json::Value& value, json::Span around, std::string_view text) {
  const json::Span span = value.span();
  ASSAY_CHECK(span.length > 0 && span.offset >= around.offset);
  ASSAY_CHECK(std::uint64_t{span.offset} + span.length <= std::uint64_t{around.offset} + around.length);
  const Outcome<json::Value> again = json::Parse(value.VerbatimIn(text));
  ASSAY_CHECK(again.ok() && *again == value);
  if (const auto* elements = value.AsArray()) {
    for (const json::Value& element : *elements) CheckSpans(element, span, text);
  }
  if (const auto* members = value.AsObject()) {
    for (const json::Member& member : *members) {
      ASSAY_CHECK(member.name_span.offset > span.offset && member.name_span.offset + member.name_span.length < member.value.span().offset);
      ASSAY_CHECK(value.Find(member.name) == &member.value);
      CheckSpans(member.value, span, text);
    }
  }
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() { return {}; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = AsText({data, size});
  const Outcome<json::Value> value = json::Parse(text);
  if (!value) {
    ASSAY_CHECK(value.findings().size() == 1 && !codec::MessageOf(value.findings().front()).empty());
    return 0;
  }
  if (size <= 4096) CheckSpans(*value, {0, static_cast<std::uint32_t>(size)}, text);  // quadratic in the depth
  const Outcome<std::string> canonical = json::Canonical(*value);
  if (!canonical) return 0;  // a number that is not exact
  const Outcome<json::Value> again = json::Parse(*canonical);
  ASSAY_CHECK(again.ok() && *again == *value);
  const Outcome<std::string> twice = json::Canonical(*again);
  ASSAY_CHECK(twice.ok() && *twice == *canonical);
  return 0;
}

}  // namespace assay
