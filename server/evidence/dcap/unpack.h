// Intel's endorsements out of whatever they come in: DER or PEM certificates and revocation lists, TCB documents as the PCS serves
// them.
#pragma once

#include <vector>

#include "base/outcome.h"
#include "trust/collateral.h"
#include "trust/fact_caches.h"
#include "trust/untrusted_bytes.h"

namespace assay::dcap {

// Documents of Intel's in the bytes, each under the key that it claims for itself; of other vendors', and in bytes that are none of
// these containers: none. Findings: a document is malformed.
Outcome<std::vector<trust::CollateralItem>> Unpack(const trust::UntrustedBytes& bytes, trust::CollateralSource source,
                                                   trust::FactCaches* caches);

}  // namespace assay::dcap
