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
    finding.remedy = Cat("Fetch the current ", window.edition ? window.edition->series.ToString() : window.component,
                         "; this one was valid from ", FormatTime(window.not_before), " to ", FormatTime(window.not_after), ".");
  }
  return finding;
}

Check CheckOf(const trust::ValidityWindow& window) {
  return window.revocation_list ? Check::kCrlWindow : window.document ? Check::kDocumentWindow : Check::kWindows;
}

// Genuine, and known not to be the newest: whoever sends it may have reasons.
bool IsSuperseded(const trust::ValidityWindow& window, std::span<const trust::Floor> floors) {
  const trust::Floor* floor = trust::FindFloor(floors, window.edition->series, trust::Channel::kStandard);
  return floor != nullptr && window.edition->IsOlderThan(floor->edition);
}

// What is issued again and again may be late for a while, if the policy says so; a certificate may not, nor what is not yet valid.
bool IsWithinGrace(const trust::ValidityWindow& window, Time at, const WindowTolerance& tolerance) {
  return window.edition && window.not_after < at && at - window.not_after <= tolerance.grace &&
         (!IsSuperseded(window, tolerance.floors) || SwitchedOff(Check::kGraceSuperseded));
}

Finding LateBy(const trust::ValidityWindow& window, Time at, Duration grace) {
  Finding finding = OutsideOf(window, at);
  finding.reason = Reason::kWithinGrace;
  finding.effect = Effect::kWarn;
  finding.remedy = Cat("See that the current ", window.edition->series.ToString(), " is fetched before ",
                       FormatTime(window.not_after + grace), ": then the grace is over.");
  return finding;
}

std::string Shown(const trust::Edition& edition) { return Cat("number ", edition.number, ", issued ", FormatTime(edition.issued)); }

}  // namespace

void JudgeWindows(std::span<const trust::ValidityWindow> windows, Time at, CheckLog& log, const WindowTolerance& tolerance) {
  for (const trust::ValidityWindow& window : windows) {
    const Check check = CheckOf(window);
    const bool open = window.not_before <= at && at <= window.not_after;
    if (!open && window.revocation_list && tolerance.revocation != nullptr && !SwitchedOff(check)) {
      log.Waive(check, OutsideOf(window, at), tolerance.revocation->reason);
    } else if (!open && IsWithinGrace(window, at, tolerance) && !SwitchedOff(check)) {
      log.Waive(check, LateBy(window, at, tolerance.grace), Cat("the policy's grace of ", FormatDuration(tolerance.grace)));
    } else {
      log.Require(check, open, [&] { return OutsideOf(window, at); });
    }
  }
}

void JudgeFloors(std::span<const trust::ValidityWindow> windows, std::span<const trust::Floor> floors, CheckLog& log) {
  for (const trust::ValidityWindow& window : windows) {
    const trust::Floor* floor = window.edition ? trust::FindFloor(floors, window.edition->series, trust::Channel::kStandard) : nullptr;
    if (floor == nullptr) continue;
    log.Require(Check::kDocumentFloor, !IsSuperseded(window, floors), [&] {
      return Finding{.reason = Reason::kDocumentRolledBack,
                     .component = window.component,
                     .claim = window.edition->series.ToString(),
                     .expected = Cat("at least ", Shown(floor->edition)),
                     .actual = Shown(*window.edition)};
    });
  }
}

}  // namespace assay::appraisal
