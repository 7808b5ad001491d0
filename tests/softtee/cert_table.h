// The certificate table of an extended guest request (AMD 56421, GHCB, section 4.1.8.1), as a hypervisor hands it over:
// rows of {GUID in RFC 4122 byte order, offset u32 LE, length u32 LE}, 24 zero bytes, then the values.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace assay::softtee {

namespace guid {
inline constexpr std::string_view kVcek = "63da758d-e664-4564-adc5-f4b93be8accd";
inline constexpr std::string_view kVlek = "a8074bc2-a25a-483e-aae6-39c045a0b8a1";
inline constexpr std::string_view kAsk = "4ab7b379-bbac-4fe4-a02f-05aef327c782";  // the ASVK too
inline constexpr std::string_view kArk = "c0b406a4-a803-4952-9743-3fb6014cd0ae";
inline constexpr std::string_view kCrl = "92f81bc3-5811-4d3d-97ff-d19f88dc67ea";
}  // namespace guid

enum class TableFault : std::uint8_t {
  kNone,
  kOverlap,        // the second value begins inside the first
  kWrap,           // offset + length of the last row is past 2^32
  kPastEnd,        // the last value ends a byte behind the table
  kInsideHeader,   // the first value begins inside the rows
  kDuplicateGuid,  // the second row repeats the first row's GUID
  kNoTerminator,   // no 24 zero bytes: the values follow the rows at once
  kEmptyValue,     // a row of length zero
  kCutOff,         // the table ends within its rows
};

struct CertTable {
  struct Row {
    std::string_view guid;
    Bytes value;
  };
  std::vector<Row> rows;

  // The faults between rows need two of them.
  Bytes Serialize(TableFault fault = TableFault::kNone) const;
};

}  // namespace assay::softtee
