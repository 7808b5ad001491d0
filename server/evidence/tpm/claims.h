// The claims of TPM attestations, and which of them a policy has to appraise.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "evidence/format.h"

namespace assay::tpm {

struct AttestHeader;

inline constexpr std::string_view kAkTrustClaim = "tpm.ak_trust";
inline constexpr std::string_view kAkKeyDigestClaim = "tpm.ak_key_digest";
inline constexpr std::string_view kEkKeyDigestClaim = "tpm.ek_key_digest";
inline constexpr std::string_view kRevocationClaim = "tpm.revocation";
inline constexpr std::string_view kSignatureHashClaim = "tpm.signature_hash";
inline constexpr std::string_view kGceProductionClaim = "gce.is_production";

std::span<const evidence::ClaimSpec> ClaimTable();  // sorted by name

// "tpm.sha256_pcr7"; "" of a bank whose values are no claims: SHA-1 no longer resists collisions, so its registers say nothing.
std::string_view PcrClaim(std::uint16_t bank, std::uint32_t index);

Bytes FirmwareVersionOf(const AttestHeader& header);  // 8 bytes, big-endian

}  // namespace assay::tpm
