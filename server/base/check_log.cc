#include "base/check_log.h"

#include <algorithm>
#include <array>
#ifdef ASSAY_MUTANTS
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <string>
#endif

namespace assay {
namespace {

constexpr auto kChecks = std::to_array<CheckEntry>({
#define CHECK(constant, name, meaning) {Check::constant, name, meaning},
#include "base/checks.def"
#undef CHECK
});

int BadnessOf(CheckResult result) {
  switch (result) {
    case CheckResult::kPassed: return 0;
    case CheckResult::kSkipped: return 1;
    case CheckResult::kWaived: return 2;
    case CheckResult::kFailed: return 3;
  }
  return 3;
}

}  // namespace

std::span<const CheckEntry> AllChecks() { return kChecks; }

std::string_view NameOf(CheckResult result) {
  switch (result) {
    case CheckResult::kPassed: return "passed";
    case CheckResult::kFailed: return "failed";
    case CheckResult::kWaived: return "waived";
    case CheckResult::kSkipped: return "skipped";
  }
  return "unknown";
}

#ifdef ASSAY_MUTANTS
namespace {

// Adds the check's name to the file that $ASSAY_CONSULTED_CHECKS names, once in each process: only tests that come here can
// notice its absence.
void NoteConsulted(Check check) {
  static const char* const path = std::getenv("ASSAY_CONSULTED_CHECKS");
  static std::array<std::atomic<bool>, kChecks.size()> noted{};
  if (path == nullptr || noted[static_cast<std::size_t>(check)].exchange(true)) return;
  std::ofstream(path, std::ios::app) << std::string(NameOf(check)) + '\n' << std::flush;
}

}  // namespace

bool SwitchedOff(Check check) {
  static const std::string_view name = [] {
    const char* value = std::getenv("ASSAY_MUTANT");
    return std::string_view(value == nullptr ? "" : value);
  }();
  NoteConsulted(check);
  return NameOf(check) == name;
}
#endif

void CheckLog::Record(Check check, CheckResult result) {
  const auto found = std::find_if(records_.begin(), records_.end(), [check](const CheckRecord& record) { return record.check == check; });
  if (found == records_.end()) records_.push_back({check, result});
  else if (BadnessOf(result) > BadnessOf(found->result)) found->result = result;
}

void CheckLog::Fail(Check check, Finding finding) {
  if (SwitchedOff(check)) return Record(check, CheckResult::kPassed);
  Record(check, CheckResult::kFailed);
  findings_.push_back(std::move(finding));
}

void CheckLog::Waive(Check check, Finding finding, std::string_view reason) {
  Record(check, CheckResult::kWaived);
  finding.waived_because = reason;
  finding.effect = std::min(finding.effect, Effect::kWarn);
  findings_.push_back(std::move(finding));
}

void CheckLog::Skip(Check check, Finding finding) {
  Record(check, CheckResult::kSkipped);
  findings_.push_back(std::move(finding));
}

bool CheckLog::HasRejection() const {
  return std::any_of(findings_.begin(), findings_.end(), [](const Finding& finding) { return finding.effect == Effect::kReject; });
}

}  // namespace assay
