// Collateral that was found to be its vendor's own: what may be kept, and what it says about its own time.
#pragma once

#include <optional>

#include "base/clock.h"
#include "trust/collateral.h"

namespace assay::trust {

// Signed under a pinned root. Whether its time has come or gone is for whoever keeps or uses it to judge, and so is revocation.
struct AuthenticDocument {
  CollateralItem item;
  Time not_before, not_after;           // a certificate's validity; thisUpdate and nextUpdate, issueDate and nextUpdate
  std::optional<Edition> edition = {};  // of what its vendor issues again and again; unset: a certificate
};

}  // namespace assay::trust
