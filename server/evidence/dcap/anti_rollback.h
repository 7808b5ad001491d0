// Which editions of Intel's documents a verifier has got itself.
#pragma once

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

}  // namespace assay::dcap
