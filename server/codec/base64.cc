#include "codec/base64.h"

#include <array>

namespace assay::codec {
namespace {

using Alphabet = std::string_view;
constexpr Alphabet kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr Alphabet kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::uint8_t kNone = 0xff;
using Values = std::array<std::uint8_t, 256>;

consteval Values ValuesOf(Alphabet alphabet) {
  Values values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < alphabet.size(); ++i) { values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i); }
  return values;
}
constexpr Values kStandardValues = ValuesOf(kStandard);
constexpr Values kUrlValues = ValuesOf(kUrl);

std::string Encode(ByteView bytes, Alphabet alphabet) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const std::uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    held += 8;
    while (held >= 6) {
      held -= 6;
      text.push_back(alphabet[bits >> held & 0x3f]);
    }
  }
  if (held > 0) text.push_back(alphabet[bits << (6 - held) & 0x3f]);
  return text;
}

// `text` without its padding.
std::optional<Bytes> Decode(std::string_view text, const Values& values) {
  if (text.size() % 4 == 1) return std::nullopt;
  Bytes bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const std::uint8_t value = values[static_cast<unsigned char>(c)];
    if (value == kNone) return std::nullopt;
    bits = bits << 6 | value;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes.push_back(static_cast<std::uint8_t>(bits >> held));
    }
  }
  const std::uint32_t spare = bits & ((1U << held) - 1);
  if (spare != 0) return std::nullopt;
  return bytes;
}

}  // namespace

bool IsBase64Character(char c) { return kStandardValues[static_cast<unsigned char>(c)] != kNone; }

std::string ToBase64(ByteView bytes) {
  std::string text = Encode(bytes, kStandard);
  while (text.size() % 4 != 0) text.push_back('=');
  return text;
}

std::optional<Bytes> FromBase64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return Decode(text, kStandardValues);
}

std::string ToBase64Url(ByteView bytes) { return Encode(bytes, kUrl); }
std::optional<Bytes> FromBase64Url(std::string_view text) { return Decode(text, kUrlValues); }

}  // namespace assay::codec
