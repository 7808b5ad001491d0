#include "evidence/sev_snp/claims.h"

#include <algorithm>
#include <array>

#include "evidence/sev_snp/bits.h"

namespace assay::sev_snp {
namespace {

using evidence::ClaimSpec;
using enum evidence::ClaimType;
using enum evidence::Duty;

// clang-format off: a claim, a row
constexpr auto kClaims = std::to_array<ClaimSpec>({
    {"snp.author_key_digest",
     kOctets,
     kOptional,
     48,
     {},
     "AUTHOR_KEY_DIGEST: SHA-384 of the key that signed the id key; zero without AUTHOR_KEY_EN"},
    {"snp.author_key_en", kFlag, kOptional, 0, {}, "AUTHOR_KEY_EN: the id key was signed by an author key"},
    {"snp.chip_id", kOctets, kOptional, 64, {}, "CHIP_ID: the socket, shared by all its guests; zero if masked or signed by a VLEK"},
    {"snp.committed_tcb", kComponentVersion, kOptional, 0, {}, "COMMITTED_TCB: the firmware cannot be rolled back below it"},
    {"snp.committed_version", kText, kOptional, 0, {}, "COMMITTED_MAJOR.MINOR.BUILD of the firmware"},
    {"snp.cpu", kText, kOptional, 0, {}, "CPUID family:model:stepping, the key of TCB floors; absent in version 2"},
    {"snp.cpuid_fam_mod_step", kOctets, kOptional, 3, {}, "CPUID_FAM_ID, CPUID_MOD_ID, CPUID_STEP; absent in version 2"},
    {"snp.csp_id", kText, kOptional, 0, {}, "CSP_ID of the VLEK certificate: the provider and region it was issued to; absent with a VCEK"},
    {"snp.current_mit_vector", kNumber, kOptional, 0, {}, "CURRENT_MIT_VECTOR: mitigations active now; absent before version 5"},
    {"snp.current_tcb", kComponentVersion, kOptional, 0, {}, "CURRENT_TCB: what runs now"},
    {"snp.current_version", kText, kOptional, 0, {}, "CURRENT_MAJOR.MINOR.BUILD of the firmware"},
    {"snp.family_id", kOctets, kOptional, 16, {}, "FAMILY_ID of the id block"},
    {"snp.guest_svn", kNumber, kOptional, 0, {}, "GUEST_SVN of the id block"},
    {"snp.host_data", kOctets, kOptional, 32, {}, "HOST_DATA: chosen by the host at launch"},
    {"snp.id_key_digest", kOctets, kOptional, 48, {}, "ID_KEY_DIGEST: SHA-384 of the key that signed the id block; zero without one"},
    {"snp.image_id", kOctets, kOptional, 16, {}, "IMAGE_ID of the id block"},
    {"snp.launch_mit_vector", kNumber, kOptional, 0, {}, "LAUNCH_MIT_VECTOR: mitigations active at launch; absent before version 5"},
    {"snp.launch_tcb", kComponentVersion, kOptional, 0, {}, "LAUNCH_TCB: what ran when the guest was launched or imported"},
    {"snp.mask_chip_key", kFlag, kOptional, 0, {}, "MASK_CHIP_KEY: reports are not signed with the chip's key"},
    {"snp.measurement",
     kOctets,
     kOptional,
     48,
     {},
     "MEASUREMENT: launch digest of firmware, and with measured direct boot of kernel, initrd and command line"},
    {"snp.platform_info", kNumber, kMust, 0, kPlatformInfoBits, "PLATFORM_INFO: state of the host platform"},
    {"snp.policy", kNumber, kOptional, 0, kPolicyBits, "POLICY: the guest's launch policy, whole"},
    {"snp.policy_abi_major", kNumber, kOptional, 0, {}, "POLICY.ABI_MAJOR: least firmware ABI that the guest accepts"},
    {"snp.policy_abi_minor", kNumber, kOptional, 0, {}, "POLICY.ABI_MINOR"},
    {"snp.policy_ciphertext_hiding_dram", kFlag, kOptional, 0, {}, "POLICY.CIPHERTEXT_HIDING_DRAM: the guest demands it"},
    {"snp.policy_cxl_allow", kFlag, kOptional, 0, {}, "POLICY.CXL_ALLOW: CXL devices and memory may be used"},
    {"snp.policy_debug",
     kFlag,
     kMustOrWaive,
     0,
     {},
     "POLICY.DEBUG: the host may read and change the guest's memory",
     {Check::kDebug, Reason::kDebugEnabled}},
    {"snp.policy_mem_aes_256_xts", kFlag, kOptional, 0, {}, "POLICY.MEM_AES_256_XTS: the guest demands it"},
    {"snp.policy_migrate_ma",
     kFlag,
     kMustOrWaive,
     0,
     {},
     "POLICY.MIGRATE_MA: a migration agent may be given the guest",
     {Check::kMigration, Reason::kMigrationAgent}},
    {"snp.policy_page_swap_disable", kFlag, kOptional, 0, {}, "POLICY.PAGE_SWAP_DISABLE: guest pages may not be swapped"},
    {"snp.policy_rapl_dis", kFlag, kOptional, 0, {}, "POLICY.RAPL_DIS: the guest demands that power readings are off"},
    {"snp.policy_single_socket", kFlag, kOptional, 0, {}, "POLICY.SINGLE_SOCKET: the guest may run on one socket only"},
    {"snp.policy_smt", kFlag, kOptional, 0, {}, "POLICY.SMT: the guest may run with SMT on"},
    {"snp.product", kText, kOptional, 0, {}, "Product line: Milan, Genoa or Turin; from CPUID, in version 2 from the pinned chain"},
    {"snp.report_data", kOctets, kOptional, 64, {}, "REPORT_DATA: chosen by the guest; here the binding transcript"},
    {"snp.report_id", kOctets, kOptional, 32, {}, "REPORT_ID: this guest, from launch to shutdown"},
    {"snp.report_id_ma", kOctets, kOptional, 32, {}, "REPORT_ID_MA: the guest's migration agent; all ones without one"},
    {"snp.reported_tcb", kComponentVersion, kMust, 0, {}, "REPORTED_TCB: the TCB that the signing key was derived for"},
    {"snp.revocation_checked",
     kFlag,
     kMustOrWaive,
     0,
     {},
     "Assay consulted an authentic revocation list of the ARK",
     {Check::kSnpRevocation, Reason::kRevocationUnchecked, Effect::kIndeterminate, /*safe=*/true}},
    {"snp.signing_key", kText, kOptional, 0, {}, "SIGNING_KEY: vcek or vlek"},
    {"snp.version", kNumber, kOptional, 0, {}, "VERSION of the report; 2 and 4 pass only where a policy names them"},
    {"snp.vmpl", kNumber, kMust, 0, {}, "VMPL: privilege level of the code that asked for the report, 0 is the highest"},
});
// clang-format on

static_assert(std::is_sorted(kClaims.begin(), kClaims.end(), [](const ClaimSpec& a, const ClaimSpec& b) { return a.name < b.name; }));

}  // namespace

std::span<const ClaimSpec> ClaimTable() { return kClaims; }

}  // namespace assay::sev_snp
