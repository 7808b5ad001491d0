#include "codec/protobuf.h"

#include <optional>
#include <string>

#include "base/reader.h"
#include "base/strings.h"

namespace assay::protobuf {
namespace {

constexpr std::uint64_t kHighestField = (std::uint64_t{1} << 29) - 1;

Finding Malformed(std::string_view name, std::size_t at, std::string expected, std::string actual) {
  return {.reason = Reason::kEncodingMalformed,
          .component = Cat(name, " at byte ", at),
          .expected = std::move(expected),
          .actual = std::move(actual)};
}

// nullopt: cut off, longer than it needs to be, or more than 64 bits.
std::optional<std::uint64_t> Varint(Reader& reader) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto byte = reader.U8();
    if (!byte || (shift == 63 && *byte > 1)) return std::nullopt;
    value |= std::uint64_t{*byte & 0x7FU} << shift;
    if ((*byte & 0x80) == 0) return *byte == 0 && shift != 0 ? std::nullopt : std::optional(value);
  }
  return std::nullopt;
}

}  // namespace

Outcome<std::vector<Field>> Parse(ByteView message, std::string_view name, const Limits& limits) {
  if (message.size() > limits.bytes) {
    return Finding{.reason = Reason::kSizeOverLimit,
                   .component = std::string(name),
                   .expected = Cat("at most ", limits.bytes, " bytes"),
                   .actual = Cat(message.size(), " bytes")};
  }
  std::vector<Field> fields;
  for (Reader reader(message); !reader.AtEnd();) {
    const std::size_t at = reader.position();
    if (fields.size() == limits.fields) {
      return Finding{.reason = Reason::kSizeOverLimit,
                     .component = Cat(name, " at byte ", at),
                     .expected = Cat("at most ", limits.fields, " fields"),
                     .actual = "more"};
    }
    const auto tag = Varint(reader);
    if (!tag) return Malformed(name, at, "a tag, in its shortest form", "none");
    const std::uint64_t number = *tag >> 3;
    if (number == 0 || number > kHighestField) {
      return Malformed(name, at, Cat("a field number of 1 to ", kHighestField), std::to_string(number));
    }
    Field field{.number = static_cast<std::uint32_t>(number), .type = static_cast<WireType>(*tag & 7), .value = 0, .bytes = {}};
    bool whole = true;
    switch (field.type) {
      case WireType::kVarint: {
        const auto value = Varint(reader);
        whole = value.has_value();
        field.value = value.value_or(0);
        break;
      }
      case WireType::kFixed64: {
        const auto value = reader.U64Le();
        whole = value.has_value();
        field.value = value.value_or(0);
        break;
      }
      case WireType::kFixed32: {
        const auto value = reader.U32Le();
        whole = value.has_value();
        field.value = value.value_or(0);
        break;
      }
      case WireType::kLength: {
        const auto length = Varint(reader);
        const auto bytes = length && *length <= reader.remaining() ? reader.Take(static_cast<std::size_t>(*length)) : std::nullopt;
        whole = bytes.has_value();
        field.bytes = bytes.value_or(ByteView());
        break;
      }
      default: return Malformed(name, at, "wire type 0, 1, 2 or 5", std::to_string(*tag & 7));
    }
    if (!whole) {
      return Malformed(name, at, Cat("field ", number, ", whole and in its shortest form"),
                       Cat(message.size() - at, " bytes up to the end"));
    }
    fields.push_back(field);
  }
  return fields;
}

}  // namespace assay::protobuf
