// The claims that a launch endorsement gives.
#pragma once

#include <span>

#include "evidence/format.h"

namespace assay::gce_endorsement {

std::span<const evidence::ClaimSpec> ClaimTable();

}  // namespace assay::gce_endorsement
