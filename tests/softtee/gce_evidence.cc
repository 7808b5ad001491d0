#include "tests/softtee/gce_evidence.h"

#include <algorithm>
#include <array>
#include <utility>

#include "tests/softtee/der.h"
#include "tests/softtee/kept_keys.h"

namespace assay::softtee {
namespace {

using std::chrono::days;

// --- what a transcript is made of
void PutField(Bytes& to, ByteView field) {
  AppendU32Be(to, static_cast<std::uint32_t>(field.size()));
  Append(to, field);
}

Bytes Transcript(ByteView nonce, ByteView ak, const Key& node) {
  using namespace std::string_view_literals;
  Bytes transcript = ToBytes(AsBytes("assay-binding-v1\0"sv));
  PutField(transcript, nonce);
  PutField(transcript, node.SubjectPublicKeyInfo());
  PutField(transcript, {});
  PutField(transcript, AsBytes("prod"));
  PutField(transcript, AsBytes("worker"));
  PutField(transcript, AsBytes("node-1"));
  PutField(transcript, ak);
  PutField(transcript, Ramp<32>(0x90));
  return transcript;
}

GceDemand DemandOf(ByteView transcript) {
  GceDemand demand{.report_data = {}, .extra_data = Sha256(transcript)};
  std::ranges::copy(TpmHash(kTpmSha512, transcript), demand.report_data.begin());
  return demand;
}

// --- certificates of a virtual TPM
Bytes Attribute(std::string_view oid, std::string_view value) { return der::Set({der::Sequence({der::Oid(oid), der::Utf8String(value)})}); }
Bytes GoogleName(std::string_view common_name) {
  return der::Sequence({Attribute("2.5.4.6", "US"), Attribute("2.5.4.10", "Google LLC"), Attribute("2.5.4.3", common_name)});
}

constexpr std::string_view kZone = "europe-west4-b", kProject = "softtee-project", kInstanceName = "node-1", kInstance = "4242424242424242";
constexpr std::uint64_t kProjectNumber = 123456789012, kInstanceNumber = 4242424242424242;
constexpr std::string_view kInstanceOid = "1.3.6.1.4.1.11129.2.1.21";
constexpr std::string_view kEkPurpose = "2.23.133.8.1";

Bytes Instance(bool production) {
  return der::Sequence({der::Utf8String(kZone), der::Integer(kProjectNumber), der::Utf8String(kProject), der::Integer(kInstanceNumber),
                        der::Utf8String(kInstanceName),
                        der::Explicit(0, der::Sequence({der::Explicit(0, der::Integer(1)), der::Explicit(1, der::Boolean(production))}))});
}

constexpr std::uint16_t kKeyEncipherment = 0x2000;

void Spoil(TpmParts& parts, const GcePki& pki, GceFault fault) {
  if (fault == GceFault::kEkCertificate) parts.certificate.extensions[0] = extension::KeyUsage(kKeyEncipherment);
  if (fault == GceFault::kNotProduction) parts.certificate.extensions[2].value = Instance(/*production=*/false);
  if (fault == GceFault::kCertificateOfOtherKey) parts.certificate.subject_public_key_info = pki.stranger.SubjectPublicKeyInfo();
  if (fault == GceFault::kCertificateOtherIssuerKey) parts.certificate_issuer = pki.stranger;
  if (fault == GceFault::kRootSelfMade) parts.root = parts.issuer_issuer = pki.stranger;
  if (fault == GceFault::kCertificateMissing) parts.with_certificate = false;
  if (fault == GceFault::kQuoteOfOtherKey) parts.signer = Key::GenerateRsa(2048);
  if (fault == GceFault::kAkUnrestricted) {
    parts.area.attributes &= ~std::uint32_t{1U << 16};
    parts.attest.qualified_signer = EndorsementName(parts.area.Name());
  }
  if (fault == GceFault::kPcrChanged) parts.sent.front().values[4].back() ^= 1;
}

// --- protocol buffers
void PutVarint(Bytes& to, std::uint64_t value, bool longer = false) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<std::uint8_t>(value | 0x80));
  to.push_back(static_cast<std::uint8_t>(longer ? value | 0x80 : value));
  if (longer) to.push_back(0);
}
void PutNumber(Bytes& to, unsigned field, std::uint64_t value, bool longer = false) {
  PutVarint(to, field << 3);
  PutVarint(to, value, longer);
}
void PutOctets(Bytes& to, unsigned field, ByteView value) {
  PutVarint(to, field << 3 | 2);
  PutVarint(to, value.size());
  Append(to, value);
}

