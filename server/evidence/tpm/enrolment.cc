#include "evidence/tpm/enrolment.h"

#include <string>
#include <utility>

#include "base/check_log.h"
#include "base/strings.h"
#include "codec/pem.h"
#include "crypto/certificate.h"
#include "crypto/public_key.h"
#include "evidence/tpm/ak_certificate.h"
#include "evidence/tpm/public_area.h"
#include "evidence/tpm/vouch.h"

namespace assay::tpm {
namespace {

constexpr std::string_view kComponent = "key";
constexpr std::uint8_t kDerSequence = 0x30;

Finding Refuse(std::string expected, std::string actual) {
  return {.reason = Reason::kRequestFieldInvalid,
          .component = std::string(kComponent),
          .expected = std::move(expected),
          .actual = std::move(actual)};
}

Outcome<KeyToEnrol> OfKind(TpmKeyKind found, std::optional<TpmKeyKind> wanted, const crypto::PublicKey& key, Bytes name) {
  if (wanted && *wanted != found) return Refuse(Cat("an ", NameOf(*wanted)), Cat("an ", NameOf(found)));
  return KeyToEnrol{found, key.spki_sha256(), std::move(name)};
}

Outcome<KeyToEnrol> FromPublicArea(ByteView bytes, std::optional<TpmKeyKind> wanted) {
  auto area = PublicArea::FromTpm2b(bytes, kComponent);
  if (!area) return Refuse("TPM2B_PUBLIC, or a public key or a certificate in DER or PEM", area.findings().front().actual);
  const TpmKeyKind found = (area->attributes() & kSign) != 0 ? TpmKeyKind::kAttestation : TpmKeyKind::kEndorsement;
  CheckLog log;
  // What could not vouch for anything is refused now, and not with every node that comes with it.
  const bool sound = found == TpmKeyKind::kAttestation ? CheckAttestationKey(*area, log) : CheckEndorsementKey(*area, log);
  if (!sound) {
    const Finding& why = log.findings().front();
    return Refuse(Cat("an ", NameOf(found), " with ", why.claim, " ", why.expected), why.actual);
  }
  return OfKind(found, wanted, area->key(), area->name());
}

Outcome<KeyToEnrol> FromCertificate(ByteView der, std::optional<TpmKeyKind> wanted) {
  const auto certificate = crypto::CertificatesFrom(der, kComponent, 1);
  if (!certificate || certificate->size() != 1) {
    return Refuse("one certificate", certificate ? "several" : certificate.findings().front().actual);
  }
  const std::optional<CertificateKind> kind = KindOf(certificate->front());
  if (kind != CertificateKind::kAk && kind != CertificateKind::kEk) {
    return Refuse("the certificate of an attestation or endorsement key, with its purpose in extKeyUsage",
                  kind ? "the certificate of an authority" : "another certificate");
  }
  return OfKind(kind == CertificateKind::kAk ? TpmKeyKind::kAttestation : TpmKeyKind::kEndorsement, wanted,
                certificate->front().public_key(), {});
}

Outcome<KeyToEnrol> FromSpki(ByteView der, std::optional<TpmKeyKind> wanted) {
  const auto key = crypto::PublicKey::FromSpki(der);
  if (!key) {
    return Refuse("the public key of an RSA, EC P-256 or EC P-384 key",
                  Cat(key.findings().front().claim, " ", key.findings().front().actual));
  }
  if (!wanted) {
    return Refuse("the kind of the key: a bare public key does not say whether it is an attestation or an endorsement key", "none");
  }
  return KeyToEnrol{*wanted, key->spki_sha256(), {}};
}

}  // namespace

std::string_view NameOf(TpmKeyKind kind) { return kind == TpmKeyKind::kAttestation ? "attestation key" : "endorsement key"; }

Outcome<KeyToEnrol> ReadKeyToEnrol(ByteView bytes, std::optional<TpmKeyKind> kind) {
  if (bytes.empty() || bytes.size() > kMaxKeyFile) return Refuse(Cat("1 to ", kMaxKeyFile, " bytes"), Cat(bytes.size(), " bytes"));
  if (AsText(bytes).find("-----BEGIN ") != std::string_view::npos) {
    const auto blocks = codec::ParsePem(AsText(bytes), kComponent);
    if (!blocks) return Refuse("PEM", blocks.findings().front().actual);
    if (blocks->size() != 1) return Refuse("one PEM block", Cat(blocks->size(), " blocks"));
    const codec::PemBlock& block = blocks->front();
    if (block.label == "CERTIFICATE") return FromCertificate(block.der, kind);
    if (block.label == "PUBLIC KEY") return FromSpki(block.der, kind);
    return Refuse("a PEM block CERTIFICATE or PUBLIC KEY", Cat("'", Printable(block.label, 64), "'"));
  }
  // The size of a public area would have to be 0x30xx: more than this takes.
  if (bytes.front() != kDerSequence) return FromPublicArea(bytes, kind);
  if (crypto::CertificatesFrom(bytes, kComponent, 1)) return FromCertificate(bytes, kind);
  return FromSpki(bytes, kind);
}

}  // namespace assay::tpm
