// What a document is, and whether it is its vendor's own: only the formats know. Whoever puts the server together hands them in here,
// so that this folder moves and keeps bytes without ever judging them.
#pragma once

#include <span>
#include <vector>

#include "trust/authentic_document.h"
#include "trust/collateral.h"
#include "trust/untrusted_bytes.h"

namespace assay::collateral {

// Thread-safe.
class DocumentVerifier {
 public:
  virtual ~DocumentVerifier() = default;
  // The vendors' documents in the bytes, under the keys that they claim for themselves. Proves nothing.
  virtual std::vector<trust::CollateralItem> Recognise(const trust::UntrustedBytes& bytes, trust::CollateralSource source) const = 0;
  // Those of `items` that are signed under a pinned root, over certificates among `items`. The others are left out.
  virtual std::vector<trust::AuthenticDocument> Authentic(std::span<const trust::CollateralItem> items) const = 0;
};

}  // namespace assay::collateral