Bytes SnpEntry(std::uint64_t vmsas, ByteView measurement) {
  Bytes entry;
  PutNumber(entry, 1, vmsas);
  PutOctets(entry, 2, measurement);
  return entry;
}
Bytes TdxEntry(std::uint64_t ram_gib, bool early_accept, ByteView mrtd) {
  Bytes entry;
  PutNumber(entry, 1, ram_gib);
  if (early_accept) PutNumber(entry, 2, 1);
  PutOctets(entry, 3, mrtd);
  return entry;
}

Certificate EndorsementCertificate(std::string_view issuer, std::string_view subject, const Key& key, Time now) {
  return {.serial = {0x31},
          .issuer = GoogleName(issuer),
          .subject = GoogleName(subject),
          .not_before = now - days(30),
          .not_after = now + days(335),
          .subject_public_key_info = key.SubjectPublicKeyInfo(),
          .extensions = {},
          .style = SignatureStyle::kPssSha256};
}

Bytes RootCertificate(const Key& root, Time now) {
  Certificate authority = EndorsementCertificate("GCE-cc-tcb-root", "GCE-cc-tcb-root", root, now);
  authority.not_after = now + days(3650);
  authority.extensions = {extension::KeyUsage(kKeyCertSign | kCrlSign), extension::BasicConstraints(true, {})};
  return authority.SignedBy(root);
}

Bytes MintEndorsement(const GceOptions& options, const GcePki& pki) {
  const std::optional<GceFault> fault = options.fault;
  const Key& root = fault == GceFault::kEndorsementRootSelfMade ? pki.endorsement_stranger : pki.endorsement_root;
  const Key ec = Key::GenerateP256();
  const Key& certified = fault == GceFault::kEndorsementEcKey ? ec : pki.endorsement_signer;
  Certificate signer = EndorsementCertificate("GCE-cc-tcb-root", "GCE-uefi-signer", certified, options.now);
  signer.extensions = {extension::KeyUsage(kDigitalSignature), extension::BasicConstraints(false, {})};
  if (fault == GceFault::kEndorsementExpired) signer.not_after = options.now - days(1);

  const bool other = fault == GceFault::kEndorsementOfOtherFirmware;
  const ByteArray<48> unrelated = Ramp<48>(0x05);
  Bytes snp, tdx, timestamp, golden;
  PutNumber(snp, 1, 5);
  Bytes measurement = other ? ToBytes(unrelated) : ToBytes(options.snp.measurement);
  if (fault == GceFault::kEndorsementShortMeasurement) measurement.pop_back();
  PutOctets(snp, 2, SnpEntry(2, measurement));
  PutOctets(snp, 2, SnpEntry(fault == GceFault::kEndorsementVmsasTwice ? 2 : 4, Ramp<48>(0x06)));
  PutNumber(snp, 5, 0x30000);
  PutOctets(snp, 7, Ramp<48>(0x07));
  PutNumber(tdx, 1, 6);
  PutOctets(tdx, 2, TdxEntry(16, true, other ? unrelated : options.dcap.mrtd));
  PutOctets(tdx, 2, TdxEntry(64, false, Ramp<48>(0x08)));
  if (fault != GceFault::kEndorsementNoTimestamp) {
    PutNumber(timestamp, 1, static_cast<std::uint64_t>((options.now - days(60)).time_since_epoch().count()));
  }

  PutOctets(golden, 1, timestamp);
  if (fault != GceFault::kEndorsementNoSource) {
    PutNumber(golden, 2, 700000000, fault == GceFault::kEndorsementLongVarint);
    PutOctets(golden, 3, Ramp<20>(0x55));
  }
  if (fault == GceFault::kEndorsementFieldTwice) PutNumber(golden, 2, 1);
  PutOctets(golden, 4,
            fault == GceFault::kEndorsementCertificateGarbage
                ? Bytes(40, 0x30)
                : signer.SignedBy(fault == GceFault::kEndorsementOtherIssuerKey ? pki.endorsement_stranger : root));
  PutOctets(golden, 5, Ramp<48>(0x09));
  std::string bundle = ToPem("CERTIFICATE", RootCertificate(root, options.now));
  if (fault == GceFault::kEndorsementIssuerMissing) bundle.clear();
  if (fault == GceFault::kEndorsementBundleGarbage) bundle = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
  PutOctets(golden, 6, AsBytes(bundle));
  PutOctets(golden, 7, snp);
  PutOctets(golden, 8, tdx);

  const Key& key = fault == GceFault::kEndorsementOfOtherKey ? pki.endorsement_stranger : pki.endorsement_signer;
  Bytes signature = key.Sign(fault == GceFault::kEndorsementPkcs1 ? SignatureStyle::kPkcs1Sha256 : SignatureStyle::kPssSha256, golden);
  if (fault == GceFault::kEndorsementSignatureDamaged) signature[100] ^= 1;
  if (fault == GceFault::kEndorsementSignatureShort) signature.pop_back();
  if (fault == GceFault::kEndorsementChanged) golden.back() ^= 1;  // of the last MRTD
  Bytes envelope;
  PutOctets(envelope, 1, golden);
  if (fault != GceFault::kEndorsementNoSignature) PutOctets(envelope, 2, signature);
  if (fault == GceFault::kEndorsementMoreFields) PutNumber(envelope, 3, 1);
  if (fault == GceFault::kEndorsementCutOff) envelope.pop_back();
  return envelope;
}

