// The policies of policies/*.yaml, compiled in: what applies offline when no other policy is given, and a starting point
// for one's own.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "appraisal/policy.h"

namespace assay::appraisal {

// (file name, text), sorted by name.
const std::vector<std::pair<std::string, std::string>>& ShippedPolicyTexts();

LoadResult LoadShippedPolicies(const Registry& registry);

}  // namespace assay::appraisal
