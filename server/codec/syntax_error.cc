#include "codec/syntax_error.h"

#include <algorithm>
#include <utility>

#include "base/absl_bridge.h"
#include "base/bytes.h"
#include "base/hex.h"
#include "base/strings.h"

namespace assay::codec {

Place PlaceOf(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const std::size_t newline = before.rfind('\n');
  return {static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1,
          newline == std::string_view::npos ? before.size() + 1 : before.size() - newline};
}

std::string ShowPlace(std::string_view name, Place place) { return Cat(name, ':', place.line, ':', place.column); }

std::string ShowCharacterAt(std::string_view text, std::size_t offset) {
  if (offset >= text.size()) return "the end of the input";
  const std::size_t length = Utf8SequenceLength(text.substr(offset));
  const auto byte = static_cast<std::uint8_t>(text[offset]);
  if (length == 0 || byte < 0x20 || byte == 0x7f) return Cat("byte 0x", ToHex(ByteView(&byte, 1)));
  return Quoted(text.substr(offset, length));
}

std::string Quoted(std::string_view text) { return Cat('\'', Printable(text, 64), '\''); }

Finding SyntaxError(std::string place, std::string expected, std::string actual) {
  return {
      .reason = Reason::kEncodingMalformed, .component = std::move(place), .expected = std::move(expected), .actual = std::move(actual)};
}

Finding OverLimit(std::string place, std::string_view what, std::size_t limit, std::string actual) {
  return {.reason = Reason::kSizeOverLimit,
          .component = std::move(place),
          .expected = Cat("at most ", limit, ' ', what),
          .actual = std::move(actual)};
}

std::string MessageOf(const Finding& finding) {
  return Cat(finding.component, ": expected ", finding.expected, ", found ", finding.actual);
}

}  // namespace assay::codec
