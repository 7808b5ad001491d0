// Every fault: what is changed, and which finding a verifier owes for it. One row a fault, in the order of the enumeration.
#include <algorithm>
#include <utility>

#include "base/absl_bridge.h"
#include "base/bug.h"
#include "base/strings.h"
#include "tests/softtee/der.h"
#include "tests/softtee/snp_parts.h"

namespace assay::softtee {
namespace {

// What has to be so for the fault to exist.
enum class Needs : std::uint8_t { kNothing, kVcek, kVlek, kTurin, kCpuid, kTable };

struct Row {
  FaultEntry entry;
  Needs needs;
  void (*apply)(SnpParts&);
};

// --- report ---

void Patch(SnpParts& parts, std::size_t offset) { parts.report.patches.push_back({offset, 0x01}); }

void ReplaceR(SnpParts& parts, std::uint8_t value) {
  parts.after_signing = [value](Bytes& report) { std::fill_n(report.begin() + kSignatureR, 48, value); };
}

void SetAfterSigning(SnpParts& parts, std::size_t offset) {
  parts.after_signing = [offset](Bytes& report) { report[offset] ^= 0x01; };
}

void SetSigningKey(SnpParts& parts, std::uint32_t value) { parts.report.signer_info = value << 2; }

// Index of SNP in TCB_VERSION: present on every product, and far from its limits in the defaults.
ByteArray<8> WithSnp(const SnpParts& parts, int difference) {
  Tcb tcb = parts.tcb;
  tcb.snp = static_cast<std::uint8_t>(tcb.snp + difference);
  return Encode(parts.options.product, tcb);
}

// --- leaf ---

Extension& ExtensionOf(SnpParts& parts, std::string_view suffix) {
  const auto found = std::find_if(parts.leaf.extensions.begin(), parts.leaf.extensions.end(),
                                  [oid = AmdOid(suffix)](const Extension& extension) { return extension.oid == oid; });
  ASSAY_CHECK(found != parts.leaf.extensions.end());
  return *found;
}

void RemoveExtension(SnpParts& parts, std::string_view suffix) {
  std::erase_if(parts.leaf.extensions, [oid = AmdOid(suffix)](const Extension& extension) { return extension.oid == oid; });
}

// The certified component becomes another one than the reported.
void ChangeComponent(SnpParts& parts, std::string_view suffix, std::uint8_t reported) {
  ExtensionOf(parts, suffix).value = der::Integer(static_cast<std::uint8_t>(reported ^ 0x01));
}

// --- authorities ---

template <typename Edit>
void RemakeIntermediate(SnpParts& parts, Edit edit) {
  const Product product = parts.options.product;
  const Key& ark = parts.pki.KeyOf(Authority::kArk, product);
  Certificate certificate = SnpPki::DescribeAuthority(parts.issuer, product, parts.pki.KeyOf(parts.issuer, product), ark);
  edit(certificate);
  parts.intermediate = certificate.SignedBy(ark);
}

Extension& ExtensionNamed(Certificate& certificate, std::string_view oid) {
  const auto found = std::find_if(certificate.extensions.begin(), certificate.extensions.end(),
                                  [oid](const Extension& extension) { return extension.oid == oid; });
  ASSAY_CHECK(found != certificate.extensions.end());
  return *found;
}

void Remove(Certificate& certificate, std::string_view oid) {
  std::erase_if(certificate.extensions, [oid](const Extension& extension) { return extension.oid == oid; });
}

constexpr std::string_view kOtherOrganization = "Advanced Micro Device";

const Row
    kRows[] =
        {
            // Report, layout
            {{Fault::kReportTruncated, "report_truncated", "length_wrong", "the report's last byte is missing"},
             Needs::kNothing,
             [](SnpParts& p) { p.after_signing = [](Bytes& report) { report.pop_back(); }; }},
            {{Fault::kReportExtended, "report_extended", "length_wrong", "a zero byte follows the report"},
             Needs::kNothing,
             [](SnpParts& p) { p.after_signing = [](Bytes& report) { report.push_back(0); }; }},
            {{Fault::kVersion1, "version_1", "version_unsupported", "VERSION is 1"},
             Needs::kNothing,
             [](SnpParts& p) { p.report.version = 1; }},
            {{Fault::kVersion6, "version_6", "version_unsupported", "VERSION is 6"},
             Needs::kNothing,
             [](SnpParts& p) { p.report.version = 6; }},
            {{Fault::kReserved04c, "reserved_04c", "reserved_not_zero", "the reserved byte 0x4c is set"},
             Needs::kNothing,
             [](SnpParts& p) { Patch(p, 0x04C); }},
            {{Fault::kReserved188, "reserved_before_chip_id", "reserved_not_zero", "the reserved byte 0x19f, before CHIP_ID, is set"},
             Needs::kNothing,
             [](SnpParts& p) { Patch(p, 0x19F); }},
            {{Fault::kReserved1eb, "reserved_1eb", "reserved_not_zero", "the reserved byte behind CURRENT_MAJOR is set"},
             Needs::kNothing,
             [](SnpParts& p) { Patch(p, 0x1EB); }},
            {{Fault::kReserved1ef, "reserved_1ef", "reserved_not_zero", "the reserved byte behind COMMITTED_MAJOR is set"},
             Needs::kNothing,
             [](SnpParts& p) { Patch(p, 0x1EF); }},
            {{Fault::kReservedBehindLaunchTcb, "reserved_first_of_last", "reserved_not_zero",
              "the first byte of the last signed reserved range is set"},
             Needs::kNothing,
             [](SnpParts& p) { Patch(p, p.report.version >= 5 ? 0x208 : 0x1F8); }},
            {{Fault::kReservedLastSigned, "reserved_last_of_last", "reserved_not_zero", "the last signed byte, 0x29f, is set"},
             Needs::kNothing,
             [](SnpParts& p) { Patch(p, 0x29F); }},
            {{Fault::kSignerInfoReserved, "signer_info_reserved", "reserved_not_zero", "bit 5 of the signer info is set"},
             Needs::kNothing,
             [](SnpParts& p) { p.report.signer_info |= 1U << 5; }},
            {{Fault::kTcbReserved, "tcb_reserved", "reserved_not_zero", "a reserved byte of CURRENT_TCB is set"},
             Needs::kCpuid,
             [](SnpParts& p) { p.report.current_tcb[4] = 1; }},
            {{Fault::kPolicyUnknownBit, "policy_unknown_bit", "field_invalid", "POLICY bit 26, the lowest that must be zero, is set"},
             Needs::kNothing,
             [](SnpParts& p) { p.report.policy |= std::uint64_t{1} << 26; }},
            {{Fault::kPolicyBit17Clear, "policy_bit17_clear", "field_invalid", "POLICY bit 17, which must be one, is zero"},
             Needs::kNothing,
             [](SnpParts& p) { p.report.policy &= ~(std::uint64_t{1} << 17); }},
            {{Fault::kVmpl4, "vmpl_4", "field_invalid", "VMPL is 4: the host asked for the report"},
             Needs::kNothing,
             [](SnpParts& p) { p.report.vmpl = 4; }},
            {{Fault::kSignatureAlgo0, "signature_algo_0", "algorithm_unsupported", "SIGNATURE_ALGO is 0"},
             Needs::kNothing,
             [](SnpParts& p) { p.report.signature_algo = 0; }},
            {{Fault::kSigningKeyNone, "signing_key_none", "field_invalid", "SIGNING_KEY is 7 (NONE)"},
             Needs::kNothing,
             [](SnpParts& p) { SetSigningKey(p, 7); }},
            {{Fault::kSigningKeyReserved, "signing_key_reserved", "field_invalid", "SIGNING_KEY is 2 (reserved)"},
             Needs::kNothing,
             [](SnpParts& p) { SetSigningKey(p, 2); }},
            {{Fault::kUnknownProduct, "unknown_product", "product_unknown", "CPUID is 1a:50, whose TCB layout nobody has published"},
             Needs::kCpuid,
             [](SnpParts& p) {
               p.report.cpuid_family = 0x1A;
               p.report.cpuid_model = 0x50;
             }},
            {{Fault::kRPadding, "r_padding", "reserved_not_zero", "the byte behind the 48 bytes of r is set"},
             Needs::kNothing,
             [](SnpParts& p) { SetAfterSigning(p, kSignatureR + 48); }},
            {{Fault::kSPadding, "s_padding", "reserved_not_zero", "the last byte of the slot of s is set"},
             Needs::kNothing,
             [](SnpParts& p) { SetAfterSigning(p, kSignatureS + kSignatureSlot - 1); }},
            {{Fault::kSignatureTail, "signature_tail", "reserved_not_zero", "the last byte of the report, which nothing signs, is set"},
             Needs::kNothing,
             [](SnpParts& p) { SetAfterSigning(p, kReportSize - 1); }},

            // Report, signature and binding
            {{Fault::kRZero, "r_zero", "signature_invalid", "r is zero"}, Needs::kNothing, [](SnpParts& p) { ReplaceR(p, 0); }},
            {{Fault::kSZero, "s_zero", "signature_invalid", "s is zero"},
             Needs::kNothing,
             [](SnpParts& p) { p.after_signing = [](Bytes& report) { std::fill_n(report.begin() + kSignatureS, 48, std::uint8_t{0}); }; }},
            {{Fault::kSNotBelowOrder, "s_not_below_order", "signature_invalid", "s is the order of P-384"},
             Needs::kNothing,
             [](SnpParts& p) {
               p.after_signing = [](Bytes& report) {
                 const ByteArray<48> order = OrderOfP384();
                 std::reverse_copy(order.begin(), order.end(), report.begin() + kSignatureS);
               };
             }},
            {{Fault::kSignatureBigEndian, "signature_big_endian", "signature_invalid", "r and s are written big-endian"},
             Needs::kNothing,
             [](SnpParts& p) {
               p.after_signing = [](Bytes& report) {
                 std::reverse(report.begin() + kSignatureR, report.begin() + kSignatureR + 48);
                 std::reverse(report.begin() + kSignatureS, report.begin() + kSignatureS + 48);
               };
             }},
            {{Fault::kSignatureDamaged, "signature_damaged", "signature_invalid", "one bit of r is flipped"},
             Needs::kNothing,
             [](SnpParts& p) { SetAfterSigning(p, kSignatureR); }},
            {{Fault::kReportChanged, "report_changed", "signature_invalid", "one bit of MEASUREMENT is flipped after signing"},
             Needs::kNothing,
             [](SnpParts& p) { SetAfterSigning(p, 0x090); }},
            {{Fault::kReportOfOtherKey, "report_of_other_key", "signature_invalid", "another P-384 key signed the report"},
             Needs::kNothing,
             [](SnpParts& p) { p.report_key = Key::Derive(AsBytes("another key")); }},
            {{Fault::kOtherReportData, "other_report_data", "binding_mismatch", "the last bit of REPORT_DATA is not the one demanded"},
             Needs::kNothing,
             [](SnpParts& p) { p.report.report_data.back() ^= 0x01; }},
            {{Fault::kSigningKeyMismatch, "signing_key_mismatch", "key_kind_mismatch",
              "SIGNING_KEY names the other kind than the certificate's"},
             Needs::kNothing,
             [](SnpParts& p) { SetSigningKey(p, p.Vlek() ? 0 : 1); }},
            {{Fault::kChipIdMasked, "chip_id_masked", "chip_id_masked", "CHIP_ID is zero under a VCEK"},
             Needs::kVcek,
             [](SnpParts& p) { p.report.chip_id.fill(0); }},
            {{Fault::kChipIdOther, "chip_id_other", "hwid_mismatch", "the last byte of CHIP_ID is not the certificate's"},
             Needs::kVcek,
             [](SnpParts& p) { p.report.chip_id[p.options.product == Product::kTurin ? 7 : 63] ^= 0x01; }},
            {{Fault::kReportedTcbOther, "reported_tcb_other", "tcb_mismatch", "REPORTED_TCB is one SNP version below the certificate's"},
             Needs::kNothing,
             [](SnpParts& p) { p.report.reported_tcb = WithSnp(p, -1); }},
            {{Fault::kOtherProduct, "other_product", "product_mismatch",
              "CPUID and TCB layout are those of another product than the certificates'"},
             Needs::kCpuid,
             [](SnpParts& p) {
               SetCpuid(p.report, p.OtherProduct());
               SetTcb(p.report, p.OtherProduct(), p.tcb);
             }},

            // Report, what it says
            {{Fault::kDebug, "debug", "debug_enabled", "POLICY allows debugging"},
             Needs::kNothing,
             [](SnpParts& p) { p.report.policy |= std::uint64_t{1} << 19; }},
            {{Fault::kMigrateMa, "migrate_ma", "migration_agent", "POLICY allows a migration agent"},
             Needs::kNothing,
             [](SnpParts& p) { p.report.policy |= std::uint64_t{1} << 18; }},
            {{Fault::kReportIdMaSet, "report_id_ma_set", "inconsistent_claims", "REPORT_ID_MA names a migration agent that POLICY forbids"},
             Needs::kNothing,
             [](SnpParts& p) { p.report.report_id_ma = Ramp<32>(0x70); }},
            {{Fault::kAuthorKeyDigestAlone, "author_key_digest_alone", "inconsistent_claims",
              "AUTHOR_KEY_DIGEST is set without AUTHOR_KEY_EN"},
             Needs::kNothing,
             [](SnpParts& p) { p.report.author_key_digest = Ramp<48>(0x80); }},
            {{Fault::kReportedAboveCommitted, "reported_above_committed", "tcb_order", "COMMITTED_TCB is below REPORTED_TCB"},
             Needs::kNothing,
             [](SnpParts& p) { p.report.committed_tcb = WithSnp(p, -1); }},
            {{Fault::kCommittedAboveCurrent, "committed_above_current", "tcb_order", "COMMITTED_TCB is above CURRENT_TCB"},
             Needs::kNothing,
             [](SnpParts& p) { p.report.committed_tcb = WithSnp(p, 1); }},
            {{Fault::kLaunchAboveCurrent, "launch_above_current", "tcb_order", "LAUNCH_TCB is above CURRENT_TCB"},
             Needs::kNothing,
             [](SnpParts& p) { p.report.launch_tcb = WithSnp(p, 1); }},
            {{Fault::kPlatformInfoUnknownBit, "platform_info_unknown_bit", "unknown_bits", "PLATFORM_INFO bit 40 is set"},
             Needs::kNothing,
             [](SnpParts& p) { p.report.platform_info |= std::uint64_t{1} << 40; }},

            // Leaf certificate
            {{Fault::kLeafMissing, "leaf_missing", "certificate_missing", "the VCEK or VLEK is not delivered"},
             Needs::kNothing,
             [](SnpParts& p) { p.leaf_instead = Bytes{}; }},
            {{Fault::kLeafGarbage, "leaf_garbage", "certificate_malformed", "the VCEK or VLEK lacks its last byte"},
             Needs::kNothing,
             [](SnpParts& p) {
               p.leaf_instead = p.leaf.SignedBy(p.leaf_issuer);
               p.leaf_instead->pop_back();
             }},
            {{Fault::kLeafTcbBootLoader, "leaf_tcb_boot_loader", "tcb_mismatch", "blSPL is not the reported boot loader version"},
             Needs::kNothing,
             [](SnpParts& p) { ChangeComponent(p, "3.1", p.tcb.boot_loader); }},
            {{Fault::kLeafTcbTee, "leaf_tcb_tee", "tcb_mismatch", "teeSPL is not the reported TEE version"},
             Needs::kNothing,
             [](SnpParts& p) { ChangeComponent(p, "3.2", p.tcb.tee); }},
            {{Fault::kLeafTcbSnp, "leaf_tcb_snp", "tcb_mismatch", "snpSPL is not the reported SNP version"},
             Needs::kNothing,
             [](SnpParts& p) { ChangeComponent(p, "3.3", p.tcb.snp); }},
            {{Fault::kLeafTcbMicrocode, "leaf_tcb_microcode", "tcb_mismatch", "ucodeSPL is not the reported microcode version"},
             Needs::kNothing,
             [](SnpParts& p) { ChangeComponent(p, "3.8", p.tcb.microcode); }},
            {{Fault::kLeafTcbFmc, "leaf_tcb_fmc", "tcb_mismatch", "fmcSPL is not the reported FMC version"},
             Needs::kTurin,
             [](SnpParts& p) { ChangeComponent(p, "3.9", p.tcb.fmc); }},
            {{Fault::kLeafExtensionMissing, "leaf_extension_missing", "certificate_extension", "ucodeSPL is missing"},
             Needs::kNothing,
             [](SnpParts& p) { RemoveExtension(p, "3.8"); }},
            {{Fault::kLeafExtensionDuplicate, "leaf_extension_duplicate", "certificate_malformed", "snpSPL stands there twice"},
             Needs::kNothing,
             [](SnpParts& p) { p.leaf.extensions.push_back(Extension(ExtensionOf(p, "3.3"))); }},
            {{Fault::kLeafExtensionPadded, "leaf_extension_padded", "certificate_extension",
              "teeSPL is an INTEGER with a needless zero byte"},
             Needs::kNothing,
             [](SnpParts& p) {
               ExtensionOf(p, "3.2").value = {0x02, 0x02, 0x00, p.tcb.tee};
             }},
            {{Fault::kLeafExtensionNegative, "leaf_extension_negative", "certificate_extension", "ucodeSPL is a negative INTEGER"},
             Needs::kNothing,
             [](SnpParts& p) {
               ExtensionOf(p, "3.8").value = {0x02, 0x01, static_cast<std::uint8_t>(p.tcb.microcode | 0x80)};
             }},
            {{Fault::kLeafExtensionTrailing, "leaf_extension_trailing", "certificate_extension", "a byte follows the INTEGER of snpSPL"},
             Needs::kNothing,
             [](SnpParts& p) { ExtensionOf(p, "3.3").value.push_back(0x00); }},
            {{Fault::kLeafExtensionWrongType, "leaf_extension_wrong_type", "certificate_extension", "blSPL is an OCTET STRING"},
             Needs::kNothing,
             [](SnpParts& p) { ExtensionOf(p, "3.1").value[0] = 0x04; }},
            {{Fault::kLeafExtensionTooLarge, "leaf_extension_too_large", "certificate_extension",
              "snpSPL is 256 more than the reported version: equal in its low byte"},
             Needs::kNothing,
             [](SnpParts& p) { ExtensionOf(p, "3.3").value = der::Integer(0x100U + p.tcb.snp); }},
            {{Fault::kLeafProductName, "leaf_product_name", "product_mismatch", "productName is another product's"},
             Needs::kNothing,
             [](SnpParts& p) { ExtensionOf(p, "2").value = der::Ia5String(NameOf(p.OtherProduct())); }},
            {{Fault::kLeafHwidOther, "leaf_hwid_other", "hwid_mismatch", "the last byte of the HWID is not CHIP_ID's"},
             Needs::kVcek,
             [](SnpParts& p) { ExtensionOf(p, "4").value.back() ^= 0x01; }},
            {{Fault::kLeafHwidTagged, "leaf_hwid_tagged", "certificate_extension", "the HWID is wrapped in an OCTET STRING"},
             Needs::kVcek,
             [](SnpParts& p) { ExtensionOf(p, "4").value = der::OctetString(Bytes(ExtensionOf(p, "4").value)); }},
            {{Fault::kLeafHwidShort, "leaf_hwid_short", "certificate_extension", "the HWID lacks its last byte: a prefix of CHIP_ID"},
             Needs::kVcek,
             [](SnpParts& p) { ExtensionOf(p, "4").value.pop_back(); }},
            {{Fault::kLeafHwidMissing, "leaf_hwid_missing", "certificate_extension", "the VCEK has no HWID"},
             Needs::kVcek,
             [](SnpParts& p) { RemoveExtension(p, "4"); }},
            {{Fault::kLeafCspIdOnVcek, "leaf_csp_id_on_vcek", "certificate_extension", "the VCEK has a CSP_ID"},
             Needs::kVcek,
             [](SnpParts& p) { p.leaf.extensions.push_back({.oid = AmdOid("5"), .value = der::Ia5String(p.options.csp_id)}); }},
            {{Fault::kLeafHwidOnVlek, "leaf_hwid_on_vlek", "certificate_extension", "the VLEK has a HWID"},
             Needs::kVlek,
             [](SnpParts& p) {
               p.leaf.extensions.push_back(
                   {.oid = AmdOid("4"), .value = ToBytes(ByteView(kDefaultChipId).first(p.options.product == Product::kTurin ? 8 : 64))});
             }},
            {{Fault::kLeafCspIdMissing, "leaf_csp_id_missing", "certificate_extension", "the VLEK has no CSP_ID"},
             Needs::kVlek,
             [](SnpParts& p) { RemoveExtension(p, "5"); }},
            {{Fault::kLeafKindName, "leaf_kind_name", "key_kind_mismatch", "the leaf's common name is that of the other kind"},
             Needs::kNothing,
             [](SnpParts& p) { p.leaf.subject = AmdName(p.Vlek() ? "SEV-VCEK" : "SEV-VLEK"); }},
            {{Fault::kLeafOrganization, "leaf_organization", "certificate_profile", "the leaf's organization is not AMD"},
             Needs::kNothing,
             [](SnpParts& p) { p.leaf.subject = AmdName(p.Vlek() ? "SEV-VLEK" : "SEV-VCEK", kOtherOrganization); }},
            {{Fault::kLeafSalt20, "leaf_salt_20", "certificate_profile", "the leaf is signed with a PSS salt of 20 bytes"},
             Needs::kNothing,
             [](SnpParts& p) { p.leaf.style = SignatureStyle::kPssSha384Salt20; }},
            {{Fault::kLeafPssSha256, "leaf_pss_sha256", "certificate_profile", "the leaf is signed with PSS over SHA-256"},
             Needs::kNothing,
             [](SnpParts& p) { p.leaf.style = SignatureStyle::kPssSha256; }},
            {{Fault::kLeafPkcs1, "leaf_pkcs1", "certificate_profile", "the leaf is signed with PKCS #1 v1.5"},
             Needs::kNothing,
             [](SnpParts& p) { p.leaf.style = SignatureStyle::kPkcs1Sha384; }},
            {{Fault::kLeafCa, "leaf_ca", "certificate_profile", "the leaf is a CA"},
             Needs::kNothing,
             [](SnpParts& p) { p.leaf.extensions.push_back(extension::BasicConstraints(true, std::nullopt)); }},
            {{Fault::kLeafP256, "leaf_p256", "certificate_profile", "the leaf's key is on P-256"},
             Needs::kNothing,
             [](SnpParts& p) {
               p.leaf.subject_public_key_info = Key::Derive(AsBytes("a P-256 key"), Key::Curve::kP256).SubjectPublicKeyInfo();
             }},
            {{Fault::kLeafExpired, "leaf_expired", "expired", "the leaf's validity ended a day ago"},
             Needs::kNothing,
             [](SnpParts& p) { p.leaf.not_after = p.options.now - std::chrono::days(1); }},
            {{Fault::kLeafNotYetValid, "leaf_not_yet_valid", "not_yet_valid", "the leaf's validity begins in a day"},
             Needs::kNothing,
             [](SnpParts& p) { p.leaf.not_before = p.options.now + std::chrono::days(1); }},
            {{Fault::kLeafOtherIssuerKey, "leaf_other_issuer_key", "chain_broken", "another key than the issuer's signed the leaf"},
             Needs::kNothing,
             [](SnpParts& p) { p.leaf_issuer = p.pki.StrangerKey(); }},
            {{Fault::kLeafWrongIntermediate, "leaf_wrong_intermediate", "certificate_profile",
              "an ASVK issued the VCEK, or an ASK the VLEK"},
             Needs::kNothing,
             [](SnpParts& p) {
               const Authority other = p.Vlek() ? Authority::kAsk : Authority::kAsvk;
               p.leaf.issuer = AmdName(CommonNameOf(other, p.options.product));
               p.leaf_issuer = p.pki.KeyOf(other, p.options.product);
               p.intermediate = p.pki.CertificateOf(other, p.options.product);
             }},
            {{Fault::kLeafIssuedByRoot, "leaf_issued_by_root", "certificate_profile", "the ARK itself issued the leaf"},
             Needs::kNothing,
             [](SnpParts& p) {
               p.leaf.issuer = AmdName(CommonNameOf(Authority::kArk, p.options.product));
               p.leaf_issuer = p.pki.KeyOf(Authority::kArk, p.options.product);
             }},

            // Authorities
            {{Fault::kIntermediateMissing, "intermediate_missing", "chain_incomplete", "the ASK or ASVK is not delivered"},
             Needs::kNothing,
             [](SnpParts& p) { p.intermediate.clear(); }},
            {{Fault::kIntermediateNotCa, "intermediate_not_ca", "chain_broken", "the ASK or ASVK is no CA"},
             Needs::kNothing,
             [](SnpParts& p) {
               RemakeIntermediate(p, [](Certificate& c) {
                 ExtensionNamed(c, extension::kBasicConstraints) = extension::BasicConstraints(false, std::nullopt);
               });
             }},
            {{Fault::kIntermediateNoPathLength, "intermediate_no_path_length", "certificate_profile",
              "the ASK or ASVK has no pathLenConstraint"},
             Needs::kNothing,
             [](SnpParts& p) {
               RemakeIntermediate(p, [](Certificate& c) {
                 ExtensionNamed(c, extension::kBasicConstraints) = extension::BasicConstraints(true, std::nullopt);
               });
             }},
            {{Fault::kIntermediateNoKeyUsage, "intermediate_no_key_usage", "certificate_profile", "the ASK or ASVK has no keyUsage"},
             Needs::kNothing,
             [](SnpParts& p) { RemakeIntermediate(p, [](Certificate& c) { Remove(c, extension::kKeyUsage); }); }},
            {{Fault::kIntermediateCrlSign, "intermediate_crl_sign", "certificate_profile",
              "the ASK or ASVK may also sign revocation lists"},
             Needs::kNothing,
             [](SnpParts& p) {
               RemakeIntermediate(
                   p, [](Certificate& c) { ExtensionNamed(c, extension::kKeyUsage) = extension::AmdKeyUsage(kKeyCertSign | kCrlSign); });
             }},
            {{Fault::kIntermediateExpired, "intermediate_expired", "expired", "the validity of the ASK or ASVK ended a day ago"},
             Needs::kNothing,
             [](SnpParts& p) { RemakeIntermediate(p, [&p](Certificate& c) { c.not_after = p.options.now - std::chrono::days(1); }); }},
            {{Fault::kIntermediateOtherIssuerKey, "intermediate_other_issuer_key", "chain_broken",
              "another key than the ARK's signed the ASK or ASVK"},
             Needs::kNothing,
             [](SnpParts& p) {
               const Product product = p.options.product;
               p.intermediate =
                   SnpPki::DescribeAuthority(p.issuer, product, p.pki.KeyOf(p.issuer, product), p.pki.KeyOf(Authority::kArk, product))
                       .SignedBy(p.pki.StrangerKey());
             }},
            {{Fault::kIntermediateSalt20, "intermediate_salt_20", "certificate_profile",
              "the ASK or ASVK is signed with a PSS salt of 20 bytes"},
             Needs::kNothing,
             [](SnpParts& p) { RemakeIntermediate(p, [](Certificate& c) { c.style = SignatureStyle::kPssSha384Salt20; }); }},
            {{Fault::kIntermediateRsa2048, "intermediate_rsa_2048", "certificate_profile", "the key of the ASK or ASVK has 2048 bits"},
             Needs::kNothing,
             [](SnpParts& p) {
               const Key small = Key::GenerateRsa(2048);
               RemakeIntermediate(p, [&small](Certificate& c) {
                 c.subject_public_key_info = small.SubjectPublicKeyInfo();
                 ExtensionNamed(c, extension::kSubjectKeyIdentifier) = extension::SubjectKeyIdentifier(small);
               });
               p.leaf_issuer = small;
             }},
            {{Fault::kIntermediateOrganization, "intermediate_organization", "certificate_profile",
              "the organization of the ASK or ASVK is not AMD"},
             Needs::kNothing,
             [](SnpParts& p) {
               const Bytes name = AmdName(CommonNameOf(p.issuer, p.options.product), kOtherOrganization);
               RemakeIntermediate(p, [&name](Certificate& c) { c.subject = name; });
               p.leaf.issuer = name;
             }},
            {{Fault::kRootMissing, "root_missing", "chain_incomplete", "the ARK is not delivered"},
             Needs::kNothing,
             [](SnpParts& p) { p.root.clear(); }},
            {{Fault::kRootSelfMade, "root_self_made", "root_not_pinned", "the chain is sound but ends in an ARK of somebody else's key"},
             Needs::kNothing,
             [](SnpParts& p) {
               const Product product = p.options.product;
               const Key& stranger = p.pki.StrangerKey();
               p.root = SnpPki::DescribeAuthority(Authority::kArk, product, stranger, stranger).SignedBy(stranger);
               p.intermediate = SnpPki::DescribeAuthority(p.issuer, product, p.pki.KeyOf(p.issuer, product), stranger).SignedBy(stranger);
               p.with_crl = false;
             }},
            {{Fault::kRootNoKeyUsage, "root_no_key_usage", "certificate_profile", "the ARK has the pinned key but no keyUsage"},
             Needs::kNothing,
             [](SnpParts& p) {
               const Key& ark = p.pki.KeyOf(Authority::kArk, p.options.product);
               Certificate certificate = SnpPki::DescribeAuthority(Authority::kArk, p.options.product, ark, ark);
               Remove(certificate, extension::kKeyUsage);
               p.root = certificate.SignedBy(ark);
             }},
            {{Fault::kChainOfOtherProduct, "chain_of_other_product", "root_not_pinned",
              "the leaf says this product, its chain ends in another product's ARK"},
             Needs::kNothing,
             [](SnpParts& p) {
               const Product other = p.OtherProduct();
               p.leaf.issuer = AmdName(CommonNameOf(p.issuer, other));
               p.leaf_issuer = p.pki.KeyOf(p.issuer, other);
               p.intermediate = p.pki.CertificateOf(p.issuer, other);
               p.root = p.pki.CertificateOf(Authority::kArk, other);
             }},

            // Revocation list
            {{Fault::kCrlRevokesIntermediate, "crl_revokes_intermediate", "certificate_revoked",
              "the revocation list names the ASK or ASVK"},
             Needs::kNothing,
             [](SnpParts& p) {
               const Key& ark = p.pki.KeyOf(Authority::kArk, p.options.product);
               p.with_crl = true;
               p.crl.revoked_serials = {SnpPki::DescribeAuthority(p.issuer, p.options.product, ark, ark).serial};
             }},
            {{Fault::kCrlStale, "crl_stale", "crl_stale", "the revocation list's nextUpdate was a day ago"},
             Needs::kNothing,
             [](SnpParts& p) {
               p.with_crl = true;
               p.crl.this_update = p.options.now - std::chrono::days(30);
               p.crl.next_update = p.options.now - std::chrono::days(1);
             }},
            {{Fault::kCrlNotYetValid, "crl_not_yet_valid", "crl_not_yet_valid", "the revocation list's thisUpdate is in a day"},
             Needs::kNothing,
             [](SnpParts& p) {
               p.with_crl = true;
               p.crl.this_update = p.options.now + std::chrono::days(1);
             }},
            {{Fault::kCrlOtherIssuerKey, "crl_other_issuer_key", "crl_not_authentic",
              "another key than the ARK's signed the revocation list"},
             Needs::kNothing,
             [](SnpParts& p) {
               p.with_crl = true;
               p.crl_issuer = p.pki.StrangerKey();
             }},
            {{Fault::kCrlOfOtherProduct, "crl_of_other_product", "revocation_unchecked", "the revocation list is another product's"},
             Needs::kNothing,
             [](SnpParts& p) {
               p.with_crl = true;
               p.crl = p.pki.DescribeCrl(p.OtherProduct(), p.options.now);
               p.crl_issuer = p.pki.KeyOf(Authority::kArk, p.OtherProduct());
             }},
            {{Fault::kCrlGarbage, "crl_garbage", "crl_malformed", "the revocation list lacks its last byte"},
             Needs::kNothing,
             [](SnpParts& p) {
               p.with_crl = true;
               p.crl_instead = p.crl.SignedBy(p.crl_issuer);
               p.crl_instead->pop_back();
             }},

            // Certificate table
            {{Fault::kTableOverlap, "table_overlap", "cert_table_malformed", "the second value begins inside the first"},
             Needs::kTable,
             [](SnpParts& p) { p.table = TableFault::kOverlap; }},
            {{Fault::kTableWrap, "table_wrap", "cert_table_malformed", "offset + length of the last row exceeds 32 bits"},
             Needs::kTable,
             [](SnpParts& p) { p.table = TableFault::kWrap; }},
            {{Fault::kTablePastEnd, "table_past_end", "cert_table_malformed", "the last value ends a byte behind the table"},
             Needs::kTable,
             [](SnpParts& p) { p.table = TableFault::kPastEnd; }},
            {{Fault::kTableInsideHeader, "table_inside_header", "cert_table_malformed", "the first value begins inside the rows"},
             Needs::kTable,
             [](SnpParts& p) { p.table = TableFault::kInsideHeader; }},
            {{Fault::kTableDuplicateGuid, "table_duplicate_guid", "cert_table_malformed", "two rows have the same GUID"},
             Needs::kTable,
             [](SnpParts& p) { p.table = TableFault::kDuplicateGuid; }},
            {{Fault::kTableNoTerminator, "table_no_terminator", "cert_table_malformed", "no zero row ends the rows"},
             Needs::kTable,
             [](SnpParts& p) { p.table = TableFault::kNoTerminator; }},
            {{Fault::kTableEmptyValue, "table_empty_value", "cert_table_malformed", "the last row has length zero"},
             Needs::kTable,
             [](SnpParts& p) { p.table = TableFault::kEmptyValue; }},
            {{Fault::kTableCutOff, "table_cut_off", "cert_table_malformed", "the table ends in the middle of a row"},
             Needs::kTable,
             [](SnpParts& p) { p.table = TableFault::kCutOff; }},
};

const Row& RowOf(Fault fault) {
  const Row& row = kRows[static_cast<std::size_t>(fault)];
  ASSAY_CHECK(row.entry.fault == fault);
  return row;
}

std::string_view Unmet(Needs needs, const SnpOptions& options) {
  switch (needs) {
    case Needs::kNothing: return {};
    case Needs::kVcek: return options.signing_key == SigningKey::kVcek ? "" : "a VCEK";
    case Needs::kVlek: return options.signing_key == SigningKey::kVlek ? "" : "a VLEK";
    case Needs::kTurin: return options.product == Product::kTurin ? "" : "Turin";
    case Needs::kCpuid: return options.version >= 3 ? "" : "report version 3 or later";
    case Needs::kTable: return options.delivery == SnpOptions::Delivery::kTable ? "" : "a certificate table";
  }
  return {};
}

}  // namespace

std::span<const FaultEntry> AllFaults() {
  static const std::vector<FaultEntry> entries = [] {
    std::vector<FaultEntry> list;
    for (const Row& row : kRows) list.push_back(row.entry);
    return list;
  }();
  return entries;
}

const FaultEntry& EntryOf(Fault fault) { return RowOf(fault).entry; }

std::optional<Fault> FaultNamed(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.entry.name == name) return row.entry.fault;
  }
  return std::nullopt;
}

SnpOptions OptionsFor(Fault fault) {
  SnpOptions options{.fault = fault};
  const Needs needs = RowOf(fault).needs;
  if (needs == Needs::kVlek) options.signing_key = SigningKey::kVlek;
  if (needs == Needs::kTurin) options.product = Product::kTurin;
  return options;
}

absl::Status Apply(Fault fault, SnpParts& parts) {
  const Row& row = RowOf(fault);
  if (const std::string_view unmet = Unmet(row.needs, parts.options); !unmet.empty()) {
    return absl::InvalidArgumentError(ToAbsl(Cat("fault ", row.entry.name, " needs ", unmet)));
  }
  row.apply(parts);
  return absl::OkStatus();
}

}  // namespace assay::softtee
