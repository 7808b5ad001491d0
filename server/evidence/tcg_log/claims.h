// The claims of an event log, and which of them a policy has to appraise.
//
// An event's type, and its order among the other registers' events, are covered by nothing; data are covered where they hash to the digest.
// So a claim stands on digests, on their order within one register, and on data that hash to them, and on nothing else:
//   - what the firmware measured of Secure Boot counts before the first separator only, told by its digest: behind it others can extend;
//   - in PCR 7, where there is no separator that the firmware could not be made to leave out, nothing may stand that is not understood;
//   - the filtered replays leave out only events whose data hash to the digest and are of a closed set, so that whoever writes the log can't
//     hide a measurement by calling it something harmless.
#pragma once

#include <span>

#include "evidence/format.h"

namespace assay::tcg_log {

inline constexpr std::string_view kCommandLineClaim = "log.kernel_cmdline";
inline constexpr std::string_view kBootFilesClaim = "log.boot_files";
inline constexpr std::string_view kBankClaim = "log.bank";
inline constexpr std::string_view kSha1Bank = "sha1";  // a value of log.bank
inline constexpr std::string_view kUnknownSecureBootEventsClaim = "log.secure_boot_unknown_events";

std::span<const evidence::ClaimSpec> ClaimTable();  // sorted by name

}  // namespace assay::tcg_log
