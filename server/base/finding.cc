#include "base/finding.h"

#include <algorithm>
#include <array>

#include "base/bug.h"
#include "base/strings.h"

namespace assay {
namespace {

constexpr auto kReasons = std::to_array<ReasonEntry>({
#define REASON(constant, number, name, stage, case_class, ar4si, value, meaning, remedy) \
  {Reason::constant, number, name, Stage::stage, case_class, Ar4siClaim::ar4si, value, meaning, remedy},
#include "base/reasons.def"
#undef REASON
});

static_assert(std::is_sorted(kReasons.begin(), kReasons.end(),
                             [](const ReasonEntry& a, const ReasonEntry& b) { return a.number <= b.number; }),
              "reasons.def is in order of number, and no number stands twice");

}  // namespace

std::string_view NameOf(Stage stage) {
  switch (stage) {
    case Stage::kParse: return "parse";
    case Stage::kAuthenticate: return "authenticate";
    case Stage::kAppraise: return "appraise";
    case Stage::kCollateral: return "collateral";
    case Stage::kRequest: return "request";
  }
  return "unknown";
}

std::string_view NameOf(Ar4siClaim claim) {
  static constexpr std::array<std::string_view, 8> kNames = {"instance-identity", "configuration",  "executables",    "file-system",
                                                             "hardware",          "runtime-opaque", "storage-opaque", "sourced-data"};
  return kNames[static_cast<std::size_t>(claim)];
}

std::string_view NameOf(Effect effect) {
  switch (effect) {
    case Effect::kNote: return "note";
    case Effect::kWarn: return "warn";
    case Effect::kIndeterminate: return "indeterminate";
    case Effect::kReject: return "reject";
  }
  return "unknown";
}

std::span<const ReasonEntry> AllReasons() { return kReasons; }

const ReasonEntry& EntryOf(Reason reason) {
  const auto found = std::lower_bound(kReasons.begin(), kReasons.end(), static_cast<std::uint16_t>(reason),
                                      [](const ReasonEntry& entry, std::uint16_t number) { return entry.number < number; });
  ASSAY_CHECK(found != kReasons.end() && found->reason == reason);
  return *found;
}

std::string Describe(const Finding& finding) {
  const ReasonEntry& entry = EntryOf(finding.reason);
  std::string text = Cat(entry.name, " (", entry.number, ")");
  if (!finding.component.empty()) text += Cat(" at ", finding.component);
  if (!finding.claim.empty()) text += Cat(": ", finding.claim);
  if (!finding.expected.empty()) text += Cat(": expected ", finding.expected);
  if (!finding.actual.empty()) text += Cat(finding.expected.empty() ? ": " : ", ", "actual ", finding.actual);
  text += Cat(". ", finding.remedy.empty() ? entry.remedy : std::string_view(finding.remedy));
  return text;
}

}  // namespace assay
