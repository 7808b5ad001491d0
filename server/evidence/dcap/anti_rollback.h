// Which editions of Intel's documents a verifier has got itself.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "trust/anchors.h"
#include "trust/collateral.h"
#include "trust/fact_caches.h"
#include "trust/floors.h"

namespace assay::dcap {

// `floors` raised by the TCB infos and QE identities among `items` that came from Intel or by signed import (their source says so),
// are authentic under certificates among `items`, and valid at `at`. All of them belong to one channel: whoever fetched them knows
// which he asked for, the documents do not say. Others raise nothing, and are nobody's to complain about here.
std::vector<trust::Floor> RaiseFloors(std::vector<trust::Floor> floors, std::span<const trust::CollateralItem> items, trust::Channel channel,
                                      const trust::AnchorSet& anchors, Time at, trust::FactCaches* caches);

// When the first of the TCB infos among `next` counts for everybody: a year after the recovery event that an authentic list of evaluation
// data numbers among `all`, valid at `at`, names for its number. nullopt: no such list knows it.
std::optional<Time> CountsFrom(std::span<const trust::CollateralItem> next, std::span<const trust::CollateralItem> all, const trust::AnchorSet& anchors, Time at);

}  // namespace assay::dcap
