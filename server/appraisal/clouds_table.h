// The table of clouds: what each offers, and what the platforms of a registry check of it.
#pragma once

#include <vector>

#include "appraisal/registry.h"
#include "assay/v1/cloud.pb.h"

namespace assay::appraisal {

// Every published cloud, whether or not a platform is of it, and every platform once; a cloud of which nothing is published has no
// features. Sorted by name. Nothing of any fleet is in it.
std::vector<v1::Cloud> CloudsTable(const Registry& registry);

}  // namespace assay::appraisal
