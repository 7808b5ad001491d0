#include "tests/softtee/cert_table.h"

#include <string>

#include "base/bug.h"
#include "base/hex.h"

namespace assay::softtee {
namespace {

constexpr std::size_t kRowSize = 24;

Bytes BytesOfGuid(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != '-') digits.push_back(c);
  }
  const auto bytes = FromHex(digits);
  ASSAY_CHECK(bytes && bytes->size() == 16);
  return *bytes;
}

void AppendU32Le(Bytes& to, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) to.push_back(static_cast<std::uint8_t>(value >> shift));
}

}  // namespace

Bytes CertTable::Serialize(TableFault fault) const {
  ASSAY_CHECK(fault == TableFault::kNone || rows.size() >= 2);
  const bool terminated = fault != TableFault::kNoTerminator;
  const std::size_t header = kRowSize * (rows.size() + (terminated ? 1 : 0));

  Bytes table;
  Bytes values;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool first = i == 0;
    const bool last = i + 1 == rows.size();
    auto offset = static_cast<std::uint32_t>(header + values.size());
    auto length = static_cast<std::uint32_t>(rows[i].value.size());
    Append(values, rows[i].value);
    if (fault == TableFault::kOverlap && i == 1) --offset;
    if (fault == TableFault::kWrap && last) offset = 0xFFFFFFFFU - length / 2;
    if (fault == TableFault::kPastEnd && last) ++length;
    if (fault == TableFault::kInsideHeader && first) offset = static_cast<std::uint32_t>(header - 1);
    if (fault == TableFault::kEmptyValue && last) length = 0;
    Append(table, BytesOfGuid(fault == TableFault::kDuplicateGuid && i == 1 ? rows[0].guid : rows[i].guid));
    AppendU32Le(table, offset);
    AppendU32Le(table, length);
  }
  if (terminated) table.resize(header, 0);
  Append(table, values);
  if (fault == TableFault::kCutOff) table.resize(kRowSize + kRowSize / 2);
  return table;
}

}  // namespace assay::softtee
