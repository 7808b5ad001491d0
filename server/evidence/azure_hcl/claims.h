// The claims of Azure's paravisor, and which of them a policy has to appraise.
#pragma once

#include <span>
#include <string_view>

#include "evidence/format.h"

namespace assay::azure_hcl {

inline constexpr std::string_view kSecureBootClaim = "hcl.secure_boot";

std::span<const evidence::ClaimSpec> ClaimTable();  // sorted by name

}  // namespace assay::azure_hcl
