#include "appraisal/appraiser.h"
#include "base/strings.h"

namespace assay::appraisal {
namespace {

Finding OutsideOf(const trust::ValidityWindow& window, Time at) {
  const bool early = at < window.not_before;
  Finding finding{.reason = window.revocation_list ? (early ? Reason::kCrlNotYetValid : Reason::kCrlStale)
                                                   : (early ? Reason::kNotYetValid : Reason::kExpired),
                  .component = window.component,
                  .claim = window.revocation_list ? (early ? "thisUpdate" : "nextUpdate") : (early ? "notBefore" : "notAfter"),
                  .expected = Cat(FormatTime(window.not_before), " to ", FormatTime(window.not_after)),
                  .actual = FormatTime(at)};
  // A list out of its time says nothing about today: revocation could not be decided.
  if (window.revocation_list) finding.effect = Effect::kIndeterminate;
  return finding;
}

}  // namespace

void JudgeWindows(std::span<const trust::ValidityWindow> windows, Time at, CheckLog& log, const Waiver* revocation_waiver) {
  for (const trust::ValidityWindow& window : windows) {
    const Check check = window.revocation_list ? Check::kCrlWindow : Check::kWindows;
    const bool open = window.not_before <= at && at <= window.not_after;
    if (!open && window.revocation_list && revocation_waiver != nullptr && !SwitchedOff(check)) {
      log.Waive(check, OutsideOf(window, at), revocation_waiver->reason);
    } else {
      log.Require(check, open, [&] { return OutsideOf(window, at); });
    }
  }
}

}  // namespace assay::appraisal
