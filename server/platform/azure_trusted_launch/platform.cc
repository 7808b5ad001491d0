#include "platform/azure_trusted_launch/platform.h"

#include "platform/binding/vtpm.h"

namespace assay::azure_trusted_launch {
namespace {

constexpr platform::VtpmCloud kCloud{
    .name = "azure_trusted_launch",
    .summary = "Azure, Trusted Launch: quote by Microsoft's virtual TPM; no memory encryption shown",
    .cloud = "azure",
    .profile = &tpm::kMicrosoftProfile,
    .trusted_party = "Microsoft (hypervisor and host, which run the virtual TPM; guest firmware; certificate authority)",
};

}  // namespace

const platform::Platform kPlatform = platform::CertifiedVtpm<kCloud>();

}  // namespace assay::azure_trusted_launch
