// Certificates of TPMs' keys, of their issuers, and revocation lists, out of DER or PEM.
#pragma once

#include <vector>

#include "base/outcome.h"
#include "trust/collateral.h"
#include "trust/fact_caches.h"
#include "trust/untrusted_bytes.h"

namespace assay::tpm {

// Documents of AMD and Intel are left out: other formats take them. Findings: a document is malformed.
Outcome<std::vector<trust::CollateralItem>> Unpack(const trust::UntrustedBytes& bytes, trust::CollateralSource source,
                                                   trust::FactCaches* caches);

}  // namespace assay::tpm
