// Where a node's evidence comes from: one implementation per source.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "crypto/digest.h"

namespace assay::agent {

struct CollectedItem {
  std::string media_type;
  Bytes body;  // exactly as the source returned it
};

class EvidenceSource {
 public:
  virtual ~EvidenceSource() = default;
  // Fresh evidence whose carrier contains `report_data`. NotFound: this machine has no such source. The message says what
  // was expected where, and what to do.
  virtual absl::StatusOr<std::vector<CollectedItem>> Collect(const crypto::Sha512Digest& report_data) = 0;
};

}  // namespace assay::agent
