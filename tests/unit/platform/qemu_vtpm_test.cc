// qemu_vtpm on evidence of the software TEE: by enrolment, by activation, and everything that must not pass for either.
#include "platform/qemu_vtpm/platform.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "appraisal/appraiser.h"
#include "base/reader.h"
#include "base/strings.h"
#include "crypto/make_credential.h"
#include "evidence/tpm/algorithms.h"
#include "registry/builtin_registry.h"
#include "tests/unit/tpm/minted_quote.h"

namespace assay::qemu_vtpm {
namespace {

using softtee::TpmOptions;
using softtee::TpmVouching;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
using tpm::test::kNonce;

softtee::TpmEvidence Mint(TpmVouching vouching, TpmOptions options = {}) {
  options.vouching = vouching;
  return tpm::test::Mint(options);
}

const softtee::TpmPki& Pki() { return softtee::TpmPki::Shared(); }

// The secret that the software TEE's TPM gives back, for `name` under `ek`. nullopt: it gives none.
std::optional<trust::Activation> Activate(const softtee::Key& ek, ByteView name) {
  const auto area = tpm::PublicArea::FromTpm2b(softtee::EkOf(ek).Tpm2b(), "ek");
  const trust::SealedSecret sealed{area->key().spki_sha256(), ToBytes(name), softtee::RandomBytes(trust::kActivationSecretSize)};
  const auto credential =
      crypto::MakeCredential({area->key(), *tpm::HashOf(area->name_algorithm()), area->symmetric_bits()}, name, sealed.secret);
  EXPECT_TRUE(credential);
  Reader id_object(credential->id_object), secret(credential->encrypted_secret);
  id_object.U16Be();
  secret.U16Be();
  return trust::Activation::Redeem(sealed, softtee::ActivateCredential(ek, name, id_object.TakeRest(), secret.TakeRest()));
}

struct Road {
  const trust::EnrolledKeys* enrolled = nullptr;
  const trust::EnrolledKeys* enrolled_eks = nullptr;
  const trust::Activation* activation = nullptr;
  const evidence::NamedEndorsementKey* ek = nullptr;  // as the request named it
  std::optional<trust::AnchorSet> anchors = {};       // nullopt: the software TEE's, as the operator's
  std::optional<Bytes> nonce = kNonce;                // nullopt: not demanded
};

std::optional<trust::Bundle> Take(const std::vector<evidence::Item>& items, const Road& road, CheckLog& log) {
  const trust::AnchorSet anchors = road.anchors ? *road.anchors : tpm::test::Anchors();
  const trust::CollateralSnapshot collateral = tpm::test::CollateralOf(items);
  trust::Challenge::Values values;
  values.nonce = road.nonce;
  const trust::Challenge challenge = road.nonce ? trust::Challenge::Demanded(values) : trust::Challenge::NotDemanded(true);
  if (!platform::CheckManifest(kPlatform, items, log)) return std::nullopt;
  std::optional<trust::Bundle> bundle = kPlatform.authenticate(items,
                                                               {.anchors = anchors,
                                                                .collateral = collateral,
                                                                .challenge = challenge,
                                                                .caches = nullptr,
                                                                .enrolled = road.enrolled,
                                                                .activation = road.activation,
                                                                .enrolled_endorsement_keys = road.enrolled_eks,
                                                                .endorsement_key = road.ek},
                                                               log);
  if (bundle) appraisal::JudgeWindows(bundle->claims().windows(), softtee::kDefaultNow, log);
  return bundle;
}
std::optional<trust::Bundle> Take(const softtee::TpmEvidence& evidence, const Road& road, CheckLog& log) {
  return Take(tpm::test::ItemsOf(evidence), road, log);
}
// With the endorsement key of the evidence named, and a secret that came back for it.
std::optional<trust::Bundle> TakeActivated(const softtee::TpmEvidence& evidence, const std::optional<trust::Activation>& activation,
                                           CheckLog& log, Road road = {}) {
  const evidence::NamedEndorsementKey ek{trust::UntrustedBytes(evidence.ek), trust::UntrustedBytes(evidence.ek_certificate)};
  road.ek = &ek;
  road.activation = activation ? &*activation : nullptr;
  return Take(evidence, road, log);
}

std::set<std::string_view> Refusals(const CheckLog& log) {
  std::set<std::string_view> names;
  for (const Finding& finding : log.findings()) {
    if (finding.effect == Effect::kReject) names.insert(NameOf(finding.reason));
  }
  return names;
}

TEST(QemuVtpm, AnEnrolledKeyIsTheHostsWordAndNoMore) {
  const softtee::TpmEvidence evidence = Mint(TpmVouching::kNothing);
  const trust::EnrolledKeys enrolled({evidence.ak_name});
  CheckLog log;
  const auto bundle = Take(evidence, {.enrolled = &enrolled}, log);
  ASSERT_TRUE(bundle) << testing::PrintToString(Refusals(log));
  EXPECT_FALSE(log.HasRejection());
  EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ak_trust"), "enrolment");
  EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.revocation"), "no_certificate");
  EXPECT_EQ(*bundle->claims().Get<Bytes>("tpm.ak_name"), evidence.ak_name);
  EXPECT_EQ(bundle->instance_identity(), kPlatform.identity_hint(tpm::test::ItemsOf(evidence), trust::Challenge::NotDemanded(true)));

  const platform::AppraisedFacts best{.boot_covered = true, .release_matched = true, .provenance = evidence::Provenance::kProven};
  EXPECT_EQ(kPlatform.strength(*bundle, best), platform::Strength::kE);
  const platform::TrustBoundary boundary = kPlatform.trust_boundary(*bundle, best);
  EXPECT_THAT(boundary.features, testing::ElementsAre(platform::Feature::kCustomImages));
  EXPECT_THAT(boundary.trusted_parties, Contains(HasSubstr("host")));
  EXPECT_THAT(boundary.not_proven, Contains(HasSubstr("memory is encrypted")));
  EXPECT_THAT(boundary.not_proven, Contains(HasSubstr("no event log")));
}

// Whoever has the operator's word for the attestation key needs no endorsement key, nor its certificate.
TEST(QemuVtpm, AnEnrolledAttestationKeyCountsWhateverComesBeside) {
  const softtee::TpmEvidence evidence = Mint(TpmVouching::kEkCertificate, {.fault = softtee::TpmFault::kEkCertificateExpired});
  const trust::EnrolledKeys enrolled({evidence.ak_name});
  CheckLog log;
  const auto bundle = Take(evidence, {.enrolled = &enrolled}, log);
  ASSERT_TRUE(bundle);
  EXPECT_FALSE(log.HasRejection());
  EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ak_trust"), "enrolment");
}

TEST(QemuVtpm, ASecretThatCameBackVouchesForTheKeyOfItsTpm) {
  for (const bool p256 : {false, true}) {
    const softtee::Key& key = p256 ? Pki().p256_ek : Pki().rsa_ek;
    const softtee::TpmEvidence certified = Mint(TpmVouching::kEkCertificate, {.p256_ek = p256}),
                               bare = Mint(TpmVouching::kNothing, {.p256_ek = p256});
    const auto activation = Activate(key, certified.ak_name);
    ASSERT_TRUE(activation);
    CheckLog log;
    const auto bundle = TakeActivated(certified, activation, log);
    ASSERT_TRUE(bundle) << testing::PrintToString(Refusals(log));
    EXPECT_FALSE(log.HasRejection());
    EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ak_trust"), "activation");
    EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ek_trust"), "certificate");
    EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ak_vendor"), "operator");
    EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.revocation"), "not_published");
    EXPECT_FALSE(bundle->claims().windows().empty());

    const trust::EnrolledKeys enrolled({bare.ek_name});
    CheckLog by_operator;
    const auto known = TakeActivated(bare, activation, by_operator, {.enrolled_eks = &enrolled});
    ASSERT_TRUE(known) << testing::PrintToString(Refusals(by_operator));
    EXPECT_EQ(*known->claims().Get<std::string>("tpm.ak_trust"), "activation");
    EXPECT_EQ(*known->claims().Get<std::string>("tpm.ek_trust"), "enrolment");
    EXPECT_EQ(*known->claims().Get<std::string>("tpm.revocation"), "no_certificate");
    EXPECT_EQ(kPlatform.strength(*known, {.boot_covered = true, .release_matched = true}), platform::Strength::kE);
  }
}

TEST(QemuVtpm, Attack026_AnEndorsementKeyThatNobodyKnowsVouchesForNothing) {
  const softtee::TpmEvidence certified = Mint(TpmVouching::kEkCertificate), bare = Mint(TpmVouching::kNothing);
  const auto activation = Activate(Pki().rsa_ek, bare.ak_name);
  const trust::EnrolledKeys as_ak({bare.ek_name}), other({Bytes(34, 7)}), only_ek({bare.ek_name});
  struct {
    const char* name;
    const softtee::TpmEvidence& evidence;
    bool activated;
    Road road;
    const char* reason;
  } const cases[] = {
      {"nobody knows it", bare, true, {}, "ek_unvouched"},
      {"another is enrolled", bare, true, {.enrolled_eks = &other}, "ek_unvouched"},
      {"enrolled as an attestation key", bare, true, {.enrolled = &as_ak}, "ek_unvouched"},
      {"enrolled, and no secret came back", bare, false, {.enrolled_eks = &only_ek}, "ak_unvouched"},
      {"certified, and no secret came back", certified, false, {}, "ak_unvouched"},
      {"under a root that is not the operator's",
       certified,
       true,
       {.anchors = trust::AnchorSet({{"operator", "tpm", {}}}, true)},
       "root_not_pinned"},
      {"where the operator configured no root", certified, true, {.anchors = trust::AnchorSet({}, true)}, "ek_unvouched"},
  };
  for (const auto& one : cases) {
    CheckLog log;
    EXPECT_FALSE(TakeActivated(one.evidence, one.activated ? activation : std::nullopt, log, one.road)) << one.name;
    EXPECT_THAT(Refusals(log), UnorderedElementsAre(one.reason)) << one.name;
  }
}

TEST(QemuVtpm, Attack026_TheSecretOfAnotherPairIsNoneOfThisOne) {
  const softtee::TpmEvidence evidence = Mint(TpmVouching::kEkCertificate);
  for (const auto& activation : {Activate(Pki().rsa_ek, softtee::AkOf(Pki().p256_ak).Name()), Activate(Pki().p256_ek, evidence.ak_name)}) {
    ASSERT_TRUE(activation);
    CheckLog log;
    EXPECT_FALSE(TakeActivated(evidence, activation, log));
    EXPECT_THAT(Refusals(log), UnorderedElementsAre("activation_mismatch"));
  }
}

TEST(QemuVtpm, EachFaultOfTheEndorsementKeyIsRefusedForTheReasonThatItOwes) {
  std::size_t seen = 0;
  for (const softtee::TpmFaultEntry& entry : softtee::AllTpmFaults()) {
    if (entry.vouching != TpmVouching::kEkCertificate) continue;
    ++seen;
    const softtee::TpmEvidence evidence = Mint(entry.vouching, {.fault = entry.fault});
    CheckLog log;
    TakeActivated(evidence, Activate(Pki().rsa_ek, evidence.ak_name), log);
    EXPECT_THAT(Refusals(log), Contains(entry.reason)) << entry.name;
  }
  EXPECT_EQ(seen, 17u);
}

TEST(QemuVtpm, Attack032_NoCertificateOfAnEndorsementKeysPathCountsOutOfItsTime) {
  for (const unsigned which : {0U, 1U, 2U}) {
    const softtee::TpmEvidence evidence = Mint(TpmVouching::kEkCertificate, {.change = [&](softtee::TpmParts& parts) {
                                                 const auto end = [](softtee::Certificate& certificate) {
                                                   certificate.not_after = softtee::kDefaultNow - std::chrono::seconds(1);
                                                 };
                                                 if (which == 0) end(parts.certificate);
                                                 if (which == 1) end(parts.issuer);
                                                 if (which == 2) parts.root_certificate = end;
                                               }});
    CheckLog log;
    EXPECT_TRUE(TakeActivated(evidence, Activate(Pki().rsa_ek, evidence.ak_name), log)) << which;
    EXPECT_THAT(Refusals(log), UnorderedElementsAre("expired")) << which;
  }
}

// Attacks 26, 92: a key for which nothing but itself speaks.
TEST(QemuVtpm, Attack026_AKeyThatNothingVouchesForIsRefused) {
  const softtee::TpmEvidence evidence = Mint(TpmVouching::kNothing), certified = Mint(TpmVouching::kEkCertificate);
  const trust::EnrolledKeys nobody, other({Bytes(34, 7)}), digest({ToBytes(crypto::Sha256(evidence.ak))});
  for (const trust::EnrolledKeys* enrolled : {static_cast<const trust::EnrolledKeys*>(nullptr), &nobody, &other, &digest}) {
    for (const softtee::TpmEvidence* one : {&evidence, &certified}) {
      CheckLog log;
      EXPECT_FALSE(Take(*one, {.enrolled = enrolled}, log));
      EXPECT_THAT(Refusals(log), UnorderedElementsAre("ak_unvouched"));
    }
  }
}

// A certificate for the attestation key is none of this platform's ways, whoever issued it.
TEST(QemuVtpm, ACertificateOfTheAttestationKeyVouchesForNothingHere) {
  const softtee::TpmEvidence evidence = Mint(TpmVouching::kAkCertificate);
  CheckLog log;
  EXPECT_FALSE(Take(evidence, {}, log));
  EXPECT_THAT(Refusals(log), UnorderedElementsAre("ak_unvouched"));
}

// Attack 27: what fails is a refusal, not a line in a log, however well the key is known.
TEST(QemuVtpm, Attack027_ABadSignatureOrAnOldQuoteIsRefusedHoweverWellTheKeyIsKnown) {
  for (const softtee::TpmFaultEntry& entry : softtee::AllTpmFaults()) {
    if (entry.fault > softtee::TpmFault::kAkOther || entry.reason == "weak_hash") continue;  // of certificates; of the format's judgement
    const softtee::TpmEvidence evidence = Mint(TpmVouching::kNothing, {.fault = entry.fault});
    const trust::EnrolledKeys enrolled({evidence.ak_name});
    CheckLog log;
    EXPECT_FALSE(Take(evidence, {.enrolled = &enrolled}, log)) << entry.name;
    // Without a certificate nothing but the signature tells that the public area is another's.
    EXPECT_THAT(Refusals(log), Contains(entry.fault == softtee::TpmFault::kAkOther ? "signature_invalid" : entry.reason)) << entry.name;
  }
}

// Attack 31: values compared in part. Each register counts, in each of its bytes, whatever a policy will look at.
TEST(QemuVtpm, Attack031_NoRegisterThatWasQuotedIsLeftUncompared) {
  const trust::EnrolledKeys enrolled({Mint(TpmVouching::kNothing).ak_name});
  for (unsigned pcr = 0; pcr < 24; ++pcr) {
    for (const std::size_t byte : {std::size_t{0}, std::size_t{31}}) {
      CheckLog log;
      EXPECT_FALSE(Take(Mint(TpmVouching::kNothing, {.change = [&](softtee::TpmParts& parts) { parts.sent[0].values[pcr][byte] ^= 1; }}),
                        {.enrolled = &enrolled}, log))
          << pcr;
      EXPECT_THAT(Refusals(log), UnorderedElementsAre("pcr_digest_mismatch")) << pcr;
    }
    // Nor may the quote itself leave one out.
    CheckLog left_out;
    EXPECT_FALSE(Take(Mint(TpmVouching::kNothing, {.change =
                                                       [&](softtee::TpmParts& parts) {
                                                         parts.quoted[0].values.erase(pcr);
                                                         parts.sent = parts.quoted;
                                                       }}),
                      {.enrolled = &enrolled}, left_out))
        << pcr;
    EXPECT_THAT(Refusals(left_out), UnorderedElementsAre("pcr_selection_not_demanded")) << pcr;
  }
}

TEST(QemuVtpm, TakesWhatItsManifestListsAndNothingElse) {
  const softtee::TpmEvidence evidence = Mint(TpmVouching::kEkCertificate);
  const trust::EnrolledKeys enrolled({evidence.ak_name});
  const std::vector<evidence::Item> sound = tpm::test::ItemsOf(evidence);
  struct {
    const char* media_type;
    bool twice;
    const char* reason;
  } const cases[] = {{"application/vnd.assay.tpm-quote", false, "item_missing"},
                     {"application/vnd.assay.tpm-pcrs", false, "item_missing"},
                     {"application/vnd.assay.tpm-ak", false, "item_missing"},
                     {"application/vnd.assay.tpm-quote", true, "item_duplicate"},
                     {"application/vnd.assay.tpm-ak", true, "item_duplicate"}};
  for (const auto& one : cases) {
    std::vector<evidence::Item> items = sound;
    const auto item = std::find_if(items.begin(), items.end(), [&](const evidence::Item& any) { return any.media_type == one.media_type; });
    ASSERT_NE(item, items.end());
    if (one.twice) items.push_back(evidence::Item(*item));
    else items.erase(item);
    CheckLog log;
    EXPECT_FALSE(Take(items, {.enrolled = &enrolled}, log)) << one.media_type;
    EXPECT_THAT(Refusals(log), UnorderedElementsAre(one.reason)) << one.media_type;
  }
  std::vector<evidence::Item> foreign = sound;
  foreign.push_back({"application/vnd.assay.sev-snp-report", trust::UntrustedBytes(Bytes(1184))});
  CheckLog log;
  EXPECT_FALSE(Take(foreign, {.enrolled = &enrolled}, log));
  EXPECT_THAT(Refusals(log), UnorderedElementsAre("item_unexpected"));
}

TEST(QemuVtpm, IsToldFromTheCloudsByWhoCertifiedTheKey) {
  const auto fitting = [](TpmVouching vouching) {
    return appraisal::FittingPlatforms(BuiltinRegistry(), tpm::test::ItemsOf(Mint(vouching)));
  };
  EXPECT_THAT(fitting(TpmVouching::kNothing),
              testing::ElementsAre("aws_nitro_tpm_quote", "azure_trusted_launch", "gcp_shielded_vm", "qemu_vtpm"));
  EXPECT_THAT(fitting(TpmVouching::kAkCertificate), testing::IsEmpty());
}

}  // namespace
}  // namespace assay::qemu_vtpm
