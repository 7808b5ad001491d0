// The collateral of a running server, as its configuration names it: who is asked, and who knows what the documents are.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "appraisal/registry.h"
#include "assay/v1/server_config.pb.h"
#include "base/clock.h"
#include "collateral/document_verifier.h"
#include "collateral/upstream.h"
#include "trust/anchors.h"
#include "trust/fact_caches.h"

namespace assay::service {

struct CollateralSettings {
  collateral::UpstreamConfigs upstreams;
  Duration renewal{6 * 3600};
  collateral::Milliseconds patience{2000};
};
// Reads the CA files. With test anchors the vendors' own addresses are left out: what they serve would never be authentic. Errors as
// LoadCaMaterial's, one a line.
absl::StatusOr<CollateralSettings> LoadCollateralSettings(const v1::CollateralFetching& config, bool simulated, Time now);

// What the formats of the registry know. Registry and anchors outlive it.
class FormatsVerifier final : public collateral::DocumentVerifier {
 public:
  FormatsVerifier(const appraisal::Registry& registry, const trust::AnchorSet& anchors)
      : registry_(registry), anchors_(anchors), caches_(1024) {}
  std::vector<trust::CollateralItem> Recognise(const trust::UntrustedBytes& bytes, trust::CollateralSource source) const override;
  std::vector<trust::AuthenticDocument> Authentic(std::span<const trust::CollateralItem> items) const override;

 private:
  const appraisal::Registry& registry_;
  const trust::AnchorSet& anchors_;
  mutable trust::FactCaches caches_;
};

}  // namespace assay::service
