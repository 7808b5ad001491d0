// The attestation report of Azure's paravisor (HCL), as it stands in NV index 0x01400001 of the virtual TPM: microsoft/openvmm,
// openhcl/underhill_attestation, igvm_attest (IGVM_ATTEST request). TDREPORT: Intel TDX module ABI specification, TDREPORT_STRUCT. All
// integers little-endian.
//
//   header 32, hardware report 1184 (SEV-SNP report, or TDREPORT 1024 and zeros), request data 20, runtime claims (JSON), zeros
//
// Nothing of it is signed but the hardware report (a TDREPORT not even that: it has a MAC that only its own machine can verify), and
// through its report data the claims.
#pragma once

#include <array>
#include <cstddef>

#include "base/layout.h"

namespace assay::azure_hcl {

inline constexpr std::size_t kHeaderSize = 1236;                       // up to the claims
inline constexpr std::size_t kMaxReportSize = std::size_t{16} * 1024;  // genuine ones are 2048 or 2600 bytes
inline constexpr std::size_t kHardwareReportSize = 1184;
inline constexpr std::size_t kTdReportSize = 1024;
inline constexpr std::size_t kRequestDataSize = 20;

inline constexpr auto kReport = std::to_array<Field>({
    {"SIGNATURE", 0, 4},
    {"VERSION", 4, 4},
    {"REPORT_SIZE", 8, 4},
    {"REQUEST_TYPE", 12, 4},
    {"STATUS", 16, 4},
    {"RESERVED_20", 20, 12, FieldUse::kReservedZero},
    {"HARDWARE_REPORT", 32, 1184},
    {"DATA_SIZE", 1216, 4},
    {"DATA_VERSION", 1220, 4},
    {"REPORT_TYPE", 1224, 4},
    {"REPORT_DATA_HASH_TYPE", 1228, 4},
    {"VARIABLE_DATA_SIZE", 1232, 4},
});
static_assert(IsContiguous(kReport, kHeaderSize));

inline constexpr auto kTdReport = std::to_array<Field>({
    {"REPORTTYPE.TYPE", 0, 1},
    {"REPORTTYPE.SUBTYPE", 1, 1},
    {"REPORTTYPE.VERSION", 2, 1},
    {"REPORTTYPE.RESERVED", 3, 1, FieldUse::kReservedZero},
    {"RESERVED_4", 4, 12, FieldUse::kReservedZero},
    {"CPUSVN", 16, 16},
    {"TEE_TCB_INFO_HASH", 32, 48},
    {"TEE_INFO_HASH", 80, 48},
    {"REPORTDATA", 128, 64},
    {"RESERVED_192", 192, 32, FieldUse::kReservedZero},
    {"MAC", 224, 32},
    {"TEE_TCB_INFO", 256, 239},
    {"RESERVED_495", 495, 17, FieldUse::kReservedZero},
    {"TEE_INFO", 512, 512},
    {"BEHIND", 1024, 160, FieldUse::kReservedZero},  // in the slot of a SEV-SNP report
});
static_assert(IsContiguous(kTdReport, kHardwareReportSize));

// REPORT_DATA of a SEV-SNP report: AMD 56860, section 7.3. The rest of it is the other format's.
inline constexpr Field kSnpReportData = {"REPORT_DATA", 0x050, 64};

}  // namespace assay::azure_hcl
