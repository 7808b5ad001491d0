// Where trust anchors come from: this build's pins, a start-up file with those of the software TEE, and files of the
// configuration with the roots of TPMs' makers. Never from policy, evidence or RPC.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "appraisal/registry.h"
#include "trust/anchors.h"
#include "trust/collateral.h"

namespace assay::appraisal {

// The production pins of all formats.
trust::AnchorSet BuiltinAnchors(const Registry& registry);

// A document `kind: TestAnchors`, for --insecure-test-anchors. The set replaces the pins and is simulated: every verdict
// made with it says so.
//   apiVersion: assay.v1
//   kind: TestAnchors
//   anchors:
//     - {vendor: amd, product: Milan, spki_sha256: "<64 hexadecimal digits>"}
// InvalidArgument: every defect, each with file:line:col; others as ReadFile's.
absl::StatusOr<trust::AnchorSet> ParseTestAnchors(std::string_view name, std::string_view text);
absl::StatusOr<trust::AnchorSet> LoadTestAnchors(const std::string& path);

// The authorities in a file of tpm_ek_roots, PEM or DER: as anchors of the operator, and as collateral, since a path has to end in them.
struct TpmRoots {
  std::vector<trust::Anchor> anchors;
  std::vector<trust::CollateralItem> certificates;
};
// InvalidArgument: it has anything but certificates of authorities; others as ReadFile's.
absl::StatusOr<TpmRoots> LoadTpmRoots(const std::string& path);
// The same set, simulated or not, with these as well.
trust::AnchorSet WithAnchors(const trust::AnchorSet& anchors, const std::vector<trust::Anchor>& more);

// For tools that repeat what a server did: its anchors. "" and none: this build's pins alone.
absl::StatusOr<trust::AnchorSet> LoadAnchors(const Registry& registry, const std::string& test_anchors,
                                             const std::vector<std::string>& tpm_ek_roots);

}  // namespace assay::appraisal
