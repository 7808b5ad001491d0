// Chains that were verified before: the same fact, not computed again.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/check_log.h"
#include "crypto/certificate.h"
#include "trust/anchors.h"
#include "trust/chain.h"
#include "trust/fact_caches.h"

namespace assay::trust {

// ChainVerifier::Verify, or what `caches` (may be nullptr) remembers of it for this leaf, pool, anchors, product and vendor: the
// checks of the profile are logged alike.
std::shared_ptr<const VerifiedChain> VerifyChain(const crypto::Certificate& leaf, std::span<const crypto::Certificate> pool,
                                                 const AnchorSet& anchors, std::string_view product, const ChainProfile& profile,
                                                 FactCaches* caches, CheckLog& log);

}  // namespace assay::trust