constexpr auto kFaults = std::to_array<GceFaultEntry>({
    {GceFault::kTranscriptWithoutAk, "transcript_without_ak", "ak_uncommitted", "the binding transcript has no attestation key in it"},
    {GceFault::kTranscriptOfOtherAk, "transcript_of_other_ak", "ak_uncommitted",
     "the binding transcript has another attestation key in it"},
    {GceFault::kReportOfOtherTranscript, "report_of_other_transcript", "binding_mismatch",
     "the hardware's report answers another challenge than the TPM"},
    {GceFault::kQuoteOfOtherTranscript, "quote_of_other_transcript", "binding_mismatch",
     "the TPM's quote answers another challenge than the hardware"},
    {GceFault::kQuoteOfOtherKey, "quote_of_other_key", "signature_invalid", "another key than the one shown signed the TPM's quote"},
    {GceFault::kPcrChanged, "pcr_changed", "pcr_digest_mismatch", "a PCR value is not the one that was quoted"},
    {GceFault::kAkMissing, "ak_missing", "item_missing", "the attestation key's public area is not sent"},
    {GceFault::kAkUnrestricted, "ak_unrestricted", "ak_attributes", "the attestation key signs anything that it is given"},
    {GceFault::kCertificateMissing, "certificate_missing", "item_missing", "the attestation key's certificate is not sent"},
    {GceFault::kCertificateOfOtherKey, "certificate_of_other_key", "ak_mismatch", "the certificate is of another key"},
    {GceFault::kEkCertificate, "ek_certificate", "key_kind_mismatch", "an endorsement key's certificate is shown for the attestation key"},
    {GceFault::kCertificateOtherIssuerKey, "certificate_other_issuer_key", "chain_broken",
     "the attestation key's certificate is signed by a stranger in the intermediate's name"},
    {GceFault::kRootSelfMade, "root_self_made", "root_not_pinned",
     "the attestation key's chain ends in a root that merely bears Google's name"},
    {GceFault::kNotProduction, "not_production", "not_production", "Google's certificate says that the instance is no production one"},
    {GceFault::kEndorsementCutOff, "endorsement_cut_off", "endorsement_malformed", "the last byte of the launch endorsement is missing"},
    {GceFault::kEndorsementMoreFields, "endorsement_more_fields", "endorsement_malformed",
     "the launch endorsement has a field that nobody signs"},
    {GceFault::kEndorsementFieldTwice, "endorsement_field_twice", "endorsement_malformed", "cl_spec stands there twice"},
    {GceFault::kEndorsementLongVarint, "endorsement_long_varint", "endorsement_malformed", "a number is longer than it needs to be"},
    {GceFault::kEndorsementNoSignature, "endorsement_no_signature", "endorsement_malformed", "the launch endorsement has no signature"},
    {GceFault::kEndorsementShortMeasurement, "endorsement_short_measurement", "endorsement_malformed", "a measurement has 47 bytes"},
    {GceFault::kEndorsementVmsasTwice, "endorsement_vmsas_twice", "endorsement_malformed", "two measurements are for one number of vCPUs"},
    {GceFault::kEndorsementNoTimestamp, "endorsement_no_timestamp", "endorsement_malformed", "the launch endorsement has no timestamp"},
    {GceFault::kEndorsementNoSource, "endorsement_no_source", "endorsement_malformed",
     "a recent launch endorsement says nothing about its source"},
    {GceFault::kEndorsementCertificateGarbage, "endorsement_certificate_garbage", "endorsement_malformed",
     "the certificate in the launch endorsement is none"},
    {GceFault::kEndorsementBundleGarbage, "endorsement_bundle_garbage", "endorsement_malformed", "ca_bundle is no PEM"},
    {GceFault::kEndorsementChanged, "endorsement_changed", "signature_invalid", "a measurement was changed after signing"},
    {GceFault::kEndorsementSignatureDamaged, "endorsement_signature_damaged", "signature_invalid",
     "a bit of the endorsement's signature is flipped"},
    {GceFault::kEndorsementSignatureShort, "endorsement_signature_short", "signature_invalid",
     "the endorsement's signature is a byte short"},
    {GceFault::kEndorsementOfOtherKey, "endorsement_of_other_key", "signature_invalid",
     "another key than the certified one signed the endorsement"},
    {GceFault::kEndorsementPkcs1, "endorsement_pkcs1", "signature_invalid", "the endorsement is signed by RSASSA-PKCS1-v1_5"},
    {GceFault::kEndorsementRootSelfMade, "endorsement_root_self_made", "root_not_pinned",
     "the endorsement's ca_bundle holds a root of its own"},
    {GceFault::kEndorsementOtherIssuerKey, "endorsement_other_issuer_key", "chain_broken",
     "the endorsement's certificate is signed by a stranger in the root's name"},
    {GceFault::kEndorsementIssuerMissing, "endorsement_issuer_missing", "chain_incomplete", "the root of the endorsement is nowhere"},
    {GceFault::kEndorsementEcKey, "endorsement_ec_key", "certificate_profile", "the endorsement's certificate is of an EC key"},
    {GceFault::kEndorsementExpired, "endorsement_expired", "expired", "the endorsement's certificate has expired"},
    {GceFault::kEndorsementOfOtherFirmware, "endorsement_of_other_firmware", "endorsement_mismatch",
     "the endorsement is of other firmware"},
});

}  // namespace

