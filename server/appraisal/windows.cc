#include "appraisal/appraiser.h"
#include "base/strings.h"

namespace assay::appraisal {
namespace {

Finding OutsideOf(const trust::ValidityWindow& window, Time at) {
  const bool early = at < window.not_before;
  Finding finding{.reason = window.revocation_list ? (early ? Reason::kCrlNotYetValid : Reason::kCrlStale)
                            : window.document      ? (early ? Reason::kDocumentNotYetValid : Reason::kDocumentExpired)
                                                   : (early ? Reason::kNotYetValid : Reason::kExpired),
                  .component = window.component,
                  .claim = window.revocation_list ? (early ? "thisUpdate" : "nextUpdate")
                           : window.edition       ? (early ? "issueDate" : "nextUpdate")
                                                  : (early ? "notBefore" : "notAfter"),
                  .expected = Cat(FormatTime(window.not_before), " to ", FormatTime(window.not_after)),
                  .actual = FormatTime(at)};
  // A list or document out of its time says nothing about today: what it would have decided could not be.
  if (window.revocation_list || window.document) finding.effect = Effect::kIndeterminate;
  if (window.document && !early) {
    finding.remedy = Cat("Fetch the current ", window.edition ? window.edition->series.ToString() : window.component, "; this one was valid from ",
                         FormatTime(window.not_before), " to ", FormatTime(window.not_after), ".");
  }
  return finding;
}

Check CheckOf(const trust::ValidityWindow& window) {
  return window.revocation_list ? Check::kCrlWindow : window.document ? Check::kDocumentWindow : Check::kWindows;
}

std::string Shown(const trust::Edition& edition) { return Cat("number ", edition.number, ", issued ", FormatTime(edition.issued)); }

}  // namespace

void JudgeWindows(std::span<const trust::ValidityWindow> windows, Time at, CheckLog& log, const Waiver* revocation_waiver) {
  for (const trust::ValidityWindow& window : windows) {
    const Check check = CheckOf(window);
    const bool open = window.not_before <= at && at <= window.not_after;
    if (!open && window.revocation_list && revocation_waiver != nullptr && !SwitchedOff(check)) {
      log.Waive(check, OutsideOf(window, at), revocation_waiver->reason);
    } else {
      log.Require(check, open, [&] { return OutsideOf(window, at); });
    }
  }
}

void JudgeFloors(std::span<const trust::ValidityWindow> windows, std::span<const trust::Floor> floors, CheckLog& log) {
  for (const trust::ValidityWindow& window : windows) {
    const trust::Floor* floor = window.edition ? trust::FindFloor(floors, window.edition->series, trust::Channel::kStandard) : nullptr;
    if (floor == nullptr) continue;
    log.Require(Check::kDocumentFloor, !window.edition->IsOlderThan(floor->edition), [&] {
      return Finding{.reason = Reason::kDocumentRolledBack, .component = window.component, .claim = window.edition->series.ToString(),
                     .expected = Cat("at least ", Shown(floor->edition)), .actual = Shown(*window.edition)};
    });
  }
}

}  // namespace assay::appraisal
