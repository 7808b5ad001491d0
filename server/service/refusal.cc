#include "service/refusal.h"

#include "base/absl_bridge.h"
#include "base/strings.h"

namespace assay::service {
namespace {

constexpr std::uint32_t kRetryStoreMs = 2000;

}  // namespace

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

Refusal RefusalOf(const absl::Status& status, std::string field) {
  const std::string why(MessageOf(status));
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return {
          {.reason = Reason::kRequestFieldInvalid, .component = std::move(field), .expected = "a value that can be used", .actual = why}};
    case absl::StatusCode::kNotFound:
      return {{.reason = Reason::kNotFound, .component = std::move(field), .expected = "something that is recorded", .actual = why}};
    case absl::StatusCode::kAlreadyExists:
      return {
          {.reason = Reason::kEnrolmentTaken, .component = std::move(field), .expected = "a key and a name that are free", .actual = why}};
    case absl::StatusCode::kOutOfRange:
      return {
          {.reason = Reason::kEventsPurged, .component = std::move(field), .expected = "a sequence whose events are kept", .actual = why}};
    default:
      return {{.reason = Reason::kStoreUnavailable,
               .component = "store",
               .expected = "a store that answers",
               .actual = "one that could not",
               .remedy = "Retry; the verifier's operator must look at its log and disk."},
              kRetryStoreMs};
  }
}

}  // namespace assay::service
