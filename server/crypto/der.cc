#include "crypto/der.h"

#include <algorithm>

namespace assay::crypto {
namespace {

constexpr int kMaxDepth = 32;
constexpr std::uint8_t kConstructed = 0x20;
constexpr std::uint8_t kClass = 0xC0;
constexpr std::uint8_t kLongTag = 0x1F;

bool IsMinimalInteger(ByteView content) {
  if (content.empty()) return false;
  if (content.size() == 1) return true;
  const bool sign_repeated = (content[0] == 0x00 && content[1] < 0x80) || (content[0] == 0xFF && content[1] >= 0x80);
  return !sign_repeated;
}

bool IsBitString(ByteView content) {
  if (content.empty() || content[0] > 7) return false;
  if (content.size() == 1) return content[0] == 0;
  const unsigned padding = (1U << content[0]) - 1;
  return (content.back() & padding) == 0;
}

bool IsDerElement(const DerElement& element, int depth) {
  const bool universal = (element.tag & kClass) == 0;
  if ((element.tag & kConstructed) == 0) {
    if (!universal) return true;
    switch (element.tag) {
      case der::kBoolean: return element.content.size() == 1 && (element.content[0] == 0x00 || element.content[0] == 0xFF);
      case der::kInteger:
      case der::kEnumerated: return IsMinimalInteger(element.content);
      case der::kBitString: return IsBitString(element.content);
      case der::kNull: return element.content.empty();
      case 0x00:  // end of contents, a mark of BER
      case der::kSequence & ~kConstructed:
      case der::kSet & ~kConstructed: return false;
      default: return true;
    }
  }
  // X.690 10.2: string types are never constructed.
  if (universal && element.tag != der::kSequence && element.tag != der::kSet) return false;
  if (depth == kMaxDepth) return false;
  DerReader children(element.content);
  ByteView previous;
  while (!children.AtEnd()) {
    const auto child = children.Next();
    if (!child || !IsDerElement(*child, depth + 1)) return false;
    const bool in_order = !std::lexicographical_compare(child->whole.begin(), child->whole.end(), previous.begin(), previous.end());
    if (element.tag == der::kSet && !in_order) return false;
    previous = child->whole;
  }
  return true;
}

}  // namespace

std::optional<DerElement> DerReader::Next() {
  if (rest_.size() < 2 || (rest_[0] & kLongTag) == kLongTag) return std::nullopt;
  std::size_t header = 2;
  std::size_t length = rest_[1];
  if (length >= 0x80) {
    const std::size_t octets = length & 0x7F;  // 0 would be the indefinite form
    if (octets == 0 || octets > 4 || rest_.size() < header + octets) return std::nullopt;
    length = 0;
    for (std::size_t i = 0; i < octets; ++i) length = length << 8 | rest_[header + i];
    const bool minimal = length >= 0x80 && rest_[header] != 0;
    if (!minimal) return std::nullopt;
    header += octets;
  }
  if (length > rest_.size() - header) return std::nullopt;
  const DerElement element{rest_[0], rest_.first(header + length), rest_.subspan(header, length)};
  rest_ = rest_.subspan(header + length);
  return element;
}

std::optional<DerElement> DerReader::Next(std::uint8_t tag) {
  if (!NextIs(tag)) return std::nullopt;
  return Next();
}

std::optional<ByteView> DerReader::Take(std::uint8_t tag) {
  const auto element = Next(tag);
  if (!element) return std::nullopt;
  return element->content;
}

bool IsDer(ByteView bytes) {
  DerReader reader(bytes);
  const auto element = reader.Next();
  return element && reader.AtEnd() && IsDerElement(*element, 0);
}

std::optional<std::int32_t> SmallInteger(ByteView content) {
  if (!IsMinimalInteger(content) || content.size() > 4 || content[0] >= 0x80) return std::nullopt;
  std::uint32_t value = 0;
  for (const std::uint8_t byte : content) value = value << 8 | byte;
  return static_cast<std::int32_t>(value);
}

}  // namespace assay::crypto
