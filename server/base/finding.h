// Findings: rejection as data. What was looked at, what was expected, what was there, and what would change it.
//
// Three error worlds, never mixed: a rejection (the evidence is bad) is a Finding in an Outcome or CheckLog; a failure
// (we could not do our job) is an absl::Status; a bug is ASSAY_CHECK.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace assay {

enum class Stage : std::uint8_t { kParse, kAuthenticate, kAppraise, kCollateral, kRequest };
std::string_view NameOf(Stage stage);

// draft-ietf-rats-ar4si, section 2.3: the eight trustworthiness claims.
enum class Ar4siClaim : std::uint8_t {
  kInstanceIdentity,
  kConfiguration,
  kExecutables,
  kFileSystem,
  kHardware,
  kRuntimeOpaque,
  kStorageOpaque,
  kSourcedData
};
std::string_view NameOf(Ar4siClaim claim);

enum class Reason : std::uint16_t {
#define REASON(constant, number, name, stage, case_class, ar4si, value, meaning, remedy) constant = number,
#include "base/reasons.def"
#undef REASON
};

struct ReasonEntry {
  Reason reason;
  std::uint16_t number;
  std::string_view name;  // snake_case; stable
  Stage stage;
  std::string_view case_class;  // class of the conformance vectors, or ""
  Ar4siClaim ar4si_claim;
  std::int8_t ar4si_value;
  std::string_view meaning;
  std::string_view remedy;
};
std::span<const ReasonEntry> AllReasons();  // in order of number
const ReasonEntry& EntryOf(Reason reason);
inline std::string_view NameOf(Reason reason) { return EntryOf(reason).name; }

// What a finding does to the verdict. The worst effect of all findings decides.
enum class Effect : std::uint8_t {
  kNote,           // shown, changes nothing
  kWarn,           // at most TRUSTED_WITH_WARNINGS
  kIndeterminate,  // could not decide: INDETERMINATE
  kReject,         // REJECTED
};
std::string_view NameOf(Effect effect);

struct Finding {
  Reason reason;
  Effect effect = Effect::kReject;
  std::string component = {};       // path of the part looked at, e.g. "sev-snp-report", "vcek/extension 1.3.6.1.4.1.3704.1.4"
  std::string claim = {};           // claim or field name, e.g. "snp.reported_tcb", "CHIP_ID"
  std::string expected = {};        // bounded, printable
  std::string actual = {};          // bounded, printable
  std::string spec = {};            // e.g. "AMD 56860 Table 23"
  std::string remedy = {};          // what would change it; empty = the reason's own remedy
  std::string waived_because = {};  // what the policy's author wrote; empty = not waived
};

// "tcb_mismatch (2011) at vcek: snp.reported_tcb: expected …, actual …. Remedy."
std::string Describe(const Finding& finding);

}  // namespace assay