const GcePki& GcePki::Shared() {
  static const GcePki pki;
  return pki;
}

absl::StatusOr<GcePki> GcePki::Open(const std::filesystem::path& directory) {
  KeptKeys keys(directory);
  const auto rsa = [] { return Key::GenerateRsa(3072); };
  GcePki pki{.root = keys.Get("gce_root", &Key::GenerateP256),
             .issuer = keys.Get("gce_issuer", &Key::GenerateP256),
             .stranger = keys.Get("gce_stranger", &Key::GenerateP256),
             .endorsement_root = keys.Get("gce_endorsement_root", rsa),
             .endorsement_signer = keys.Get("gce_endorsement_signer", rsa),
             .endorsement_stranger = keys.Get("gce_endorsement_stranger", rsa)};
  // The root of endorsements is not among them: operators pin that by a file of its own.
  absl::Status status = keys.status();
  if (status.ok()) status = KeepAnchors(directory, "google", pki.Anchors(/*endorsements=*/false));
  if (!status.ok()) return status;
  return pki;
}

void CertifyAsGoogle(TpmParts& parts, const GcePki& pki) {
  parts.certificate.issuer = GoogleName("EK/AK CA Intermediate");
  parts.certificate.subject = der::Sequence(
      {Attribute("2.5.4.10", "Google LLC"), Attribute("2.5.4.7", kZone), Attribute("2.5.4.11", kProject), Attribute("2.5.4.3", kInstance)});
  parts.certificate.extensions = {extension::KeyUsage(kDigitalSignature),
                                  extension::BasicConstraints(false, {}),
                                  {std::string(kInstanceOid), false, Instance(/*production=*/true)}};
  parts.certificate_issuer = pki.issuer;
  parts.issuer.issuer = GoogleName("EK/AK CA Root");
  parts.issuer.subject = GoogleName("EK/AK CA Intermediate");
  parts.issuer.subject_public_key_info = pki.issuer.SubjectPublicKeyInfo();
  parts.issuer.extensions.push_back(extension::ExtendedKeyUsage(kEkPurpose));
  parts.root = parts.issuer_issuer = pki.root;
  parts.root_certificate = [&parts](Certificate& root) {
    root.issuer = root.subject = GoogleName("EK/AK CA Root");
    root.subject_public_key_info = parts.root.SubjectPublicKeyInfo();
    root.extensions.push_back(extension::ExtendedKeyUsage(kEkPurpose));
  };
}

