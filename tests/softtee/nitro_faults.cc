// Every fault of a Nitro document: what is changed, and which finding a verifier owes for it. One row a fault, in the order of the
// enumeration.
#include <algorithm>
#include <iterator>

#include "base/bug.h"
#include "tests/softtee/nitro_evidence.h"

namespace assay::softtee {
namespace {

using std::chrono::days, std::chrono::hours;

struct Row {
  NitroFaultEntry entry;
  void (*apply)(NitroParts&);
};

Bytes& ValueOf(cbor::Members& members, std::string_view name) {
  const auto found =
      std::find_if(members.begin(), members.end(), [key = cbor::Text(name)](const auto& member) { return member.first == key; });
  ASSAY_CHECK(found != members.end());
  return found->second;
}

template <const char* kName>
void Remove(NitroParts& parts) {
  parts.members = [](cbor::Members& members) {
    std::erase_if(members, [](const auto& member) { return member.first == cbor::Text(kName); });
  };
}
void Set(NitroParts& parts, std::string name, Bytes value) {
  parts.members = [name = std::move(name), value = std::move(value)](cbor::Members& members) { ValueOf(members, name) = value; };
}
constexpr char kModuleId[] = "module_id", kDigest[] = "digest", kTimestamp[] = "timestamp", kPcrs[] = "pcrs",
               kCertificate[] = "certificate", kCabundle[] = "cabundle";

Certificate& Leaf(NitroParts& parts) { return parts.path[0].certificate; }
Certificate& Instance(NitroParts& parts) { return parts.path[1].certificate; }
void SubjectOf(NitroParts& parts, std::string_view old_text, std::string_view new_text) {
  ASSAY_CHECK(old_text.size() == new_text.size());
  Bytes& subject = Leaf(parts).subject;
  const auto at = std::search(subject.begin(), subject.end(), old_text.begin(), old_text.end());
  ASSAY_CHECK(at != subject.end());
  std::copy(new_text.begin(), new_text.end(), at);
}

#define INVALID "nitro_member_invalid"

const Row kRows[] = {
    // CBOR and COSE
    {{NitroFault::kTruncated, "truncated", "encoding_malformed", "the last byte is missing"},
     [](NitroParts& p) { p.document = [](Bytes& b) { b.pop_back(); }; }},
    {{NitroFault::kTrailingByte, "trailing_byte", "encoding_malformed", "a byte follows the message"},
     [](NitroParts& p) { p.document = [](Bytes& b) { b.push_back(0); }; }},
    {{NitroFault::kOtherTag, "other_tag", "cose_malformed", "the message has the tag of COSE_Mac0"},
     [](NitroParts& p) { p.document = [](Bytes& b) { b.insert(b.begin(), 0xD1); }; }},
    {{NitroFault::kFiveElements, "five_elements", "cose_malformed", "the message is an array of 5"},
     [](NitroParts& p) { p.message = [](std::vector<Bytes>& m) { m.push_back(cbor::Null()); }; }},
    {{NitroFault::kUnprotectedAlg, "unprotected_alg", "cose_malformed", "the unprotected header names an algorithm, too"},
     [](NitroParts& p) {
       p.unprotected_header = {0xA1, 0x01, 0x26};
     }},
    {{NitroFault::kProtectedEmpty, "protected_empty", "cose_malformed", "the protected header is an empty map"},
     [](NitroParts& p) { p.protected_header = {0xA0}; }},
    {{NitroFault::kProtectedCrit, "protected_crit", "cose_malformed", "the protected header has critical parameters"},
     [](NitroParts& p) { p.protected_header = {0xA2, 0x01, 0x38, 0x22, 0x02, 0x81, 0x01}; }},
    {{NitroFault::kProtectedNotMinimal, "protected_not_minimal", "encoding_malformed", "-35 is written in two bytes"},
     [](NitroParts& p) {
       p.protected_header = {0xA1, 0x01, 0x39, 0x00, 0x22};
     }},
    {{NitroFault::kEs256, "es256", "algorithm_unsupported", "the protected header names ES256"},
     [](NitroParts& p) {
       p.protected_header = {0xA1, 0x01, 0x26};
     }},
    {{NitroFault::kEs512, "es512", "algorithm_unsupported", "the protected header names ES512"},
     [](NitroParts& p) {
       p.protected_header = {0xA1, 0x01, 0x38, 0x23};
     }},
    {{NitroFault::kSignatureShort, "signature_short", "algorithm_unsupported", "the signature has 95 bytes"},
     [](NitroParts& p) { p.signature = [](Bytes& b) { b.pop_back(); }; }},
    {{NitroFault::kPayloadDetached, "payload_detached", "cose_malformed", "the payload is null"},
     [](NitroParts& p) { p.message = [](std::vector<Bytes>& m) { m[2] = cbor::Null(); }; }},
    {{NitroFault::kPayloadKeyTwice, "payload_key_twice", "encoding_malformed", "the payload has digest twice"},
     [](NitroParts& p) { p.members = [](cbor::Members& m) { m.push_back(m[1]); }; }},
    {{NitroFault::kPayloadNotMinimal, "payload_not_minimal", "encoding_malformed", "a register's number is written in two bytes"},
     [](NitroParts& p) {
       p.members = [](cbor::Members& m) {
         Bytes& pcrs = m[3].second;
         pcrs.insert(pcrs.begin() + 1, 0x18);
       };
     }},
    {{NitroFault::kPayloadTrailing, "payload_trailing", "encoding_malformed", "a byte follows the payload's map, and is signed with it"},
     [](NitroParts& p) { p.payload = [](Bytes& b) { b.push_back(0); }; }},
    {{NitroFault::kPayloadIndefiniteString, "payload_indefinite_string", "encoding_malformed", "the module's id comes in pieces"},
     [](NitroParts& p) {
       p.members = [](cbor::Members& m) {
         m[0].second.insert(m[0].second.begin(), 0x7F);
         m[0].second.push_back(0xFF);
       };
     }},
    {{NitroFault::kPayloadDeep, "payload_deep", "size_over_limit", "user_data is arrays in arrays"},
     [](NitroParts& p) {
       Set(p, "user_data", {0x81, 0x81, 0x81, 0x81, 0x80});
     }},
    {{NitroFault::kPayloadNoMap, "payload_no_map", INVALID, "the payload is an array"},
     [](NitroParts& p) { p.payload = [](Bytes& b) { b = {0x80}; }; }},
    {{NitroFault::kTooLarge, "too_large", "size_over_limit", "the document has more than 16 KiB"},
     [](NitroParts& p) { Set(p, "user_data", cbor::String(Bytes(16 * 1024))); }},
    // Members
    {{NitroFault::kModuleIdMissing, "module_id_missing", INVALID, "there is no module_id"}, &Remove<kModuleId>},
    {{NitroFault::kDigestMissing, "digest_missing", INVALID, "there is no digest"}, &Remove<kDigest>},
    {{NitroFault::kTimestampMissing, "timestamp_missing", INVALID, "there is no timestamp"}, &Remove<kTimestamp>},
    {{NitroFault::kPcrsMissing, "pcrs_missing", INVALID, "there are no registers"}, &Remove<kPcrs>},
    {{NitroFault::kCertificateMissing, "certificate_missing", INVALID, "there is no certificate"}, &Remove<kCertificate>},
    {{NitroFault::kCabundleMissing, "cabundle_missing", INVALID, "there is no cabundle"}, &Remove<kCabundle>},
    {{NitroFault::kUnknownMember, "unknown_member", INVALID, "there is a member that the specification does not have"},
     [](NitroParts& p) { p.members = [](cbor::Members& m) { m.emplace_back(cbor::Text("debug"), Bytes{0xF4}); }; }},
    {{NitroFault::kModuleIdEmpty, "module_id_empty", INVALID, "module_id is empty"},
     [](NitroParts& p) { Set(p, "module_id", cbor::Text("")); }},
    {{NitroFault::kModuleIdBytes, "module_id_bytes", INVALID, "module_id is bytes"},
     [](NitroParts& p) { Set(p, "module_id", cbor::String(AsBytes(p.module_id))); }},
    {{NitroFault::kDigestOther, "digest_other", INVALID, "digest is SHA256"},
     [](NitroParts& p) { Set(p, "digest", cbor::Text("SHA256")); }},
    {{NitroFault::kTimestampZero, "timestamp_zero", INVALID, "timestamp is 0"}, [](NitroParts& p) { p.timestamp_ms = 0; }},
    {{NitroFault::kTimestampText, "timestamp_text", INVALID, "timestamp is text"},
     [](NitroParts& p) { Set(p, "timestamp", cbor::Text("1")); }},
    {{NitroFault::kPcrsEmpty, "pcrs_empty", INVALID, "the map of registers is empty"}, [](NitroParts& p) { p.pcrs.clear(); }},
    {{NitroFault::kPcr32, "pcr_32", INVALID, "there is a register 32"}, [](NitroParts& p) { p.pcrs[32] = Bytes(48); }},
    {{NitroFault::kPcrShort, "pcr_short", INVALID, "a register has 32 bytes"}, [](NitroParts& p) { p.pcrs[3] = Bytes(32); }},
    {{NitroFault::kPcrsOfBothKinds, "pcrs_of_both_kinds", INVALID, "there are registers of an enclave and of a NitroTPM"},
     [](NitroParts& p) { p.members = [](cbor::Members& m) { m.emplace_back(cbor::Text("nitrotpm_pcrs"), m[3].second); }; }},
    {{NitroFault::kCertificateEmpty, "certificate_empty", INVALID, "the certificate has no bytes"},
     [](NitroParts& p) { Set(p, "certificate", cbor::String({})); }},
    {{NitroFault::kCertificateLong, "certificate_long", INVALID, "the certificate has 1025 bytes"},
     [](NitroParts& p) { Set(p, "certificate", cbor::String(Bytes(1025))); }},
    {{NitroFault::kCabundleEmpty, "cabundle_empty", INVALID, "the cabundle is empty"},
     [](NitroParts& p) { p.cabundle = [](std::vector<Bytes>& b) { b.clear(); }; }},
    {{NitroFault::kCabundleOfEight, "cabundle_of_eight", INVALID, "the cabundle has 8 certificates"},
     [](NitroParts& p) { p.cabundle = [](std::vector<Bytes>& b) { b.resize(8, b.back()); }; }},
    {{NitroFault::kCabundleEntryEmpty, "cabundle_entry_empty", INVALID, "a certificate of the cabundle has no bytes"},
     [](NitroParts& p) { p.cabundle = [](std::vector<Bytes>& b) { b[1].clear(); }; }},
    {{NitroFault::kPublicKeyEmpty, "public_key_empty", INVALID, "public_key has no bytes"}, [](NitroParts& p) { p.public_key = Bytes{}; }},
    {{NitroFault::kPublicKeyLong, "public_key_long", INVALID, "public_key has 1025 bytes"},
     [](NitroParts& p) { p.public_key = Bytes(1025); }},
    {{NitroFault::kUserDataLong, "user_data_long", INVALID, "user_data has 1025 bytes"}, [](NitroParts& p) { p.user_data = Bytes(1025); }},
    {{NitroFault::kNonceLong, "nonce_long", INVALID, "nonce has 1025 bytes"}, [](NitroParts& p) { p.nonce = Bytes(1025); }},
    {{NitroFault::kNonceText, "nonce_text", INVALID, "nonce is text"}, [](NitroParts& p) { Set(p, "nonce", cbor::Text("1")); }},
    // Signature and binding
    {{NitroFault::kDocumentChanged, "document_changed", "signature_invalid", "a bit of a register is changed after signing"},
     [](NitroParts& p) {
       p.signed_payload = [value = p.pcrs[1]](Bytes& b) { *std::search(b.begin(), b.end(), value.begin(), value.end()) ^= 1; };
     }},
    {{NitroFault::kSignatureDamaged, "signature_damaged", "signature_invalid", "a bit of the signature is changed"},
     [](NitroParts& p) { p.signature = [](Bytes& b) { b[50] ^= 1; }; }},
    {{NitroFault::kSignatureZero, "signature_zero", "signature_invalid", "r is zero"},
     [](NitroParts& p) { p.signature = [](Bytes& b) { std::fill_n(b.begin(), 48, std::uint8_t{0}); }; }},
    {{NitroFault::kSignedByOtherKey, "signed_by_other_key", "signature_invalid", "another key signed the document"},
     [](NitroParts& p) { p.document_key = p.pki.KeyOf("stranger"); }},
    {{NitroFault::kNonceOther, "nonce_other", "binding_mismatch", "a bit of the nonce is another"},
     [](NitroParts& p) { p.nonce->back() ^= 1; }},
    {{NitroFault::kNoncePrefix, "nonce_prefix", "binding_mismatch", "the nonce lacks its last byte"},
     [](NitroParts& p) { p.nonce->pop_back(); }},
    {{NitroFault::kNonceLonger, "nonce_longer", "binding_mismatch", "a byte follows the nonce"},
     [](NitroParts& p) { p.nonce->push_back(0); }},
    {{NitroFault::kNonceMissing, "nonce_missing", "binding_mismatch", "the nonce is null"}, [](NitroParts& p) { p.nonce.reset(); }},
    // Certificates
    {{NitroFault::kRootSelfMade, "root_self_made", "root_not_pinned", "the root has AWS's name and another key"},
     [](NitroParts& p) {
       p.path[4].certificate.subject_public_key_info = p.pki.KeyOf("stranger").SubjectPublicKeyInfo();
       p.path[4].issuer = p.path[3].issuer = p.pki.KeyOf("stranger");
     }},
    {{NitroFault::kRootMissing, "root_missing", "chain_incomplete", "the cabundle lacks the root"},
     [](NitroParts& p) { p.cabundle = [](std::vector<Bytes>& b) { b.erase(b.begin()); }; }},
    {{NitroFault::kIssuerMissing, "issuer_missing", "chain_incomplete", "the cabundle lacks the zonal issuer"},
     [](NitroParts& p) { p.cabundle = [](std::vector<Bytes>& b) { b.erase(b.begin() + 2); }; }},
    {{NitroFault::kCabundleReversed, "cabundle_reversed", "nitro_bundle_order", "the root stands last in the cabundle"},
     [](NitroParts& p) { p.cabundle = [](std::vector<Bytes>& b) { std::reverse(b.begin(), b.end()); }; }},
    {{NitroFault::kCabundleMore, "cabundle_more", "nitro_bundle_order", "the cabundle has the module's certificate, too"},
     [](NitroParts& p) {
       p.cabundle = [leaf = p.path[0].certificate.SignedBy(p.path[0].issuer)](std::vector<Bytes>& b) { b.push_back(leaf); };
     }},
    {{NitroFault::kCabundleTwice, "cabundle_twice", "nitro_bundle_order", "the cabundle has the zonal issuer twice"},
     [](NitroParts& p) { p.cabundle = [](std::vector<Bytes>& b) { b.insert(b.begin() + 2, b[2]); }; }},
    {{NitroFault::kLeafGarbage, "leaf_garbage", "certificate_malformed", "the certificate lacks its last byte"},
     [](NitroParts& p) { p.leaf = [](Bytes& b) { b.pop_back(); }; }},
    {{NitroFault::kIssuerGarbage, "issuer_garbage", "certificate_malformed", "a certificate of the cabundle lacks its last byte"},
     [](NitroParts& p) { p.cabundle = [](std::vector<Bytes>& b) { b[2].pop_back(); }; }},
    {{NitroFault::kLeafOtherIssuerKey, "leaf_other_issuer_key", "chain_broken", "another key than the issuer's signed the certificate"},
     [](NitroParts& p) { p.path[0].issuer = p.pki.KeyOf("stranger"); }},
    {{NitroFault::kLeafCa, "leaf_ca", "certificate_profile", "the certificate may issue"},
     [](NitroParts& p) { Leaf(p).extensions[0] = extension::BasicConstraints(true, {}); }},
    {{NitroFault::kLeafCertSign, "leaf_cert_sign", "certificate_profile", "the certificate has keyCertSign"},
     [](NitroParts& p) { Leaf(p).extensions[1] = extension::KeyUsage(kDigitalSignature | kKeyCertSign); }},
    {{NitroFault::kLeafNoUsage, "leaf_no_usage", "certificate_profile", "the certificate has no keyUsage"},
     [](NitroParts& p) { Leaf(p).extensions.pop_back(); }},
    {{NitroFault::kLeafP256, "leaf_p256", "certificate_profile", "the certificate's key is on P-256"},
     [](NitroParts& p) { Leaf(p).subject_public_key_info = Key::GenerateP256().SubjectPublicKeyInfo(); }},
    {{NitroFault::kLeafSha256, "leaf_sha256", "certificate_profile", "the certificate is signed with SHA-256"},
     [](NitroParts& p) { Leaf(p).style = SignatureStyle::kEcdsaSha256; }},
    {{NitroFault::kLeafOrganization, "leaf_organization", "certificate_profile", "the certificate's organisation is another"},
     [](NitroParts& p) { SubjectOf(p, "Amazon", "Amazom"); }},
    {{NitroFault::kIssuerNotCa, "issuer_not_ca", "chain_broken", "the instance's issuer may not issue"},
     [](NitroParts& p) { Instance(p).extensions[0] = extension::BasicConstraints(false, {}); }},
    {{NitroFault::kIssuerNoCertSign, "issuer_no_cert_sign", "chain_broken", "the instance's issuer lacks keyCertSign"},
     [](NitroParts& p) { Instance(p).extensions[1] = extension::KeyUsage(kDigitalSignature); }},
    {{NitroFault::kIssuerNoPathLength, "issuer_no_path_length", "certificate_profile", "the instance's issuer may have issuers below it"},
     [](NitroParts& p) { Instance(p).extensions[0] = extension::BasicConstraints(true, {}); }},
    {{NitroFault::kIssuerPathLength, "issuer_path_length", "chain_broken", "the zonal issuer may have no issuer below it"},
     [](NitroParts& p) { p.path[2].certificate.extensions[0] = extension::BasicConstraints(true, 0); }},
    {{NitroFault::kIssuerName, "issuer_name", "certificate_profile", "the instance's issuer is not of nitro-enclaves"},
     [](NitroParts& p) {
       const auto rename = [](Bytes& name) {
         static constexpr std::string_view kOld = "nitro-enclaves", kNew = "nitro-enclavez";
         const auto at = std::search(name.begin(), name.end(), kOld.begin(), kOld.end());
         ASSAY_CHECK(at != name.end());
         std::copy(kNew.begin(), kNew.end(), at);
       };
       rename(Instance(p).subject);
       rename(Leaf(p).issuer);
     }},
    {{NitroFault::kCriticalExtension, "critical_extension", "chain_broken", "the certificate has a critical extension that nobody knows"},
     [](NitroParts& p) {
       Leaf(p).extensions.push_back({.oid = "1.2.3.4", .critical = true, .value = {0x05, 0x00}});
     }},
    {{NitroFault::kLeafOfRoot, "leaf_of_root", "certificate_profile", "the root itself issued the certificate"},
     [](NitroParts& p) {
       p.path[0].issuer = p.pki.KeyOf("root");
       Leaf(p).issuer = p.path[4].certificate.subject;
       p.path.erase(p.path.begin() + 1, p.path.begin() + 4);
     }},
    // Module and dates
    {{NitroFault::kLeafOtherModule, "leaf_other_module", "nitro_module_mismatch", "the certificate is of another module"},
     [](NitroParts& p) { SubjectOf(p, "abcdef0-", "abcdef1-"); }},
    {{NitroFault::kLeafNoRegion, "leaf_no_region", "nitro_module_mismatch",
      "the certificate's name has more than a region behind the module"},
     [](NitroParts& p) { SubjectOf(p, ".us-east-1.aws", ".us.east-1.aws"); }},
    {{NitroFault::kModuleOfOtherKind, "module_of_other_kind", "nitro_module_mismatch", "an enclave's document names a NitroTPM"},
     [](NitroParts& p) {
       SubjectOf(p, "-enc", "-tpm");
       p.module_id.replace(p.module_id.find("-enc"), 4, "-tpm");
     }},
    {{NitroFault::kModuleIdForm, "module_id_form", "nitro_module_mismatch", "module_id does not name an instance"},
     [](NitroParts& p) {
       SubjectOf(p, "i-0", "x-0");
       p.module_id[0] = 'x';
     }},
    {{NitroFault::kDatedBefore, "dated_before", "nitro_document_time", "the document is dated before its certificate's validity"},
     [](NitroParts& p) { p.timestamp_ms -= 4000; }},
    {{NitroFault::kDatedAfter, "dated_after", "nitro_document_time", "the document is dated behind its certificate's validity"},
     [](NitroParts& p) { p.timestamp_ms += 4 * 3'600'000; }},
    {{NitroFault::kLeafExpired, "leaf_expired", "expired", "the certificate's validity is over"},
     [](NitroParts& p) {
       Leaf(p).not_before -= hours(4);
       Leaf(p).not_after -= hours(4);
       p.timestamp_ms -= 4 * 3'600'000;
     }},
    {{NitroFault::kLeafNotYetValid, "leaf_not_yet_valid", "not_yet_valid", "the certificate's validity is to come"},
     [](NitroParts& p) {
       Leaf(p).not_before += hours(1);
       p.timestamp_ms += 3'700'000;
     }},
    {{NitroFault::kIssuerExpired, "issuer_expired", "expired", "the zonal issuer's validity is over"},
     [](NitroParts& p) { p.path[2].certificate.not_after -= days(4); }},
    // What it says
    {{NitroFault::kDebug, "debug", "debug_enabled", "PCRs 0, 1 and 2 are zero"},
     [](NitroParts& p) {
       for (const unsigned i : {0U, 1U, 2U}) p.pcrs[i] = Bytes(48);
     }},
};

}  // namespace

std::span<const NitroFaultEntry> AllNitroFaults() {
  static const std::vector<NitroFaultEntry> entries = [] {
    std::vector<NitroFaultEntry> all;
    for (const Row& row : kRows) all.push_back(row.entry);
    return all;
  }();
  return entries;
}

bool CanExist(NitroFault fault, bool tpm) {
  return !tpm || (fault != NitroFault::kPcrsMissing && fault != NitroFault::kPcrsOfBothKinds && fault != NitroFault::kModuleOfOtherKind);
}

std::optional<NitroFault> NitroFaultNamed(std::string_view name) {
  for (const NitroFaultEntry& entry : AllNitroFaults()) {
    if (entry.name == name) return entry.fault;
  }
  return std::nullopt;
}

void Apply(NitroFault fault, NitroParts& parts) {
  const auto index = static_cast<std::size_t>(fault);
  ASSAY_CHECK(index < std::size(kRows) && kRows[index].entry.fault == fault);
  kRows[index].apply(parts);
}

}  // namespace assay::softtee
