// What comes next, for every node that is trusted now.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "appraisal/forecast.h"
#include "store/verdict_store.h"

namespace assay::store {

struct FleetForecast {
  std::vector<v1::NodeForecast> nodes;  // those that will fall, and those that could not be judged
  std::int64_t appraised = 0;
  std::int64_t next = 0;  // where the page of nodes ended; 0 = at the end
};

// One page of nodes, in the order of first sight. Nodes that nothing trusts at `terms.at` are passed over: they have nothing to lose.
// `abandoned` is asked before each node; true ends the page there. Errors: the store's.
absl::StatusOr<FleetForecast> ForecastNodes(
    VerdictStore& store, const PageRequest& request, const appraisal::ForecastTerms& terms,
    const std::function<bool()>& abandoned = [] { return false; });

// A record with what is still kept of its inputs; what is not, a replay names. Errors: the store's, for an input that may be there but
// could not be read.
absl::StatusOr<v1::VerdictExport> ExportOf(VerdictStore& store, v1::VerdictRecord record);

}  // namespace assay::store
