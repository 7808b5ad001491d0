// Whole evidence of a machine that has nothing but a virtual TPM, in one call: a quote of what it booted, the key with what vouches for it on
// that platform, the log, and on demand exactly one thing wrong.
//
//   const TpmEvidence evidence = MintVtpm(tpm, google, {.platform = VtpmPlatform::kGcpShieldedVm, .extra_data = challenge});
//
// Promises: without a fault, evidence that a verifier with these PKIs' anchors must accept: of qemu_vtpm once the TPM has activated the key
// under the endorsement key of the evidence, or an operator enrolled either. With a fault that can exist there (CanExist), evidence that
// differs from that in what AllTpmFaults() says and in nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tests/softtee/gce_evidence.h"
#include "tests/softtee/tpm_evidence.h"

namespace assay::softtee {

enum class VtpmPlatform : std::uint8_t { kQemuVtpm, kGcpShieldedVm, kAzureTrustedLaunch };
std::string_view NameOf(VtpmPlatform platform);  // "gcp_shielded_vm"
std::optional<VtpmPlatform> VtpmPlatformNamed(std::string_view name);
std::span<const VtpmPlatform> AllVtpmPlatforms();
// What there is for whoever has to vouch for the attestation key.
TpmVouching VouchingOf(VtpmPlatform platform);

struct VtpmOptions {
  VtpmPlatform platform = VtpmPlatform::kQemuVtpm;
  Bytes extra_data = {};
  Time now = kDefaultNow;
  std::optional<TpmFault> fault = {};
};

// The log is an item; Azure's machines have none. Of qemu_vtpm the endorsement key and its certificate are no items, as in TpmEvidence.
TpmEvidence MintVtpm(const TpmPki& tpm, const GcePki& google, const VtpmOptions& options);

}  // namespace assay::softtee
