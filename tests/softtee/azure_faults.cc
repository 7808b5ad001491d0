// Every fault of Azure evidence: what is changed, and which finding a verifier owes for it. One row a fault, in the order of the enumeration.
#include <algorithm>
#include <iterator>

#include "base/bug.h"
#include "tests/softtee/azure_evidence.h"

namespace assay::softtee {
namespace {

using std::chrono::days;

struct Row {
  AzureFaultEntry entry;
  void (*apply)(AzureParts&);
};

constexpr std::uint16_t kKeyEncipherment = 0x2000;

void Replace(std::string& text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  ASSAY_CHECK(at != std::string::npos);
  text.replace(at, from.size(), to);
}

void Erase(std::vector<Item>& items, std::string_view media_type) {
  std::erase_if(items, [media_type](const Item& item) { return item.media_type == media_type; });
}

// Claims of another machine: what commits to them commits to nothing here.
const ByteArray<64> kOther = HclCommitment("{}");

const Row kRows[] = {
    // HCL report, layout
    {{AzureFault::kHeaderTruncated, AzureTees::kBoth, "header_truncated", "length_wrong", "the report ends inside its header"},
     [](AzureParts& p) { p.report_item = [](Bytes& b) { b.resize(1235); }; }},
    {{AzureFault::kClaimsTruncated, AzureTees::kBoth, "claims_truncated", "length_wrong", "the report ends inside the claims"},
     [](AzureParts& p) { p.report_item = [](Bytes& b) { b.resize(1041); }; }},
    {{AzureFault::kTooLong, AzureTees::kBoth, "too_long", "length_wrong", "more zeros follow than any NV index holds"},
     [](AzureParts& p) { p.report.size = 16 * 1024 + 1; }},
    {{AzureFault::kMagic, AzureTees::kBoth, "magic", "field_invalid", "the report begins with HCLB"},
     [](AzureParts& p) { p.report.magic = "HCLB"; }},
    {{AzureFault::kVersion3, AzureTees::kBoth, "version_3", "version_unsupported", "the header is of version 3"},
     [](AzureParts& p) { p.report.version = 3; }},
    {{AzureFault::kDataVersion2, AzureTees::kBoth, "data_version_2", "version_unsupported", "the request data are of version 2"},
     [](AzureParts& p) { p.report.data_version = 2; }},
    {{AzureFault::kRequestType, AzureTees::kBoth, "request_type", "field_invalid", "the report was made for the release of a key"},
     [](AzureParts& p) { p.report.request_type = 1; }},
    {{AzureFault::kStatus, AzureTees::kBoth, "status", "field_invalid", "the host reported an error"},
     [](AzureParts& p) { p.report.status = 1; }},
    {{AzureFault::kReserved, AzureTees::kBoth, "reserved", "reserved_not_zero", "a reserved byte of the header is set"},
     [](AzureParts& p) { p.report.reserved.back() = 1; }},
    {{AzureFault::kTail, AzureTees::kBoth, "tail", "reserved_not_zero", "the last byte behind the claims is set"},
     [](AzureParts& p) { p.report_item = [](Bytes& b) { b.back() = 1; }; }},
    {{AzureFault::kTypeVbs, AzureTees::kBoth, "type_vbs", "hcl_type_unsupported", "the report says that it is of VBS"},
     [](AzureParts& p) { p.report.report_type = 1; }},
    {{AzureFault::kTypeTrustedVm, AzureTees::kBoth, "type_trusted_vm", "hcl_type_unsupported",
      "the report says that it is of a trusted VM"},
     [](AzureParts& p) { p.report.report_type = 3; }},
    {{AzureFault::kTypeCca, AzureTees::kBoth, "type_cca", "hcl_type_unsupported", "the report says that it is of CCA"},
     [](AzureParts& p) { p.report.report_type = 5; }},
    {{AzureFault::kHashSha384, AzureTees::kBoth, "hash_sha384", "hcl_type_unsupported", "the report says that it commits by SHA-384"},
     [](AzureParts& p) { p.report.hash_type = 2; }},
    {{AzureFault::kClaimsSizeLonger, AzureTees::kBoth, "claims_size_longer", "length_wrong",
      "the size of the claims is one more than the other sizes allow"},
     [](AzureParts& p) { p.written = [](HclReport& r) { r.declared_claims = static_cast<std::uint32_t>(r.claims.size() + 1); }; }},
    {{AzureFault::kClaimsSizeHuge, AzureTees::kBoth, "claims_size_huge", "length_wrong", "the claims are said to have 4 GiB"},
     [](AzureParts& p) { p.report.declared_claims = 0xFFFFFFFF; }},
    {{AzureFault::kDataSizeOther, AzureTees::kBoth, "data_size_other", "length_wrong", "the size of the request data is another"},
     [](AzureParts& p) { p.written = [](HclReport& r) { r.declared_data = static_cast<std::uint32_t>(r.claims.size() + 19); }; }},
    {{AzureFault::kReportSizeOther, AzureTees::kBoth, "report_size_other", "length_wrong", "the size of the report is another"},
     [](AzureParts& p) { p.written = [](HclReport& r) { r.declared_report = static_cast<std::uint32_t>(r.claims.size() + 1237); }; }},
    {{AzureFault::kClaimsEmpty, AzureTees::kBoth, "claims_empty", "length_wrong", "there are no claims"},
     [](AzureParts& p) { p.text = [](std::string& text) { text.clear(); }; }},
    {{AzureFault::kTdReportType, AzureTees::kTdx, "td_report_type", "field_invalid", "the TDREPORT says that it is of an enclave"},
     [](AzureParts& p) { p.td_report.type = 0; }},
    {{AzureFault::kTdReportReserved, AzureTees::kTdx, "td_report_reserved", "reserved_not_zero", "a reserved byte of the TDREPORT is set"},
     [](AzureParts& p) { p.td_report.reserved_4[3] = 1; }},
    {{AzureFault::kBehindTdReport, AzureTees::kTdx, "behind_td_report", "reserved_not_zero", "a byte behind the TDREPORT is set"},
     [](AzureParts& p) {
       p.written = [](HclReport& r) {
         r.hardware.resize(1184, 0);
         r.hardware.back() = 1;
       };
     }},

    // Runtime claims, all of them committed to
    {{AzureFault::kClaimsNoJson, AzureTees::kBoth, "claims_no_json", "encoding_malformed", "the claims end before their last brace"},
     [](AzureParts& p) { p.text = [](std::string& text) { text.pop_back(); }; }},
    {{AzureFault::kClaimsNameTwice, AzureTees::kBoth, "claims_name_twice", "encoding_malformed", "the claims have keys twice"},
     [](AzureParts& p) { p.text = [](std::string& text) { text.insert(1, "\"keys\":[],"); }; }},
    {{AzureFault::kClaimsNul, AzureTees::kBoth, "claims_nul", "encoding_malformed",
      "a NUL and more stand behind the claims, inside their length"},
     [](AzureParts& p) { p.text = [](std::string& text) { text += std::string_view("\0{}", 3); }; }},
    {{AzureFault::kKeysMissing, AzureTees::kBoth, "keys_missing", "runtime_claims_malformed", "the claims have no keys"},
     [](AzureParts& p) { p.text = [](std::string& text) { Replace(text, "\"keys\"", "\"kezs\""); }; }},
    {{AzureFault::kKeysNoArray, AzureTees::kBoth, "keys_no_array", "runtime_claims_malformed", "keys is an object"},
     [](AzureParts& p) { p.text = [](std::string& text) { Replace(text, "\"keys\":", "\"keys\":{},\"kezs\":"); }; }},
    {{AzureFault::kKeyWithoutKid, AzureTees::kBoth, "key_without_kid", "runtime_claims_malformed", "the second key has no kid"},
     [](AzureParts& p) { p.text = [](std::string& text) { Replace(text, "\"kid\":\"HCLEkPub\",", ""); }; }},
    {{AzureFault::kAkMissing, AzureTees::kBoth, "ak_missing", "hcl_key_missing",
      "the claims have a transfer key in the place of the attestation key"},
     [](AzureParts& p) { p.claims.keys[0].kid = "HCLTransferKey"; }},
    {{AzureFault::kAkTwice, AzureTees::kBoth, "ak_twice", "hcl_key_missing", "the claims have two attestation keys"},
     [](AzureParts& p) { p.claims.keys[1].kid = "HCLAkPub"; }},
    {{AzureFault::kAkEc, AzureTees::kBoth, "ak_ec", "runtime_claims_malformed", "the attestation key says that it is an EC key"},
     [](AzureParts& p) { p.claims.keys[0].kty = "EC"; }},
    {{AzureFault::kAkRsa1024, AzureTees::kBoth, "ak_rsa_1024", "key_unsupported", "the attestation key has 1024 bits"},
     [](AzureParts& p) { p.claims.keys[0].n = Base64Url(ByteView(TpmPki::Shared().rsa_ak.Modulus()).first(128)); }},
    {{AzureFault::kAkExponent3, AzureTees::kBoth, "ak_exponent_3", "key_unsupported", "the attestation key's exponent is 3"},
     [](AzureParts& p) { p.claims.keys[0].e = "Aw"; }},
    {{AzureFault::kAkPadded, AzureTees::kBoth, "ak_padded", "runtime_claims_malformed", "the modulus is base64 with padding"},
     [](AzureParts& p) { p.claims.keys[0].n += "=="; }},
    {{AzureFault::kAkLeadingZero, AzureTees::kBoth, "ak_leading_zero", "key_unsupported", "the modulus has a zero byte in front"},
     [](AzureParts& p) {
       Bytes modulus = {0};
       Append(modulus, TpmPki::Shared().rsa_ak.Modulus());
       p.claims.keys[0].n = Base64Url(modulus);
     }},
    {{AzureFault::kConfigurationMissing, AzureTees::kBoth, "configuration_missing", "runtime_claims_malformed",
      "the claims have no configuration"},
     [](AzureParts& p) { p.text = [](std::string& text) { Replace(text, "\"vm-configuration\"", "\"vm-konfiguration\""); }; }},
    {{AzureFault::kSecureBootMissing, AzureTees::kBoth, "secure_boot_missing", "runtime_claims_malformed",
      "nothing is said of Secure Boot"},
     [](AzureParts& p) { p.text = [](std::string& text) { Replace(text, "\"secure-boot\":true,", ""); }; }},
    {{AzureFault::kSecureBootText, AzureTees::kBoth, "secure_boot_text", "runtime_claims_malformed", "Secure Boot is the text true"},
     [](AzureParts& p) { p.claims.Member("secure-boot") = "\"true\""; }},
    {{AzureFault::kConsoleNumber, AzureTees::kBoth, "console_number", "runtime_claims_malformed", "the console is 0"},
     [](AzureParts& p) { p.claims.Member("console-enabled") = "0"; }},
    {{AzureFault::kVmIdNoGuid, AzureTees::kBoth, "vm_id_no_guid", "runtime_claims_malformed", "the machine's id is no GUID"},
     [](AzureParts& p) { p.claims.Member("vmUniqueId") = "\"vm-17\""; }},
    {{AzureFault::kThumbprintShort, AzureTees::kBoth, "thumbprint_short", "runtime_claims_malformed", "the thumbprint has 31 bytes"},
     [](AzureParts& p) { p.claims.Member("root-cert-thumbprint") = "\"" + Base64Url(Bytes(31, 1)) + "\""; }},
    {{AzureFault::kUserDataShort, AzureTees::kBoth, "user_data_short", "runtime_claims_malformed", "the user data have 63 bytes"},
     [](AzureParts& p) { p.claims.user_data = std::string(126, '0'); }},

    // What hangs on what
    {{AzureFault::kClaimsChanged, AzureTees::kBoth, "claims_changed", "claims_not_committed",
      "the machine's id in the claims is another than the hardware report commits to"},
     [](AzureParts& p) { p.written = [](HclReport& r) { Replace(r.claims, "01234567-", "01234568-"); }; }},
    {{AzureFault::kReportDataTail, AzureTees::kBoth, "report_data_tail", "claims_not_committed", "the last byte of the report data is set"},
     [](AzureParts& p) { p.committed = [](ByteArray<64>& data) { data[63] = 1; }; }},
    {{AzureFault::kReportDataPrefix, AzureTees::kBoth, "report_data_prefix", "claims_not_committed",
      "the report data have the first half of the digest"},
     [](AzureParts& p) { p.committed = [](ByteArray<64>& data) { std::fill(data.begin() + 16, data.begin() + 32, std::uint8_t{0}); }; }},
    {{AzureFault::kHardwareOfOther, AzureTees::kBoth, "hardware_of_other", "claims_not_committed",
      "the hardware report is another machine's"},
     [](AzureParts& p) { p.committed = [](ByteArray<64>& data) { data = kOther; }; }},
    {{AzureFault::kTdQuoteOfOther, AzureTees::kTdx, "td_quote_of_other", "td_quote_of_other", "the TD quote is another machine's"},
     [](AzureParts& p) { p.quoted = [](ByteArray<64>& data) { data = kOther; }; }},
    {{AzureFault::kEnclaveQuote, AzureTees::kTdx, "enclave_quote", "platform_unrecognised",
      "an enclave's quote stands for that of the trust domain"},
     [](AzureParts& p) { p.td.kind = QuoteKind::kSgxV4; }},
    {{AzureFault::kVmpl1, AzureTees::kSnp, "vmpl_1", "not_of_paravisor", "the guest asked for the hardware report, at VMPL 1"},
     [](AzureParts& p) { p.snp.vmpl = 1; }},
    {{AzureFault::kOtherTee, AzureTees::kBoth, "other_tee", "platform_unrecognised", "the HCL report is one of the other kind of machine"},
     [](AzureParts& p) {
       const bool snp = p.tee == AzureTee::kSnp;
       p.written = [snp](HclReport& r) {
         TdReport td_report;
         td_report.report_data = HclCommitment(r.claims);
         if (snp) {
           r.hardware = td_report.Write();
         } else {
           r.hardware = Bytes(1184, 7);
           std::copy(td_report.report_data.begin(), td_report.report_data.end(), r.hardware.begin() + 0x50);
         }
         r.report_type = snp ? 4 : 2;
       };
     }},

    // Items
    {{AzureFault::kReportMissing, AzureTees::kBoth, "report_missing", "item_missing", "there is no HCL report"},
     [](AzureParts& p) { p.items = [](std::vector<Item>& items) { Erase(items, kHclReportType); }; }},
    {{AzureFault::kTdQuoteMissing, AzureTees::kTdx, "td_quote_missing", "item_missing", "there is a TDREPORT, but no quote of it"},
     [](AzureParts& p) { p.items = [](std::vector<Item>& items) { Erase(items, kQuoteType); }; }},
    {{AzureFault::kQuoteMissing, AzureTees::kBoth, "quote_missing", "item_missing", "there is no quote by the virtual TPM"},
     [](AzureParts& p) { p.items = [](std::vector<Item>& items) { Erase(items, kTpmQuoteType); }; }},
    {{AzureFault::kPcrsMissing, AzureTees::kBoth, "pcrs_missing", "item_missing", "there are no PCR values"},
     [](AzureParts& p) { p.items = [](std::vector<Item>& items) { Erase(items, kTpmPcrsType); }; }},
    {{AzureFault::kSnpReportBeside, AzureTees::kBoth, "snp_report_beside", "item_unexpected",
      "a SEV-SNP report is sent beside the HCL report"},
     [](AzureParts& p) { p.items = [](std::vector<Item>& items) {
                           items.push_back({std::string(kReportType), Bytes(1184, 2)});
                         }; }},

    // Hardware
    {{AzureFault::kHardwareSignature, AzureTees::kBoth, "hardware_signature", "signature_invalid",
      "one bit of the hardware's signature is flipped"},
     [](AzureParts& p) {
       p.snp.fault = Fault::kSignatureDamaged;
       p.td.fault = DcapFault::kSignatureDamaged;
     }},
    {{AzureFault::kHardwareLeafExpired, AzureTees::kBoth, "hardware_leaf_expired", "expired",
      "the certificate of the hardware's key has expired"},
     [](AzureParts& p) {
       p.snp.fault = Fault::kLeafExpired;
       p.td.fault = DcapFault::kPckExpired;
     }},

    // Virtual TPM
    {{AzureFault::kExtraDataOther, AzureTees::kBoth, "extra_data_other", "binding_mismatch", "extraData differs in one bit"},
     [](AzureParts& p) { p.tpm_parts.push_back([](TpmParts& t) { t.attest.extra_data.back() ^= 1; }); }},
    {{AzureFault::kQuoteOfOtherKey, AzureTees::kBoth, "quote_of_other_key", "signature_invalid",
      "another key than the one in the claims signed the quote"},
     [](AzureParts& p) { p.tpm_parts.push_back([](TpmParts& t) { t.signer = t.pki.rsa_ek; }); }},
    {{AzureFault::kQuoteOfFirstKey, AzureTees::kBoth, "quote_of_first_key", "signature_invalid",
      "a key that stands before the attestation key in the claims signed the quote"},
     [](AzureParts& p) {
       std::swap(p.claims.keys[0], p.claims.keys[1]);
       p.tpm_parts.push_back([](TpmParts& t) { t.signer = t.pki.rsa_ek; });
     }},
    {{AzureFault::kAkAreaOther, AzureTees::kBoth, "ak_area_other", "ak_mismatch", "the public area is of another key"},
     [](AzureParts& p) { p.tpm_parts.push_back([](TpmParts& t) { t.area.unique = t.pki.rsa_ek.Modulus(); }); }},
    {{AzureFault::kAkUnrestricted, AzureTees::kBoth, "ak_unrestricted", "ak_attributes", "the attestation key signs anything"},
     [](AzureParts& p) {
       p.tpm_parts.push_back([](TpmParts& t) {
         t.area.attributes &= ~(1U << 16);
         t.attest.qualified_signer = EndorsementName(t.area.Name());
       });
     }},
    {{AzureFault::kPcrChanged, AzureTees::kBoth, "pcr_changed", "pcr_digest_mismatch", "one bit of PCR 7 is flipped"},
     [](AzureParts& p) { p.tpm_parts.push_back([](TpmParts& t) { t.sent[0].values[7][31] ^= 1; }); }},
    {{AzureFault::kSelectionFewer, AzureTees::kBoth, "selection_fewer", "pcr_selection_not_demanded", "the quote leaves PCR 4 out"},
     [](AzureParts& p) {
       p.tpm_parts.push_back([](TpmParts& t) {
         t.quoted[0].values.erase(4);
         t.sent = t.quoted;
       });
     }},

    // Certificate of the attestation key
    {{AzureFault::kCertificateOfOther, AzureTees::kBoth, "certificate_of_other", "ak_certificate_of_other",
      "the certificate, genuine as it is, is for another key"},
     [](AzureParts& p) {
       p.tpm_parts.push_back([](TpmParts& t) { t.certificate.subject_public_key_info = t.pki.rsa_ek.SubjectPublicKeyInfo(); });
     }},
    {{AzureFault::kCertificateRoot, AzureTees::kBoth, "certificate_root", "root_not_pinned",
      "the certificate's chain ends in a root of the same name and another key"},
     [](AzureParts& p) {
       p.tpm_parts.push_back([](TpmParts& t) {
         t.root = t.pki.stranger;
         t.issuer_issuer = t.pki.stranger;
       });
     }},
    {{AzureFault::kCertificateName, AzureTees::kBoth, "certificate_name", "certificate_profile",
      "the certificate is not for a machine of Azure's"},
     [](AzureParts& p) { p.tpm_parts.push_back([](TpmParts& t) { t.certificate.subject = NameOf("vm.example"); }); }},
    {{AzureFault::kCertificateExpired, AzureTees::kBoth, "certificate_expired", "expired", "the certificate has expired"},
     [](AzureParts& p) { p.tpm_parts.push_back([](TpmParts& t) { t.certificate.not_after = t.certificate.not_before + days(1); }); }},
    {{AzureFault::kCertificateForDecryption, AzureTees::kBoth, "certificate_for_decryption", "key_kind_mismatch",
      "the certificate is for an endorsement key, by keyUsage"},
     [](AzureParts& p) {
       p.tpm_parts.push_back([](TpmParts& t) { t.certificate.extensions[0] = extension::KeyUsage(kKeyEncipherment); });
     }},
};

}  // namespace

std::span<const AzureFaultEntry> AllAzureFaults() {
  static const std::vector<AzureFaultEntry> entries = [] {
    std::vector<AzureFaultEntry> all;
    for (const Row& row : kRows) all.push_back(row.entry);
    return all;
  }();
  return entries;
}

bool CanExist(const AzureFaultEntry& entry, AzureTee tee) {
  return entry.tees == AzureTees::kBoth || entry.tees == (tee == AzureTee::kSnp ? AzureTees::kSnp : AzureTees::kTdx);
}

const AzureFaultEntry* AzureFaultNamed(std::string_view name) {
  const auto entries = AllAzureFaults();
  const auto found = std::find_if(entries.begin(), entries.end(), [name](const AzureFaultEntry& entry) { return entry.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

void Apply(AzureFault fault, AzureParts& parts) {
  const auto row = std::find_if(std::begin(kRows), std::end(kRows), [fault](const Row& one) { return one.entry.fault == fault; });
  ASSAY_CHECK(row != std::end(kRows));
  row->apply(parts);
}

}  // namespace assay::softtee
