// Anchors and collateral of a case's roles, as kinds of several folders have them.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "evidence/format.h"
#include "tests/vectors/checker.h"
#include "trust/anchors.h"
#include "trust/collateral.h"

namespace assay::vectors {

// The key of `root` is pinned for the product that the production pins know it for; a root that is none of AMD's for the product in its
// name. Without a root the production pins hold. nullopt: the root is no use as an anchor.
std::optional<trust::AnchorSet> AmdAnchorsOf(const Inputs& inputs);
// `leaf` and `crl`, as a node would send them.
void AddAmdItems(const Inputs& inputs, std::vector<evidence::Item>& items);
// `intermediates` and `root`, as an operator would supply them.
std::vector<trust::CollateralItem> SuppliedByAmd(const Inputs& inputs);

// `root_ca`. nullopt: it is not one certificate.
std::optional<trust::AnchorSet> IntelAnchorsOf(const Inputs& inputs);
// Everything of Intel's, under the keys by which these items would have it fetched; what is malformed speaks against the case.
trust::CollateralSnapshot IntelCollateralOf(const Inputs& inputs, std::span<const evidence::Item> items, Observation& observation);
// The claims that a case lists as its status.
void NoteIntelStatus(Observation& observation);

}  // namespace assay::vectors
