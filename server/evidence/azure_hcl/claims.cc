#include "evidence/azure_hcl/claims.h"

#include <algorithm>
#include <array>

namespace assay::azure_hcl {
namespace {

using evidence::ClaimSpec;
using enum evidence::ClaimType;
using enum evidence::Duty;

// clang-format off: a claim, a row
constexpr auto kClaims = std::to_array<ClaimSpec>({
    {"hcl.console_enabled",
     kFlag,
     kOptional,
     0,
     {},
     "vm-configuration.console-enabled: the machine has a serial console; the host is at its other end"},
    {"hcl.filtered_vpci_devices_allowed",
     kFlag,
     kOptional,
     0,
     {},
     "vm-configuration.filtered-vpci-devices-allowed: devices of the host may be attached; newer paravisors only"},
    {"hcl.hardware_sealing_policy",
     kText,
     kOptional,
     0,
     {},
     "vm-configuration.hardware-sealing-policy: what the TPM's state is sealed to; newer paravisors only"},
    {"hcl.interactive_console_enabled",
     kFlag,
     kOptional,
     0,
     {},
     "vm-configuration.interactive-console-enabled: the serial console takes input; newer paravisors only"},
    {"hcl.report_type", kNumber, kOptional, 0, {}, "REPORT_TYPE: 2 SEV-SNP, 4 TDX"},
    {"hcl.root_cert_thumbprint",
     kOctets,
     kOptional,
     32,
     {},
     "vm-configuration.root-cert-thumbprint: the root to which the paravisor held the host's key service"},
    {"hcl.runtime_claims_sha256", kOctets, kOptional, 32, {}, "SHA-256 of the runtime claims, to which the hardware report commits"},
    {kSecureBootClaim, kFlag, kMust, 0, {}, "vm-configuration.secure-boot: the paravisor gave the guest's firmware Secure Boot"},
    {"hcl.tpm_enabled", kFlag, kOptional, 0, {}, "vm-configuration.tpm-enabled: the machine has a virtual TPM"},
    {"hcl.tpm_persisted",
     kFlag,
     kOptional,
     0,
     {},
     "vm-configuration.tpm-persisted: the TPM's state outlives the machine's power; not of older paravisors"},
    {"hcl.user_data",
     kOctets,
     kOptional,
     64,
     {},
     "user-data: what the guest wrote to NV index 0x01400002 before the report was made; not of older paravisors"},
    {"hcl.vm_unique_id", kText, kOptional, 0, {}, "vm-configuration.vmUniqueId: Azure's id of the machine, as its host told the paravisor"},
    {"hcl.vmgs_provisioner",
     kText,
     kOptional,
     0,
     {},
     "vm-configuration.vmgs-provisioner: who made the file of the guest's state; newer paravisors only"},
});
// clang-format on

static_assert(std::is_sorted(kClaims.begin(), kClaims.end(), [](const ClaimSpec& a, const ClaimSpec& b) { return a.name < b.name; }));

}  // namespace

std::span<const ClaimSpec> ClaimTable() { return kClaims; }

}  // namespace assay::azure_hcl
