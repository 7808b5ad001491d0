#include "tests/softtee/der.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "base/bug.h"

namespace assay::softtee::der {
namespace {

constexpr std::uint8_t kConstructed = 0x20;
constexpr std::uint8_t kContextSpecific = 0x80;

Bytes BigEndian(std::uint64_t value) {
  Bytes bytes;
  AppendU64Be(bytes, value);
  return bytes;
}

}  // namespace

Bytes Element(std::uint8_t tag, ByteView content) {
  Bytes out{tag};
  if (content.size() < 0x80) {
    out.push_back(static_cast<std::uint8_t>(content.size()));
  } else {
    Bytes length = BigEndian(content.size());
    length.erase(length.begin(), std::find_if(length.begin(), length.end(), [](std::uint8_t byte) { return byte != 0; }));
    out.push_back(static_cast<std::uint8_t>(0x80 | length.size()));
    Append(out, length);
  }
  Append(out, content);
  return out;
}

Bytes Concat(std::initializer_list<ByteView> parts) {
  Bytes out;
  for (const ByteView part : parts) Append(out, part);
  return out;
}

Bytes Sequence(std::initializer_list<ByteView> parts) { return Element(0x30, Concat(parts)); }
Bytes Set(std::initializer_list<ByteView> parts) { return Element(0x31, Concat(parts)); }
Bytes Explicit(std::uint8_t number, ByteView content) {
  return Element(static_cast<std::uint8_t>(kContextSpecific | kConstructed | number), content);
}
Bytes Implicit(std::uint8_t number, ByteView content) { return Element(static_cast<std::uint8_t>(kContextSpecific | number), content); }

Bytes Boolean(bool value) { return Element(0x01, Bytes{static_cast<std::uint8_t>(value ? 0xFF : 0x00)}); }
Bytes Null() { return Element(0x05, {}); }
Bytes Integer(std::uint64_t value) { return IntegerOf(BigEndian(value)); }

Bytes IntegerOf(ByteView magnitude) {
  while (magnitude.size() > 1 && magnitude[0] == 0) magnitude = magnitude.subspan(1);
  Bytes content;
  // The top bit is the sign: a magnitude that has it set needs a zero in front.
  if (magnitude.empty() || (magnitude[0] & 0x80) != 0) content.push_back(0);
  Append(content, magnitude);
  return Element(0x02, content);
}

Bytes BitString(ByteView bytes, std::uint8_t unused_bits) {
  Bytes content{unused_bits};
  Append(content, bytes);
  return Element(0x03, content);
}
Bytes OctetString(ByteView bytes) { return Element(0x04, bytes); }

Bytes Oid(std::string_view dotted) {
  std::vector<std::uint64_t> arcs;
  const char* at = dotted.data();
  const char* const end = at + dotted.size();
  while (at != end) {
    std::uint64_t arc = 0;
    const auto [next, error] = std::from_chars(at, end, arc);
    ASSAY_CHECK(error == std::errc());
    arcs.push_back(arc);
    at = next == end ? end : next + 1;
  }
  ASSAY_CHECK(arcs.size() >= 2);
  Bytes content;
  const auto append_arc = [&](std::uint64_t arc) {
    Bytes groups{static_cast<std::uint8_t>(arc & 0x7F)};
    while ((arc >>= 7) != 0) groups.insert(groups.begin(), static_cast<std::uint8_t>(0x80 | (arc & 0x7F)));
    Append(content, groups);
  };
  append_arc(arcs[0] * 40 + arcs[1]);
  for (std::size_t i = 2; i < arcs.size(); ++i) append_arc(arcs[i]);
  return Element(0x06, content);
}

Bytes Utf8String(std::string_view text) { return Element(0x0C, AsBytes(text)); }
Bytes PrintableString(std::string_view text) { return Element(0x13, AsBytes(text)); }
Bytes Ia5String(std::string_view text) { return Element(0x16, AsBytes(text)); }

Bytes Date(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  const int year = static_cast<int>(date.year());
  char text[32];
  const int length = std::snprintf(text, sizeof text, "%04d%02u%02u%02d%02d%02dZ", year, static_cast<unsigned>(date.month()),
                                   static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                                   static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
  ASSAY_CHECK(length == 15);
  const std::string_view digits(text, 15);
  return year < 2050 ? Element(0x17, AsBytes(digits.substr(2))) : Element(0x18, AsBytes(digits));
}

}  // namespace assay::softtee::der
