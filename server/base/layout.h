// Offset tables of fixed-size structures: the specification's own table, checked by the compiler.
//
// A layout is a constexpr array of Field rows in order of offset. IsContiguous() proves at compile time that the rows
// cover [0, size) without gap or overlap, so a hole in the specification has to be declared: reserved and demanded zero
// (kReservedZero) or reserved and left alone (kReservedIgnored).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/reader.h"

namespace assay {

enum class FieldUse : std::uint8_t { kValue, kReservedZero, kReservedIgnored };

struct Field {
  std::string_view name;  // the specification's name, upper case as there
  std::size_t offset;
  std::size_t size;
  FieldUse use = FieldUse::kValue;
};

template <std::size_t N>
consteval bool IsContiguous(const std::array<Field, N>& layout, std::size_t size) {
  std::size_t next = 0;
  for (const Field& field : layout) {
    if (field.offset != next || field.size == 0) return false;
    next += field.size;
  }
  return next == size;
}

// Finds a row by name at compile time; a misspelt name does not compile.
template <std::size_t N>
consteval Field FieldNamed(const std::array<Field, N>& layout, std::string_view name) {
  for (const Field& field : layout) {
    if (field.name == name) return field;
  }
  throw "no field of that name in the layout";
}

// Bytes already known to be as long as the layout: `whole.size() >= field.offset + field.size` is the caller's promise,
// kept by checking the exact total length first. A broken promise yields an empty view, never memory outside.
inline ByteView SliceOf(ByteView whole, const Field& field) {
  if (field.offset > whole.size() || field.size > whole.size() - field.offset) return {};
  return whole.subspan(field.offset, field.size);
}

// Little-endian integer of 1 to 8 bytes.
inline std::uint64_t LittleEndianOf(ByteView whole, const Field& field) {
  const ByteView raw = SliceOf(whole, field);
  std::uint64_t value = 0;
  for (std::size_t i = raw.size() < 8 ? raw.size() : 8; i-- > 0;) value = value << 8 | raw[i];
  return value;
}

}  // namespace assay
