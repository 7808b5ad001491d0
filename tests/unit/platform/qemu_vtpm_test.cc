// qemu_vtpm on evidence of the software TEE: by enrolment, and everything that must not pass for one.
#include "platform/qemu_vtpm/platform.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "appraisal/appraiser.h"
#include "base/strings.h"
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

struct Road {
  const trust::EnrolledKeys* enrolled = nullptr;
  std::optional<Bytes> nonce = kNonce;  // nullopt: not demanded
};

std::optional<trust::Bundle> Take(const std::vector<evidence::Item>& items, const Road& road, CheckLog& log) {
  const trust::AnchorSet anchors = tpm::test::Anchors();
  const trust::CollateralSnapshot collateral = tpm::test::CollateralOf(items);
  trust::Challenge::Values values;
  values.nonce = road.nonce;
  const trust::Challenge challenge = road.nonce ? trust::Challenge::Demanded(values) : trust::Challenge::NotDemanded(true);
  if (!platform::CheckManifest(kPlatform, items, log)) return std::nullopt;
  std::optional<trust::Bundle> bundle = kPlatform.authenticate(items, {.anchors = anchors, .collateral = collateral, .challenge = challenge, .caches = nullptr, .enrolled = road.enrolled}, log);
  if (bundle) appraisal::JudgeWindows(bundle->claims().windows(), softtee::kDefaultNow, log);
  return bundle;
}
std::optional<trust::Bundle> Take(const softtee::TpmEvidence& evidence, const Road& road, CheckLog& log) { return Take(tpm::test::ItemsOf(evidence), road, log); }

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
      EXPECT_FALSE(Take(Mint(TpmVouching::kNothing, {.change = [&](softtee::TpmParts& parts) { parts.sent[0].values[pcr][byte] ^= 1; }}), {.enrolled = &enrolled}, log)) << pcr;
      EXPECT_THAT(Refusals(log), UnorderedElementsAre("pcr_digest_mismatch")) << pcr;
    }
    // Nor may the quote itself leave one out.
    CheckLog left_out;
    EXPECT_FALSE(Take(Mint(TpmVouching::kNothing, {.change = [&](softtee::TpmParts& parts) {
                        parts.quoted[0].values.erase(pcr);
                        parts.sent = parts.quoted;
                      }}), {.enrolled = &enrolled}, left_out)) << pcr;
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
  } const cases[] = {{"application/vnd.assay.tpm-quote", false, "item_missing"}, {"application/vnd.assay.tpm-pcrs", false, "item_missing"}, {"application/vnd.assay.tpm-ak", false, "item_missing"},
                     {"application/vnd.assay.tpm-quote", true, "item_duplicate"}, {"application/vnd.assay.tpm-ak", true, "item_duplicate"}};
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
  const auto fitting = [](TpmVouching vouching) { return appraisal::FittingPlatforms(BuiltinRegistry(), tpm::test::ItemsOf(Mint(vouching))); };
  EXPECT_THAT(fitting(TpmVouching::kNothing), testing::ElementsAre("aws_nitro_tpm_quote", "azure_trusted_launch", "gcp_shielded_vm", "qemu_vtpm"));
  EXPECT_THAT(fitting(TpmVouching::kAkCertificate), testing::IsEmpty());
}

}  // namespace
}  // namespace assay::qemu_vtpm
