#include "service/refusal.h"

#include "base/strings.h"

namespace assay::service {

v1::ErrorDetail DetailOf(const Refusal& refusal) {
  const Finding& finding = refusal.finding;
  const ReasonEntry& entry = EntryOf(finding.reason);
  v1::ErrorDetail detail;
  detail.set_reason(std::string(entry.name));
  detail.set_code(entry.number);
  detail.set_field(Printable(finding.component.empty() || finding.claim.empty() ? Cat(finding.component, finding.claim)
                                                                                : Cat(finding.component, ".", finding.claim)));
  detail.set_expected(Printable(finding.expected, 512));
  detail.set_actual(Printable(finding.actual, 512));
  detail.set_remedy(finding.remedy.empty() ? std::string(entry.remedy) : Printable(finding.remedy, 512));
  detail.set_retry_after_ms(refusal.retry_after_ms);
  return detail;
}

}  // namespace assay::service
