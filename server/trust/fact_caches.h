// The caches of one process, passed down explicitly. Absent (nullptr) everything is computed again; results are the same.
#pragma once

#include "crypto/certificate.h"
#include "crypto/crl.h"
#include "trust/chain.h"
#include "trust/fact_cache.h"

namespace assay::trust {

struct FactCaches {
  explicit FactCaches(std::size_t capacity) : certificates(capacity), chains(capacity), revocation_lists(64) {}

  FactCache<crypto::Certificate> certificates;       // by SHA-256 of the DER; only certificates of verified chains
  FactCache<VerifiedChain> chains;                   // by digest of leaf, pool, anchors, product and profile
  FactCache<crypto::CertificateList> revocation_lists;  // by SHA-256 of the DER; only lists signed by a pinned anchor
};

}  // namespace assay::trust
