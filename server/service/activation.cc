#include "service/activation.h"

#include <string>
#include <utility>

#include "base/strings.h"
#include "evidence/tpm/algorithms.h"
#include "evidence/tpm/vouch.h"
#include "trust/activation.h"

namespace assay::service {
namespace {

constexpr std::size_t kLongestPublicArea = 2048, kLongestCertificate = 8192;

Refusal Invalid(std::string field, std::string expected, std::string actual) {
  return {{.reason = Reason::kRequestFieldInvalid,
           .component = std::move(field),
           .expected = std::move(expected),
           .actual = std::move(actual)}};
}

Answer<tpm::PublicArea> ReadArea(const std::string& bytes, std::string_view field) {
  if (bytes.size() > kLongestPublicArea) {
    return Invalid(std::string(field), Cat("at most ", kLongestPublicArea, " bytes"), Cat(bytes.size(), " bytes"));
  }
  auto area = tpm::PublicArea::FromTpm2b(AsBytes(bytes), field);
  if (area) return std::move(area).value();
  const Finding& why = area.findings().front();
  return Invalid(std::string(field), Cat("TPM2B_PUBLIC; ", why.claim, ": ", why.expected), why.actual);
}

}  // namespace

Answer<NamedTpmKeys> ReadTpmKeys(const v1::AttesterKeys& keys) {
  NamedTpmKeys named;
  if (!keys.tpm_ak().empty()) {
    auto area = ReadArea(keys.tpm_ak(), "keys.tpm_ak");
    if (!area.ok()) return area.refusal();
    named.attestation_key = std::move(area.value());
  }
  if (keys.tpm_ek().empty()) {
    if (!keys.tpm_ek_certificate().empty()) {
      return Invalid("keys.tpm_ek", "the public area of the key that keys.tpm_ek_certificate is for", "nothing");
    }
    return named;
  }
  if (!named.attestation_key) return Invalid("keys.tpm_ak", "the attestation key that is to be activated under keys.tpm_ek", "nothing");
  if (keys.tpm_ek_certificate().size() > kLongestCertificate) {
    return Invalid("keys.tpm_ek_certificate", Cat("at most ", kLongestCertificate, " bytes"),
                   Cat(keys.tpm_ek_certificate().size(), " bytes"));
  }
  auto area = ReadArea(keys.tpm_ek(), "keys.tpm_ek");
  if (!area.ok()) return area.refusal();
  CheckLog log;
  if (!tpm::CheckEndorsementKey(area.value(), log)) {
    const Finding& why = log.findings().front();
    return Invalid("keys.tpm_ek", Cat("an endorsement key; ", why.claim, ": ", why.expected), why.actual);
  }
  named.endorsement_key = std::move(area.value());
  return named;
}

Answer<crypto::Credential> SealSecret(const NamedTpmKeys& keys, ByteView nonce, const ChallengeCodec& codec) {
  const tpm::PublicArea& ek = *keys.endorsement_key;
  const ByteView name = keys.attestation_key->name();
  const Bytes secret = codec.ActivationSecret(nonce, name, ek.name());
  const auto hash = tpm::HashOf(ek.name_algorithm());
  auto credential = hash ? crypto::MakeCredential({ek.key(), *hash, ek.symmetric_bits()}, name, secret) : std::nullopt;
  if (!credential) {
    return Invalid("keys.tpm_ek", "a key that a secret of 32 bytes can be sealed to: RSA, EC P-256 or P-384, with AES of 128 or 256 bits",
                   "another");
  }
  return *std::move(credential);
}

std::optional<appraisal::ActivationOutcome> RedeemSecret(const NamedTpmKeys& keys, const v1::AttesterKeys& named, ByteView nonce,
                                                         ByteView returned, const ChallengeCodec& codec) {
  if (!keys.endorsement_key) return std::nullopt;
  using Result = appraisal::ActivationOutcome::Result;
  const ByteView name = keys.attestation_key->name();
  const trust::SealedSecret sealed{keys.endorsement_key->key().spki_sha256(), ToBytes(name),
                                   codec.ActivationSecret(nonce, name, keys.endorsement_key->name())};
  const Result result = returned.empty()                              ? Result::kAbsent
                        : trust::Activation::Redeem(sealed, returned) ? Result::kRedeemed
                                                                      : Result::kWrong;
  return appraisal::ActivationOutcome{result, ToBytes(AsBytes(named.tpm_ek())), ToBytes(AsBytes(named.tpm_ek_certificate())),
                                      ToBytes(name)};
}

}  // namespace assay::service
