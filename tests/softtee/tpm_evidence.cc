#include "tests/softtee/tpm_evidence.h"

#include <algorithm>

#include "base/bug.h"
#include "base/hex.h"
#include "base/strings.h"
#include "tests/softtee/der.h"
#include "tests/softtee/kept_keys.h"

namespace assay::softtee {
namespace {

using std::chrono::days;

Certificate Issued(std::string_view issuer, std::string_view subject, const Key& key, Time now) {
  return {.serial = {0x21, 0x43},
          .issuer = NameOf(issuer),
          .subject = NameOf(subject),
          .not_before = now - days(30),
          .not_after = now + days(335),
          .subject_public_key_info = key.SubjectPublicKeyInfo(),
          .extensions = {},
          .style = SignatureStyle::kEcdsaSha256};
}

constexpr std::string_view kRootName = "softtee TPM root";
constexpr std::string_view kIssuerName = "softtee TPM issuer";
constexpr std::string_view kAikPurpose = "2.23.133.8.3";
constexpr std::string_view kEkPurpose = "2.23.133.8.1";
constexpr std::uint16_t kKeyEncipherment = 0x2000, kKeyAgreement = 0x0800;

}  // namespace

const TpmPki& TpmPki::Shared() {
  static const TpmPki pki;
  return pki;
}

absl::StatusOr<TpmPki> TpmPki::Open(const std::filesystem::path& directory, std::string_view machine) {
  KeptKeys keys(directory);
  // Of the name a digest: it may hold anything.
  const std::string tpm = Cat("tpm_", ToHex(ByteView(Sha256(AsBytes(machine))).first(8)), "_");
  const auto rsa = [] { return Key::GenerateRsa(2048); };
  const auto p384 = [] { return Key::Derive(RandomBytes(64)); };
  TpmPki pki{.root = keys.Get("tpm_root", &Key::GenerateP256),
             .issuer = keys.Get("tpm_issuer", &Key::GenerateP256),
             .stranger = keys.Get("tpm_stranger", &Key::GenerateP256),
             .rsa_ak = keys.Get(tpm + "rsa_ak", rsa),
             .p256_ak = keys.Get(tpm + "p256_ak", &Key::GenerateP256),
             .p384_ak = keys.Get(tpm + "p384_ak", p384),
             .rsa_ek = keys.Get(tpm + "rsa_ek", rsa),
             .p256_ek = keys.Get(tpm + "p256_ek", &Key::GenerateP256)};
  // Microsoft's virtual TPMs have the same root here; Google's have one of their own (GcePki).
  absl::Status status = keys.status();
  for (const std::string_view vendor : {"operator", "microsoft"}) {
    if (status.ok()) status = KeepAnchors(directory, vendor, pki.AnchorsFor(vendor));
  }
  if (!status.ok()) return status;
  return pki;
}

const Bytes* TpmEvidence::Find(std::string_view media_type) const {
  const auto found = std::find_if(items.begin(), items.end(), [media_type](const Item& item) { return item.media_type == media_type; });
  return found == items.end() ? nullptr : &found->body;
}

TpmBank RampBank(std::uint16_t algorithm) {
  const std::size_t size = TpmHash(algorithm, {}).size();
  TpmBank bank{algorithm, {}};
  for (unsigned i = 0; i < 24; ++i) {
    Bytes value(size);
    for (std::size_t k = 0; k < size; ++k) value[k] = static_cast<std::uint8_t>(16 * i + k);
    bank.values[i] = value;
  }
  return bank;
}

Bytes EndorsementName(ByteView name) {
  Bytes both = {0x40, 0x00, 0x00, 0x0B};
  Append(both, name);
  Bytes qualified = ToBytes(name.first(2));
  Append(qualified, TpmHash(static_cast<std::uint16_t>(name[0] << 8 | name[1]), both));
  return qualified;
}

TpmEvidence MintTpm(const TpmPki& pki, const TpmOptions& options) {
  const bool p256 = options.ak == TpmAk::kP256, p384 = options.ak == TpmAk::kP384;
  const Key& ak = p256 ? pki.p256_ak : p384 ? pki.p384_ak : pki.rsa_ak;
  const Key& ek = options.p256_ek ? pki.p256_ek : pki.rsa_ek;
  const bool certifies_ek = options.vouching == TpmVouching::kEkCertificate;
  TpmParts parts{
      .pki = pki,
      .ak = ak,
      .area = AkOf(ak, options.ak == TpmAk::kRsapss || options.ak == TpmAk::kRsapssMostSalt),
      .attest = {},
      .quoted = options.banks.empty() ? std::vector<TpmBank>{RampBank(kTpmSha256)} : options.banks,
      .sent = {},
      .signer = ak,
      .certificate = Issued(kIssuerName, certifies_ek ? "EK of a softtee TPM" : "AK of a softtee TPM", certifies_ek ? ek : ak, options.now),
      .issuer = Issued(kRootName, kIssuerName, pki.issuer, options.now),
      .certificate_issuer = pki.issuer,
      .issuer_issuer = pki.root,
      .root = pki.root,
      .ek_area = EkOf(ek)};
  parts.shape = options.shape;
  parts.scheme = parts.area.scheme;
  parts.signature_hash = parts.digest_hash = parts.area.scheme_hash;
  parts.most_salt = options.ak == TpmAk::kRsapssMostSalt;
  parts.sent = parts.quoted;
  parts.attest.extra_data = options.extra_data;
  parts.attest.qualified_signer = options.primary ? EndorsementName(parts.area.Name()) : Bytes{};
  if (!options.primary) {
    parts.attest.qualified_signer = {0x00, 0x0B};
    Append(parts.attest.qualified_signer, Sha256(AsBytes("some parent")));
  }
  parts.certificate.extensions = {extension::KeyUsage(!certifies_ek     ? kDigitalSignature
                                                      : options.p256_ek ? kKeyAgreement
                                                                        : kKeyEncipherment),
                                  extension::BasicConstraints(false, {}),
                                  extension::ExtendedKeyUsage(certifies_ek ? kEkPurpose : kAikPurpose)};
  parts.with_certificate = parts.with_issuer = parts.with_root = certifies_ek || options.vouching == TpmVouching::kAkCertificate;
  parts.issuer.serial = {0x65};
  parts.issuer.extensions = {extension::KeyUsage(kKeyCertSign | kCrlSign), extension::BasicConstraints(true, 0)};
  if (options.prepare) options.prepare(parts);
  if (options.fault) Apply(*options.fault, parts);
  if (options.change) options.change(parts);

  TpmEvidence evidence;
  if (parts.attest.body.empty()) {
    Bytes selection = TpmSelection(parts.quoted);
    if (parts.selection) parts.selection(selection);
    parts.attest.body = selection;
    Append(parts.attest.body, Tpm2b(TpmHash(parts.digest_hash, TpmDigests(parts.quoted))));
  }
  evidence.attest = parts.attest.Marshal();
  evidence.signature = TpmSignature(parts.signer, parts.scheme, parts.signature_hash, evidence.attest, parts.most_salt);
  if (parts.shape == TpmShape::kRaw) evidence.signature.erase(evidence.signature.begin(), evidence.signature.begin() + 6);
  if (parts.shape == TpmShape::kDer) evidence.signature = parts.signer.Sign(SignatureStyle::kEcdsaSha256, evidence.attest);
  if (parts.marshalled) parts.marshalled(evidence.attest);
  if (parts.signature) parts.signature(evidence.signature);
  Bytes quote = Tpm2b(evidence.attest);
  Append(quote, evidence.signature);
  if (parts.quote_item) parts.quote_item(quote);
  evidence.pcrs = TpmSelection(parts.sent);
  Append(evidence.pcrs, TpmDigests(parts.sent));
  if (parts.pcrs_item) parts.pcrs_item(evidence.pcrs);
  evidence.ak = parts.area.Tpm2b();
  evidence.ak_name = parts.area.Name();
  if (parts.ak_item) parts.ak_item(evidence.ak);
  evidence.items = {
      {std::string(kTpmQuoteType), quote}, {std::string(kTpmPcrsType), evidence.pcrs}, {std::string(kTpmAkType), evidence.ak}};
  evidence.ek = parts.ek_area.Tpm2b();
  evidence.ek_name = parts.ek_area.Name();
  if (parts.ek_item) parts.ek_item(evidence.ek);
  if (parts.with_certificate) {
    Bytes der = parts.certificate.SignedBy(parts.certificate_issuer);
    if (parts.certificate_item) parts.certificate_item(der);
    if (certifies_ek) evidence.ek_certificate = der;
    else evidence.items.push_back({std::string(kCertificateType), der});
  }
  if (parts.with_issuer) evidence.items.push_back({std::string(kCertificateType), parts.issuer.SignedBy(parts.issuer_issuer)});
  Certificate root = Issued(kRootName, kRootName, parts.root, options.now);
  root.not_after = options.now + days(3650);
  root.serial = {1};
  root.extensions = {extension::KeyUsage(kKeyCertSign | kCrlSign), extension::BasicConstraints(true, {})};
  if (parts.root_certificate) parts.root_certificate(root);
  if (parts.with_root) evidence.items.push_back({std::string(kCertificateType), root.SignedBy(parts.root)});
  if (parts.list) evidence.items.push_back({std::string(kCrlType), parts.list->SignedBy(parts.certificate_issuer)});
  return evidence;
}

Bytes MintEkCertificate(const TpmPki& pki, const Key& ek, const std::function<void(Certificate&)>& change, const Key* by, Time now) {
  Certificate certificate = Issued(kIssuerName, "EK of a softtee TPM", ek, now);
  const bool rsa = EkOf(ek).type == 0x0001;
  certificate.extensions = {extension::KeyUsage(rsa ? kKeyEncipherment : kKeyAgreement), extension::BasicConstraints(false, {}),
                            extension::ExtendedKeyUsage(kEkPurpose)};
  if (change) change(certificate);
  return certificate.SignedBy(by == nullptr ? pki.issuer : *by);
}

Bytes MintTpmIssuer(const TpmPki& pki, Time now) {
  Certificate issuer = Issued(kRootName, kIssuerName, pki.issuer, now);
  issuer.serial = {0x65};
  issuer.extensions = {extension::KeyUsage(kKeyCertSign | kCrlSign), extension::BasicConstraints(true, 0)};
  return issuer.SignedBy(pki.root);
}

Bytes MintTpmRoot(const TpmPki& pki, Time now) {
  Certificate root = Issued(kRootName, kRootName, pki.root, now);
  root.not_after = now + days(3650);
  root.serial = {1};
  root.extensions = {extension::KeyUsage(kKeyCertSign | kCrlSign), extension::BasicConstraints(true, {})};
  return root.SignedBy(pki.root);
}

}  // namespace assay::softtee
