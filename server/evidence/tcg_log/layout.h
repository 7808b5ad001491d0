// Event logs of the Trusted Computing Group: PC Client Platform Firmware Profile 1.06 (PFP), section 10. The CCEL table and how TDX uses
// such a log: ACPI 6.5, section 5.2.34, and the UEFI 2.10 confidential computing protocol, section 38. All integers little-endian.
//
//   legacy         u32 register, u32 type, SHA-1 digest (20), u32 size, data                                     TCG_PCR_EVENT
//   crypto-agile   one such event with the Spec ID in its data, then
//                  u32 register, u32 type, u32 count, count times (u16 algorithm, digest), u32 size, data        TCG_PCR_EVENT2
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/layout.h"

namespace assay::tcg_log {

inline constexpr std::size_t kMaxLogSize = std::size_t{1024} * 1024;
inline constexpr std::size_t kMaxEvents = 20'000;
inline constexpr std::size_t kMaxAlgorithms = 16;

inline constexpr std::uint32_t kEndOfLog = 0xFFFFFFFF;  // as a register: what the firmware filled the log's area with
inline constexpr std::uint32_t kPcrs = 24;
inline constexpr std::uint32_t kFirstDynamicPcr = 17;  // of the dynamic root of trust for measurement
inline constexpr std::uint32_t kLastDynamicPcr = 22;
inline constexpr std::uint32_t kMeasurementRegisters = 5;  // of CCEL: MRTD, RTMR0 to RTMR3
inline constexpr std::size_t kRtmrs = 4;

// TCG_PCR_EVENT up to its data.
inline constexpr std::size_t kPcrEventSize = 32;
inline constexpr auto kPcrEvent = std::to_array<Field>({
    {"PCRINDEX", 0, 4},
    {"EVENTTYPE", 4, 4},
    {"DIGEST", 8, 20},
    {"EVENTSIZE", 28, 4},
});
static_assert(IsContiguous(kPcrEvent, kPcrEventSize));

// TCG_EfiSpecIDEvent up to its algorithms; behind them u8 vendorInfoSize and as many bytes.
inline constexpr std::size_t kSpecIdSize = 28;
inline constexpr auto kSpecId = std::to_array<Field>({
    {"SIGNATURE", 0, 16},
    {"PLATFORMCLASS", 16, 4},
    {"SPECVERSIONMINOR", 20, 1},
    {"SPECVERSIONMAJOR", 21, 1},
    {"SPECERRATA", 22, 1},
    {"UINTNSIZE", 23, 1},
    {"NUMBEROFALGORITHMS", 24, 4},
});
static_assert(IsContiguous(kSpecId, kSpecIdSize));
inline constexpr std::string_view kSpecIdSignature("Spec ID Event03\0", 16);

// The ACPI table that says where the log lies. A hint: nothing signs it.
inline constexpr std::size_t kCcelTableSize = 56;
inline constexpr auto kCcelTable = std::to_array<Field>({
    {"SIGNATURE", 0, 4},
    {"LENGTH", 4, 4},
    {"REVISION", 8, 1},
    {"CHECKSUM", 9, 1},
    {"OEMID", 10, 6},
    {"OEM_TABLE_ID", 16, 8},
    {"OEM_REVISION", 24, 4},
    {"CREATOR_ID", 28, 4},
    {"CREATOR_REVISION", 32, 4},
    {"CC_TYPE", 36, 1},
    {"CC_SUBTYPE", 37, 1},
    {"RESERVED_38", 38, 2, FieldUse::kReservedIgnored},
    {"LAML", 40, 8},  // length of the log's area
    {"LASA", 48, 8},  // its address
});
static_assert(IsContiguous(kCcelTable, kCcelTableSize));
inline constexpr std::uint64_t kCcTypeTdx = 2;

// TCG_ALG_ID, as far as this build can compute them; others are read by the size that the header declares.
inline constexpr std::uint16_t kSha1 = 0x0004;
inline constexpr std::uint16_t kSha256 = 0x000B;
inline constexpr std::uint16_t kSha384 = 0x000C;
inline constexpr std::uint16_t kSha512 = 0x000D;
inline constexpr std::size_t kMaxDigestSize = 64;

}  // namespace assay::tcg_log
