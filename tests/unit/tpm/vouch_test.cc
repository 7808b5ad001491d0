// Why an attestation key counts: certificate, activation, commitment, enrolment, and nothing else.
#include "evidence/tpm/vouch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reader.h"
#include "base/strings.h"
#include "crypto/make_credential.h"
#include "evidence/tpm/algorithms.h"
#include "evidence/tpm/creation_data.h"
#include "evidence/tpm/judge.h"
#include "tests/softtee/der.h"
#include "tests/unit/tpm/minted_quote.h"

namespace assay::tpm {
namespace {

using softtee::TpmOptions;
using softtee::TpmPki;

const TpmPki& Pki() { return TpmPki::Shared(); }

PublicArea AreaOf(const softtee::TpmPublic& area) {
  auto read = PublicArea::FromTpm2b(area.Tpm2b(), "key");
  EXPECT_TRUE(read.ok());
  return std::move(read).value();
}

CheckResult ResultOf(const CheckLog& log, Check check) {
  for (const CheckRecord& record : log.records()) {
    if (record.check == check) return record.result;
  }
  return CheckResult::kSkipped;
}

softtee::TpmEvidence WithoutCertificates() {
  softtee::TpmEvidence evidence = test::Mint();
  std::erase_if(evidence.items, [](const softtee::Item& item) { return item.media_type == softtee::kCertificateType; });
  return evidence;
}

TEST(TpmVouch, AnOperatorEnrolsAKeyByItsName) {
  const softtee::TpmEvidence evidence = WithoutCertificates();
  const trust::EnrolledKeys enrolled({Bytes(34, 1), evidence.ak_name});
  CheckLog log;
  const auto bundle = test::Take(evidence, log, {.profile = nullptr, .enrolled = &enrolled});
  ASSERT_TRUE(bundle);
  EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ak_trust"), "enrolment");
  EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.revocation"), "no_certificate");
  EXPECT_EQ(*bundle->claims().Get<Bytes>("tpm.ak_name"), evidence.ak_name);
  EXPECT_EQ(bundle->claims().Find("tpm.ak_vendor"), nullptr);
}

// Attacks 26, 92, 123: a key that merely comes with a quote.
TEST(TpmVouch, Attack026_AKeyThatNothingVouchesForSignsNothing) {
  const softtee::TpmEvidence evidence = WithoutCertificates();
  const trust::EnrolledKeys nobody, other({Bytes(34, 1)}), prefix({Bytes(evidence.ak_name.begin(), evidence.ak_name.end() - 1)}),
      short_name({Bytes(evidence.ak_name.begin(), evidence.ak_name.begin() + 2), Bytes()});
  for (const trust::EnrolledKeys* enrolled : {static_cast<const trust::EnrolledKeys*>(nullptr), &nobody, &other, &prefix, &short_name}) {
    for (const CertificateProfile* profile : {&kOperatorProfile, static_cast<const CertificateProfile*>(nullptr)}) {
      CheckLog log;
      EXPECT_FALSE(test::Take(evidence, log, {.profile = profile, .enrolled = enrolled}));
      EXPECT_NE(test::FindingOf(log, Reason::kAkUnvouched), nullptr);
    }
  }
}

// The Name covers the attributes: another public area of the same key is another key.
TEST(TpmVouch, AnEnrolledNameCoversTheAttributes) {
  const trust::EnrolledKeys enrolled({test::Mint().ak_name});
  softtee::TpmPublic area = softtee::AkOf(Pki().rsa_ak);
  area.attributes |= 1U << 10;  // noDA
  CheckLog log;
  EXPECT_FALSE(VouchByEnrolment(AreaOf(area), enrolled, log));
  EXPECT_EQ(ResultOf(log, Check::kTpmEnrolled), CheckResult::kFailed);
}

TEST(TpmVouch, ABareKeyIsEnrolledByItsDigestAndItsAttributesAreShownAsUnseen) {
  const auto key = crypto::PublicKey::FromSpki(Pki().p256_ak.SubjectPublicKeyInfo());
  ASSERT_TRUE(key.ok());
  CheckLog log;
  const auto ak = VouchByEnrolment(*key, trust::EnrolledKeys({ToBytes(key->spki_sha256())}), log);
  ASSERT_TRUE(ak);
  EXPECT_FALSE(ak->name_vouched);
  EXPECT_EQ(ResultOf(log, Check::kTpmAkAttributes), CheckResult::kSkipped);
  EXPECT_NE(test::FindingOf(log, Reason::kAkAttributesUnseen), nullptr);
}

TEST(TpmVouch, WithoutAPublicAreaTheIssuerIsTrustedForTheAttributes) {
  softtee::TpmEvidence evidence = test::Mint();
  std::erase_if(evidence.items, [](const softtee::Item& item) { return item.media_type == softtee::kTpmAkType; });
  CheckLog log;
  ASSERT_TRUE(test::Take(evidence, log));
  EXPECT_EQ(ResultOf(log, Check::kTpmAkAttributes), CheckResult::kSkipped);
}

TEST(TpmVouch, ACertificateIsForTheVendorsRootAndNoOther) {
  for (const CertificateProfile* profile : {&kGoogleProfile, &kMicrosoftProfile}) {
    CheckLog log;
    EXPECT_FALSE(test::Take(test::Mint(), log, {.profile = profile}));
    EXPECT_NE(test::FindingOf(log, Reason::kRootNotPinned), nullptr);
  }
}

TEST(TpmVouch, RevocationIsMissingWhereAListIsNamedAndNotThere) {
  const auto with_point = [](softtee::TpmParts& parts) {
    parts.certificate.extensions.push_back(softtee::extension::CrlDistributionPoint("http://lists.example/a.crl"));
  };
  CheckLog log;
  auto bundle = test::Take(test::Mint({.change = with_point}), log);
  ASSERT_TRUE(bundle);
  EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.revocation"), "missing");
  EXPECT_EQ(ResultOf(log, Check::kTpmRevocation), CheckResult::kSkipped);
  CheckLog checked;
  bundle = test::Take(test::Mint({.change =
                                      [&](softtee::TpmParts& parts) {
                                        with_point(parts);
                                        parts.list = softtee::RevocationList{.issuer = parts.issuer.subject,
                                                                             .this_update = parts.certificate.not_before,
                                                                             .next_update = parts.certificate.not_after,
                                                                             .revoked_serials = {{0x01}},
                                                                             .style = softtee::SignatureStyle::kEcdsaSha256};
                                      }}),
                      checked);
  ASSERT_TRUE(bundle);
  EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.revocation"), "checked");
}

TEST(TpmVouch, WhereNoListIsPublishedNoneWasConsultedAndThatIsShown) {
  CheckLog log;
  const auto bundle = test::Take(test::Mint({}), log);
  ASSERT_TRUE(bundle);
  EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.revocation"), "not_published");
  EXPECT_EQ(ResultOf(log, Check::kTpmRevocation), CheckResult::kSkipped);
}

// What operators ban certificates by.
TEST(TpmVouch, EveryCertificateOfThePathHasItsKey) {
  CheckLog log;
  const auto bundle = test::Take(test::Mint({}), log);
  ASSERT_TRUE(bundle);
  ASSERT_FALSE(bundle->claims().windows().empty());
  for (const trust::ValidityWindow& window : bundle->claims().windows()) {
    EXPECT_TRUE(window.revocation_list || window.key) << window.component;
  }
}

// --- credential activation --------------------------------------------------------------------------------------------

struct Sealed {
  trust::SealedSecret sealed;
  Bytes returned;
};

// A secret sealed for `name` under `ek`, and what the software TEE's TPM makes of it for `object`.
Sealed Activate(const softtee::Key& ek, ByteView name, ByteView object) {
  const PublicArea area = AreaOf(softtee::EkOf(ek));
  Sealed result{{area.key().spki_sha256(), ToBytes(name), softtee::RandomBytes(trust::kActivationSecretSize)}, {}};
  const auto credential =
      crypto::MakeCredential({area.key(), *HashOf(area.name_algorithm()), area.symmetric_bits()}, name, result.sealed.secret);
  EXPECT_TRUE(credential);
  Reader id_object(credential->id_object), secret(credential->encrypted_secret);
  id_object.U16Be();
  secret.U16Be();
  result.returned = softtee::ActivateCredential(ek, object, id_object.TakeRest(), secret.TakeRest());
  return result;
}

VouchedEk EnrolledEk(const softtee::Key& ek, CheckLog& log) {
  const PublicArea area = AreaOf(softtee::EkOf(ek));
  auto vouched = VouchEkByEnrolment(area, trust::EnrolledKeys({area.name()}), log);
  EXPECT_TRUE(vouched);
  return *std::move(vouched);
}

TEST(TpmActivation, ASecretComesBackFromTheTpmThatHoldsBothKeys) {
  for (const softtee::Key& ek : {Pki().rsa_ek, Pki().p256_ek}) {
    const softtee::TpmPublic ak = softtee::AkOf(Pki().p256_ak);
    const Sealed sealed = Activate(ek, ak.Name(), ak.Name());
    const auto activation = trust::Activation::Redeem(sealed.sealed, sealed.returned);
    ASSERT_TRUE(activation);
    CheckLog log;
    const auto vouched = VouchByActivation(AreaOf(ak), EnrolledEk(ek, log), *activation, log);
    ASSERT_TRUE(vouched);
    EXPECT_EQ(NameOf(vouched->key.origin()), "activation");
    EXPECT_TRUE(vouched->name_vouched);
  }
}

TEST(TpmActivation, EachCredentialIsAnother) {
  const softtee::TpmPublic ak = softtee::AkOf(Pki().p256_ak);
  const PublicArea ek = AreaOf(softtee::EkOf(Pki().rsa_ek));
  const crypto::EndorsementKey to{ek.key(), crypto::HashAlgorithm::kSha256, 128};
  const auto one = crypto::MakeCredential(to, ak.Name(), test::kNonce), other = crypto::MakeCredential(to, ak.Name(), test::kNonce);
  ASSERT_TRUE(one && other);
  EXPECT_NE(one->id_object, other->id_object);
  EXPECT_NE(one->encrypted_secret, other->encrypted_secret);
  EXPECT_EQ(one->id_object.size(), 2U + 2 + 32 + 34);
  EXPECT_EQ(one->encrypted_secret.size(), 2U + 256);
}

TEST(TpmActivation, SecretsThatDontFitAreNotSealed) {
  const PublicArea ek = AreaOf(softtee::EkOf(Pki().rsa_ek));
  const Bytes name(34, 7);
  EXPECT_FALSE(crypto::MakeCredential({ek.key(), crypto::HashAlgorithm::kSha256, 128}, name, Bytes()));
  EXPECT_FALSE(crypto::MakeCredential({ek.key(), crypto::HashAlgorithm::kSha256, 128}, name, Bytes(33, 1)));
  EXPECT_FALSE(crypto::MakeCredential({ek.key(), crypto::HashAlgorithm::kSha256, 64}, name, test::kNonce));
  EXPECT_FALSE(crypto::MakeCredential({ek.key(), crypto::HashAlgorithm::kSha1, 128}, name, Bytes(20, 1)));
  EXPECT_FALSE(crypto::MakeCredential({ek.key(), crypto::HashAlgorithm::kSha256, 128}, Bytes(), test::kNonce));
}

// Keylime's breaks: AK and EK of two TPMs.
TEST(TpmActivation, Attack026_NeitherAnotherObjectNorAnotherTpmGetsTheSecret) {
  const Bytes ak = softtee::AkOf(Pki().p256_ak).Name(), other = softtee::AkOf(Pki().rsa_ak).Name();
  EXPECT_TRUE(Activate(Pki().rsa_ek, ak, other).returned.empty());
  EXPECT_TRUE(Activate(Pki().p256_ek, ak, other).returned.empty());
  const Sealed sealed = Activate(Pki().rsa_ek, ak, ak);
  for (const Bytes& wrong : {Bytes(), Bytes(32, 0), Bytes(sealed.returned.begin(), sealed.returned.end() - 1)}) {
    EXPECT_FALSE(trust::Activation::Redeem(sealed.sealed, wrong));
  }
  trust::SealedSecret empty = sealed.sealed;
  empty.secret.clear();
  EXPECT_FALSE(trust::Activation::Redeem(empty, {}));

  // The activation of one pair is no good for another.
  const auto activation = trust::Activation::Redeem(sealed.sealed, sealed.returned);
  ASSERT_TRUE(activation);
  CheckLog log;
  EXPECT_FALSE(VouchByActivation(AreaOf(softtee::AkOf(Pki().rsa_ak)), EnrolledEk(Pki().rsa_ek, log), *activation, log));
  EXPECT_NE(test::FindingOf(log, Reason::kActivationMismatch), nullptr);
  CheckLog second;
  EXPECT_FALSE(VouchByActivation(AreaOf(softtee::AkOf(Pki().p256_ak)), EnrolledEk(Pki().p256_ek, second), *activation, second));
  EXPECT_NE(test::FindingOf(second, Reason::kActivationMismatch), nullptr);
}

TEST(TpmActivation, AnActivatedKeyIsAnAttestationKeyAllTheSame) {
  softtee::TpmPublic ak = softtee::AkOf(Pki().p256_ak);
  ak.attributes &= ~(1U << 16);
  const Sealed sealed = Activate(Pki().rsa_ek, ak.Name(), ak.Name());
  const auto activation = trust::Activation::Redeem(sealed.sealed, sealed.returned);
  ASSERT_TRUE(activation);
  CheckLog log;
  EXPECT_FALSE(VouchByActivation(AreaOf(ak), EnrolledEk(Pki().rsa_ek, log), *activation, log));
  EXPECT_NE(test::FindingOf(log, Reason::kAkAttributes), nullptr);
}

// Of authorities alone, so that an endorsement key's certificate leads somewhere.
softtee::TpmEvidence WithAuthoritiesAlone() {
  return test::Mint({.change = [](softtee::TpmParts& parts) { parts.with_certificate = false; }});
}

// An activation of the AK that this evidence has, under `ek`.
struct Activated {
  explicit Activated(const softtee::Key& ek, Bytes certificate = {})
      : named{trust::UntrustedBytes(softtee::EkOf(ek).Tpm2b()), trust::UntrustedBytes(std::move(certificate))},
        activation(trust::Activation::Recorded(AreaOf(softtee::EkOf(ek)).key().spki_sha256(), test::Mint().ak_name)) {}
  evidence::NamedEndorsementKey named;
  trust::Activation activation;
};

TEST(TpmActivation, CountsUnderAnEndorsementKeyThatCounts) {
  const trust::EnrolledKeys nobody, by_name({softtee::EkOf(Pki().rsa_ek).Name()}),
      by_digest({ToBytes(AreaOf(softtee::EkOf(Pki().rsa_ek)).key().spki_sha256())});
  for (const trust::EnrolledKeys* keys : {&by_name, &by_digest}) {
    const Activated activated(Pki().rsa_ek);
    CheckLog log;
    const auto bundle = test::Take(WithoutCertificates(), log,
                                   {.profile = nullptr,
                                    .enrolled = &nobody,
                                    .activation = &activated.activation,
                                    .enrolled_endorsement_keys = keys,
                                    .endorsement_key = &activated.named});
    ASSERT_TRUE(bundle);
    EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ak_trust"), "activation");
    EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ek_trust"), "enrolment");
    EXPECT_EQ(*bundle->claims().Get<Bytes>("tpm.ek_name"), softtee::EkOf(Pki().rsa_ek).Name());
  }
  const Activated certified(Pki().rsa_ek, softtee::MintEkCertificate(Pki(), Pki().rsa_ek));
  CheckLog log;
  const auto bundle = test::Take(WithAuthoritiesAlone(), log,
                                 {.profile = nullptr,
                                  .enrolled = &nobody,
                                  .activation = &certified.activation,
                                  .enrolled_endorsement_keys = &nobody,
                                  .endorsement_key = &certified.named});
  ASSERT_TRUE(bundle);
  EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ek_trust"), "certificate");
  EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ak_vendor"), "operator");
}

TEST(TpmActivation, Attack026_CountsUnderNoOther) {
  const trust::EnrolledKeys nobody, other({softtee::EkOf(Pki().p256_ek).Name()}), ak({test::Mint().ak_name});
  struct Case {
    std::string_view what;
    Activated activated;
    const trust::EnrolledKeys* keys;
    Reason reason;
    bool roots = true;
  };
  softtee::TpmPublic movable = softtee::EkOf(Pki().rsa_ek);
  movable.attributes &= ~(1U << 1);
  Activated changed(Pki().rsa_ek);
  changed.named.public_area = trust::UntrustedBytes(movable.Tpm2b());
  const trust::EnrolledKeys as_changed({AreaOf(movable).name()});
  Activated garbage(Pki().rsa_ek);
  garbage.named.public_area = trust::UntrustedBytes(Bytes(10, 1));
  Activated exchanged(Pki().p256_ek);
  exchanged.named.public_area = trust::UntrustedBytes(softtee::EkOf(Pki().rsa_ek).Tpm2b());
  const trust::EnrolledKeys rsa({softtee::EkOf(Pki().rsa_ek).Name()});
  for (const Case& c :
       {Case{"nobody's", Activated(Pki().rsa_ek), &nobody, Reason::kEkUnvouched},
        Case{"no list", Activated(Pki().rsa_ek), nullptr, Reason::kEkUnvouched},
        Case{"another", Activated(Pki().rsa_ek), &other, Reason::kEkUnvouched},
        Case{"an attestation key's", Activated(Pki().rsa_ek), &ak, Reason::kEkUnvouched},
        Case{"of no configured maker", Activated(Pki().rsa_ek, softtee::MintEkCertificate(Pki(), Pki().rsa_ek)), &nobody,
             Reason::kEkRootsUnset, false},
        Case{"a stranger's certificate", Activated(Pki().rsa_ek, softtee::MintEkCertificate(Pki(), Pki().rsa_ek, {}, &Pki().stranger)),
             &nobody, Reason::kChainBroken},
        Case{"another's certificate", Activated(Pki().rsa_ek, softtee::MintEkCertificate(Pki(), Pki().p256_ek)), &nobody,
             Reason::kAkMismatch},
        Case{"garbage as certificate", Activated(Pki().rsa_ek, Bytes(50, 0x30)), &nobody, Reason::kCertificateMalformed},
        Case{"one that can leave its TPM", changed, &as_changed, Reason::kEkAttributes},
        Case{"garbage", garbage, &nobody, Reason::kTpmStructureMalformed},
        Case{"activated under another", exchanged, &rsa, Reason::kActivationMismatch}}) {
    CheckLog log;
    test::Road road{.profile = nullptr,
                    .enrolled = &nobody,
                    .activation = &c.activated.activation,
                    .enrolled_endorsement_keys = c.keys,
                    .endorsement_key = &c.activated.named};
    if (!c.roots) road.anchors = trust::AnchorSet({}, true);
    EXPECT_FALSE(test::Take(WithAuthoritiesAlone(), log, road)) << c.what;
    EXPECT_TRUE(log.HasRejection()) << c.what;
    EXPECT_NE(test::FindingOf(log, c.reason), nullptr) << c.what;
  }
}

// Clouds certify the TPMs of everybody's machines: their roots, which are pinned for attestation keys, vouch for no endorsement key.
TEST(TpmActivation, Attack026_CloudsCertifyTheMachinesOfStrangers) {
  std::vector<trust::Anchor> anchors;
  const trust::AnchorSet operators = test::Anchors();
  for (trust::Anchor anchor : operators.anchors()) {
    anchor.vendor = std::string(kMicrosoftVendor);
    anchors.push_back(anchor);
  }
  const auto named_as_azures = [](softtee::Certificate& certificate) {
    certificate.subject = softtee::NameOf("0123.TrustedVM.Azure.windows.net");
  };
  const Activated activated(Pki().rsa_ek, softtee::MintEkCertificate(Pki(), Pki().rsa_ek, named_as_azures));
  const trust::EnrolledKeys nobody;
  CheckLog log;
  const test::Road road{.profile = nullptr,
                        .enrolled = &nobody,
                        .anchors = trust::AnchorSet(std::move(anchors), true),
                        .activation = &activated.activation,
                        .endorsement_key = &activated.named};
  EXPECT_FALSE(test::Take(WithAuthoritiesAlone(), log, road));
  EXPECT_NE(test::FindingOf(log, Reason::kEkRootsUnset), nullptr);
  EXPECT_NE(test::FindingOf(log, Reason::kEkUnvouched), nullptr);
}

TEST(TpmActivation, ThatDidNotComeBackIsToldAndVouchesForNothing) {
  const Activated activated(Pki().rsa_ek);
  const trust::EnrolledKeys nobody, ek({softtee::EkOf(Pki().rsa_ek).Name()});
  CheckLog log;
  EXPECT_FALSE(
      test::Take(WithoutCertificates(), log,
                 {.profile = nullptr, .enrolled = &nobody, .enrolled_endorsement_keys = &ek, .endorsement_key = &activated.named}));
  EXPECT_NE(test::FindingOf(log, Reason::kActivationAbsent), nullptr);
  EXPECT_NE(test::FindingOf(log, Reason::kAkUnvouched), nullptr);
  EXPECT_EQ(ResultOf(log, Check::kTpmActivation), CheckResult::kSkipped);
}

// Who enrolled the very key is not asked about certificates of another; an enrolled endorsement key is shown beside it, and beside a certificate.
TEST(TpmActivation, AnEnrolledEndorsementKeyIsShownWhateverVouched) {
  const softtee::TpmEvidence bare = WithoutCertificates();
  const trust::EnrolledKeys ak({bare.ak_name}), ek({softtee::EkOf(Pki().rsa_ek).Name()}), nobody;
  const Activated garbage(Pki().rsa_ek, Bytes(50, 0x30)), activated(Pki().rsa_ek), of_other(Pki().p256_ek);
  CheckLog log;
  auto bundle = test::Take(bare, log,
                           {.profile = nullptr,
                            .enrolled = &ak,
                            .activation = &garbage.activation,
                            .enrolled_endorsement_keys = &nobody,
                            .endorsement_key = &garbage.named});
  ASSERT_TRUE(bundle);
  EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ak_trust"), "enrolment");
  EXPECT_EQ(bundle->claims().Find("tpm.ek_trust"), nullptr) << "that nobody vouches for is not shown";
  CheckLog second;
  bundle = test::Take(bare, second,
                      {.profile = nullptr,
                       .enrolled = &ak,
                       .activation = &activated.activation,
                       .enrolled_endorsement_keys = &ek,
                       .endorsement_key = &activated.named});
  ASSERT_TRUE(bundle);
  EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ak_trust"), "enrolment");
  EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ek_trust"), "enrolment");
  CheckLog certified;
  bundle = test::Take(test::Mint(), certified,
                      {.activation = &activated.activation, .enrolled_endorsement_keys = &ek, .endorsement_key = &activated.named});
  ASSERT_TRUE(bundle);
  EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ak_trust"), "certificate");
  EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ek_trust"), "enrolment");
  CheckLog third;
  bundle = test::Take(bare, third,
                      {.profile = nullptr,
                       .enrolled = &ak,
                       .activation = &of_other.activation,
                       .enrolled_endorsement_keys = &ek,
                       .endorsement_key = &activated.named});
  ASSERT_TRUE(bundle);
  EXPECT_EQ(bundle->claims().Find("tpm.ek_trust"), nullptr) << "activated under another key";
}

TEST(TpmEndorsementKey, IsOneThatDecryptsForItsTpmAlone) {
  struct {
    std::uint32_t set, clear;
  } const cases[] = {{0, 1U << 1}, {0, 1U << 4}, {0, 1U << 5}, {0, 1U << 16}, {0, 1U << 17}, {1U << 18, 0}};
  for (const auto& one : cases) {
    softtee::TpmPublic ek = softtee::EkOf(Pki().rsa_ek);
    ek.attributes = (ek.attributes | one.set) & ~one.clear;
    CheckLog log;
    EXPECT_FALSE(CheckEndorsementKey(AreaOf(ek), log)) << ek.attributes;
    EXPECT_NE(test::FindingOf(log, Reason::kEkAttributes), nullptr);
  }
  softtee::TpmPublic without = softtee::EkOf(Pki().rsa_ek);
  without.symmetric = 0x0010;
  CheckLog log;
  EXPECT_FALSE(CheckEndorsementKey(AreaOf(without), log));
  EXPECT_EQ(ResultOf(log, Check::kTpmEkSymmetric), CheckResult::kFailed);
  EXPECT_NE(test::FindingOf(log, Reason::kAlgorithmUnsupported), nullptr);
}

TEST(TpmEndorsementKey, ItsCertificateIsForAnEndorsementKey) {
  const softtee::TpmPublic ek = softtee::EkOf(Pki().rsa_ek);
  const auto as_ek = [&](softtee::TpmParts& parts) {
    parts.certificate.subject_public_key_info = Pki().rsa_ek.SubjectPublicKeyInfo();
    parts.certificate.extensions = {softtee::extension::KeyUsage(0x2000), softtee::extension::BasicConstraints(false, {}),
                                    softtee::extension::ExtendedKeyUsage("2.23.133.8.1")};
  };
  const auto vouch = [&](const softtee::TpmEvidence& evidence, std::string_view kind, CheckLog& log) {
    const std::vector<evidence::Item> items = test::ItemsOf(evidence);
    const trust::AnchorSet anchors = test::Anchors();
    const trust::CollateralSnapshot collateral = test::CollateralOf(items);
    const trust::Challenge challenge = trust::Challenge::NotDemanded(true);
    const auto candidates = collateral.CandidatesOfKind(kind);
    EXPECT_EQ(candidates.size(), 1U);
    return VouchEkByCertificate(*candidates.front().certificate, AreaOf(ek), kOperatorProfile,
                                {.anchors = anchors, .collateral = collateral, .challenge = challenge, .caches = nullptr}, log)
        .has_value();
  };
  CheckLog right, of_an_ak, purpose;
  EXPECT_TRUE(vouch(test::Mint({.change = as_ek}), kEkKind, right));
  EXPECT_FALSE(right.HasRejection());
  EXPECT_FALSE(vouch(test::Mint(), kAkKind, of_an_ak));
  EXPECT_NE(test::FindingOf(of_an_ak, Reason::kKeyKindMismatch), nullptr);
  const auto of_an_aik = [&](softtee::TpmParts& parts) {
    as_ek(parts);
    parts.certificate.extensions[2] = softtee::extension::ExtendedKeyUsage("2.23.133.8.3");
  };
  EXPECT_FALSE(vouch(test::Mint({.change = of_an_aik}), kEkKind, purpose));
  EXPECT_EQ(ResultOf(purpose, Check::kTpmEkProfile), CheckResult::kFailed);
  EXPECT_NE(test::FindingOf(purpose, Reason::kCertificateProfile), nullptr);
}

// --- creation -------------------------------------------------------------------------------------------------------

struct Created {
  Bytes attest, signature, data;
};
Created Creation(ByteView name, ByteView data) {
  softtee::TpmAttest attest;
  attest.type = 0x801A;
  attest.qualified_signer = softtee::EndorsementName(softtee::AkOf(Pki().p256_ak).Name());
  attest.body = softtee::Tpm2b(name);
  Append(attest.body, softtee::Tpm2b(softtee::Sha256(data)));
  const Bytes marshalled = attest.Marshal();
  return {marshalled, softtee::TpmSignature(Pki().p256_ak, softtee::kTpmEcdsa, softtee::kTpmSha256, marshalled), ToBytes(data)};
}

std::optional<trust::Authenticated<tpm::Creation>> Authentic(const Created& created, CheckLog& log) {
  auto signature = ParseSignature(created.signature, SignatureShape::kTpmt, kCreationComponent, log);
  auto parsed = AttestParser::ParseCreation(created.attest, signature.value_or(Signature{}), log);
  const PublicArea signer = AreaOf(softtee::AkOf(Pki().p256_ak));
  auto ak = VouchByEnrolment(signer, trust::EnrolledKeys({signer.name()}), log);
  if (!signature || !parsed || !ak) return std::nullopt;
  return AttestAuthenticator::Authenticate(*std::move(parsed), *std::move(ak), log);
}

TEST(TpmCreation, VouchesForTheKeyThatWasCreated) {
  const PublicArea child = AreaOf(softtee::AkOf(Pki().rsa_ak));
  const Bytes data = softtee::TpmCreationData(test::kNonce);
  CheckLog log;
  const auto creation = Authentic(Creation(child.name(), data), log);
  ASSERT_TRUE(creation);
  const auto vouched = VouchByCreation(child, *creation, log);
  ASSERT_TRUE(vouched);
  EXPECT_EQ(NameOf(vouched->key.origin()), "commitment");
  auto parsed = CreationDataParser::Parse(data, log);
  ASSERT_TRUE(parsed);
  const auto believed = CreationDataAuthenticator::Authenticate(*std::move(parsed), *creation, child, log);
  ASSERT_TRUE(believed);
  EXPECT_TRUE(Equal((*believed)->outside_info(), test::kNonce));
  EXPECT_FALSE(log.HasRejection());
}

TEST(TpmCreation, IsOfThatObjectAndThoseData) {
  const PublicArea child = AreaOf(softtee::AkOf(Pki().rsa_ak)), other = AreaOf(softtee::AkOf(Pki().p384_ak));
  const Bytes data = softtee::TpmCreationData(test::kNonce);
  CheckLog log;
  const auto creation = Authentic(Creation(child.name(), data), log);
  ASSERT_TRUE(creation);
  ASSERT_FALSE(log.HasRejection());
  EXPECT_FALSE(VouchByCreation(other, *creation, log));
  EXPECT_EQ(ResultOf(log, Check::kTpmCreationName), CheckResult::kFailed);
  EXPECT_NE(test::FindingOf(log, Reason::kCreationMismatch), nullptr);

  CheckLog second;
  auto changed = CreationDataParser::Parse(softtee::TpmCreationData(Bytes(32, 1)), second);
  ASSERT_TRUE(changed);
  EXPECT_FALSE(CreationDataAuthenticator::Authenticate(*std::move(changed), *creation, child, second));
  EXPECT_EQ(ResultOf(second, Check::kTpmCreationHash), CheckResult::kFailed);
  CheckLog third;
  auto same = CreationDataParser::Parse(data, third);
  EXPECT_FALSE(CreationDataAuthenticator::Authenticate(*std::move(same), *creation, other, third));
  EXPECT_EQ(ResultOf(third, Check::kTpmCreationName), CheckResult::kFailed);

  Bytes longer = data;
  longer.push_back(0);
  CheckLog fourth;
  EXPECT_FALSE(CreationDataParser::Parse(longer, fourth));
  EXPECT_TRUE(fourth.HasRejection());
}

TEST(TpmCreation, AQuoteIsNoCreation) {
  const softtee::TpmEvidence evidence = test::Mint({.ak = softtee::TpmAk::kP256});
  CheckLog log;
  EXPECT_FALSE(Authentic({evidence.attest, evidence.signature, {}}, log));
  EXPECT_NE(test::FindingOf(log, Reason::kTpmAttestType), nullptr);
}

// --- Google -----------------------------------------------------------------------------------------------------------

// The instance extension with zone z, project p (1), instance 2, name n, and the security members given.
Bytes Instance(std::initializer_list<ByteView> security) {
  using namespace softtee::der;
  return Sequence({Utf8String("z"), Integer(1), Utf8String("p"), Integer(2), Utf8String("n"),
                   security.size() == 0 ? Bytes() : Explicit(0, Sequence(security))});
}

Outcome<GceInstance> Read(const Bytes& extension) {
  const softtee::TpmEvidence evidence = test::Mint({.change = [&](softtee::TpmParts& parts) {
    parts.certificate.extensions.push_back({.oid = std::string(kGceInstanceOid), .value = extension});
  }});
  const auto certificate = crypto::Certificate::FromDer(evidence.items[3].body);
  EXPECT_TRUE(certificate.ok());
  return ReadGceInstance(*certificate, "certificate");
}

TEST(GceInstanceExtension, IsExactlyEncoded) {
  using namespace softtee::der;
  const auto whole = Read(Instance({Explicit(0, Integer(3)), Explicit(1, Boolean(true)), Explicit(5, Boolean(false))}));
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(whole->zone, "z");
  EXPECT_EQ(whole->project_number, 1U);
  EXPECT_EQ(whole->project_id, "p");
  EXPECT_EQ(whole->instance_id, "2");
  EXPECT_EQ(whole->instance_name, "n");
  EXPECT_EQ(whole->security_version, 3U);
  EXPECT_EQ(whole->is_production, true);
  EXPECT_EQ(Read(Instance({}))->is_production, std::nullopt);
  for (const Bytes& bad : {Bytes(), Bytes{0x30, 0x00}, Sequence({Utf8String("z"), Integer(1), Utf8String("p"), Integer(2)}),
                           Sequence({Utf8String("z\n"), Integer(1), Utf8String("p"), Integer(2), Utf8String("n")}),
                           Instance({Explicit(1, Integer(1))}), Instance({Explicit(0, Boolean(true))}),
                           Sequence({Utf8String("z"), Element(0x02, Bytes{0x80}), Utf8String("p"), Integer(2), Utf8String("n")}),
                           Sequence({Utf8String("z"), Element(0x02, Bytes(10, 0x11)), Utf8String("p"), Integer(2), Utf8String("n")})}) {
    const auto read = Read(bad);
    EXPECT_FALSE(read.ok());
    EXPECT_TRUE(read.ok() || read.findings().front().reason == Reason::kCertificateExtension);
  }
}

// Google's profile on the software TEE's keys, to the end: what is not of production is refused under every policy.
TEST(GceInstanceExtension, OnlyProductionIsAccepted) {
  using namespace softtee::der;
  const auto names = [](const void*, std::string_view, const trust::Value&) { return false; };
  const auto pins = [](const void*, std::string_view) { return false; };
  for (const bool production : {true, false}) {
    const auto as_google = [&](softtee::TpmParts& parts) {
      const auto attribute = [](std::string_view oid, std::string_view text) { return Set({Sequence({Oid(oid), Utf8String(text)})}); };
      const Bytes root = Sequence({attribute("2.5.4.10", "Google LLC"), attribute("2.5.4.3", "softtee TPM root")});
      const Bytes issuer = Sequence({attribute("2.5.4.10", "Google LLC"), attribute("2.5.4.3", "EK/AK CA Intermediate")});
      parts.issuer.issuer = root;
      parts.issuer.subject = parts.certificate.issuer = issuer;
      parts.issuer.extensions.push_back(softtee::extension::ExtendedKeyUsage("2.23.133.8.1"));
      parts.certificate.subject = Sequence({attribute("2.5.4.7", "z"), attribute("2.5.4.11", "p"), attribute("2.5.4.3", "2")});
      parts.certificate.extensions = {softtee::extension::KeyUsage(softtee::kDigitalSignature),
                                      softtee::extension::BasicConstraints(false, {}),
                                      {.oid = std::string(kGceInstanceOid), .value = Instance({Explicit(1, Boolean(production))})}};
      parts.root_certificate = [root](softtee::Certificate& certificate) {
        certificate.issuer = certificate.subject = root;
        certificate.extensions.push_back(softtee::extension::ExtendedKeyUsage("2.23.133.8.1"));
      };
    };
    const std::vector<evidence::Item> items = test::ItemsOf(test::Mint({.change = as_google}));
    trust::Anchor anchor = test::Anchors().anchors().front();
    anchor.vendor = std::string(kGoogleVendor);
    CheckLog log;
    const auto bundle = test::Take(items, {.profile = &kGoogleProfile, .anchors = trust::AnchorSet({anchor}, true)}, log);
    ASSERT_TRUE(bundle) << Describe(log.findings().front());
    EXPECT_EQ(*bundle->claims().Get<std::string>("gce.project_id"), "p");
    Judge(bundle->claims(), {.names_value = names, .pins_claim = pins, .policy = nullptr}, log);
    EXPECT_EQ(log.HasRejection(), !production);
    EXPECT_EQ(test::FindingOf(log, Reason::kNotProduction) == nullptr, production);
  }
}

}  // namespace
}  // namespace assay::tpm
