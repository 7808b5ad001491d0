// Where trust anchors come from: this build's pins, or a start-up file with those of the software TEE. Never from policy,
// evidence or RPC.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "appraisal/registry.h"
#include "trust/anchors.h"

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

}  // namespace assay::appraisal
