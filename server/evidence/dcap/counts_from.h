// When what Intel publishes early counts for everybody.
#pragma once

#include <optional>
#include <span>

#include "base/clock.h"
#include "trust/anchors.h"
#include "trust/collateral.h"

namespace assay::dcap {

// When the first of the TCB infos among `next` counts for everybody: a year after the recovery event that an authentic list of evaluation
// data numbers among `all`, valid at `at`, names for its number. nullopt: no such list knows it.
std::optional<Time> CountsFrom(std::span<const trust::CollateralItem> next, std::span<const trust::CollateralItem> all,
                               const trust::AnchorSet& anchors, Time at);

}  // namespace assay::dcap
