// ECDSA quotes of Intel SGX and TDX: Intel SGX ECDSA Quote Library Reference, appendix A (version 3), and Intel TDX DCAP Quoting
// Library API, appendix A (versions 4 and 5). SGX report: Intel SDM volume 3D, REPORT structure. All integers little-endian, except
// that signatures and points are big-endian.
//
//   version 3   header 48, SGX report 384,                                   u32 length, authentication data
//   version 4   header 48, SGX report 384 or TD report 584,                  u32 length, authentication data
//   version 5   header 48, u16 body type, u32 body size, body of that type,  u32 length, authentication data
//
// Everything before the u32 length is signed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/layout.h"

namespace assay::dcap {

inline constexpr std::size_t kHeaderSize = 48;
inline constexpr std::size_t kSgxReportSize = 384;
inline constexpr std::size_t kTdReport10Size = 584;
inline constexpr std::size_t kTdReport15Size = 648;
inline constexpr std::size_t kTdReport15ExSize = 885;

// Genuine quotes stay below 6 KiB; collectors hand them over in buffers padded with zeros.
inline constexpr std::size_t kMaxQuoteSize = std::size_t{64} * 1024;

inline constexpr auto kHeaderV3 = std::to_array<Field>({
    {"VERSION", 0, 2},
    {"ATTESTATION_KEY_TYPE", 2, 2},
    {"RESERVED_4", 4, 4, FieldUse::kReservedZero},
    {"QE_SVN", 8, 2},
    {"PCE_SVN", 10, 2},
    {"QE_VENDOR_ID", 12, 16},
    {"USER_DATA", 28, 20},
});
// From version 4 on the two SVNs are no longer filled in by every quoting enclave: nothing may hang on them.
inline constexpr auto kHeaderV4 = std::to_array<Field>({
    {"VERSION", 0, 2},
    {"ATTESTATION_KEY_TYPE", 2, 2},
    {"TEE_TYPE", 4, 4},
    {"QE_SVN", 8, 2, FieldUse::kReservedIgnored},
    {"PCE_SVN", 10, 2, FieldUse::kReservedIgnored},
    {"QE_VENDOR_ID", 12, 16},
    {"USER_DATA", 28, 20},
});

inline constexpr auto kSgxReport = std::to_array<Field>({
    {"CPUSVN", 0, 16},
    {"MISCSELECT", 16, 4},
    {"RESERVED_20", 20, 12, FieldUse::kReservedZero},
    {"ISVEXTPRODID", 32, 16},
    {"ATTRIBUTES", 48, 16},
    {"MRENCLAVE", 64, 32},
    {"RESERVED_96", 96, 32, FieldUse::kReservedZero},
    {"MRSIGNER", 128, 32},
    {"RESERVED_160", 160, 32, FieldUse::kReservedZero},
    {"CONFIGID", 192, 64},
    {"ISVPRODID", 256, 2},
    {"ISVSVN", 258, 2},
    {"CONFIGSVN", 260, 2},
    {"RESERVED_262", 262, 42, FieldUse::kReservedZero},
    {"ISVFAMILYID", 304, 16},
    {"REPORTDATA", 320, 64},
});

// Each TD report begins with the one before it, so the last table names every field.
inline constexpr auto kTdReport15Ex = std::to_array<Field>({
    {"TEE_TCB_SVN", 0, 16},
    {"MRSEAM", 16, 48},
    {"MRSIGNERSEAM", 64, 48},
    {"SEAMATTRIBUTES", 112, 8},
    {"TDATTRIBUTES", 120, 8},
    {"XFAM", 128, 8},
    {"MRTD", 136, 48},
    {"MRCONFIGID", 184, 48},
    {"MROWNER", 232, 48},
    {"MROWNERCONFIG", 280, 48},
    {"RTMR0", 328, 48},
    {"RTMR1", 376, 48},
    {"RTMR2", 424, 48},
    {"RTMR3", 472, 48},
    {"REPORTDATA", 520, 64},
    // TD report 1.5
    {"TEE_TCB_SVN_2", 584, 16},
    {"MRSERVICETD", 600, 48},
    // TD report 1.5 with the extension of body type 4
    {"VMID", 648, 1},
    {"TDID", 649, 32},
    {"DEVINFO", 681, 48},
    {"INITSERVTDHASH", 729, 48},
    {"INITSERVTDATTRIBUTES", 777, 8},
    {"INITCPUSVN", 785, 16},
    {"INITTEETCBSVN", 801, 16},
    {"INITTEEFMSPC", 817, 12},
    {"CURSERVTDHASH", 829, 48},
    {"CURSERVTDATTRIBUTES", 877, 8},
});

// The first `Count` rows.
template <std::size_t Count, std::size_t N>
consteval std::array<Field, Count> FirstOf(const std::array<Field, N>& layout) {
  std::array<Field, Count> rows{};
  for (std::size_t i = 0; i < Count; ++i) rows[i] = layout[i];
  return rows;
}
inline constexpr auto kTdReport10 = FirstOf<15>(kTdReport15Ex);
inline constexpr auto kTdReport15 = FirstOf<17>(kTdReport15Ex);

static_assert(IsContiguous(kHeaderV3, kHeaderSize));
static_assert(IsContiguous(kHeaderV4, kHeaderSize));
static_assert(IsContiguous(kSgxReport, kSgxReportSize));
static_assert(IsContiguous(kTdReport10, kTdReport10Size));
static_assert(IsContiguous(kTdReport15, kTdReport15Size));
static_assert(IsContiguous(kTdReport15Ex, kTdReport15ExSize));

// ECDSA_ID of Intel's quoting enclaves: 939A7233-F79C-4CA9-940A-0DB3957F0607.
inline constexpr ByteArray<16> kIntelQeVendorId = {0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9,
                                                   0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07};

inline constexpr std::size_t kSignatureSize = 64;  // r || s, P-256
inline constexpr std::size_t kPublicKeySize = 64;  // x || y, P-256
inline constexpr std::size_t kCoordinateSize = 32;

// Types of certification data. Of those inside a quote only kPckChain brings the certificates that a remote verifier needs.
enum class CertificationType : std::uint16_t {
  kPpidClear = 1,
  kPpidRsa2048 = 2,
  kPpidRsa3072 = 3,
  kPckLeaf = 4,
  kPckChain = 5,
  kQeReport = 6,
  kPlatformManifest = 7
};

}  // namespace assay::dcap
