#include "evidence/tcg_log/ccel_table.h"

#include <string>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/tcg_log/layout.h"

namespace assay::tcg_log {
namespace {

constexpr std::string_view kComponent = "ccel-table";
constexpr std::string_view kSignature = "CCEL";

consteval Field T(std::string_view name) { return FieldNamed(kCcelTable, name); }

}  // namespace

std::optional<CcelTable> ReadCcelTable(ByteView bytes, CheckLog& log) {
  const auto require = [&](bool holds, Reason reason, std::string_view field, std::string expected, const std::string& actual) {
    return log.Require(Check::kLogCcelTable, holds, [&] {
      return Finding{.reason = reason,
                     .component = std::string(kComponent),
                     .claim = std::string(field),
                     .expected = std::move(expected),
                     .actual = actual,
                     .spec = "ACPI 6.5, section 5.2.34"};
    });
  };
  if (!require(bytes.size() == kCcelTableSize, Reason::kLengthWrong, "length", Cat(kCcelTableSize, " bytes"),
               Cat(bytes.size(), " bytes"))) {
    return std::nullopt;
  }
  const ByteView signature = SliceOf(bytes, T("SIGNATURE"));
  bool sound =
      require(Equal(signature, AsBytes(kSignature)), Reason::kFieldInvalid, "SIGNATURE", ToHex(AsBytes(kSignature)), ToHex(signature));
  const std::uint64_t length = LittleEndianOf(bytes, T("LENGTH"));
  sound &= require(length == kCcelTableSize, Reason::kFieldInvalid, "LENGTH", std::to_string(kCcelTableSize), std::to_string(length));
  unsigned sum = 0;
  for (const std::uint8_t byte : bytes) sum += byte;
  sound &= require(sum % 256 == 0, Reason::kFieldInvalid, "CHECKSUM", "bytes that add up to 0", std::to_string(sum % 256));
  const std::uint64_t type = LittleEndianOf(bytes, T("CC_TYPE"));
  sound &= require(type == kCcTypeTdx, Reason::kFieldInvalid, "CC_TYPE", "2 (TDX)", std::to_string(type));
  if (!sound) return std::nullopt;
  return CcelTable{LittleEndianOf(bytes, T("LAML")), LittleEndianOf(bytes, T("LASA"))};
}

bool LooksLikeCcelTable(ByteView bytes) { return bytes.size() == kCcelTableSize && Equal(bytes.first(4), AsBytes(kSignature)); }

trust::Description DescribeCcelTable(ByteView bytes) {
  CheckLog log;
  const auto table = ReadCcelTable(bytes, log);
  trust::Description description("ACPI table CCEL", table ? "TDX" : "malformed");
  if (!table) {
    description.set_malformed();
    for (const Finding& finding : log.findings()) description.Add("defect", Describe(finding));
    return description;
  }
  description.Add("length of the log's area", std::to_string(table->log_area_length));
  Bytes address;
  AppendU64Be(address, table->log_area_address);
  description.Add("address of the log's area", Cat("0x", ToHex(address)));
  return description;
}

}  // namespace assay::tcg_log
