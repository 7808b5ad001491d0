// The claims of a SEV-SNP report, and which of them a policy has to appraise.
#pragma once

#include <span>

#include "evidence/format.h"

namespace assay::sev_snp {

std::span<const evidence::ClaimSpec> ClaimTable();  // sorted by name

}  // namespace assay::sev_snp
