#include "platform/gcp_shielded_vm/platform.h"

#include "platform/binding/vtpm.h"

namespace assay::gcp_shielded_vm {
namespace {

constexpr platform::VtpmCloud kCloud{
    .name = "gcp_shielded_vm",
    .summary = "Google Compute Engine, Shielded VM: quote by Google's virtual TPM; no memory encryption shown",
    .cloud = "gcp",
    .profile = &tpm::kGoogleProfile,
    .trusted_party = "Google (hypervisor and host, which run the virtual TPM; guest firmware; certificate authority)",
};

}  // namespace

const platform::Platform kPlatform = platform::CertifiedVtpm<kCloud>();

}  // namespace assay::gcp_shielded_vm
