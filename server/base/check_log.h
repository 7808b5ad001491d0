// CheckLog: which named security checks ran, how each ended, and the findings of those that did not pass.
//
//   if (!log.Require(Check::kSnpHwid, Equal(hwid, chip_id), [&] { return Finding{…}; })) return std::nullopt;
//
// Promises: a check that was never reported is not in the log, so it can't be shown as passed; a failed check always
// has a finding. Does not promise: an order beyond that of the calls.
//
// Mutation gate: built with ASSAY_MUTANTS, the check named by the environment variable ASSAY_MUTANT never fails. In every
// other build that code does not exist.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/finding.h"
#include "base/outcome.h"

namespace assay {

enum class Check : std::uint8_t {
#define CHECK(constant, name, meaning) constant,
#include "base/checks.def"
#undef CHECK
};

struct CheckEntry {
  Check check;
  std::string_view name;  // stable, shown to people
  std::string_view meaning;
};
std::span<const CheckEntry> AllChecks();
inline std::string_view NameOf(Check check) { return AllChecks()[static_cast<std::size_t>(check)].name; }

enum class CheckResult : std::uint8_t { kPassed, kFailed, kWaived, kSkipped };
std::string_view NameOf(CheckResult result);

struct CheckRecord {
  Check check;
  CheckResult result;
};

#ifdef ASSAY_MUTANTS
bool SwitchedOff(Check check);
#else
constexpr bool SwitchedOff(Check) { return false; }
#endif

class CheckLog {
 public:
  // Records `check` as passed if `holds`, else as failed with the finding that `describe()` returns. True if it passed.
  template <typename DescribeFailure>
  bool Require(Check check, bool holds, DescribeFailure&& describe) {
    if (holds || SwitchedOff(check)) {
      Record(check, CheckResult::kPassed);
      return true;
    }
    Fail(check, std::forward<DescribeFailure>(describe)());
    return false;
  }
  // The same for a step that has its own findings.
  template <typename T>
  bool Require(Check check, const Outcome<T>& outcome) {
    if (outcome.ok()) Record(check, CheckResult::kPassed);
    else
      for (const Finding& finding : outcome.findings()) Fail(check, finding);
    return outcome.ok();
  }

  void Pass(Check check) { Record(check, CheckResult::kPassed); }
  void Fail(Check check, Finding finding);  // a finding whose effect is kNote or kWarn still shows the check as failed
  void Waive(Check check, Finding finding, std::string_view reason);  // the finding's effect becomes at most kWarn
  void Skip(Check check, Finding finding);                            // did not run; the finding says why, its effect says what that costs
  void Add(Finding finding) { findings_.push_back(std::move(finding)); }

  const std::vector<CheckRecord>& records() const { return records_; }
  const std::vector<Finding>& findings() const { return findings_; }
  bool HasRejection() const;

 private:
  // One record a check: the worst result of several calls stays (failed, waived, skipped, passed).
  void Record(Check check, CheckResult result);

  std::vector<CheckRecord> records_;
  std::vector<Finding> findings_;
};

}  // namespace assay
