// Every fault of DCAP evidence: what is changed, and which finding a verifier owes for it. One row a fault, in the order of the enumeration.
#include <algorithm>
#include <utility>

#include "base/absl_bridge.h"
#include "base/bug.h"
#include "base/strings.h"
#include "tests/softtee/dcap_parts.h"
#include "tests/softtee/der.h"

namespace assay::softtee {
namespace {

using std::chrono::days;

// What has to be so for the fault to exist.
enum class Needs : std::uint8_t { kNothing, kTdx, kVersion5, kTd15, kTd15Ex, kPlatformCa };

struct Row {
  DcapFaultEntry entry;
  Needs needs;
  void (*apply)(DcapParts&);
};

void PatchRaw(DcapParts& parts, std::size_t offset, std::uint8_t flip) {
  parts.raw = [=](Bytes& raw) { raw[offset] = static_cast<std::uint8_t>(raw[offset] ^ flip); };
}

void PatchQe(DcapParts& parts, std::size_t offset, std::uint8_t flip) {
  std::uint8_t& byte = parts.quote.kind.qe_report[offset];
  byte = static_cast<std::uint8_t>(byte ^ flip);
}

void Set(DcapParts& parts, std::size_t offset, std::uint8_t bits) {
  parts.body[offset] = static_cast<std::uint8_t>(parts.body[offset] | bits);
}

void ReplaceOnce(std::string& text, std::string_view what, std::string_view by) {
  const std::size_t at = text.find(what);
  ASSAY_CHECK(at != std::string::npos);
  text.replace(at, what.size(), by);
}

// Index of the extensions: three that help to find the issuer, keyUsage, basicConstraints, on the PCK the SGX extension.
constexpr std::size_t kBasicConstraints = 4;
constexpr std::size_t kSgxExtension = 5;

void Expire(Certificate& certificate, Time now) { certificate.not_after = now - days(1); }
void Postpone(Certificate& certificate, Time now) { certificate.not_before = now + days(1); }

void Expire(RevocationList& list, Time now) {
  list.this_update = now - days(40);
  list.next_update = now - days(1);
}

void Expire(DocumentDates& dates, Time now) {
  dates.issue_date = now - days(31);
  dates.next_update = now - days(1);
}

void SetStatus(DcapParts& parts, std::string_view status) { ASSAY_CHECK(ApplyStatus(status, parts).ok()); }

const Row kRows[] = {
    // Quote, layout
    {{DcapFault::kQuoteTruncated, "quote_truncated", "length_wrong", "the quote's last byte is missing"},
     Needs::kNothing,
     [](DcapParts& p) { p.raw = [](Bytes& raw) { raw.pop_back(); }; }},
    {{DcapFault::kTrailingByte, "trailing_byte", "reserved_not_zero", "a byte that is not zero follows the quote"},
     Needs::kNothing,
     [](DcapParts& p) { p.raw = [](Bytes& raw) { raw.push_back(1); }; }},
    {{DcapFault::kTooLong, "too_long", "size_over_limit", "zeros make the quote longer than 64 KiB"},
     Needs::kNothing,
     [](DcapParts& p) { p.raw = [](Bytes& raw) { raw.resize(65537, 0); }; }},
    {{DcapFault::kVersion2, "version_2", "version_unsupported", "VERSION is 2"},
     Needs::kTdx,
     [](DcapParts& p) { p.quote.kind.version = 2; }},
    {{DcapFault::kVersion6, "version_6", "version_unsupported", "VERSION is 6"},
     Needs::kTdx,
     [](DcapParts& p) { p.quote.kind.version = 6; }},
    {{DcapFault::kKeyType3, "key_type_3", "algorithm_unsupported", "ATTESTATION_KEY_TYPE is 3 (ECDSA P-384)"},
     Needs::kNothing,
     [](DcapParts& p) { p.quote.kind.key_type = 3; }},
    {{DcapFault::kOtherVendor, "other_vendor", "field_invalid", "QE_VENDOR_ID is not Intel's"},
     Needs::kNothing,
     [](DcapParts& p) { PatchRaw(p, 12, 0x01); }},
    {{DcapFault::kTeeTypeUnknown, "tee_type_unknown", "field_invalid", "TEE_TYPE is 0x82"},
     Needs::kTdx,
     [](DcapParts& p) { p.quote.kind.tee_type = 0x82; }},
    {{DcapFault::kBodyTypeUnknown, "body_type_unknown", "field_invalid", "the body type is 5"},
     Needs::kVersion5,
     [](DcapParts& p) { p.quote.kind.body_type = 5; }},
    {{DcapFault::kBodyTypeOfEnclave, "body_type_of_enclave", "field_invalid", "the body of a TDX quote is declared to be an SGX report"},
     Needs::kVersion5,
     [](DcapParts& p) { p.quote.kind.body_type = 1; }},
    {{DcapFault::kBodySizeOther, "body_size_other", "length_wrong", "the declared body size is one too many"},
     Needs::kVersion5,
     [](DcapParts& p) { p.quote.kind.declared_more = 1; }},
    {{DcapFault::kAuthenticationLonger, "authentication_longer", "length_wrong", "a byte follows the certification data"},
     Needs::kTdx,
     [](DcapParts& p) { p.quote.kind.in_authentication = {0}; }},
    {{DcapFault::kEnvelopeLonger, "envelope_longer", "length_wrong", "a byte follows the inner certification data"},
     Needs::kTdx,
     [](DcapParts& p) { p.quote.kind.in_envelope = {0}; }},
    {{DcapFault::kOuterType, "outer_type_5", "certification_unsupported", "the outer certification data is of type 5"},
     Needs::kTdx,
     [](DcapParts& p) { p.quote.kind.outer_type = 5; }},
    {{DcapFault::kPpidInstead, "ppid_instead", "certification_unsupported",
      "the quote names an encrypted PPID (type 3) in the chain's place"},
     Needs::kNothing,
     [](DcapParts& p) { p.quote.kind.inner_type = 3; }},
    {{DcapFault::kPckAlone, "pck_alone", "certification_unsupported", "the certification data is the PCK alone (type 4)"},
     Needs::kNothing,
     [](DcapParts& p) { p.quote.kind.inner_type = 4; }},
    {{DcapFault::kChainWithoutRoot, "chain_without_root", "encoding_malformed", "the quote's chain has no root"},
     Needs::kNothing,
     [](DcapParts& p) {
       p.quote.order = {0, 1};
     }},
    {{DcapFault::kRootTwice, "root_twice", "encoding_malformed", "the root stands there twice"},
     Needs::kNothing,
     [](DcapParts& p) {
       p.quote.order = {0, 1, 2, 2};
     }},
    {{DcapFault::kTextInChain, "text_in_chain", "encoding_malformed", "text that no signature covers stands before the chain"},
     Needs::kNothing,
     [](DcapParts& p) { p.quote.quote = [](DcapQuote& quote) { quote.chain = "subject=/CN=somebody\n" + quote.chain; }; }},
    {{DcapFault::kQeReserved, "qe_reserved", "reserved_not_zero", "a reserved byte of the QE report is set"},
     Needs::kNothing,
     [](DcapParts& p) { PatchQe(p, 303, 0x01); }},

    // Quote, signatures and binding
    {{DcapFault::kRZero, "r_zero", "signature_invalid", "r of the quote's signature is zero"},
     Needs::kNothing,
     [](DcapParts& p) { p.quote.quote = [](DcapQuote& quote) { std::fill_n(quote.signature.begin(), 32, std::uint8_t{0}); }; }},
    {{DcapFault::kSNotBelowOrder, "s_not_below_order", "signature_invalid", "s of the quote's signature is not below the order of P-256"},
     Needs::kNothing,
     [](DcapParts& p) { p.quote.quote = [](DcapQuote& quote) { std::fill_n(quote.signature.begin() + 32, 32, std::uint8_t{0xFF}); }; }},
    {{DcapFault::kSignatureLittleEndian, "signature_little_endian", "signature_invalid", "r and s are written little-endian"},
     Needs::kNothing,
     [](DcapParts& p) {
       p.quote.quote = [](DcapQuote& quote) {
         std::reverse(quote.signature.begin(), quote.signature.begin() + 32);
         std::reverse(quote.signature.begin() + 32, quote.signature.end());
       };
     }},
    {{DcapFault::kSignatureDamaged, "signature_damaged", "signature_invalid", "one bit of r is flipped"},
     Needs::kNothing,
     [](DcapParts& p) { p.quote.quote = [](DcapQuote& quote) { quote.signature[31] ^= 1; }; }},
    {{DcapFault::kBodyChanged, "body_changed", "signature_invalid", "one bit of the report is flipped after signing"},
     Needs::kNothing,
     [](DcapParts& p) { p.quote.quote = [](DcapQuote& quote) { quote.body[kTdMrTd] ^= 1; }; }},
    {{DcapFault::kQuoteOfOtherKey, "quote_of_other_key", "signature_invalid", "another key than the attestation key signed the quote"},
     Needs::kNothing,
     [](DcapParts& p) { p.quote.signs_quote = &p.pki.StrangerKey(); }},
    {{DcapFault::kQeReportChanged, "qe_report_changed", "signature_invalid", "one bit of the QE's CPUSVN is flipped after signing"},
     Needs::kNothing,
     [](DcapParts& p) { p.quote.quote = [](DcapQuote& quote) { quote.qe_report[0] ^= 1; }; }},
    {{DcapFault::kQeReportOfOtherKey, "qe_report_of_other_key", "signature_invalid", "another key than the PCK signed the QE report"},
     Needs::kNothing,
     [](DcapParts& p) { p.quote.signs_qe_report = &p.pki.StrangerKey(); }},
    {{DcapFault::kAttestationKeyOther, "attestation_key_other", "attestation_key_unbound",
      "quote and signature are of a key that the QE did not commit to"},
     Needs::kNothing,
     [](DcapParts& p) {
       const Key stranger = p.pki.StrangerKey();
       p.quote.signs_quote = &p.pki.StrangerKey();
       p.quote.quote = [stranger](DcapQuote& quote) {
         const Bytes spki = stranger.SubjectPublicKeyInfo();
         quote.attestation_key = Bytes(spki.end() - 64, spki.end());
       };
     }},
    {{DcapFault::kAttestationKeyNoPoint, "attestation_key_no_point", "key_unsupported", "the attestation key is no point of P-256"},
     Needs::kNothing,
     [](DcapParts& p) { p.quote.quote = [](DcapQuote& quote) { quote.attestation_key = Bytes(64, 0xFE); }; }},
    {{DcapFault::kAuthenticationDataChanged, "authentication_data_changed", "attestation_key_unbound",
      "one bit of the QE's authentication data is flipped"},
     Needs::kNothing,
     [](DcapParts& p) { p.quote.quote = [](DcapQuote& quote) { quote.qe_authentication_data[31] ^= 1; }; }},
    {{DcapFault::kQeReportDataTail, "qe_report_data_tail", "quoting_enclave_report", "the last byte of the QE's REPORTDATA is set"},
     Needs::kNothing,
     [](DcapParts& p) { PatchQe(p, 383, 0x01); }},
    {{DcapFault::kOtherReportData, "other_report_data", "binding_mismatch", "the last bit of REPORTDATA is not the one demanded"},
     Needs::kNothing,
     [](DcapParts& p) {
       std::uint8_t& last = p.body[(IsTdx(p.options.kind) ? kTdReportData : kEnclaveReportData) + 63];
       last = static_cast<std::uint8_t>(last ^ 1);
     }},

    // Quoting enclave
    {{DcapFault::kQeDebug, "qe_debug", "quoting_enclave_refused", "the quoting enclave can be debugged"},
     Needs::kNothing,
     [](DcapParts& p) { PatchQe(p, 48, 0x02); }},
    {{DcapFault::kQeOtherSigner, "qe_other_signer", "quoting_enclave_refused", "MRSIGNER of the quoting enclave is not Intel's"},
     Needs::kNothing,
     [](DcapParts& p) { PatchQe(p, 128, 0x01); }},
    {{DcapFault::kQeOtherProduct, "qe_other_product", "quoting_enclave_refused", "ISVPRODID of the quoting enclave is another enclave's"},
     Needs::kNothing,
     [](DcapParts& p) { PatchQe(p, 256, 0x07); }},
    {{DcapFault::kQeOutOfDate, "qe_out_of_date", "tcb_status_refused", "the quoting enclave's version is out of date"},
     Needs::kNothing,
     [](DcapParts& p) { p.quote.kind.qe_report[258] = 2; }},
    {{DcapFault::kQeRevoked, "qe_revoked", "tcb_status_refused", "the quoting enclave's version is revoked"},
     Needs::kNothing,
     [](DcapParts& p) { p.qe_identity.levels.front().statement.status = "Revoked"; }},

    // Trust domain
    {{DcapFault::kDebug, "debug", "debug_enabled", "TDATTRIBUTES.DEBUG is set"},
     Needs::kTdx,
     [](DcapParts& p) { Set(p, kTdAttributes, 0x01); }},
    {{DcapFault::kDebugOtherBit, "debug_other_bit", "debug_enabled", "bit 6 of TDATTRIBUTES, of the group TUD, is set"},
     Needs::kTdx,
     [](DcapParts& p) { Set(p, kTdAttributes, 0x40); }},
    {{DcapFault::kMigratable, "migratable", "migration_agent", "TDATTRIBUTES.MIGRATABLE is set"},
     Needs::kTdx,
     [](DcapParts& p) { Set(p, kTdAttributes + 3, 0x20); }},
    {{DcapFault::kServiceTd, "service_td", "migration_agent", "MRSERVICETD is not zero"},
     Needs::kTd15,
     [](DcapParts& p) { Set(p, kTdMrServiceTd + 47, 0x01); }},
    {{DcapFault::kAttributesUnknown, "attributes_unknown", "unknown_bits", "bit 8 of TDATTRIBUTES, which means nothing yet, is set"},
     Needs::kTdx,
     [](DcapParts& p) { Set(p, kTdAttributes + 1, 0x01); }},
    {{DcapFault::kXfamUnknown, "xfam_unknown", "unknown_bits", "bit 62 of XFAM, which means nothing yet, is set"},
     Needs::kTdx,
     [](DcapParts& p) { Set(p, 135, 0x40); }},
    {{DcapFault::kXfamFixedClear, "xfam_fixed_clear", "unknown_bits", "bit 0 of XFAM, which must be one, is zero"},
     Needs::kTdx,
     [](DcapParts& p) { p.body[128] = 0xE6; }},
    {{DcapFault::kSeamAttributes, "seam_attributes", "tdx_module_refused", "SEAMATTRIBUTES is not zero"},
     Needs::kTdx,
     [](DcapParts& p) { Set(p, 112, 0x01); }},
    {{DcapFault::kMrSignerSeam, "mrsignerseam", "tdx_module_refused", "MRSIGNERSEAM is not zero"},
     Needs::kTdx,
     [](DcapParts& p) { Set(p, 111, 0x01); }},
    {{DcapFault::kModuleUnknown, "module_unknown", "tdx_module_refused", "the TDX module is of a version that the TCB info does not know"},
     Needs::kTdx,
     [](DcapParts& p) { p.body[1] = 3; }},
    {{DcapFault::kModuleOutOfDate, "module_out_of_date", "tcb_status_refused", "the TDX module's version is out of date"},
     Needs::kTdx,
     [](DcapParts& p) { p.body[0] = 4; }},
    {{DcapFault::kModuleRevoked, "module_revoked", "tcb_status_refused", "the TDX module's version is revoked"},
     Needs::kTdx,
     [](DcapParts& p) { p.tcb_info.modules.front().levels.front().statement.status = "Revoked"; }},
    {{DcapFault::kInitialTcb, "initial_tcb", "initial_tcb_unjudged", "the TD was initialised under a TCB of its own"},
     Needs::kTd15Ex,
     [](DcapParts& p) { Set(p, kTdInitTeeTcbSvn, 0x01); }},
    {{DcapFault::kEnclave, "enclave", "platform_unrecognised", "the quote of an enclave stands in the place of the trust domain's"},
     Needs::kTdx,
     [](DcapParts& p) {
       p.quote.kind.version = 4;
       p.quote.kind.tee_type = 0;
       p.quote.kind.body_size = 384;
       p.body = Bytes(384, 0);
       std::copy(p.options.report_data.begin(), p.options.report_data.end(), p.body.begin() + kEnclaveReportData);
       p.quote.kind.qe_report[256] = 1;
       p.tcb_info.tdx = p.qe_identity.tdx = false;
     }},

    // Certificates of the quote
    {{DcapFault::kPckOtherIssuerKey, "pck_other_issuer_key", "chain_broken", "another key than the CA's signed the PCK certificate"},
     Needs::kNothing,
     [](DcapParts& p) { p.quote.signs_pck = &p.pki.StrangerKey(); }},
    {{DcapFault::kRootSelfMade, "root_self_made", "root_not_pinned",
      "the chain is sound but ends in a root of Intel's name and somebody else's key"},
     Needs::kNothing,
     [](DcapParts& p) { p.keys.root = p.pki.StrangerKey(); }},
    {{DcapFault::kCaNotCa, "ca_not_ca", "chain_broken", "the PCK CA is no CA"},
     Needs::kNothing,
     [](DcapParts& p) {
       p.ChangeCa([](Certificate& c) { c.extensions[kBasicConstraints] = extension::BasicConstraints(false, std::nullopt); });
     }},
    {{DcapFault::kCaPathLength, "ca_path_length", "certificate_profile", "the PCK CA has a path length of 1"},
     Needs::kNothing,
     [](DcapParts& p) { p.ChangeCa([](Certificate& c) { c.extensions[kBasicConstraints] = extension::BasicConstraints(true, 1); }); }},
    {{DcapFault::kPckCa, "pck_ca", "certificate_profile", "the PCK certificate is a CA's"},
     Needs::kNothing,
     [](DcapParts& p) {
       p.ChangePck([](Certificate& c) { c.extensions[kBasicConstraints] = extension::BasicConstraints(true, std::nullopt); });
     }},
    {{DcapFault::kPckOrganization, "pck_organization", "certificate_profile", "the PCK's organization is not Intel"},
     Needs::kNothing,
     [](DcapParts& p) { p.ChangePck([](Certificate& c) { c.subject = NameOf(CommonNameOf(IntelKind::kPck)); }); }},
    {{DcapFault::kPckP384, "pck_p384", "certificate_profile", "the PCK is on P-384"},
     Needs::kNothing,
     [](DcapParts& p) {
       p.ChangePck([](Certificate& c) { c.subject_public_key_info = Key::Derive(AsBytes("a P-384 key")).SubjectPublicKeyInfo(); });
     }},
    {{DcapFault::kPckExtensionMissing, "pck_extension_missing", "certificate_extension", "the PCK has no SGX extension"},
     Needs::kNothing,
     [](DcapParts& p) { p.ChangePck([](Certificate& c) { c.extensions.pop_back(); }); }},
    {{DcapFault::kPckInstanceMissing, "pck_instance_missing", "certificate_extension", "the Platform CA's PCK has no platform instance"},
     Needs::kPlatformCa,
     [](DcapParts& p) {
       const Bytes without = DescribePckExtension(p.options.machine, false).Der();
       p.ChangePck([without](Certificate& c) { c.extensions[kSgxExtension].value = without; });
     }},
    {{DcapFault::kPckExpired, "pck_expired", "expired", "the PCK's validity ended a day ago"},
     Needs::kNothing,
     [](DcapParts& p) { p.ChangePck([now = p.options.now](Certificate& c) { Expire(c, now); }); }},
    {{DcapFault::kPckNotYetValid, "pck_not_yet_valid", "not_yet_valid", "the PCK's validity begins in a day"},
     Needs::kNothing,
     [](DcapParts& p) { p.ChangePck([now = p.options.now](Certificate& c) { Postpone(c, now); }); }},
    {{DcapFault::kCaExpired, "ca_expired", "expired", "the CA's validity ended a day ago"},
     Needs::kNothing,
     [](DcapParts& p) { p.ChangeCa([now = p.options.now](Certificate& c) { Expire(c, now); }); }},
    {{DcapFault::kCaNotYetValid, "ca_not_yet_valid", "not_yet_valid", "the CA's validity begins in a day"},
     Needs::kNothing,
     [](DcapParts& p) { p.ChangeCa([now = p.options.now](Certificate& c) { Postpone(c, now); }); }},
    {{DcapFault::kRootExpired, "root_expired", "expired", "the root's validity ended a day ago"},
     Needs::kNothing,
     [](DcapParts& p) { p.ChangeRoot([now = p.options.now](Certificate& c) { Expire(c, now); }); }},
    {{DcapFault::kRootNotYetValid, "root_not_yet_valid", "not_yet_valid", "the root's validity begins in a day"},
     Needs::kNothing,
     [](DcapParts& p) { p.ChangeRoot([now = p.options.now](Certificate& c) { Postpone(c, now); }); }},

    // Revocation
    {{DcapFault::kPckRevoked, "pck_revoked", "certificate_revoked", "the CA's list names the PCK"},
     Needs::kNothing,
     [](DcapParts& p) {
       p.pck_crl.revoked_serials = {{7}, kPckSerial};
     }},
    {{DcapFault::kCaRevoked, "ca_revoked", "certificate_revoked", "the root's list names the PCK CA"},
     Needs::kNothing,
     [](DcapParts& p) {
       p.root_crl.revoked_serials = {{7}, kCaSerial};
     }},
    {{DcapFault::kTcbSignerRevoked, "tcb_signer_revoked", "certificate_revoked", "the root's list names the TCB signing certificate"},
     Needs::kNothing,
     [](DcapParts& p) {
       p.root_crl.revoked_serials = {{7}, kTcbSignerSerial};
     }},
    {{DcapFault::kRootCrlMissing, "root_crl_missing", "revocation_unchecked", "the root's list is not there"},
     Needs::kNothing,
     [](DcapParts& p) { p.with_root_crl = false; }},
    {{DcapFault::kPckCrlMissing, "pck_crl_missing", "revocation_unchecked", "the CA's list is not there"},
     Needs::kNothing,
     [](DcapParts& p) { p.with_pck_crl = false; }},
    {{DcapFault::kRootCrlStale, "root_crl_stale", "crl_stale", "nextUpdate of the root's list was a day ago"},
     Needs::kNothing,
     [](DcapParts& p) { Expire(p.root_crl, p.options.now); }},
    {{DcapFault::kPckCrlStale, "pck_crl_stale", "crl_stale", "nextUpdate of the CA's list was a day ago"},
     Needs::kNothing,
     [](DcapParts& p) { Expire(p.pck_crl, p.options.now); }},
    {{DcapFault::kRootCrlNotYetValid, "root_crl_not_yet_valid", "crl_not_yet_valid", "thisUpdate of the root's list is in a day"},
     Needs::kNothing,
     [](DcapParts& p) { p.root_crl.this_update = p.options.now + days(1); }},
    {{DcapFault::kPckCrlNotYetValid, "pck_crl_not_yet_valid", "crl_not_yet_valid", "thisUpdate of the CA's list is in a day"},
     Needs::kNothing,
     [](DcapParts& p) { p.pck_crl.this_update = p.options.now + days(1); }},
    {{DcapFault::kRootCrlOtherKey, "root_crl_other_key", "crl_not_authentic", "another key than the root's signed its list"},
     Needs::kNothing,
     [](DcapParts& p) { p.root_crl_issuer = p.pki.StrangerKey(); }},
    {{DcapFault::kPckCrlOtherKey, "pck_crl_other_key", "crl_not_authentic", "another key than the CA's signed its list"},
     Needs::kNothing,
     [](DcapParts& p) { p.pck_crl_issuer = p.pki.StrangerKey(); }},
    {{DcapFault::kPckCrlOfOtherCa, "pck_crl_of_other_ca", "revocation_unchecked",
      "the list of the other PCK CA stands in the place of the right one"},
     Needs::kPlatformCa,
     [](DcapParts& p) {
       p.pck_crl.issuer = IntelName(CommonNameOf(IntelKind::kProcessorCa));
       p.pck_crl_issuer = p.pki.KeyOf(IntelKind::kProcessorCa);
     }},
    {{DcapFault::kCrlGarbage, "crl_garbage", "crl_malformed", "the root's list lacks its last byte"},
     Needs::kNothing,
     [](DcapParts& p) { p.root_crl_served = [](Bytes& list) { list.pop_back(); }; }},

    // TCB documents
    {{DcapFault::kTcbInfoMissing, "tcb_info_missing", "collateral_missing", "the TCB info is not there"},
     Needs::kNothing,
     [](DcapParts& p) { p.with_tcb_info = false; }},
    {{DcapFault::kQeIdentityMissing, "qe_identity_missing", "collateral_missing", "the QE identity is not there"},
     Needs::kNothing,
     [](DcapParts& p) { p.with_qe_identity = false; }},
    {{DcapFault::kTcbSigningMissing, "tcb_signing_missing", "collateral_missing", "the chain of the documents' signer is not there"},
     Needs::kNothing,
     [](DcapParts& p) { p.with_tcb_signing = false; }},
    {{DcapFault::kTcbInfoChanged, "tcb_info_changed", "collateral_not_authentic",
      "a status of the TCB info is another one than Intel signed"},
     Needs::kNothing,
     [](DcapParts& p) { p.tcb_info_served = [](std::string& text) { ReplaceOnce(text, "\"OutOfDate\"", "\"UpToDate\""); }; }},
    {{DcapFault::kTcbInfoSpaced, "tcb_info_spaced", "collateral_not_authentic",
      "a space was put into the TCB info, which means the same and is not what Intel signed"},
     Needs::kNothing,
     [](DcapParts& p) { p.tcb_info_served = [](std::string& text) { ReplaceOnce(text, ",\"fmspc\"", ", \"fmspc\""); }; }},
    {{DcapFault::kQeIdentityChanged, "qe_identity_changed", "collateral_not_authentic",
      "a level of the QE identity is another one than Intel signed"},
     Needs::kNothing,
     [](DcapParts& p) { p.qe_identity_served = [](std::string& text) { ReplaceOnce(text, "\"isvsvn\":4", "\"isvsvn\":3"); }; }},
    {{DcapFault::kDocumentsOfOtherKey, "documents_of_other_key", "collateral_not_authentic",
      "another key than the certified one signed the documents"},
     Needs::kNothing,
     [](DcapParts& p) { p.document_key = p.pki.StrangerKey(); }},
    {{DcapFault::kTcbInfoMalformed, "tcb_info_malformed", "collateral_malformed", "the TCB info has no PCEID"},
     Needs::kNothing,
     [](DcapParts& p) { p.tcb_info_served = [](std::string& text) { ReplaceOnce(text, "\"pceId\"", "\"pceID\""); }; }},
    {{DcapFault::kTcbInfoNoJson, "tcb_info_no_json", "encoding_malformed", "the TCB info says its FMSPC twice"},
     Needs::kNothing,
     [](DcapParts& p) {
       p.tcb_info_served = [](std::string& text) { ReplaceOnce(text, "\"fmspc\"", "\"fmspc\":\"000000000000\",\"fmspc\""); };
     }},
    {{DcapFault::kQeIdentityMalformed, "qe_identity_malformed", "collateral_malformed", "the QE identity has a status that there is not"},
     Needs::kNothing,
     [](DcapParts& p) { p.qe_identity_served = [](std::string& text) { ReplaceOnce(text, "UpToDate", "Splendid"); }; }},
    {{DcapFault::kTcbInfoOtherFmspc, "tcb_info_other_fmspc", "collateral_missing", "the TCB info is another platform's"},
     Needs::kNothing,
     [](DcapParts& p) { p.tcb_info.fmspc[5] ^= 1; }},
    {{DcapFault::kTcbInfoOtherPceId, "tcb_info_other_pce_id", "collateral_mismatch", "PCEID of the TCB info is not the PCK's"},
     Needs::kNothing,
     [](DcapParts& p) { p.tcb_info.pce_id[0] ^= 1; }},
    {{DcapFault::kTcbInfoOfSgx, "tcb_info_of_sgx", "collateral_missing", "the TCB info is that of SGX"},
     Needs::kTdx,
     [](DcapParts& p) { p.tcb_info.tdx = false; }},
    {{DcapFault::kQeIdentityOfSgx, "qe_identity_of_sgx", "collateral_missing", "the QE identity is that of the SGX quoting enclave"},
     Needs::kTdx,
     [](DcapParts& p) { p.qe_identity.tdx = false; }},
    {{DcapFault::kTcbInfoExpired, "tcb_info_expired", "document_expired", "nextUpdate of the TCB info was a day ago"},
     Needs::kNothing,
     [](DcapParts& p) { Expire(p.tcb_info.dates, p.options.now); }},
    {{DcapFault::kTcbInfoNotYetValid, "tcb_info_not_yet_valid", "document_not_yet_valid", "issueDate of the TCB info is in a day"},
     Needs::kNothing,
     [](DcapParts& p) { p.tcb_info.dates.issue_date = p.options.now + days(1); }},
    {{DcapFault::kQeIdentityExpired, "qe_identity_expired", "document_expired", "nextUpdate of the QE identity was a day ago"},
     Needs::kNothing,
     [](DcapParts& p) { Expire(p.qe_identity.dates, p.options.now); }},
    {{DcapFault::kQeIdentityNotYetValid, "qe_identity_not_yet_valid", "document_not_yet_valid", "issueDate of the QE identity is in a day"},
     Needs::kNothing,
     [](DcapParts& p) { p.qe_identity.dates.issue_date = p.options.now + days(1); }},
    {{DcapFault::kTcbSigningExpired, "tcb_signing_expired", "document_expired",
      "the validity of the TCB signing certificate ended a day ago"},
     Needs::kNothing,
     [](DcapParts& p) { Expire(p.tcb_signing, p.options.now); }},
    {{DcapFault::kTcbSigningNotYetValid, "tcb_signing_not_yet_valid", "document_not_yet_valid",
      "the validity of the TCB signing certificate begins in a day"},
     Needs::kNothing,
     [](DcapParts& p) { Postpone(p.tcb_signing, p.options.now); }},
    {{DcapFault::kTcbSigningOtherIssuerKey, "tcb_signing_other_issuer_key", "chain_broken",
      "another key than the root's signed the TCB signing certificate"},
     Needs::kNothing,
     [](DcapParts& p) { p.tcb_signing_issuer = p.pki.StrangerKey(); }},
    {{DcapFault::kTcbSigningCa, "tcb_signing_ca", "certificate_profile", "the TCB signing certificate is a CA's"},
     Needs::kNothing,
     [](DcapParts& p) { p.tcb_signing.extensions[kBasicConstraints] = extension::BasicConstraints(true, 0); }},

    // TCB status
    {{DcapFault::kOutOfDate, "out_of_date", "tcb_status_refused", "the platform's TCB is OutOfDate"},
     Needs::kNothing,
     [](DcapParts& p) { SetStatus(p, "OutOfDate"); }},
    {{DcapFault::kSwHardeningNeeded, "sw_hardening_needed", "tcb_status_refused", "the TCB status is SWHardeningNeeded"},
     Needs::kNothing,
     [](DcapParts& p) { SetStatus(p, "SWHardeningNeeded"); }},
    {{DcapFault::kConfigurationNeeded, "configuration_needed", "tcb_status_refused", "the TCB status is ConfigurationNeeded"},
     Needs::kNothing,
     [](DcapParts& p) { SetStatus(p, "ConfigurationNeeded"); }},
    {{DcapFault::kConfigurationAndSwHardeningNeeded, "configuration_and_sw_hardening_needed", "tcb_status_refused",
      "the TCB status is ConfigurationAndSWHardeningNeeded"},
     Needs::kNothing,
     [](DcapParts& p) { SetStatus(p, "ConfigurationAndSWHardeningNeeded"); }},
    {{DcapFault::kOutOfDateConfigurationNeeded, "out_of_date_configuration_needed", "tcb_status_refused",
      "the TCB status is OutOfDateConfigurationNeeded"},
     Needs::kNothing,
     [](DcapParts& p) { SetStatus(p, "OutOfDateConfigurationNeeded"); }},
    {{DcapFault::kRevoked, "revoked", "tcb_status_refused", "the platform's TCB is Revoked"},
     Needs::kNothing,
     [](DcapParts& p) { SetStatus(p, "Revoked"); }},
    {{DcapFault::kTdRelaunchAdvised, "td_relaunch_advised", "tcb_status_refused",
      "the TD was launched by a TDX module that has been replaced since"},
     Needs::kTd15,
     [](DcapParts& p) { SetStatus(p, "TDRelaunchAdvised"); }},
    {{DcapFault::kTdRelaunchAdvisedConfigurationNeeded, "td_relaunch_advised_configuration_needed", "tcb_status_refused",
      "the TD was launched by a TDX module that has been replaced since, on a platform in need of configuration"},
     Needs::kTd15,
     [](DcapParts& p) { SetStatus(p, "TDRelaunchAdvisedConfigurationNeeded"); }},
    {{DcapFault::kNotSupported, "not_supported", "tcb_status_refused", "no level of the TCB info applies to the platform"},
     Needs::kNothing,
     [](DcapParts& p) { SetStatus(p, "NotSupported"); }},
};

const Row& RowOf(DcapFault fault) {
  const Row& row = kRows[static_cast<std::size_t>(fault)];
  ASSAY_CHECK(row.entry.fault == fault);
  return row;
}

std::string_view Unmet(Needs needs, const DcapOptions& options) {
  const bool ex = options.kind == QuoteKind::kTdxV5Td15Ex, td15 = ex || options.kind == QuoteKind::kTdxV5Td15;
  switch (needs) {
    case Needs::kNothing: return {};
    case Needs::kTdx: return IsTdx(options.kind) ? "" : "a TDX quote";
    case Needs::kVersion5: return td15 || options.kind == QuoteKind::kTdxV5Td10 ? "" : "a TDX quote of version 5";
    case Needs::kTd15: return td15 ? "" : "a TD report 1.5";
    case Needs::kTd15Ex: return ex ? "" : "a TD report 1.5 with its extension";
    case Needs::kPlatformCa: return options.platform_ca ? "" : "a PCK of the Platform CA";
  }
  return {};
}

}  // namespace

std::span<const DcapFaultEntry> AllDcapFaults() {
  static const std::vector<DcapFaultEntry> entries = [] {
    std::vector<DcapFaultEntry> list;
    for (const Row& row : kRows) list.push_back(row.entry);
    return list;
  }();
  return entries;
}

const DcapFaultEntry& EntryOf(DcapFault fault) { return RowOf(fault).entry; }

std::optional<DcapFault> DcapFaultNamed(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.entry.name == name) return row.entry.fault;
  }
  return std::nullopt;
}

DcapOptions OptionsFor(DcapFault fault) {
  DcapOptions options{.fault = fault};
  const Needs needs = RowOf(fault).needs;
  if (needs == Needs::kVersion5) options.kind = QuoteKind::kTdxV5Td10;
  if (needs == Needs::kTd15) options.kind = QuoteKind::kTdxV5Td15;
  if (needs == Needs::kTd15Ex) options.kind = QuoteKind::kTdxV5Td15Ex;
  return options;
}

absl::Status Apply(DcapFault fault, DcapParts& parts) {
  const Row& row = RowOf(fault);
  if (const std::string_view unmet = Unmet(row.needs, parts.options); !unmet.empty()) {
    return absl::InvalidArgumentError(ToAbsl(Cat("fault ", row.entry.name, " needs ", unmet)));
  }
  row.apply(parts);
  return absl::OkStatus();
}

}  // namespace assay::softtee
