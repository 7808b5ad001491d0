#include "codec/json_writer.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "base/strings.h"
#include "codec/syntax_error.h"

namespace assay::json {
namespace {

// I-JSON (RFC 7493 section 2.2): the integers that a double holds exactly.
constexpr std::uint64_t kMostExact = (std::uint64_t{1} << 53) - 1;

// Section 3.2.2.2: the short form where there is one, else lower-case \u00xx.
void AppendEscape(char c, std::string& out) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  out += '\\';
  switch (c) {
    case '"':
    case '\\': out += c; return;
    case '\b': out += 'b'; return;
    case '\t': out += 't'; return;
    case '\n': out += 'n'; return;
    case '\f': out += 'f'; return;
    case '\r': out += 'r'; return;
    default: break;
  }
  const auto byte = static_cast<unsigned char>(c);
  out += "u00";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 0x0f];
}

class Writer {
 public:
  bool Write(const Value& value) {
    if (const std::string* text = value.AsString()) return WriteString(*text);
    if (const Value::Object* members = value.AsObject()) return WriteObject(*members);
    if (const Value::Array* elements = value.AsArray()) return WriteArray(*elements);
    if (const auto flag = value.AsBool()) return Literal(*flag ? "true" : "false");
    if (value.IsNull()) return Literal("null");
    if (const auto natural = value.AsUint64()) return WriteInteger(*natural, *natural <= kMostExact);
    if (const auto negative = value.AsInt64()) return WriteInteger(*negative, *negative >= -static_cast<std::int64_t>(kMostExact));
    return Refuse(kExactInteger, codec::Quoted(*value.AsOtherNumber()));
  }

  Outcome<std::string> Finish(bool written) && {
    if (!written) return *std::move(finding_);
    return std::move(out_);
  }

 private:
  static constexpr std::string_view kExactInteger = "an integer of at most 53 bits";

  bool Refuse(std::string_view expected, std::string actual) {
    finding_ = codec::SyntaxError("canonical json", std::string(expected), std::move(actual));
    return false;
  }

  bool Literal(std::string_view text) {
    out_ += text;
    return true;
  }

  template <typename Number>
  bool WriteInteger(Number number, bool exact) {
    if (!exact) return Refuse(kExactInteger, std::to_string(number));
    char digits[24];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
    out_.append(digits, end);
    return true;
  }

  bool WriteArray(const Value::Array& elements) {
    char separator = '[';
    for (const Value& element : elements) {
      out_ += separator;
      separator = ',';
      if (!Write(element)) return false;
    }
    return Literal(elements.empty() ? "[]" : "]");
  }

  bool WriteObject(const Value::Object& members) {
    if (members.empty()) return Literal("{}");
    const auto precedes = [](const Member& a, const Member& b) { return PrecedesInUtf16(a.name, b.name); };
    if (std::is_sorted(members.begin(), members.end(), precedes)) {
      return WriteMembers(members, [](const Member& member) -> const Member& { return member; });
    }
    std::vector<const Member*> order;
    order.reserve(members.size());
    for (const Member& member : members) order.push_back(&member);
    std::sort(order.begin(), order.end(), [&](const Member* a, const Member* b) { return precedes(*a, *b); });
    return WriteMembers(order, [](const Member* member) -> const Member& { return *member; });
  }

  bool WriteMembers(const auto& sorted, auto member_of) {
    char separator = '{';
    const Member* before = nullptr;
    for (const auto& element : sorted) {
      const Member& member = member_of(element);
      if (before != nullptr && before->name == member.name) {
        return Refuse("each member name once", Cat(codec::Quoted(member.name), " again"));
      }
      before = &member;
      out_ += separator;
      separator = ',';
      if (!WriteString(member.name)) return false;
      out_ += ':';
      if (!Write(member.value)) return false;
    }
    return Literal("}");
  }

  bool WriteString(std::string_view text) { return AppendCanonical(text, out_) || Refuse("valid UTF-8", codec::Quoted(text)); }

  std::string out_;
  std::optional<Finding> finding_;
};

}  // namespace

bool AppendCanonical(std::string_view text, std::string& out) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t run = i;
    while (i < text.size() && static_cast<unsigned char>(text[i]) < 0x80 && text[i] >= 0x20 && text[i] != '"' && text[i] != '\\') ++i;
    out.append(text.substr(run, i - run));
    if (i == text.size()) break;
    const std::size_t length = Utf8SequenceLength(text.substr(i));
    if (length == 0) return false;
    if (length == 1) AppendEscape(text[i], out);
    else out.append(text.substr(i, length));
    i += length;
  }
  out += '"';
  return true;
}

bool PrecedesInUtf16(std::string_view a, std::string_view b) {
  const auto [at_a, at_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (at_a == a.end() || at_b == b.end()) return at_a == a.end() && at_b != b.end();
  const auto byte_a = static_cast<unsigned char>(*at_a), byte_b = static_cast<unsigned char>(*at_b);
  // The orders of UTF-8 and UTF-16 differ in one case: characters above U+FFFF (first byte 0xF0 or more) are surrogates
  // in UTF-16 and so stand before U+E000 to U+FFFF (first byte 0xEE or 0xEF).
  if (byte_a >= 0xee && byte_b >= 0xee && (byte_a >= 0xf0) != (byte_b >= 0xf0)) return byte_a >= 0xf0;
  return byte_a < byte_b;
}

Outcome<std::string> Canonical(const Value& value) {
  Writer writer;
  const bool written = writer.Write(value);
  return std::move(writer).Finish(written);
}

}  // namespace assay::json
