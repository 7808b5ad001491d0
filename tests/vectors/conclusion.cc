#include "tests/vectors/conclusion.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "appraisal/appraiser.h"
#include "base/strings.h"
#include "tests/vectors/json_text.h"

namespace assay::vectors {
namespace {

std::string ClaimText(const trust::Value& value) {
  struct {
    std::string operator()(bool flag) const { return JsonFlag(flag); }
    std::string operator()(std::uint64_t number) const { return JsonNumber(number); }
    std::string operator()(const std::string& text) const { return JsonString(text); }
    std::string operator()(const Bytes& octets) const { return JsonHex(octets); }
    std::string operator()(const trust::ComponentVersion& version) const { return JsonHex(version.raw); }
    std::string operator()(Time time) const { return JsonString(FormatTime(time)); }
    std::string operator()(const trust::Names& names) const {
      std::vector<std::string> listed;
      for (const std::string& name : names.names) listed.push_back(JsonString(name));
      return JsonList(listed);
    }
  } to_text;
  return std::visit(to_text, value);
}

void NoteChecks(const CheckLog& log, Observation& observation) {
  for (const CheckRecord& record : log.records()) {
    if (record.result == CheckResult::kSkipped) observation.notes.push_back(Cat("check ", NameOf(record.check), " skipped"));
  }
}

}  // namespace

trust::Challenge ChallengeOf(const Bind& bind) {
  if (bind.Empty()) return trust::Challenge::NotDemanded(/*accepted=*/true);
  trust::Challenge::Values values;
  if (bind.report_data && bind.report_data->size() == 64) {
    std::copy(bind.report_data->begin(), bind.report_data->end(), values.report_data.emplace().begin());
  }
  values.nonce = bind.nonce ? bind.nonce : bind.extra_data;
  return trust::Challenge::Demanded(std::move(values));
}

void Conclude(const CheckLog& log, std::span<const trust::ValidityWindow> windows, Time at, Observation& observation) {
  for (const Finding& finding : log.findings()) {
    if (finding.effect == Effect::kReject) observation.against.push_back(finding);
    if (finding.effect == Effect::kIndeterminate) observation.undecided.push_back(finding);
  }
  CheckLog judged;
  appraisal::JudgeWindows(windows, at, judged);
  observation.against.insert(observation.against.end(), judged.findings().begin(), judged.findings().end());
  NoteChecks(log, observation);
}

std::optional<CheckResult> ResultOf(const CheckLog& log, Check check) {
  for (const CheckRecord& record : log.records()) {
    if (record.check == check) return record.result;
  }
  return std::nullopt;
}

void NoteClaims(const trust::Bundle& bundle, const evidence::Format& format, Observation& observation) {
  const std::string prefix = Cat(format.claim_prefix, ".");
  for (const trust::Claim& claim : bundle.claims().all()) {
    if (claim.name.starts_with(prefix)) { observation.claims[std::string(claim.name.substr(prefix.size()))] = ClaimText(claim.value); }
  }
}

}  // namespace assay::vectors
