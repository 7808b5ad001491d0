// Signatures that were verified before. A valid one stays valid: under that key and for those bytes.
#pragma once

#include "trust/fact_cache.h"

namespace assay::trust {

struct ProvenSignature {};

// By digest of key, algorithm, signature and what is signed.
using ProvenSignatures = FactCache<ProvenSignature>;

}  // namespace assay::trust
