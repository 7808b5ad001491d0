#include "evidence/tpm/claims.h"

#include <algorithm>
#include <array>
#include <string>

#include "evidence/tpm/algorithms.h"
#include "evidence/tpm/attest.h"
#include "evidence/tpm/pcr_values.h"
#include "evidence/tpm/public_area.h"

namespace assay::tpm {
namespace {

using evidence::ClaimSpec;
using enum evidence::ClaimType;
using enum evidence::Duty;

// PCRs by their number in text, so that the table is sorted: 0, 1, 10, …
#define ASSAY_PCR_CLAIMS(bank, title, size)                                                                                            \
  {"tpm." bank "_pcr0", kOctets, kOptional, size, {}, "PCR 0, " title ": firmware code"},                                              \
      {"tpm." bank "_pcr1", kOctets, kOptional, size, {}, "PCR 1, " title ": firmware configuration, host-supplied tables"},           \
      {"tpm." bank "_pcr10", kOctets, kOptional, size, {}, "PCR 10, " title ": files, by Linux IMA"},                                  \
      {"tpm." bank "_pcr11",                                                                                                           \
       kOctets,                                                                                                                        \
       kOptional,                                                                                                                      \
       size,                                                                                                                           \
       {},                                                                                                                             \
       "PCR 11, " title ": unified kernel image, by systemd-stub; BitLocker on Windows"},                                              \
      {"tpm." bank "_pcr12", kOctets, kOptional, size, {}, "PCR 12, " title ": kernel command line and credentials, by systemd-stub"}, \
      {"tpm." bank "_pcr13", kOctets, kOptional, size, {}, "PCR 13, " title ": system extensions, by systemd-stub"},                   \
      {"tpm." bank "_pcr14", kOctets, kOptional, size, {}, "PCR 14, " title ": MOK certificates, by shim"},                            \
      {"tpm." bank "_pcr15", kOctets, kOptional, size, {}, "PCR 15, " title ": volumes and machine id, by systemd; free otherwise"},   \
      {"tpm." bank "_pcr16", kOctets, kOptional, size, {}, "PCR 16, " title ": debugging; anybody in the guest can reset it"},         \
      {"tpm." bank "_pcr17", kOctets, kOptional, size, {}, "PCR 17, " title ": dynamic root of trust"},                                \
      {"tpm." bank "_pcr18", kOctets, kOptional, size, {}, "PCR 18, " title ": dynamic root of trust"},                                \
      {"tpm." bank "_pcr19", kOctets, kOptional, size, {}, "PCR 19, " title ": dynamic root of trust"},                                \
      {"tpm." bank "_pcr2", kOctets, kOptional, size, {}, "PCR 2, " title ": option ROMs and drivers"},                                \
      {"tpm." bank "_pcr20", kOctets, kOptional, size, {}, "PCR 20, " title ": dynamic root of trust"},                                \
      {"tpm." bank "_pcr21", kOctets, kOptional, size, {}, "PCR 21, " title ": dynamic root of trust"},                                \
      {"tpm." bank "_pcr22", kOctets, kOptional, size, {}, "PCR 22, " title ": dynamic root of trust"},                                \
      {"tpm." bank "_pcr23", kOctets, kOptional, size, {}, "PCR 23, " title ": applications; anybody in the guest can reset it"},      \
      {"tpm." bank "_pcr3", kOctets, kOptional, size, {}, "PCR 3, " title ": configuration of option ROMs"},                           \
      {"tpm." bank "_pcr4", kOctets, kOptional, size, {}, "PCR 4, " title ": boot applications: shim, GRUB, unified kernel image"},    \
      {"tpm." bank "_pcr5", kOctets, kOptional, size, {}, "PCR 5, " title ": partition table, boot manager's configuration"},          \
      {"tpm." bank "_pcr6", kOctets, kOptional, size, {}, "PCR 6, " title ": for the vendor of the platform"},                         \
      {"tpm." bank "_pcr7", kOctets, kOptional, size, {}, "PCR 7, " title ": state, keys and authorities of Secure Boot"},             \
      {"tpm." bank "_pcr8", kOctets, kOptional, size, {}, "PCR 8, " title ": GRUB's commands and kernel command line"},                \
      {"tpm." bank "_pcr9",                                                                                                            \
       kOctets,                                                                                                                        \
       kOptional,                                                                                                                      \
       size,                                                                                                                           \
       {},                                                                                                                             \
       "PCR 9, " title ": files that GRUB read, kernel and initrd among them; initrd by the EFI stub"},

// clang-format off: a claim, a row
constexpr auto kClaims = std::to_array<ClaimSpec>({
    {"gce.instance_id", kText, kOptional, 0, {}, "Instance id in Google's AK certificate, decimal; absent under any other"},
    {"gce.instance_name", kText, kOptional, 0, {}, "Instance name in Google's AK certificate"},
    {kGceProductionClaim, kFlag, kOptional, 0, {}, "isProduction in Google's AK certificate; anything but true is refused"},
    {"gce.project_id", kText, kOptional, 0, {}, "Project id in Google's AK certificate: whose instance it is"},
    {"gce.project_number", kNumber, kOptional, 0, {}, "Project number in Google's AK certificate, never used again"},
    {"gce.security_version", kNumber, kOptional, 0, {}, "securityVersion in Google's AK certificate"},
    {"gce.zone", kText, kOptional, 0, {}, "Zone in Google's AK certificate"},
    {"tpm.ak_attributes", kNumber, kOptional, 0, kAttributeBits,
     "objectAttributes of the attestation key; only where what vouches for the key covers its public area"},
    {"tpm.ak_hierarchy",
     kText,
     kOptional,
     0,
     {},
     "Hierarchy whose primary object the attestation key is: endorsement, owner, platform or null; absent where it is none, or its public area is not at hand"},
    {kAkKeyDigestClaim, kOctets, kOptional, 32, {}, "SHA-256 of the attestation key's SubjectPublicKeyInfo"},
    {"tpm.ak_name",
     kOctets,
     kOptional,
     0,
     {},
     "Name of the attestation key, algorithm and digest of its public area; only where what vouches for the key covers its public area"},
    {kAkTrustClaim, kText, kMust, 0, {}, "What vouches for the attestation key: certificate, activation, commitment or enrolment"},
    {"tpm.ak_vendor",
     kText,
     kOptional,
     0,
     {},
     "Whose root the certificate of the attestation or endorsement key leads to: google, microsoft or operator; absent without one"},
    {"tpm.clock", kNumber, kOptional, 0, {}, "clockInfo.clock: milliseconds that the TPM was on"},
    {kEkKeyDigestClaim,
     kOctets,
     kOptional,
     32,
     {},
     "SHA-256 of the SubjectPublicKeyInfo of the endorsement key under which the attestation key was activated; absent unless that key counts"},
    {"tpm.ek_name", kOctets, kOptional, 0, {}, "Name of that endorsement key, algorithm and digest of its public area"},
    {"tpm.ek_trust", kText, kOptional, 0, {}, "What vouches for that endorsement key: certificate or enrolment"},
    {"tpm.extra_data", kOctets, kOptional, 0, {}, "extraData: chosen by the guest; here the binding transcript"},
    {"tpm.firmware_version",
     kOctets,
     kOptional,
     8,
     {},
     "firmwareVersion; the same for every TPM of one library, and obfuscated for keys outside the endorsement and platform hierarchies"},
    {"tpm.pcr_digest", kOctets, kOptional, 0, {}, "pcrDigest: hash of the selected PCRs, by the hash of the signature"},
    {"tpm.pcr_selection", kText, kOptional, 0, {}, "pcrSelect: banks and PCRs that the quote is about, e.g. sha256:0,1,2"},
    {"tpm.qualified_signer", kOctets, kOptional, 0, {}, "qualifiedSigner: Name of the attestation key together with its parents'"},
    {"tpm.reset_count", kNumber, kOptional, 0, {}, "clockInfo.resetCount: restarts of the machine; obfuscated as tpm.firmware_version is"},
    {"tpm.restart_count",
     kNumber,
     kOptional,
     0,
     {},
     "clockInfo.restartCount: resumes from suspension; obfuscated as tpm.firmware_version is"},
    {kRevocationClaim,
     kText,
     kMustOrWaive,
     0,
     {},
     "Lists of revoked certificates that the key's chain points to: checked, missing, or not_published; no_certificate where none vouches",
     {Check::kTpmRevocation, Reason::kRevocationUnchecked, Effect::kIndeterminate}},
    {"tpm.safe", kFlag, kOptional, 0, {}, "clockInfo.safe: no higher clock was ever shown to anybody"},
    ASSAY_PCR_CLAIMS("sha256", "SHA-256", 32) ASSAY_PCR_CLAIMS("sha384", "SHA-384", 48) ASSAY_PCR_CLAIMS("sha512", "SHA-512", 64){
        kSignatureHashClaim, kText, kOptional, 0, {}, "Hash of the quote's signature and of pcrDigest; SHA-1 is refused"},
});
// clang-format on
#undef ASSAY_PCR_CLAIMS

static_assert(std::is_sorted(kClaims.begin(), kClaims.end(), [](const ClaimSpec& a, const ClaimSpec& b) { return a.name < b.name; }));

}  // namespace

std::span<const ClaimSpec> ClaimTable() { return kClaims; }

std::string_view PcrClaim(std::uint16_t bank, std::uint32_t index) {
  if (bank == kAlgSha1) return {};
  const std::string wanted = "tpm." + BankName(bank) + "_pcr" + std::to_string(index);
  const auto found = std::lower_bound(kClaims.begin(), kClaims.end(), wanted,
                                      [](const ClaimSpec& claim, const std::string& name) { return claim.name < name; });
  return found == kClaims.end() || found->name != wanted ? std::string_view() : found->name;
}

Bytes FirmwareVersionOf(const AttestHeader& header) {
  Bytes version;
  AppendU64Be(version, header.firmware_version);
  return version;
}

void Quote::WriteClaims(trust::ClaimWriter& claims) const {
  const AttestHeader& header = *header_;
  const VouchedAk& vouched = endorsement_->ak;
  claims.Add(kAkTrustClaim, std::string(NameOf(vouched.key.origin())));
  claims.Add(kAkKeyDigestClaim, ToBytes(vouched.key.key().spki_sha256()));
  if (vouched.area) {
    // The TPM itself signs the Name of a primary object, with all of its attributes: then it counts whatever vouches for the key.
    const std::string_view hierarchy = HierarchyOf(header.qualified_signer, vouched.area->name());
    if (!hierarchy.empty()) claims.Add("tpm.ak_hierarchy", std::string(hierarchy));
    if (!hierarchy.empty() || vouched.name_vouched) {
      claims.Add("tpm.ak_name", vouched.area->name());
      claims.Add("tpm.ak_attributes", std::uint64_t{vouched.area->attributes()});
    }
  }
  claims.Add(kRevocationClaim, std::string(vouched.certified ? NameOf(vouched.certified->revocation) : std::string_view("no_certificate")));
  if (vouched.certified) {
    claims.Add("tpm.ak_vendor", std::string(vouched.certified->vendor));
    if (const auto& instance = vouched.certified->instance) {
      claims.Add("gce.instance_id", instance->instance_id);
      claims.Add("gce.instance_name", instance->instance_name);
      claims.Add("gce.project_id", instance->project_id);
      claims.Add("gce.project_number", instance->project_number);
      claims.Add("gce.zone", instance->zone);
      claims.Add(kGceProductionClaim, instance->is_production.value_or(false));
      if (instance->security_version) claims.Add("gce.security_version", *instance->security_version);
    }
  }
  if (vouched.ek) {
    claims.Add(kEkKeyDigestClaim, ToBytes(vouched.ek->key_digest));
    claims.Add("tpm.ek_name", vouched.ek->name);
    claims.Add("tpm.ek_trust", std::string(NameOf(vouched.ek->origin)));
  }
  claims.Add("tpm.clock", header.clock);
  claims.Add("tpm.extra_data", header.extra_data);
  claims.Add("tpm.firmware_version", FirmwareVersionOf(header));
  claims.Add("tpm.pcr_digest", pcr_digest_);
  claims.Add("tpm.pcr_selection", ShowSelection(selection_));
  claims.Add("tpm.qualified_signer", header.qualified_signer);
  claims.Add("tpm.reset_count", std::uint64_t{header.reset_count});
  claims.Add("tpm.restart_count", std::uint64_t{header.restart_count});
  claims.Add("tpm.safe", header.safe);
  claims.Add(kSignatureHashClaim, std::string(crypto::NameOf(endorsement_->hash)));
}

void PcrValues::WriteClaims(trust::ClaimWriter& claims) const {
  for (const PcrValue& one : values_) {
    if (const std::string_view name = PcrClaim(one.bank, one.index); !name.empty()) claims.Add(name, ToBytes(one.value));
  }
}

}  // namespace assay::tpm
