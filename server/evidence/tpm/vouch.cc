#include "evidence/tpm/vouch.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/tpm/algorithms.h"
#include "trust/cached_chain.h"
#include "trust/revocation.h"

namespace assay::tpm {
namespace {

constexpr std::uint32_t kNeverLeaves = kFixedTpm | kFixedParent | kSensitiveDataOrigin | kRestricted;
constexpr std::uint32_t kAkSet = kNeverLeaves | kSign;
constexpr std::uint32_t kEkSet = kNeverLeaves | kDecrypt;
constexpr std::uint16_t kLeastAesBits = 128;

Finding Refusal(Reason reason, std::string_view component, std::string claim, std::string expected, std::string actual) {
  return {.reason = reason,
          .component = std::string(component),
          .claim = std::move(claim),
          .expected = std::move(expected),
          .actual = std::move(actual)};
}

bool CheckNameAlgorithm(const PublicArea& area, std::string_view component, CheckLog& log) {
  return log.Require(Check::kTpmNameAlgorithm, area.name_algorithm() != kAlgSha1, [&] {
    return Refusal(Reason::kAlgorithmUnsupported, component, "nameAlg", "SHA-256, SHA-384 or SHA-512",
                   ShowAlgorithm(area.name_algorithm()));
  });
}

struct Certified {
  std::shared_ptr<const trust::VerifiedChain> chain;
  CertifiedBy by;
  std::vector<trust::ValidityWindow> windows;
};

// nullopt: a certificate is revoked. Lists of namesakes are not those of the issuer: Google has many of one name.
std::optional<Revocation> ConsultLists(const crypto::CertificatePath& path, const evidence::AuthenticationContext& context,
                                       std::vector<trust::ValidityWindow>& windows, CheckLog& log) {
  Revocation result = Revocation::kNotPublished;
  const auto weaken = [&](Revocation to) { result = result == Revocation::kMissing ? result : to; };
  for (std::size_t i = 0; i + 1 < path.certificates.size(); ++i) {
    const crypto::Certificate& subject = path.certificates[i];
    const crypto::Certificate& issuer = path.certificates[i + 1];
    std::vector<trust::CollateralItem> lists;
    for (const trust::CollateralItem& item : context.collateral.Candidates(kCrlKind, issuer.SubjectText())) {
      if (item.revocation_list && item.revocation_list->IsIssuedBy(issuer)) lists.push_back(item);
    }
    if (lists.empty()) {
      if (NamesRevocationList(subject)) weaken(Revocation::kMissing);
      continue;
    }
    weaken(Revocation::kChecked);
    const trust::Revocation consulted =
        trust::CheckRevocation(issuer, {&subject, 1}, lists, Check::kTpmRevocation, "crl", context.caches, log);
    if (!log.Require(Check::kTpmRevocation, consulted.revoked == nullptr, [&] {
          return Refusal(Reason::kCertificateRevoked, subject.SubjectText(), "serial", Cat("not on the list of ", issuer.SubjectText()),
                         Cat("serial 0x", ToHex(subject.serial())));
        })) {
      return std::nullopt;
    }
    if (consulted.newest != nullptr) {
      windows.push_back(trust::WindowOf(*consulted.newest, "crl", {std::string(kCrlKind), issuer.SubjectText(), ""}));
    }
  }
  if (result != Revocation::kChecked) {
    // What that costs is decided where tpm.revocation is appraised.
    log.Skip(Check::kTpmRevocation, {.reason = Reason::kRevocationUnchecked,
                                     .effect = Effect::kNote,
                                     .component = "crl",
                                     .claim = "tpm.revocation",
                                     .expected = result == Revocation::kMissing ? "the list that the certificate points to"
                                                                                : "a list; no certificate of the path points to one",
                                     .actual = "none"});
  }
  return result;
}

std::optional<Certified> VerifyCertificate(const crypto::Certificate& certificate, const trust::ChainProfile& profile,
                                           std::string_view component, const evidence::AuthenticationContext& context, CheckLog& log) {
  std::vector<crypto::Certificate> pool;
  for (const trust::CollateralItem& item : context.collateral.CandidatesOfKind(kCaKind)) {
    if (item.certificate) pool.push_back(*item.certificate);
  }
  Certified certified;
  certified.chain = trust::VerifyChain(certificate, pool, context.anchors, kProduct, profile, context.caches, log);
  if (certified.chain == nullptr) return std::nullopt;
  const crypto::CertificatePath& path = certified.chain->path();
  for (std::size_t i = 0; i < path.certificates.size(); ++i) {
    const std::string_view name = i == 0                              ? component
                                  : i + 1 == path.certificates.size() ? std::string_view("tpm-root")
                                                                      : std::string_view("tpm-ca");
    certified.windows.push_back(trust::WindowOf(path.certificates[i], name));
  }
  const std::optional<Revocation> revocation = ConsultLists(path, context, certified.windows, log);
  if (!revocation) return std::nullopt;
  certified.by = {profile.vendor, std::nullopt, *revocation};
  if (profile.vendor == kGoogleVendor) {
    if (const auto instance = ReadGceInstance(certificate, component)) certified.by.instance = *instance;  // the profile demands one
  }
  return certified;
}

bool CheckMatch(const crypto::PublicKey& certified, const PublicArea& area, std::string_view component, CheckLog& log) {
  return log.Require(Check::kTpmKeyMatch, certified == area.key(), [&] {
    return Refusal(Reason::kAkMismatch, component, "key", Cat("the certified key, SHA-256 ", ToHex(certified.spki_sha256())),
                   Cat("SHA-256 ", ToHex(area.key().spki_sha256())));
  });
}

// What an enrolment of the key would have said: its Name, or where only the key itself was enrolled, its digest.
Bytes EnrolledAs(const PublicArea& area, const trust::EnrolledKeys& enrolled) {
  const crypto::Sha256Digest& digest = area.key().spki_sha256();
  return !enrolled.Contains(area.name()) && enrolled.Contains(digest) ? ToBytes(digest) : area.name();
}

Finding NotEnrolled(std::string_view component, ByteView name) {
  return Refusal(Reason::kAkUnvouched, component, "key", "a key that an operator enrolled", ToHex(name));
}

}  // namespace

std::string_view NameOf(trust::KeyOrigin origin) {
  switch (origin) {
    case trust::KeyOrigin::kChain: return "certificate";
    case trust::KeyOrigin::kCommitment: return "commitment";
    case trust::KeyOrigin::kActivation: return "activation";
    case trust::KeyOrigin::kEnrolment: return "enrolment";
  }
  return "unknown";
}

bool CheckAttestationKey(const PublicArea& area, CheckLog& log) {
  bool sound = log.Require(Check::kTpmAkAttributes, (area.attributes() & kAkSet) == kAkSet && (area.attributes() & kDecrypt) == 0, [&] {
    return Refusal(Reason::kAkAttributes, kAkComponent, "objectAttributes",
                   Cat(ShowAttributes(kAkSet), ", without ", ShowAttributes(kDecrypt)), ShowAttributes(area.attributes()));
  });
  sound &= CheckNameAlgorithm(area, kAkComponent, log);
  return sound;
}

bool CheckEndorsementKey(const PublicArea& area, CheckLog& log) {
  bool sound = log.Require(Check::kTpmEkAttributes, (area.attributes() & kEkSet) == kEkSet && (area.attributes() & kSign) == 0, [&] {
    return Refusal(Reason::kEkAttributes, kEkComponent, "objectAttributes",
                   Cat(ShowAttributes(kEkSet), ", without ", ShowAttributes(kSign)), ShowAttributes(area.attributes()));
  });
  sound &= log.Require(Check::kTpmEkSymmetric, area.symmetric_algorithm() == kAlgAes && area.symmetric_bits() >= kLeastAesBits, [&] {
    return Refusal(Reason::kAlgorithmUnsupported, kEkComponent, "symmetric", Cat("AES, at least ", kLeastAesBits, " bits"),
                   Cat(ShowAlgorithm(area.symmetric_algorithm()), ", ", area.symmetric_bits(), " bits"));
  });
  sound &= CheckNameAlgorithm(area, kEkComponent, log);
  return sound;
}

std::optional<VouchedAk> VouchByCertificate(const crypto::Certificate& certificate, std::optional<PublicArea> area,
                                            const CertificateProfile& profile, const evidence::AuthenticationContext& context,
                                            CheckLog& log) {
  bool sound = log.Require(Check::kTpmCertificateKind, IsForSigning(certificate), [&] {
    return Refusal(Reason::kKeyKindMismatch, kAkCertificateComponent, "keyUsage", "digitalSignature alone: an attestation key",
                   "another: an endorsement key, or none of a TPM");
  });
  if (area) {
    sound &= CheckMatch(certificate.public_key(), *area, kAkComponent, log);
    sound &= CheckAttestationKey(*area, log);
  } else {
    log.Skip(Check::kTpmAkAttributes, {.reason = Reason::kAkAttributesUnseen,
                                       .effect = Effect::kNote,
                                       .component = std::string(kAkComponent),
                                       .claim = "objectAttributes",
                                       .expected = "the key's public area",
                                       .actual = "none; the certificate's issuer is trusted for them"});
  }
  if (!sound) return std::nullopt;
  std::optional<Certified> certified = VerifyCertificate(certificate, profile.ak, kAkCertificateComponent, context, log);
  if (!certified) return std::nullopt;
  return VouchedAk{trust::VerifiedKey::FromChain(certified->chain, kAkCertificateComponent), std::move(area), false,
                   std::move(certified->by), std::move(certified->windows)};
}

std::optional<VouchedAk> VouchByEnrolment(PublicArea area, const trust::EnrolledKeys& enrolled, CheckLog& log) {
  if (!CheckAttestationKey(area, log)) return std::nullopt;
  auto key = trust::VerifiedKey::FromEnrolment(area.key(), enrolled, EnrolledAs(area, enrolled), kAkComponent, Check::kTpmEnrolled,
                                               NotEnrolled(kAkComponent, area.name()), log);
  if (!key) return std::nullopt;
  const bool by_name = enrolled.Contains(area.name());
  return VouchedAk{*std::move(key), std::move(area), by_name, std::nullopt, {}};
}

std::optional<VouchedAk> VouchByEnrolment(const crypto::PublicKey& key, const trust::EnrolledKeys& enrolled, CheckLog& log) {
  log.Skip(Check::kTpmAkAttributes, {.reason = Reason::kAkAttributesUnseen,
                                     .effect = Effect::kNote,
                                     .component = std::string(kAkComponent),
                                     .claim = "objectAttributes",
                                     .expected = "the key's public area",
                                     .actual = "none; who enrolled the key is trusted for them"});
  auto verified = trust::VerifiedKey::FromEnrolment(key, enrolled, key.spki_sha256(), kAkComponent, Check::kTpmEnrolled,
                                                    NotEnrolled(kAkComponent, key.spki_sha256()), log);
  if (!verified) return std::nullopt;
  return VouchedAk{*std::move(verified), std::nullopt, false, std::nullopt, {}};
}

std::optional<VouchedAk> VouchByActivation(PublicArea area, const VouchedEk& ek, const trust::Activation& activation, CheckLog& log) {
  if (!CheckAttestationKey(area, log)) return std::nullopt;
  const Finding mismatch = Refusal(Reason::kActivationMismatch, kAkComponent, "name",
                                   "the attestation key and the endorsement key that the secret was sealed for", ToHex(area.name()));
  auto key =
      trust::VerifiedKey::FromActivation(area.key(), ek.key, activation, area.name(), kAkComponent, Check::kTpmActivation, mismatch, log);
  if (!key) return std::nullopt;
  return VouchedAk{*std::move(key), std::move(area), true,
                   ek.certified,    ek.windows,      ProvenEk{ek.key.key().spki_sha256(), ek.area.name(), ek.key.origin()}};
}

std::optional<VouchedAk> VouchByCommitment(trust::VerifiedKey key, std::optional<PublicArea> area, bool covers_area, CheckLog& log) {
  if (area && (!CheckMatch(key.key(), *area, kAkComponent, log) || !CheckAttestationKey(*area, log))) return std::nullopt;
  if (!area) {
    log.Skip(Check::kTpmAkAttributes, {.reason = Reason::kAkAttributesUnseen,
                                       .effect = Effect::kNote,
                                       .component = std::string(kAkComponent),
                                       .claim = "objectAttributes",
                                       .expected = "the key's public area",
                                       .actual = "none; what commits to the key is trusted for them"});
  }
  const bool name_vouched = covers_area && area.has_value();
  return VouchedAk{std::move(key), std::move(area), name_vouched, std::nullopt, {}};
}

std::optional<VouchedEk> VouchEkByCertificate(const crypto::Certificate& certificate, PublicArea area, const CertificateProfile& profile,
                                              const evidence::AuthenticationContext& context, CheckLog& log) {
  bool sound = log.Require(Check::kTpmCertificateKind, KindOf(certificate) == CertificateKind::kEk, [&] {
    return Refusal(Reason::kKeyKindMismatch, kEkCertificateComponent, "keyUsage", "keyEncipherment or keyAgreement: an endorsement key",
                   "another");
  });
  sound &= CheckMatch(certificate.public_key(), area, kEkComponent, log);
  sound &= CheckEndorsementKey(area, log);
  if (!sound) return std::nullopt;
  std::optional<Certified> certified = VerifyCertificate(certificate, profile.ek, kEkCertificateComponent, context, log);
  if (!certified) return std::nullopt;
  return VouchedEk{trust::VerifiedKey::FromChain(certified->chain, kEkCertificateComponent), std::move(area), std::move(certified->by),
                   std::move(certified->windows)};
}

std::optional<VouchedEk> VouchEkByEnrolment(PublicArea area, const trust::EnrolledKeys& enrolled, CheckLog& log) {
  if (!CheckEndorsementKey(area, log)) return std::nullopt;
  auto key = trust::VerifiedKey::FromEnrolment(area.key(), enrolled, EnrolledAs(area, enrolled), kEkComponent, Check::kTpmEnrolled,
                                               NotEnrolled(kEkComponent, area.name()), log);
  if (!key) return std::nullopt;
  return VouchedEk{*std::move(key), std::move(area), std::nullopt, {}};
}

bool IsEnrolled(const PublicArea& area, const trust::EnrolledKeys* enrolled) {
  return enrolled != nullptr && (enrolled->Contains(area.name()) || enrolled->Contains(area.key().spki_sha256()));
}

std::optional<VouchedEk> VouchForEk(const evidence::AuthenticationContext& context, CheckLog& log) {
  if (context.endorsement_key == nullptr) return std::nullopt;
  auto area = PublicArea::FromTpm2b(context.endorsement_key->public_area.Read().TakeRest(), kEkComponent);
  if (!log.Require(Check::kTpmPublicArea, area)) return std::nullopt;
  const auto refuse = [&](std::string actual) {
    return [&area, actual = std::move(actual)] {
      return Refusal(Reason::kEkUnvouched, kEkComponent, "key",
                     "a certificate under a root of tpm_ek_roots, or a key that an operator enrolled",
                     Cat(actual, " of ", ToHex(area->name())));
    };
  };
  if (IsEnrolled(*area, context.enrolled_endorsement_keys)) {
    log.Pass(Check::kTpmEkVouched);
    return VouchEkByEnrolment(*std::move(area), *context.enrolled_endorsement_keys, log);
  }
  const ByteView der = context.endorsement_key->certificate.Read().TakeRest();
  if (der.empty()) {
    log.Require(Check::kTpmEkVouched, false, refuse("neither"));
    return std::nullopt;
  }
  const auto certificate = crypto::CertificatesFrom(der, kEkCertificateComponent, 1);
  if (!log.Require(Check::kTpmCertificateKind, certificate)) return std::nullopt;
  // Under roots that the operator named, and no others: those that clouds certify everybody's machines with say nothing of whose it is.
  CertificateProfile profile = ProfileHint(certificate->front());
  profile.ek.vendor = kOperatorVendor;
  if (!context.anchors.HasAnchorFor(profile.ek.vendor, kProduct)) {
    log.Skip(Check::kTpmEkProfile, {.reason = Reason::kEkRootsUnset,
                                    .effect = Effect::kNote,
                                    .component = std::string(kEkCertificateComponent),
                                    .claim = "root",
                                    .expected = "roots of the makers of TPMs",
                                    .actual = "none"});
    log.Require(Check::kTpmEkVouched, false, refuse("a certificate that nobody can check"));
    return std::nullopt;
  }
  log.Pass(Check::kTpmEkVouched);
  return VouchEkByCertificate(certificate->front(), *std::move(area), profile, context, log);
}

void AddEnrolledEk(VouchedAk& ak, const evidence::AuthenticationContext& context) {
  if (ak.ek || !ak.area || context.activation == nullptr || context.endorsement_key == nullptr) return;
  const auto area = PublicArea::FromTpm2b(context.endorsement_key->public_area.Read().TakeRest(), kEkComponent);
  if (!area || !IsEnrolled(*area, context.enrolled_endorsement_keys) || !context.activation->IsOf(area->key(), ak.area->name())) return;
  CheckLog unused;
  if (CheckEndorsementKey(*area, unused)) ak.ek = ProvenEk{area->key().spki_sha256(), area->name(), trust::KeyOrigin::kEnrolment};
}

}  // namespace assay::tpm
