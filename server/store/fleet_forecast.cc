#include "store/fleet_forecast.h"

#include <utility>

#include "base/strings.h"

namespace assay::store {

absl::StatusOr<v1::VerdictExport> ExportOf(VerdictStore& store, v1::VerdictRecord record) {
  v1::VerdictExport output;
  for (const crypto::Sha256Digest& sha256 : appraisal::InputsOf(record)) {
    const auto blob = store.GetBlob(sha256);
    if (absl::IsNotFound(blob.status())) continue;  // purged
    if (!blob.ok()) return blob.status();
    output.add_inputs(std::string(AsText(*blob)));
  }
  *output.mutable_record() = std::move(record);
  return output;
}

absl::StatusOr<FleetForecast> ForecastNodes(VerdictStore& store, const PageRequest& request, const appraisal::ForecastTerms& terms,
                                            const std::function<bool()>& abandoned) {
  const auto page = store.ListNodes(request);
  if (!page.ok()) return page.status();
  FleetForecast forecast{.nodes = {}, .next = page->next};
  for (const v1::Node& node : page->elements) {
    if (abandoned()) {
      forecast.next = node.sequence() - 1;
      break;
    }
    if (node.trusted_until().seconds() < terms.at.time_since_epoch().count()) continue;
    auto record = store.Get(node.verdict_id());
    if (absl::IsNotFound(record.status())) continue;  // purged between the two
    if (!record.ok()) return record.status();
    const auto recorded = ExportOf(store, *std::move(record));
    if (!recorded.ok()) return recorded.status();
    v1::NodeForecast next = appraisal::Forecast(*recorded, terms);
    ++forecast.appraised;
    if (next.shortfalls_size() > 0 || next.missing_size() > 0) forecast.nodes.push_back(std::move(next));
  }
  return forecast;
}

}  // namespace assay::store
