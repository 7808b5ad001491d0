// The claim table of the format `nitro`.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "evidence/format.h"
#include "evidence/nitro/document.h"

namespace assay::nitro {

inline constexpr std::string_view kDebugClaim = "nitro.debug";
inline constexpr std::string_view kKindClaim = "nitro.kind";
inline constexpr std::string_view kTpmPcr4Claim = "nitro.tpm_pcr4";
inline constexpr std::string_view kTpmPcr12Claim = "nitro.tpm_pcr12";

std::span<const evidence::ClaimSpec> ClaimTable();

// "nitro.pcr0", "nitro.tpm_pcr4": registers of an enclave and of a NitroTPM say different things under one number. `index` is one that
// the kind has.
std::string_view PcrClaim(Kind kind, std::uint32_t index);

}  // namespace assay::nitro
