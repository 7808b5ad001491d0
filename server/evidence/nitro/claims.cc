#include "evidence/nitro/claims.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/bug.h"
#include "base/strings.h"

namespace assay::nitro {
namespace {

using evidence::ClaimSpec;
using enum evidence::ClaimType;
using enum evidence::Duty;

// PCRs by their number in text, so that the table is sorted: 0, 1, 10, …
// clang-format off: a claim, a row
constexpr auto kClaims = std::to_array<ClaimSpec>({
    {kDebugClaim,
     kFlag,
     kMustOrWaive,
     0,
     {},
     "PCRs 0, 1 and 2 are all zero: an enclave in debug mode, whose console its parent instance reads, or a machine that measured nothing",
     {Check::kNitroDebug, Reason::kDebugEnabled}},
    {"nitro.digest", kText, kOptional, 0, {}, "digest: what the registers are made with, always SHA384"},
    {"nitro.instance_id", kText, kOptional, 0, {}, "EC2 instance in module_id: the enclave's parent, or whose NitroTPM it is"},
    {kKindClaim, kText, kOptional, 0, {}, "Whose document it is: enclave or tpm"},
    {"nitro.module_id", kText, kOptional, 0, {}, "module_id: this enclave, from start to end, or this NitroTPM"},
    {"nitro.nonce", kOctets, kOptional, 0, {}, "nonce: chosen by the guest; here the binding transcript; absent if it gave none"},
    {"nitro.pcr0",
     kOctets,
     kOptional,
     kPcrSize,
     {},
     "PCR 0 of an enclave: the enclave image: kernel, command line, RAM disks and application; zero in debug mode"},
    {"nitro.pcr1", kOctets, kOptional, kPcrSize, {}, "PCR 1 of an enclave: kernel, command line and boot RAM disk"},
    {"nitro.pcr10", kOctets, kOptional, kPcrSize, {}, "PCR 10 of an enclave: reserved"},
    {"nitro.pcr11", kOctets, kOptional, kPcrSize, {}, "PCR 11 of an enclave: reserved"},
    {"nitro.pcr12", kOctets, kOptional, kPcrSize, {}, "PCR 12 of an enclave: reserved"},
    {"nitro.pcr13", kOctets, kOptional, kPcrSize, {}, "PCR 13 of an enclave: reserved"},
    {"nitro.pcr14", kOctets, kOptional, kPcrSize, {}, "PCR 14 of an enclave: reserved"},
    {"nitro.pcr15", kOctets, kOptional, kPcrSize, {}, "PCR 15 of an enclave: reserved"},
    {"nitro.pcr16", kOctets, kOptional, kPcrSize, {}, "PCR 16 of an enclave: of the enclave's own; what the application extended"},
    {"nitro.pcr17", kOctets, kOptional, kPcrSize, {}, "PCR 17 of an enclave: of the enclave's own; what the application extended"},
    {"nitro.pcr18", kOctets, kOptional, kPcrSize, {}, "PCR 18 of an enclave: of the enclave's own; what the application extended"},
    {"nitro.pcr19", kOctets, kOptional, kPcrSize, {}, "PCR 19 of an enclave: of the enclave's own; what the application extended"},
    {"nitro.pcr2", kOctets, kOptional, kPcrSize, {}, "PCR 2 of an enclave: the application, without the boot RAM disk"},
    {"nitro.pcr20", kOctets, kOptional, kPcrSize, {}, "PCR 20 of an enclave: of the enclave's own; what the application extended"},
    {"nitro.pcr21", kOctets, kOptional, kPcrSize, {}, "PCR 21 of an enclave: of the enclave's own; what the application extended"},
    {"nitro.pcr22", kOctets, kOptional, kPcrSize, {}, "PCR 22 of an enclave: of the enclave's own; what the application extended"},
    {"nitro.pcr23", kOctets, kOptional, kPcrSize, {}, "PCR 23 of an enclave: of the enclave's own; what the application extended"},
    {"nitro.pcr24", kOctets, kOptional, kPcrSize, {}, "PCR 24 of an enclave: of the enclave's own; what the application extended"},
    {"nitro.pcr25", kOctets, kOptional, kPcrSize, {}, "PCR 25 of an enclave: of the enclave's own; what the application extended"},
    {"nitro.pcr26", kOctets, kOptional, kPcrSize, {}, "PCR 26 of an enclave: of the enclave's own; what the application extended"},
    {"nitro.pcr27", kOctets, kOptional, kPcrSize, {}, "PCR 27 of an enclave: of the enclave's own; what the application extended"},
    {"nitro.pcr28", kOctets, kOptional, kPcrSize, {}, "PCR 28 of an enclave: of the enclave's own; what the application extended"},
    {"nitro.pcr29", kOctets, kOptional, kPcrSize, {}, "PCR 29 of an enclave: of the enclave's own; what the application extended"},
    {"nitro.pcr3",
     kOctets,
     kOptional,
     kPcrSize,
     {},
     "PCR 3 of an enclave: IAM role of the parent instance: SHA-384 over zeros and the digest of its ARN; zero without one"},
    {"nitro.pcr30", kOctets, kOptional, kPcrSize, {}, "PCR 30 of an enclave: of the enclave's own; what the application extended"},
    {"nitro.pcr31", kOctets, kOptional, kPcrSize, {}, "PCR 31 of an enclave: of the enclave's own; what the application extended"},
    {"nitro.pcr4", kOctets, kOptional, kPcrSize, {}, "PCR 4 of an enclave: id of the parent instance"},
    {"nitro.pcr5", kOctets, kOptional, kPcrSize, {}, "PCR 5 of an enclave: reserved"},
    {"nitro.pcr6", kOctets, kOptional, kPcrSize, {}, "PCR 6 of an enclave: reserved"},
    {"nitro.pcr7", kOctets, kOptional, kPcrSize, {}, "PCR 7 of an enclave: reserved"},
    {"nitro.pcr8",
     kOctets,
     kOptional,
     kPcrSize,
     {},
     "PCR 8 of an enclave: certificate that the image was signed with; zero if it is not signed"},
    {"nitro.pcr9", kOctets, kOptional, kPcrSize, {}, "PCR 9 of an enclave: reserved"},
    {"nitro.public_key", kOctets, kOptional, 0, {}, "public_key: chosen by the guest; absent if it gave none"},
    {"nitro.region", kText, kOptional, 0, {}, "AWS region in the certificate, e.g. us-east-1"},
    {"nitro.timestamp", kDate, kOptional, 0, {}, "timestamp, in whole seconds: when the hypervisor made the document"},
    {"nitro.timestamp_ms", kNumber, kOptional, 0, {}, "timestamp, in milliseconds since 1970"},
    {"nitro.tpm_pcr0", kOctets, kOptional, kPcrSize, {}, "PCR 0 of a NitroTPM, SHA-384: firmware code; constant by the design of AWS"},
    {"nitro.tpm_pcr1",
     kOctets,
     kOptional,
     kPcrSize,
     {},
     "PCR 1 of a NitroTPM, SHA-384: firmware configuration; constant by the design of AWS"},
    {"nitro.tpm_pcr10", kOctets, kOptional, kPcrSize, {}, "PCR 10 of a NitroTPM, SHA-384: files, by Linux IMA"},
    {"nitro.tpm_pcr11", kOctets, kOptional, kPcrSize, {}, "PCR 11 of a NitroTPM, SHA-384: unified kernel image, by systemd-stub"},
    {"nitro.tpm_pcr12",
     kOctets,
     kOptional,
     kPcrSize,
     {},
     "PCR 12 of a NitroTPM, SHA-384: kernel command line and credentials, by systemd-stub; zero where nobody gave any"},
    {"nitro.tpm_pcr13", kOctets, kOptional, kPcrSize, {}, "PCR 13 of a NitroTPM, SHA-384: system extensions, by systemd-stub"},
    {"nitro.tpm_pcr14", kOctets, kOptional, kPcrSize, {}, "PCR 14 of a NitroTPM, SHA-384: MOK certificates, by shim"},
    {"nitro.tpm_pcr15",
     kOctets,
     kOptional,
     kPcrSize,
     {},
     "PCR 15 of a NitroTPM, SHA-384: volumes and machine id, by systemd; free otherwise"},
    {"nitro.tpm_pcr16", kOctets, kOptional, kPcrSize, {}, "PCR 16 of a NitroTPM, SHA-384: debugging; anybody in the guest can reset it"},
    {"nitro.tpm_pcr17", kOctets, kOptional, kPcrSize, {}, "PCR 17 of a NitroTPM, SHA-384: dynamic root of trust"},
    {"nitro.tpm_pcr18", kOctets, kOptional, kPcrSize, {}, "PCR 18 of a NitroTPM, SHA-384: dynamic root of trust"},
    {"nitro.tpm_pcr19", kOctets, kOptional, kPcrSize, {}, "PCR 19 of a NitroTPM, SHA-384: dynamic root of trust"},
    {"nitro.tpm_pcr2", kOctets, kOptional, kPcrSize, {}, "PCR 2 of a NitroTPM, SHA-384: option ROMs and drivers"},
    {"nitro.tpm_pcr20", kOctets, kOptional, kPcrSize, {}, "PCR 20 of a NitroTPM, SHA-384: dynamic root of trust"},
    {"nitro.tpm_pcr21", kOctets, kOptional, kPcrSize, {}, "PCR 21 of a NitroTPM, SHA-384: dynamic root of trust"},
    {"nitro.tpm_pcr22", kOctets, kOptional, kPcrSize, {}, "PCR 22 of a NitroTPM, SHA-384: dynamic root of trust"},
    {"nitro.tpm_pcr23", kOctets, kOptional, kPcrSize, {}, "PCR 23 of a NitroTPM, SHA-384: applications; anybody in the guest can reset it"},
    {"nitro.tpm_pcr3", kOctets, kOptional, kPcrSize, {}, "PCR 3 of a NitroTPM, SHA-384: configuration of option ROMs"},
    {"nitro.tpm_pcr4",
     kOctets,
     kOptional,
     kPcrSize,
     {},
     "PCR 4 of a NitroTPM, SHA-384: boot applications: shim, GRUB, unified kernel image; appraised together with PCR 12"},
    {"nitro.tpm_pcr5", kOctets, kOptional, kPcrSize, {}, "PCR 5 of a NitroTPM, SHA-384: partition table, boot manager's configuration"},
    {"nitro.tpm_pcr6", kOctets, kOptional, kPcrSize, {}, "PCR 6 of a NitroTPM, SHA-384: for the vendor of the platform"},
    {"nitro.tpm_pcr7", kOctets, kOptional, kPcrSize, {}, "PCR 7 of a NitroTPM, SHA-384: state, keys and authorities of Secure Boot"},
    {"nitro.tpm_pcr8", kOctets, kOptional, kPcrSize, {}, "PCR 8 of a NitroTPM, SHA-384: GRUB's commands and kernel command line"},
    {"nitro.tpm_pcr9",
     kOctets,
     kOptional,
     kPcrSize,
     {},
     "PCR 9 of a NitroTPM, SHA-384: files that GRUB read, kernel and initrd among them; initrd by the EFI stub"},
    {"nitro.user_data", kOctets, kOptional, 0, {}, "user_data: chosen by the guest; absent if it gave none"},
});
// clang-format on

static_assert(std::is_sorted(kClaims.begin(), kClaims.end(), [](const ClaimSpec& a, const ClaimSpec& b) { return a.name < b.name; }));

}  // namespace

std::span<const ClaimSpec> ClaimTable() { return kClaims; }

std::string_view PcrClaim(Kind kind, std::uint32_t index) {
  const std::string wanted = Cat(kind == Kind::kEnclave ? "nitro.pcr" : "nitro.tpm_pcr", index);
  const auto found = std::lower_bound(kClaims.begin(), kClaims.end(), wanted,
                                      [](const ClaimSpec& claim, const std::string& name) { return claim.name < name; });
  ASSAY_CHECK(found != kClaims.end() && found->name == wanted);
  return found->name;
}

}  // namespace assay::nitro
