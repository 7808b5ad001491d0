// AMD's documents by themselves, without evidence: what may be kept for evidence to come.
#pragma once

#include <span>
#include <vector>

#include "trust/anchors.h"
#include "trust/authentic_document.h"
#include "trust/collateral.h"
#include "trust/fact_caches.h"

namespace assay::sev_snp {

// ARKs whose key is pinned for their product and that signed themselves, ASKs and ASVKs under them, leaves in a whole chain that conforms
// to AMD's profile, revocation lists that an ARK signed. `caches` may be nullptr.
std::vector<trust::AuthenticDocument> AuthenticDocuments(std::span<const trust::CollateralItem> documents, const trust::AnchorSet& anchors,
                                                         trust::FactCaches* caches);

}  // namespace assay::sev_snp