std::vector<Anchor> GcePki::Anchors(bool endorsements) const {
  std::vector<Anchor> anchors = {{"google", "tpm", Sha256(root.SubjectPublicKeyInfo())}};
  if (endorsements) anchors.push_back({"google", "launch_endorsement", Sha256(endorsement_root.SubjectPublicKeyInfo())});
  return anchors;
}

absl::StatusOr<GceEvidence> MintGce(const GceOptions& options, const GcePki& pki, const SnpPki& amd, const IntelPki& intel) {
  const std::optional<GceFault> fault = options.fault;
  const TpmPki& virtual_tpm = options.virtual_tpm != nullptr ? *options.virtual_tpm : TpmPki::Shared();
  TpmPublic area = AkOf(virtual_tpm.rsa_ak);
  if (fault == GceFault::kAkUnrestricted) area.attributes &= ~std::uint32_t{1U << 16};
  Bytes ak = area.Tpm2b();
  if (fault == GceFault::kTranscriptWithoutAk) ak.clear();
  if (fault == GceFault::kTranscriptOfOtherAk) ak = AkOf(virtual_tpm.p256_ak).Tpm2b();
  GceEvidence evidence{.items = {},
                       .transcript = Transcript(options.nonce, ak, virtual_tpm.p256_ak /* any key will do as the node's */),
                       .ak = ak,
                       .endorsement = {}};
  Bytes other = evidence.transcript;
  other.back() ^= 1;
  const GceDemand sound = options.demand.value_or(DemandOf(evidence.transcript)), elsewhere = DemandOf(other);

  SnpOptions snp = options.snp;
  DcapOptions dcap = options.dcap;
  snp.report_data = dcap.report_data = (fault == GceFault::kReportOfOtherTranscript ? elsewhere : sound).report_data;
  snp.now = dcap.now = options.now;
  absl::StatusOr<Evidence> hardware = options.tee == GceTee::kSevSnp ? MintSnp(amd, snp) : MintDcap(intel, dcap);
  if (!hardware.ok()) return hardware.status();
  evidence.items = std::move(hardware->items);

  TpmEvidence tpm = MintTpm(virtual_tpm, {.extra_data = (fault == GceFault::kQuoteOfOtherTranscript ? elsewhere : sound).extra_data,
                                          .banks = options.banks,
                                          .now = options.now,
                                          .prepare = [&](TpmParts& parts) { CertifyAsGoogle(parts, pki); },
                                          .change =
                                              [&](TpmParts& parts) {
                                                if (fault) Spoil(parts, pki, *fault);
                                              }});
  for (Item& item : tpm.items) {
    if (fault == GceFault::kAkMissing && item.media_type == kTpmAkType) continue;
    evidence.items.push_back(std::move(item));
  }
  if (!options.event_log.empty()) evidence.items.push_back({std::string(kTcgEventLogType), options.event_log});
  if (!options.ccel.empty()) evidence.items.push_back({std::string(kCcelType), options.ccel});
  evidence.endorsement = MintEndorsement(options, pki);
  if (options.with_endorsement) evidence.items.push_back({std::string(kGceEndorsementType), evidence.endorsement});
  return evidence;
}

Bytes EndorsementRoot(const GcePki& pki, Time now) { return RootCertificate(pki.endorsement_root, now); }

std::span<const GceFaultEntry> AllGceFaults() { return kFaults; }

std::optional<GceFault> GceFaultNamed(std::string_view name) {
  const auto found = std::find_if(kFaults.begin(), kFaults.end(), [name](const GceFaultEntry& entry) { return entry.name == name; });
  return found == kFaults.end() ? std::nullopt : std::optional(found->fault);
}

}  // namespace assay::softtee
