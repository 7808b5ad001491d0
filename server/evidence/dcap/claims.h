// The claims of a quote, and which of them a policy has to appraise.
#pragma once

#include <span>

#include "evidence/format.h"

namespace assay::dcap {

std::span<const evidence::ClaimSpec> ClaimTable();  // sorted by name

}  // namespace assay::dcap
