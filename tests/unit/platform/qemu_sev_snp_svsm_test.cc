// qemu_sev_snp_svsm on evidence of the software TEE: the whole chain, and every single fault.
#include "platform/qemu_sev_snp_svsm/platform.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "appraisal/appraiser.h"
#include "appraisal/shipped_policies.h"
#include "base/files.h"
#include "base/strings.h"
#include "registry/builtin_registry.h"
#include "tests/softtee/svsm_evidence.h"

namespace assay::qemu_sev_snp_svsm {
namespace {

using softtee::SvsmEvidence;
using softtee::SvsmFault;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const Bytes kNonce(32, 0x5A);
constexpr ByteArray<64> kReportNonce = softtee::Ramp<64>(0x80);

struct Road {
  bool demanded = true;
  std::optional<ByteArray<64>> report_data = kReportNonce;
  trust::FactCaches* caches = nullptr;
};

std::optional<trust::Bundle> Take(const SvsmEvidence& evidence, CheckLog& log, const Road& road = {}) {
  std::vector<trust::Anchor> anchors;
  for (const softtee::Anchor& one : softtee::SnpPki::Shared().Anchors()) {
    trust::Anchor anchor{std::string(one.vendor), std::string(one.product), {}};
    std::copy(one.spki_sha256.begin(), one.spki_sha256.end(), anchor.spki_sha256.begin());
    anchors.push_back(anchor);
  }
  const trust::AnchorSet set(std::move(anchors), true);
  std::vector<evidence::Item> items;
  for (const softtee::Item& item : evidence.items) items.push_back({item.media_type, trust::UntrustedBytes(item.body)});
  const trust::CollateralSnapshot collateral = appraisal::GatherCollateral(BuiltinRegistry(), items, {}, road.caches);
  const trust::Challenge challenge =
      road.demanded ? trust::Challenge::Demanded({.report_data = road.report_data, .nonce = kNonce}) : trust::Challenge::NotDemanded(true);
  std::optional<trust::Activation> activation;
  if (evidence.activated) {
    trust::SealedSecret sealed{.sealed_to = {}, .name = evidence.activated->second, .secret = Bytes(32, 3)};
    std::copy(evidence.activated->first.begin(), evidence.activated->first.end(), sealed.sealed_to.begin());
    activation = trust::Activation::Redeem(sealed, Bytes(32, 3));
  }
  if (!platform::CheckManifest(kPlatform, items, log)) return std::nullopt;
  auto bundle = kPlatform.authenticate(items,
                                       {.anchors = set,
                                        .collateral = collateral,
                                        .challenge = challenge,
                                        .caches = road.caches,
                                        .activation = activation ? &*activation : nullptr},
                                       log);
  if (bundle) appraisal::JudgeWindows(bundle->claims().windows(), softtee::kDefaultNow, log);
  if (log.HasRejection()) return std::nullopt;
  return bundle;
}

SvsmEvidence Mint(std::optional<SvsmFault> fault = {}, bool vtpm_alone = false) {
  return softtee::MintSvsm({.nonce = kReportNonce, .extra_data = kNonce, .vtpm_alone = vtpm_alone, .fault = fault});
}

std::set<std::string> Reasons(const CheckLog& log) {
  std::set<std::string> names;
  for (const Finding& finding : log.findings()) {
    if (finding.effect >= Effect::kIndeterminate) names.insert(std::string(NameOf(finding.reason)));
  }
  return names;
}
std::string Show(const CheckLog& log) {
  std::string text;
  for (const Finding& finding : log.findings()) text += Describe(finding) + "\n";
  return text;
}

TEST(QemuSevSnpSvsm, WithoutAFaultTheWholeChainHolds) {
  for (const bool vtpm_alone : {false, true}) {
    CheckLog log;
    const auto bundle = Take(Mint({}, vtpm_alone), log);
    ASSERT_TRUE(bundle) << Show(log);
    EXPECT_EQ(bundle->freshness(), trust::Freshness::kProven);
    EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ak_trust"), "activation");
    EXPECT_EQ(*bundle->claims().Get<std::uint64_t>("snp.vmpl"), 0U);
    EXPECT_NE(bundle->claims().Find("tpm.sha256_pcr11"), nullptr);
    EXPECT_EQ(bundle->claims().Get<trust::Names>("svsm.services")->names.size(), vtpm_alone ? 1U : 2U);
    EXPECT_EQ(bundle->parts().size(), 4U);
    EXPECT_TRUE(bundle->parts().front().carrier);
    EXPECT_EQ(bundle->parts().front().component, "tpm-quote");
    EXPECT_FALSE(bundle->instance_identity().empty());
  }
}

TEST(SvsmFaults, EachIsRefusedForTheReasonThatItOwes) {
  trust::FactCaches caches(64);
  for (trust::FactCaches* with : {static_cast<trust::FactCaches*>(nullptr), &caches, &caches}) {
    for (const softtee::SvsmFaultEntry& entry : softtee::AllSvsmFaults()) {
      CheckLog log;
      EXPECT_FALSE(Take(Mint(entry.fault), log, {.caches = with})) << entry.name;
      EXPECT_THAT(Reasons(log), Contains(std::string(entry.reason))) << entry.name << ": " << entry.what << "\n" << Show(log);
    }
  }
}

TEST(SvsmFaults, AreListedInOrder) {
  std::size_t at = 0;
  for (const softtee::SvsmFaultEntry& entry : softtee::AllSvsmFaults()) {
    EXPECT_EQ(static_cast<std::size_t>(entry.fault), at++) << entry.name;
  }
}

// Without the nonce nothing ties manifest and report: any genuine report of VMPL 0 would do.
TEST(QemuSevSnpSvsm, OfflineItNeedsTheNonce) {
  for (const Road& road : {Road{.demanded = false}, Road{.report_data = std::nullopt}}) {
    CheckLog log;
    EXPECT_FALSE(Take(Mint(), log, road));
    EXPECT_THAT(Reasons(log), ElementsAre("svsm_manifest_not_committed"));
    EXPECT_THAT(Show(log), HasSubstr("--transcript"));
  }
}

// A report that answers the challenge by itself is a raw one: whoever runs above the SVSM may have asked for it.
TEST(QemuSevSnpSvsm, ARawReportIsNotTakenForOneOfTheSvsm) {
  SvsmEvidence evidence = Mint();
  softtee::SnpOptions raw;
  raw.report_data = kReportNonce;
  const auto minted = softtee::MintSnp(softtee::SnpPki::Shared(), raw);
  for (softtee::Item& item : evidence.items) {
    if (item.media_type == softtee::kReportType) item.body = *minted->Find(softtee::kReportType);
  }
  CheckLog log;
  EXPECT_FALSE(Take(evidence, log));
  EXPECT_THAT(Reasons(log), ElementsAre("svsm_manifest_not_committed"));
}

TEST(QemuSevSnpSvsm, WhomOneHasToTrustDependsOnWhatWasAppraised) {
  CheckLog log;
  const auto bundle = Take(Mint(), log);
  ASSERT_TRUE(bundle) << Show(log);
  const platform::AppraisedFacts best{
      .boot_covered = true, .launch_appraised = true, .release_matched = true, .provenance = evidence::Provenance::kProven},
      least, any_svsm{.boot_covered = true, .provenance = evidence::Provenance::kProven};
  EXPECT_EQ(kPlatform.strength(*bundle, best), platform::Strength::kB);
  EXPECT_EQ(kPlatform.strength(*bundle, least), platform::Strength::kC);
  // Registers are worth what the SVSM is that runs the TPM.
  EXPECT_EQ(kPlatform.strength(*bundle, any_svsm), platform::Strength::kC);
  EXPECT_THAT(kPlatform.trust_boundary(*bundle, any_svsm).features, Not(Contains(platform::Feature::kMeasuredBoot)));
  EXPECT_THAT(kPlatform.trust_boundary(*bundle, any_svsm).not_proven, Contains(HasSubstr("which SVSM runs the virtual TPM")));
  EXPECT_THAT(kPlatform.trust_boundary(*bundle, best).features, Contains(platform::Feature::kReviewableFirmware));
  EXPECT_THAT(kPlatform.trust_boundary(*bundle, best).features, Contains(platform::Feature::kMeasuredBoot));
  const platform::TrustBoundary boundary = kPlatform.trust_boundary(*bundle, least);
  EXPECT_THAT(boundary.features, Not(Contains(platform::Feature::kReviewableFirmware)));
  EXPECT_THAT(boundary.trusted_parties, Contains(HasSubstr("SVSM")));
  EXPECT_THAT(boundary.trusted_parties, Contains(HasSubstr("operates the machine")));
  EXPECT_THAT(boundary.not_proven, Contains(HasSubstr("kernel")));
}

}  // namespace
}  // namespace assay::qemu_sev_snp_svsm
