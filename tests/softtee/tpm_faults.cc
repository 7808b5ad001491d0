// Every fault of TPM evidence: what is changed, and which finding a verifier owes for it. One row a fault, in the order of the enumeration.
#include <algorithm>
#include <iterator>

#include "base/bug.h"
#include "tests/softtee/tpm_evidence.h"

namespace assay::softtee {
namespace {

using std::chrono::days;

struct Row {
  TpmFaultEntry entry;
  void (*apply)(TpmParts&);
};

constexpr std::uint16_t kKeyEncipherment = 0x2000;

// The signer's name is that of the public area, whatever that became.
void NameAnew(TpmParts& parts) { parts.attest.qualified_signer = EndorsementName(parts.area.Name()); }

void SetAttributes(TpmParts& parts, std::uint32_t set, std::uint32_t clear) {
  parts.area.attributes = (parts.area.attributes | set) & ~clear;
  NameAnew(parts);
}

const Row kRows[] = {
    // Quote, layout
    {{TpmFault::kQuoteTruncated, "quote_truncated", "tpm_structure_malformed", "the attestation's last byte is missing"},
     [](TpmParts& p) { p.marshalled = [](Bytes& b) { b.pop_back(); }; }},
    {{TpmFault::kTrailingByteInAttest, "trailing_byte_in_attest", "tpm_structure_malformed",
      "a byte follows the attestation, and is signed with it"},
     [](TpmParts& p) {
       p.attest.body = TpmSelection(p.quoted);
       Append(p.attest.body, Tpm2b(TpmHash(p.digest_hash, TpmDigests(p.quoted))));
       p.attest.body.push_back(0);
     }},
    {{TpmFault::kMagic, "magic", "tpm_not_generated", "magic is not TPM_GENERATED_VALUE, under a good signature"},
     [](TpmParts& p) { p.attest.magic ^= 1; }},
    {{TpmFault::kCreationAsQuote, "creation_as_quote", "tpm_attest_type",
      "an attestation of creation stands in the quote's place, under a good signature"},
     [](TpmParts& p) {
       p.attest.type = 0x801A;
       p.attest.body = Tpm2b(p.area.Name());
       Append(p.attest.body, Tpm2b(Sha256({})));
     }},
    {{TpmFault::kTimeAsQuote, "time_as_quote", "tpm_attest_type", "the type is that of an attestation of the time"},
     [](TpmParts& p) { p.attest.type = 0x8019; }},
    {{TpmFault::kSafe2, "safe_2", "tpm_structure_malformed", "clockInfo.safe is 2"}, [](TpmParts& p) { p.attest.safe = 2; }},
    {{TpmFault::kNoPcrs, "no_pcrs", "pcr_selection_invalid", "the quote is about no register"},
     [](TpmParts& p) {
       p.quoted = {{kTpmSha256, {}}};
     }},
    {{TpmFault::kPcr24, "pcr_24", "pcr_selection_invalid", "the quote is about PCR 24"},
     [](TpmParts& p) { p.quoted[0].values[24] = Bytes(32); }},
    {{TpmFault::kBankTwice, "bank_twice", "pcr_selection_invalid", "the quote names a bank twice"},
     [](TpmParts& p) { p.quoted.push_back(p.quoted[0]); }},
    {{TpmFault::kBankUnknown, "bank_unknown", "pcr_selection_invalid", "the quote is about a bank of SM3"},
     [](TpmParts& p) { p.quoted[0].algorithm = 0x0012; }},
    {{TpmFault::kSignatureTruncated, "signature_truncated", "tpm_structure_malformed", "the signature's last byte is missing"},
     [](TpmParts& p) { p.signature = [](Bytes& b) { b.pop_back(); }; }},
    {{TpmFault::kSignatureTrailing, "signature_trailing", "tpm_structure_malformed", "a byte follows the signature"},
     [](TpmParts& p) { p.signature = [](Bytes& b) { b.push_back(0); }; }},
    {{TpmFault::kSignatureMissing, "signature_missing", "tpm_structure_malformed", "there is no signature"},
     [](TpmParts& p) { p.signature = [](Bytes& b) { b.clear(); }; }},
    {{TpmFault::kHmacScheme, "hmac_scheme", "algorithm_unsupported", "the signature says that it is an HMAC"},
     [](TpmParts& p) {
       p.signature = [](Bytes& b) {
         b = {0x00, 0x05, 0x00, 0x0B};
         b.resize(4 + 32);
       };
     }},
    {{TpmFault::kSignatureHashUnknown, "signature_hash_unknown", "algorithm_unsupported", "the signature says that it is by SM3"},
     [](TpmParts& p) { p.signature = [](Bytes& b) { b[3] = 0x12; }; }},

    // Values, layout
    {{TpmFault::kPcrsTruncated, "pcrs_truncated", "tpm_structure_malformed", "the last byte of the values is missing"},
     [](TpmParts& p) { p.pcrs_item = [](Bytes& b) { b.pop_back(); }; }},
    {{TpmFault::kPcrsTrailing, "pcrs_trailing", "tpm_structure_malformed", "a byte follows the values"},
     [](TpmParts& p) { p.pcrs_item = [](Bytes& b) { b.push_back(0); }; }},
    {{TpmFault::kPcrsNoSelection, "pcrs_no_selection", "tpm_structure_malformed", "the list of banks is longer than the item"},
     [](TpmParts& p) { p.pcrs_item = [](Bytes& b) { b[0] = 0x7F; }; }},
    {{TpmFault::kPcrsBankTwice, "pcrs_bank_twice", "pcr_selection_invalid", "the values name a bank twice"},
     [](TpmParts& p) { p.sent.push_back(p.sent[0]); }},

    // Key, layout
    {{TpmFault::kAkTruncated, "ak_truncated", "tpm_structure_malformed", "the public area's last byte is missing"},
     [](TpmParts& p) { p.ak_item = [](Bytes& b) { b.pop_back(); }; }},
    {{TpmFault::kAkTrailing, "ak_trailing", "tpm_structure_malformed", "a byte follows the public area"},
     [](TpmParts& p) { p.ak_item = [](Bytes& b) { b.push_back(0); }; }},
    {{TpmFault::kAkRsa1024, "ak_rsa_1024", "key_unsupported", "the attestation key has 1024 bits"},
     [](TpmParts& p) {
       p.area.key_bits = 1024;
       p.area.unique.resize(128);
     }},
    {{TpmFault::kAkExponent3, "ak_exponent_3", "key_unsupported", "the attestation key's exponent is 3"},
     [](TpmParts& p) { p.area.exponent = 3; }},
    {{TpmFault::kAkP521, "ak_p521", "key_unsupported", "the attestation key is said to be on P-521"},
     [](TpmParts& p) {
       p.area = AkOf(p.pki.p256_ak);
       p.area.curve = 0x0005;
     }},
    {{TpmFault::kAkKeyedHash, "ak_keyed_hash", "algorithm_unsupported", "the attestation key is a symmetric one"},
     [](TpmParts& p) {
       p.ak_item = [](Bytes& b) {
         const Bytes area = {0x00, 0x08, 0x00, 0x0B, 0x00, 0x05, 0x00, 0x72, 0x00, 0x00, 0x00, 0x05, 0x00, 0x0B, 0x00, 0x00};
         b = Tpm2b(area);
       };
     }},

    // Quote, signature and binding
    {{TpmFault::kQuoteChanged, "quote_changed", "signature_invalid", "one bit of pcrDigest is flipped after signing"},
     [](TpmParts& p) { p.marshalled = [](Bytes& b) { b.back() ^= 1; }; }},
    {{TpmFault::kSignatureDamaged, "signature_damaged", "signature_invalid", "one bit of the signature is flipped"},
     [](TpmParts& p) { p.signature = [](Bytes& b) { b.back() ^= 1; }; }},
    {{TpmFault::kQuoteOfOtherKey, "quote_of_other_key", "signature_invalid", "another key than the certified one signed"},
     [](TpmParts& p) { p.signer = p.pki.rsa_ek; }},
    {{TpmFault::kExtraDataOther, "extra_data_other", "binding_mismatch", "extraData differs in one bit"},
     [](TpmParts& p) { p.attest.extra_data.back() ^= 1; }},
    {{TpmFault::kExtraDataPrefix, "extra_data_prefix", "binding_mismatch", "extraData lacks the last byte"},
     [](TpmParts& p) { p.attest.extra_data.pop_back(); }},
    {{TpmFault::kExtraDataLonger, "extra_data_longer", "binding_mismatch", "extraData has a zero byte more"},
     [](TpmParts& p) { p.attest.extra_data.push_back(0); }},
    {{TpmFault::kSelectionFewer, "selection_fewer", "pcr_selection_not_demanded", "the quote leaves PCR 4 out"},
     [](TpmParts& p) {
       p.quoted[0].values.erase(4);
       p.sent = p.quoted;
     }},
    {{TpmFault::kSelectionMore, "selection_more", "pcr_selection_not_demanded", "the quote is about a SHA-384 bank as well"},
     [](TpmParts& p) {
       p.quoted.push_back(RampBank(kTpmSha384));
       p.sent = p.quoted;
     }},
    {{TpmFault::kSelectionOtherBank, "selection_other_bank", "pcr_selection_not_demanded", "the quote is about the SHA-1 bank"},
     [](TpmParts& p) {
       p.quoted = {RampBank(kTpmSha1)};
       p.sent = p.quoted;
     }},
    {{TpmFault::kSchemeOther, "scheme_other", "ak_scheme_mismatch", "RSAPSS by a key that fixes RSASSA"},
     [](TpmParts& p) { p.scheme = kTpmRsapss; }},
    {{TpmFault::kHashOther, "hash_other", "ak_scheme_mismatch", "signed with SHA-1 by a key that fixes SHA-256"},
     [](TpmParts& p) { p.signature_hash = p.digest_hash = kTpmSha1; }},
    {{TpmFault::kSignerOtherAlgorithm, "signer_other_algorithm", "qualified_signer_mismatch", "qualifiedSigner is a name by SHA-384"},
     [](TpmParts& p) {
       p.attest.qualified_signer = {0x00, 0x0C};
       p.attest.qualified_signer.resize(50, 0x11);
     }},
    {{TpmFault::kSignerIsHandle, "signer_is_handle", "qualified_signer_mismatch", "qualifiedSigner is a handle"},
     [](TpmParts& p) {
       p.attest.qualified_signer = {0x40, 0x00, 0x00, 0x0B};
     }},
    {{TpmFault::kSha1Signature, "sha1_signature", "weak_hash", "key and quote are by SHA-1"},
     [](TpmParts& p) {
       p.area.scheme_hash = p.signature_hash = p.digest_hash = kTpmSha1;
       NameAnew(p);
     }},

    // Values
    {{TpmFault::kPcrChanged, "pcr_changed", "pcr_digest_mismatch", "one bit of PCR 7 is flipped"},
     [](TpmParts& p) { p.sent[0].values[7][31] ^= 1; }},
    {{TpmFault::kPcrsOfOtherSelection, "pcrs_of_other_selection", "pcr_selection_differs", "the values are of PCR 0 to 22"},
     [](TpmParts& p) { p.sent[0].values.erase(23); }},
    {{TpmFault::kPcrsSwapped, "pcrs_swapped", "pcr_digest_mismatch", "PCR 4 and PCR 5 have changed places"},
     [](TpmParts& p) { std::swap(p.sent[0].values[4], p.sent[0].values[5]); }},
    {{TpmFault::kDigestByBank, "digest_by_other_hash", "pcr_digest_mismatch", "pcrDigest is by another hash than the signature"},
     [](TpmParts& p) { p.digest_hash = kTpmSha384; }},

    // Key
    {{TpmFault::kAkUnrestricted, "ak_unrestricted", "ak_attributes", "the attestation key signs anything"},
     [](TpmParts& p) { SetAttributes(p, 0, 1U << 16); }},
    {{TpmFault::kAkNotFixedTpm, "ak_not_fixed_tpm", "ak_attributes", "the attestation key can be duplicated with its parent"},
     [](TpmParts& p) { SetAttributes(p, 0, 1U << 1); }},
    {{TpmFault::kAkNotFixedParent, "ak_not_fixed_parent", "ak_attributes", "the attestation key can be duplicated"},
     [](TpmParts& p) { SetAttributes(p, 0, 1U << 4); }},
    {{TpmFault::kAkImported, "ak_imported", "ak_attributes", "the attestation key was not made in the TPM"},
     [](TpmParts& p) { SetAttributes(p, 0, 1U << 5); }},
    {{TpmFault::kAkDecrypts, "ak_decrypts", "ak_attributes", "the attestation key decrypts as well"},
     [](TpmParts& p) { SetAttributes(p, 1U << 17, 0); }},
    {{TpmFault::kAkDoesNotSign, "ak_does_not_sign", "ak_attributes", "the attestation key does not sign"},
     [](TpmParts& p) { SetAttributes(p, 0, 1U << 18); }},
    {{TpmFault::kAkNameSha1, "ak_name_sha1", "algorithm_unsupported", "the attestation key is named by SHA-1"},
     [](TpmParts& p) {
       p.area.name_algorithm = kTpmSha1;
       NameAnew(p);
     }},
    {{TpmFault::kAkOther, "ak_other", "ak_mismatch", "the public area is of another key than certificate and quote"},
     [](TpmParts& p) { p.area.unique = p.pki.rsa_ek.Modulus(); }},

    // Certificate
    {{TpmFault::kEkCertificate, "ek_certificate", "key_kind_mismatch", "the certificate is for an endorsement key, by keyUsage"},
     [](TpmParts& p) { p.certificate.extensions[0] = extension::KeyUsage(kKeyEncipherment); }},
    {{TpmFault::kCertificateMissing, "certificate_missing", "ak_unvouched", "there is no certificate"},
     [](TpmParts& p) { p.with_certificate = false; }},
    {{TpmFault::kCertificateOfOtherKey, "certificate_of_other_key", "ak_mismatch", "the certificate is for another key"},
     [](TpmParts& p) { p.certificate.subject_public_key_info = p.pki.rsa_ek.SubjectPublicKeyInfo(); }},
    {{TpmFault::kCertificateOtherIssuerKey, "certificate_other_issuer_key", "chain_broken",
      "another key than the issuer's signed the certificate"},
     [](TpmParts& p) { p.certificate_issuer = p.pki.stranger; }},
    {{TpmFault::kRootSelfMade, "root_self_made", "root_not_pinned", "the chain ends in a root of the same name and another key"},
     [](TpmParts& p) {
       p.root = p.pki.stranger;
       p.issuer_issuer = p.pki.stranger;
     }},
    {{TpmFault::kIssuerMissing, "issuer_missing", "chain_incomplete", "the issuer's certificate is missing"},
     [](TpmParts& p) { p.with_issuer = false; }},
    {{TpmFault::kCertificateIsCa, "certificate_is_ca", "ak_unvouched", "the certificate is one of an authority"},
     [](TpmParts& p) { p.certificate.extensions[1] = extension::BasicConstraints(true, {}); }},
    {{TpmFault::kCertificateUsages, "certificate_usages", "key_kind_mismatch", "the certificate is for keyEncipherment as well"},
     [](TpmParts& p) { p.certificate.extensions[0] = extension::KeyUsage(kDigitalSignature | kKeyEncipherment); }},
    {{TpmFault::kCertificatePurpose, "certificate_purpose", "certificate_profile", "extKeyUsage names endorsement keys"},
     [](TpmParts& p) { p.certificate.extensions[2] = extension::ExtendedKeyUsage("2.23.133.8.1"); }},
    {{TpmFault::kCertificateExpired, "certificate_expired", "expired", "the certificate has expired"},
     [](TpmParts& p) { p.certificate.not_after = p.certificate.not_before + days(1); }},
    {{TpmFault::kCertificateNotYetValid, "certificate_not_yet_valid", "not_yet_valid", "the certificate is not valid yet"},
     [](TpmParts& p) { p.certificate.not_before = p.certificate.not_after - days(1); }},
    {{TpmFault::kIssuerExpired, "issuer_expired", "expired", "the issuer's certificate has expired"},
     [](TpmParts& p) { p.issuer.not_after = p.issuer.not_before + days(1); }},
    {{TpmFault::kCertificateRevoked, "certificate_revoked", "certificate_revoked", "the issuer's list names the certificate"},
     [](TpmParts& p) {
       p.list = RevocationList{.issuer = p.issuer.subject,
                               .this_update = p.certificate.not_before,
                               .next_update = p.certificate.not_after,
                               .revoked_serials = {p.certificate.serial},
                               .style = SignatureStyle::kEcdsaSha256};
     }},
    {{TpmFault::kCertificateGarbage, "certificate_garbage", "certificate_malformed", "the certificate is cut short"},
     [](TpmParts& p) { p.certificate_item = [](Bytes& b) { b.pop_back(); }; }},

    // Endorsement key
    {{TpmFault::kEkTruncated, "ek_truncated", "tpm_structure_malformed", "the endorsement key's last byte is missing",
      TpmVouching::kEkCertificate},
     [](TpmParts& p) { p.ek_item = [](Bytes& b) { b.pop_back(); }; }},
    {{TpmFault::kEkUnrestricted, "ek_unrestricted", "ek_attributes", "the endorsement key decrypts anything", TpmVouching::kEkCertificate},
     [](TpmParts& p) { p.ek_area.attributes &= ~(1U << 16); }},
    {{TpmFault::kEkNotFixedTpm, "ek_not_fixed_tpm", "ek_attributes", "the endorsement key can be duplicated", TpmVouching::kEkCertificate},
     [](TpmParts& p) { p.ek_area.attributes &= ~(1U << 1); }},
    {{TpmFault::kEkImported, "ek_imported", "ek_attributes", "the endorsement key was not made in the TPM", TpmVouching::kEkCertificate},
     [](TpmParts& p) { p.ek_area.attributes &= ~(1U << 5); }},
    {{TpmFault::kEkSigns, "ek_signs", "ek_attributes", "the endorsement key signs as well", TpmVouching::kEkCertificate},
     [](TpmParts& p) { p.ek_area.attributes |= 1U << 18; }},
    {{TpmFault::kEkNoSymmetric, "ek_no_symmetric", "algorithm_unsupported", "the endorsement key protects secrets with no cipher",
      TpmVouching::kEkCertificate},
     [](TpmParts& p) { p.ek_area.symmetric = 0x0010; }},
    {{TpmFault::kEkNameSha1, "ek_name_sha1", "algorithm_unsupported", "the endorsement key is named by SHA-1", TpmVouching::kEkCertificate},
     [](TpmParts& p) { p.ek_area.name_algorithm = kTpmSha1; }},
    {{TpmFault::kEkOther, "ek_other", "ak_mismatch", "the endorsement key is another than the certified one", TpmVouching::kEkCertificate},
     [](TpmParts& p) { p.ek_area.unique = p.pki.rsa_ak.Modulus(); }},
    {{TpmFault::kEkCertificateOfOtherKey, "ek_certificate_of_other_key", "ak_mismatch", "the certificate is for another endorsement key",
      TpmVouching::kEkCertificate},
     [](TpmParts& p) { p.certificate.subject_public_key_info = p.pki.rsa_ak.SubjectPublicKeyInfo(); }},
    {{TpmFault::kEkCertificateForSigning, "ek_certificate_for_signing", "key_kind_mismatch",
      "the certificate is for an attestation key, by keyUsage", TpmVouching::kEkCertificate},
     [](TpmParts& p) { p.certificate.extensions[0] = extension::KeyUsage(kDigitalSignature); }},
    {{TpmFault::kEkCertificateUsages, "ek_certificate_usages", "key_kind_mismatch", "the certificate is for signatures as well",
      TpmVouching::kEkCertificate},
     [](TpmParts& p) { p.certificate.extensions[0] = extension::KeyUsage(kDigitalSignature | kKeyEncipherment); }},
    {{TpmFault::kEkCertificatePurpose, "ek_certificate_purpose", "certificate_profile", "extKeyUsage names attestation keys",
      TpmVouching::kEkCertificate},
     [](TpmParts& p) { p.certificate.extensions[2] = extension::ExtendedKeyUsage("2.23.133.8.3"); }},
    {{TpmFault::kEkCertificateOtherIssuerKey, "ek_certificate_other_issuer_key", "chain_broken",
      "another key than the issuer's signed the certificate", TpmVouching::kEkCertificate},
     [](TpmParts& p) { p.certificate_issuer = p.pki.stranger; }},
    {{TpmFault::kEkRootSelfMade, "ek_root_self_made", "root_not_pinned", "the chain ends in a root of the same name and another key",
      TpmVouching::kEkCertificate},
     [](TpmParts& p) {
       p.root = p.pki.stranger;
       p.issuer_issuer = p.pki.stranger;
     }},
    {{TpmFault::kEkIssuerMissing, "ek_issuer_missing", "chain_incomplete", "the issuer's certificate is missing",
      TpmVouching::kEkCertificate},
     [](TpmParts& p) { p.with_issuer = false; }},
    {{TpmFault::kEkCertificateExpired, "ek_certificate_expired", "expired", "the certificate has expired", TpmVouching::kEkCertificate},
     [](TpmParts& p) { p.certificate.not_after = p.certificate.not_before + days(1); }},
    {{TpmFault::kEkCertificateRevoked, "ek_certificate_revoked", "certificate_revoked", "the issuer's list names the certificate",
      TpmVouching::kEkCertificate},
     [](TpmParts& p) {
       p.list = RevocationList{.issuer = p.issuer.subject,
                               .this_update = p.certificate.not_before,
                               .next_update = p.certificate.not_after,
                               .revoked_serials = {p.certificate.serial},
                               .style = SignatureStyle::kEcdsaSha256};
     }},
};

}  // namespace

std::span<const TpmFaultEntry> AllTpmFaults() {
  static const std::vector<TpmFaultEntry> entries = [] {
    std::vector<TpmFaultEntry> all;
    for (const Row& row : kRows) all.push_back(row.entry);
    return all;
  }();
  return entries;
}

const TpmFaultEntry* TpmFaultNamed(std::string_view name) {
  const auto entries = AllTpmFaults();
  const auto found = std::find_if(entries.begin(), entries.end(), [name](const TpmFaultEntry& entry) { return entry.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

bool CanExist(const TpmFaultEntry& entry, TpmVouching vouching) {
  return entry.vouching == vouching || entry.fault < TpmFault::kEkCertificate;  // those before it are about no certificate
}

void Apply(TpmFault fault, TpmParts& parts) {
  const auto row = std::find_if(std::begin(kRows), std::end(kRows), [fault](const Row& one) { return one.entry.fault == fault; });
  ASSAY_CHECK(row != std::end(kRows));
  row->apply(parts);
}

}  // namespace assay::softtee
