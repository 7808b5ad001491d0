// Intel's documents by themselves, without evidence: what may be kept for evidence to come.
#pragma once

#include <span>
#include <vector>

#include "trust/anchors.h"
#include "trust/authentic_document.h"
#include "trust/collateral.h"
#include "trust/fact_caches.h"

namespace assay::dcap {

// Roots whose key is pinned and that signed themselves, CAs and TCB signing certificates under them, the lists that these signed, and TCB
// documents; the time of a TCB document ends with that of the certificate under which it is signed. PCK certificates come in quotes and are
// not among them. `caches` may be nullptr.
std::vector<trust::AuthenticDocument> AuthenticDocuments(std::span<const trust::CollateralItem> documents, const trust::AnchorSet& anchors,
                                                         trust::FactCaches* caches);

}  // namespace assay::dcap
