// Roots that the operator configures for Google's launch endorsements: this build pins none.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "trust/anchors.h"

namespace assay::appraisal {

// The same set, simulated or not, with the keys of the certificates in these files as anchors of launch endorsements, and of nothing else.
// InvalidArgument: a file holds anything but certificates of authorities, PEM or DER; others as ReadFile's.
absl::StatusOr<trust::AnchorSet> WithEndorsementRoots(trust::AnchorSet anchors, const std::vector<std::string>& files);

}  // namespace assay::appraisal
