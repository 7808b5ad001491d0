#include "trust/bundle.h"

#include "base/hex.h"
#include "base/strings.h"

namespace assay::trust {

std::optional<Freshness> Bundle::CheckFreshness(CarrierKind kind, ByteView carried, std::string_view component, const Challenge& challenge,
                                                CheckLog& log) {
  const std::string_view field = kind == CarrierKind::kReportData ? "report_data" : "nonce";
  const Effect effect_of_absence = challenge.absence_accepted() ? Effect::kWarn : Effect::kIndeterminate;
  if (!challenge.demanded()) {
    log.Skip(Check::kFreshness, {.reason = Reason::kFreshnessSkipped,
                                 .effect = effect_of_absence,
                                 .component = std::string(component),
                                 .claim = std::string(field)});
    return Freshness::kSkipped;
  }
  const Challenge::Values& values = challenge.values();
  const std::optional<ByteView> wanted =
      kind == CarrierKind::kReportData ? (values.report_data ? std::optional<ByteView>(*values.report_data) : std::nullopt)
                                       // An empty nonce is in everybody's evidence: it demands nothing.
                                       : (values.nonce && !values.nonce->empty() ? std::optional<ByteView>(*values.nonce) : std::nullopt);
  // A demand that the carrier has no field for must not turn into "nothing was demanded".
  if (!log.Require(Check::kFreshness, wanted && EqualConstantTime(*wanted, carried), [&] {
        return Finding{.reason = Reason::kBindingMismatch,
                       .component = std::string(component),
                       .claim = std::string(field),
                       .expected = wanted ? ToHex(*wanted) : Cat("a demanded ", field, "; the challenge gives none"),
                       .actual = ToHex(carried)};
      })) {
    return std::nullopt;
  }
  return Freshness::kProven;
}

}  // namespace assay::trust
