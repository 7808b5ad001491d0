// ATTESTATION_REPORT, AMD publication 56860 (SEV-SNP firmware ABI), section 7.3, one table per version. All integers are
// little-endian. Bytes 0x000 to 0x29F are signed; what follows is the signature, in a slot larger than it needs.
//
// Version 2 has no CPUID; version 3 added it; version 4 is read like 3 (no public specification: accepted only where a
// policy names it); version 5 added the mitigation vectors.
#pragma once

#include <array>
#include <cstddef>

#include "base/layout.h"

namespace assay::sev_snp {

inline constexpr std::size_t kReportSize = 0x4A0;
inline constexpr std::size_t kSignedSize = 0x2A0;

inline constexpr auto kHeadOfReport = std::to_array<Field>({
    {"VERSION", 0x000, 4},
    {"GUEST_SVN", 0x004, 4},
    {"POLICY", 0x008, 8},
    {"FAMILY_ID", 0x010, 16},
    {"IMAGE_ID", 0x020, 16},
    {"VMPL", 0x030, 4},
    {"SIGNATURE_ALGO", 0x034, 4},
    {"CURRENT_TCB", 0x038, 8},
    {"PLATFORM_INFO", 0x040, 8},
    {"SIGNER_INFO", 0x048, 4},
    {"RESERVED_04C", 0x04C, 4, FieldUse::kReservedZero},
    {"REPORT_DATA", 0x050, 64},
    {"MEASUREMENT", 0x090, 48},
    {"HOST_DATA", 0x0C0, 32},
    {"ID_KEY_DIGEST", 0x0E0, 48},
    {"AUTHOR_KEY_DIGEST", 0x110, 48},
    {"REPORT_ID", 0x140, 32},
    {"REPORT_ID_MA", 0x160, 32},
    {"REPORTED_TCB", 0x180, 8},
});
inline constexpr auto kCpuIdAbsent = std::to_array<Field>({
    {"RESERVED_188", 0x188, 24, FieldUse::kReservedZero},
});
inline constexpr auto kCpuIdPresent = std::to_array<Field>({
    {"CPUID_FAM_ID", 0x188, 1},
    {"CPUID_MOD_ID", 0x189, 1},
    {"CPUID_STEP", 0x18A, 1},
    {"RESERVED_18B", 0x18B, 21, FieldUse::kReservedZero},
});
inline constexpr auto kMiddleOfReport = std::to_array<Field>({
    {"CHIP_ID", 0x1A0, 64},
    {"COMMITTED_TCB", 0x1E0, 8},
    {"CURRENT_BUILD", 0x1E8, 1},
    {"CURRENT_MINOR", 0x1E9, 1},
    {"CURRENT_MAJOR", 0x1EA, 1},
    {"RESERVED_1EB", 0x1EB, 1, FieldUse::kReservedZero},
    {"COMMITTED_BUILD", 0x1EC, 1},
    {"COMMITTED_MINOR", 0x1ED, 1},
    {"COMMITTED_MAJOR", 0x1EE, 1},
    {"RESERVED_1EF", 0x1EF, 1, FieldUse::kReservedZero},
    {"LAUNCH_TCB", 0x1F0, 8},
});
inline constexpr auto kMitigationAbsent = std::to_array<Field>({
    {"RESERVED_1F8", 0x1F8, 168, FieldUse::kReservedZero},
});
inline constexpr auto kMitigationPresent = std::to_array<Field>({
    {"LAUNCH_MIT_VECTOR", 0x1F8, 8},
    {"CURRENT_MIT_VECTOR", 0x200, 8},
    {"RESERVED_208", 0x208, 152, FieldUse::kReservedZero},
});
// AMD 56860, table of the ECDSA signature: r and s as 72-byte little-endian integers, of which P-384 fills 48. Nothing
// behind the 48 bytes is signed or means anything, so it has to be zero: else two reports could differ and both verify.
inline constexpr auto kSignatureOfReport = std::to_array<Field>({
    {"SIGNATURE_R", 0x2A0, 48},
    {"SIGNATURE_R_PADDING", 0x2D0, 24, FieldUse::kReservedZero},
    {"SIGNATURE_S", 0x2E8, 48},
    {"SIGNATURE_S_PADDING", 0x318, 24, FieldUse::kReservedZero},
    {"SIGNATURE_RESERVED", 0x330, 368, FieldUse::kReservedZero},
});

template <std::size_t... Sizes>
consteval auto Joined(const std::array<Field, Sizes>&... pieces) {
  std::array<Field, (Sizes + ...)> table{};
  std::size_t next = 0;
  const auto append = [&](const auto& piece) {
    for (const Field& field : piece) table[next++] = field;
  };
  (append(pieces), ...);
  return table;
}

inline constexpr auto kReportV2 = Joined(kHeadOfReport, kCpuIdAbsent, kMiddleOfReport, kMitigationAbsent, kSignatureOfReport);
inline constexpr auto kReportV3 = Joined(kHeadOfReport, kCpuIdPresent, kMiddleOfReport, kMitigationAbsent, kSignatureOfReport);
inline constexpr auto kReportV5 = Joined(kHeadOfReport, kCpuIdPresent, kMiddleOfReport, kMitigationPresent, kSignatureOfReport);

static_assert(IsContiguous(kReportV2, kReportSize));
static_assert(IsContiguous(kReportV3, kReportSize));
static_assert(IsContiguous(kReportV5, kReportSize));

}  // namespace assay::sev_snp
