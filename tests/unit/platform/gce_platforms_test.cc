// gcp_sev_snp and gcp_tdx from items to verdict: minted evidence, the shipped policies, one fault at a time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "appraisal/appraiser.h"
#include "appraisal/canonical.h"
#include "appraisal/endorsement_roots.h"
#include "appraisal/policy.h"
#include "appraisal/shipped_policies.h"
#include "base/bug.h"
#include "base/hex.h"
#include "base/strings.h"
#include "evidence/tpm/format.h"
#include "platform/gcp_sev_snp/platform.h"
#include "platform/gcp_tdx/platform.h"
#include "registry/builtin_registry.h"
#include "tests/softtee/gce_evidence.h"
#include "tests/unit/platform/minted.h"
#include "tests/unit/tcg_log/plain_log.h"

namespace assay {
namespace {

using softtee::GceFault;
using softtee::GceOptions;
using softtee::GceTee;
using tcg_log::test::PlainLog;
using test::ChallengeOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr GceTee kTees[] = {GceTee::kSevSnp, GceTee::kTdx};
const platform::Platform& PlatformOf(GceTee tee) { return tee == GceTee::kSevSnp ? gcp_sev_snp::kPlatform : gcp_tdx::kPlatform; }

trust::AnchorSet AnchorsOf(bool endorsements) {
  std::vector<softtee::Anchor> all = softtee::GcePki::Shared().Anchors(endorsements);
  for (const softtee::Anchor& one : softtee::SnpPki::Shared().Anchors()) all.push_back(one);
  for (const softtee::Anchor& one : softtee::IntelPki::Shared().Anchors()) all.push_back(one);
  return test::AnchorsOf(all);
}

std::vector<evidence::Item> ItemsOf(const softtee::GceEvidence& minted) { return test::ItemsOf(minted.items); }

struct Circumstances {
  bool endorsement_root = true;
  const appraisal::PolicyBook* book = nullptr;  // the shipped policies
  std::string platform_hint = {};
  std::optional<trust::Challenge> challenge = {};
  std::vector<trust::CollateralItem> more = {};
  trust::FactCaches* caches = nullptr;
};

v1::Appraisal AppraiseItems(GceTee tee, const softtee::GceEvidence& minted, const std::vector<evidence::Item>& items,
                            const Circumstances& circumstances = {}) {
  static const appraisal::LoadResult loaded = appraisal::LoadShippedPolicies(BuiltinRegistry());
  const appraisal::PolicyBook& book = circumstances.book != nullptr ? *circumstances.book : *loaded.book;
  const appraisal::Policy* policy = nullptr;
  for (const appraisal::Policy& one : book.policies()) {
    if (one.platform == PlatformOf(tee).name) policy = &one;
  }
  ASSAY_CHECK(policy != nullptr);
  const trust::Challenge challenge = circumstances.challenge.value_or(ChallengeOf(minted));
  const trust::CollateralSnapshot snapshot =
      appraisal::GatherCollateral(BuiltinRegistry(), items, circumstances.more, circumstances.caches);
  const trust::AnchorSet anchors = AnchorsOf(circumstances.endorsement_root);
  const appraisal::StateSnapshot state{.not_before = {}, .instance = {}, .floors = {}, .denials = {}};
  return appraisal::Appraise({.registry = BuiltinRegistry(),
                              .items = items,
                              .platform_hint = circumstances.platform_hint,
                              .challenge = challenge,
                              .channel_bound = true,
                              .collateral = snapshot,
                              .policies = appraisal::PolicyChoice::ForPolicy(book, *policy),
                              .anchors = anchors,
                              .state = state,
                              .at = softtee::kDefaultNow,
                              .caches = circumstances.caches});
}
v1::Appraisal Appraise(const GceOptions& options, const Circumstances& circumstances = {}) {
  const softtee::GceEvidence minted = softtee::MintGce(options).value();
  return AppraiseItems(options.tee, minted, ItemsOf(minted), circumstances);
}

std::string Text(const v1::Appraisal& appraisal) {
  std::string text = v1::Verdict_Name(appraisal.verdict());
  for (const v1::Finding& finding : appraisal.findings()) {
    text +=
        "\n" + finding.reason() + " " + finding.component() + " " + finding.claim() + ": " + finding.expected() + " / " + finding.actual();
  }
  return text;
}
std::vector<std::string> Reasons(const v1::Appraisal& appraisal) {
  std::vector<std::string> reasons;
  for (const v1::Finding& finding : appraisal.findings()) reasons.push_back(finding.reason());
  return reasons;
}
std::string ClaimOf(const v1::Appraisal& appraisal, std::string_view name) {
  for (const v1::Claim& claim : appraisal.claims()) {
    if (claim.name() == name) return claim.ShortDebugString();
  }
  return "absent";
}
std::string CheckOf(const v1::Appraisal& appraisal, std::string_view name) {
  for (const v1::Check& check : appraisal.checks()) {
    if (check.name() == name) return v1::CheckResult_Name(check.result());
  }
  return "absent";
}
std::vector<std::string> FeaturesOf(const v1::Appraisal& appraisal) {
  return {appraisal.trust_boundary().features().begin(), appraisal.trust_boundary().features().end()};
}

GceOptions Sound(GceTee tee) {
  GceOptions options{.tee = tee};
  return options;
}

// What a TPM on a machine of that technology logs, and the registers that it then has.
GceOptions WithLog(std::uint8_t technology) {
  PlainLog log = tcg_log::test::PcrLog();
  log.events[tcg_log::test::kNonHostInfo].data[16] = technology;
  GceOptions options{.tee = GceTee::kSevSnp};
  softtee::TpmBank bank{softtee::kTpmSha256, {}};
  for (const auto& [index, value] : log.Pcrs(0x000B)) bank.values[index] = value;
  options.banks = {bank};
  options.event_log = log.Write();
  return options;
}

appraisal::LoadResult PolicyOf(std::string_view shipped, const std::vector<std::pair<std::string, std::string>>& changes) {
  for (const auto& [name, text] : appraisal::ShippedPolicyTexts()) {
    if (name != shipped) continue;
    std::string changed = text;
    for (const auto& [from, to] : changes) {
      const std::size_t at = changed.find(from);
      ASSAY_CHECK(at != std::string::npos);
      changed.replace(at, from.size(), to);
    }
    return appraisal::LoadPolicies({{name, changed}}, BuiltinRegistry());
  }
  ASSAY_CHECK(false);
}

TEST(GcePlatforms, ShippedPoliciesTrustSoundMachinesWithWarnings) {
  for (const GceTee tee : kTees) {
    const v1::Appraisal appraisal = Appraise(Sound(tee));
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Text(appraisal);
    EXPECT_EQ(appraisal.platform(), PlatformOf(tee).name);
    EXPECT_EQ(appraisal.strength(), v1::STRENGTH_C);
    EXPECT_EQ(appraisal.cloud_provenance(), "proven");
    EXPECT_THAT(ClaimOf(appraisal, "gce.project_id"), HasSubstr("softtee-project"));
    EXPECT_THAT(ClaimOf(appraisal, "gce.project_number"), HasSubstr("123456789012"));
    EXPECT_THAT(ClaimOf(appraisal, "tpm.ak_trust"), HasSubstr("certificate"));
    EXPECT_THAT(ClaimOf(appraisal, "tpm.ak_name"), Not(HasSubstr("absent")));
    EXPECT_THAT(FeaturesOf(appraisal), testing::ElementsAre("custom_images", "memory_encryption", "raw_guest_attestation"));
    EXPECT_EQ(CheckOf(appraisal, "gcp.ak_bound"), "CHECK_RESULT_PASSED");
    EXPECT_EQ(CheckOf(appraisal, "gce.endorsement_match"), "CHECK_RESULT_PASSED");
  }
}

TEST(GcePlatforms, TheEndorsementSaysWhichFirmwareItIs) {
  const v1::Appraisal snp = Appraise(Sound(GceTee::kSevSnp)), tdx = Appraise(Sound(GceTee::kTdx));
  EXPECT_THAT(ClaimOf(snp, "gce.firmware_svn"), HasSubstr("5"));
  EXPECT_THAT(ClaimOf(snp, "gce.firmware_vcpus"), HasSubstr("2"));
  EXPECT_EQ(ClaimOf(snp, "gce.firmware_ram_gib"), "absent");
  EXPECT_THAT(ClaimOf(tdx, "gce.firmware_svn"), HasSubstr("6"));
  EXPECT_THAT(ClaimOf(tdx, "gce.firmware_ram_gib"), HasSubstr("16"));
  EXPECT_THAT(ClaimOf(tdx, "gce.firmware_early_accept"), HasSubstr("true"));
  EXPECT_EQ(ClaimOf(tdx, "gce.firmware_vcpus"), "absent");
}

TEST(GcePlatforms, EveryFaultIsRefusedForItsReason) {
  for (const GceTee tee : kTees) {
    for (const softtee::GceFaultEntry& entry : softtee::AllGceFaults()) {
      GceOptions options = Sound(tee);
      options.fault = entry.fault;
      Circumstances circumstances;
      circumstances.platform_hint = std::string(PlatformOf(tee).name);
      const v1::Appraisal appraisal = Appraise(options, circumstances);
      EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED) << entry.name << " " << Text(appraisal);
      EXPECT_THAT(Reasons(appraisal), Contains(std::string(entry.reason)))
          << PlatformOf(tee).name << " " << entry.name << " " << Text(appraisal);
    }
  }
}

// An endorsement that was read and proven before counts for its own bytes, and only where its root is pinned.
TEST(GcePlatforms, EveryFaultIsRefusedAlikeWithWarmCaches) {
  for (const GceTee tee : kTees) {
    trust::FactCaches caches(64);
    const softtee::GceEvidence sound = softtee::MintGce(Sound(tee)).value();
    const std::string first = appraisal::CanonicalJson(AppraiseItems(tee, sound, ItemsOf(sound), {.caches = &caches}));
    EXPECT_GT(caches.documents.size(), 0U);
    EXPECT_GT(caches.signatures.size(), 0U);
    EXPECT_EQ(appraisal::CanonicalJson(AppraiseItems(tee, sound, ItemsOf(sound), {.caches = &caches})), first);
    EXPECT_THAT(Reasons(AppraiseItems(tee, sound, ItemsOf(sound), {.endorsement_root = false, .caches = &caches})),
                Contains("endorsement_unanchored"));
    for (const softtee::GceFaultEntry& entry : softtee::AllGceFaults()) {
      GceOptions options = Sound(tee);
      options.fault = entry.fault;
      const v1::Appraisal appraisal = Appraise(options, {.platform_hint = std::string(PlatformOf(tee).name), .caches = &caches});
      EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED) << entry.name << " " << Text(appraisal);
      EXPECT_THAT(Reasons(appraisal), Contains(std::string(entry.reason)))
          << PlatformOf(tee).name << " " << entry.name << " " << Text(appraisal);
    }
  }
}

TEST(GcePlatforms, Attack123_AKeyThatTheReportDoesNotNameIsRefused) {
  for (const GceTee tee : kTees) {
    for (const GceFault fault : {GceFault::kTranscriptWithoutAk, GceFault::kTranscriptOfOtherAk}) {
      GceOptions options = Sound(tee);
      options.fault = fault;
      const v1::Appraisal appraisal = Appraise(options);
      EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
      EXPECT_THAT(Reasons(appraisal), Contains("ak_uncommitted"));
      EXPECT_EQ(ClaimOf(appraisal, "gce.project_id"), "absent");
    }
    // Nobody can tell either where no challenge was made: then the two would hang together by nothing.
    const softtee::GceEvidence minted = softtee::MintGce(Sound(tee)).value();
    Circumstances circumstances;
    circumstances.challenge = trust::Challenge::NotDemanded(true);
    const v1::Appraisal offline = AppraiseItems(tee, minted, ItemsOf(minted), circumstances);
    EXPECT_EQ(offline.verdict(), v1::VERDICT_REJECTED);
    EXPECT_THAT(Reasons(offline), Contains("ak_uncommitted"));
  }
}

TEST(GcePlatforms, Attack002_PartsOfTwoMachinesDoNotMix) {
  for (const GceTee tee : kTees) {
    const softtee::GceEvidence one = softtee::MintGce(Sound(tee)).value();
    GceOptions other_options = Sound(tee);
    other_options.fault = GceFault::kQuoteOfOtherTranscript;
    const softtee::GceEvidence other = softtee::MintGce(other_options).value();
    std::vector<evidence::Item> mixed = ItemsOf(one);
    for (evidence::Item& item : mixed) {
      if (item.media_type != tpm::kQuoteMediaType) continue;
      for (const softtee::Item& theirs : other.items) {
        if (theirs.media_type == item.media_type) item.body = trust::UntrustedBytes(theirs.body);
      }
    }
    const v1::Appraisal appraisal = AppraiseItems(tee, one, mixed);
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
    EXPECT_THAT(Reasons(appraisal), Contains("binding_mismatch"));
  }
}

TEST(GcePlatforms, Attack119_WithoutARootTheEndorsementIsShownAndNotBelieved) {
  for (const GceTee tee : kTees) {
    for (const std::optional<GceFault> fault : {std::optional<GceFault>(), std::optional(GceFault::kEndorsementRootSelfMade),
                                                std::optional(GceFault::kEndorsementOfOtherFirmware)}) {
      GceOptions options = Sound(tee);
      options.fault = fault;
      const v1::Appraisal appraisal = Appraise(options, {.endorsement_root = false});
      EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Text(appraisal);
      EXPECT_THAT(Reasons(appraisal), Contains("endorsement_unanchored"));
      EXPECT_EQ(CheckOf(appraisal, "gce.endorsement_root"), "CHECK_RESULT_SKIPPED");
      EXPECT_EQ(ClaimOf(appraisal, "gce.firmware_svn"), "absent");
      EXPECT_THAT(appraisal.trust_boundary().not_proven(), Contains(HasSubstr("that the firmware is Google's")));
    }
    GceOptions malformed = Sound(tee);
    malformed.fault = GceFault::kEndorsementCutOff;
    EXPECT_EQ(Appraise(malformed, {.endorsement_root = false}).verdict(), v1::VERDICT_REJECTED);
  }
}

// It may be had from Google: nobody is refused for what the verifier could not get.
TEST(GcePlatforms, WhatIsNotAmongTheEvidenceIsToldAsSkipped) {
  for (const GceTee tee : kTees) {
    GceOptions options = Sound(tee);
    options.with_endorsement = false;
    const v1::Appraisal without = Appraise(options);
    EXPECT_EQ(CheckOf(without, "gce.endorsement_match"), "CHECK_RESULT_SKIPPED");
    EXPECT_THAT(Reasons(without), Contains("endorsement_absent"));
    EXPECT_THAT(Reasons(Appraise(Sound(tee))), Not(Contains("endorsement_absent")));
  }
  EXPECT_EQ(CheckOf(Appraise(Sound(GceTee::kSevSnp)), "gce.technology"), "CHECK_RESULT_SKIPPED");
  const v1::Appraisal unnamed = Appraise(WithLog(9));  // no technology that is known
  EXPECT_EQ(CheckOf(unnamed, "gce.technology"), "CHECK_RESULT_SKIPPED");
  EXPECT_THAT(Reasons(unnamed), Contains("technology_not_logged"));
  EXPECT_THAT(Text(unnamed), HasSubstr("log.gce_technology: a log that names sev_snp / an event log that names none"));
  EXPECT_THAT(Text(Appraise(Sound(GceTee::kSevSnp))), HasSubstr("log.gce_technology: a log that names sev_snp / no event log"));
  EXPECT_EQ(CheckOf(Appraise(WithLog(4)), "gce.technology"), "CHECK_RESULT_PASSED");
  EXPECT_EQ(CheckOf(Appraise(WithLog(3)), "gce.technology"), "CHECK_RESULT_FAILED");
}

TEST(GcePlatforms, WithoutAnEndorsementARuleOnItIsUndecided) {
  for (const GceTee tee : kTees) {
    const std::string file = std::string(PlatformOf(tee).name) + ".yaml";
    const auto loaded = PolicyOf(file, {{"# - {claim: gce.firmware_svn, at_least: 1}", "- {claim: gce.firmware_svn, at_least: 6}"}});
    ASSERT_TRUE(loaded.book);
    GceOptions without = Sound(tee);
    without.with_endorsement = false;
    EXPECT_EQ(Appraise(without).verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS);
    const v1::Appraisal demanded = Appraise(without, {.book = &*loaded.book});
    EXPECT_EQ(demanded.verdict(), v1::VERDICT_INDETERMINATE);
    EXPECT_THAT(Reasons(demanded), Contains("claim_absent"));
    // The endorsed SVN of SEV-SNP is 5, of TDX 6.
    EXPECT_EQ(Appraise(Sound(tee), {.book = &*loaded.book}).verdict(),
              tee == GceTee::kTdx ? v1::VERDICT_TRUSTED_WITH_WARNINGS : v1::VERDICT_REJECTED);
  }
}

// Google's storage has it under the measurement; it serves whoever sent none.
TEST(GcePlatforms, AnEndorsementOfTheCollateralServesWhoSentNone) {
  for (const GceTee tee : kTees) {
    GceOptions without = Sound(tee);
    without.with_endorsement = false;
    const softtee::GceEvidence minted = softtee::MintGce(without).value(), whole = softtee::MintGce(Sound(tee)).value();
    const std::vector<evidence::Item> items = ItemsOf(minted);
    const auto wanted = [](const std::vector<trust::CollateralKey>& keys) {
      return std::count_if(keys.begin(), keys.end(),
                           [](const trust::CollateralKey& key) { return key.kind == "gce.launch_endorsement" && key.detail.size() == 96; });
    };
    EXPECT_EQ(wanted(appraisal::Needs(BuiltinRegistry(), items, {})), 1);
    EXPECT_EQ(wanted(appraisal::Needs(BuiltinRegistry(), ItemsOf(whole), {})), 0) << "it was sent";
    const auto documents =
        appraisal::RecogniseCollateral(BuiltinRegistry(), trust::UntrustedBytes(whole.endorsement), trust::CollateralSource::kVendor);
    ASSERT_FALSE(documents.empty());
    EXPECT_EQ(wanted(appraisal::Needs(BuiltinRegistry(), items, trust::CollateralSnapshot(documents))), 0) << "it is there";
    const v1::Appraisal appraisal = AppraiseItems(tee, minted, items, {.more = documents});
    EXPECT_THAT(ClaimOf(appraisal, "gce.firmware_svn"), HasSubstr(tee == GceTee::kTdx ? "6" : "5")) << Text(appraisal);
    EXPECT_EQ(CheckOf(appraisal, "gce.endorsement_match"), "CHECK_RESULT_PASSED");
    EXPECT_EQ(ClaimOf(AppraiseItems(tee, minted, items, {.endorsement_root = false, .more = documents}), "gce.firmware_svn"), "absent")
        << "without a pinned root nobody believes it";
    // What a node sends is evidence and not collateral.
    EXPECT_TRUE(appraisal::RecogniseCollateral(BuiltinRegistry(), trust::UntrustedBytes(whole.endorsement), trust::CollateralSource::kNode)
                    .empty());
  }
}

TEST(GcePlatforms, OnlyAnEndorsementUnderThePinnedRootIsKept) {
  struct Case {
    std::optional<softtee::GceFault> fault;
    bool root;
    bool kept;
  };
  for (const Case& c :
       {Case{{}, true, true}, Case{{}, false, false}, Case{softtee::GceFault::kEndorsementSignatureDamaged, true, false},
        Case{softtee::GceFault::kEndorsementOfOtherKey, true, false}, Case{softtee::GceFault::kEndorsementRootSelfMade, true, false},
        Case{softtee::GceFault::kEndorsementExpired, true, true}}) {
    GceOptions options = Sound(GceTee::kSevSnp);
    options.fault = c.fault;
    const softtee::GceEvidence minted = softtee::MintGce(options).value();
    const auto documents =
        appraisal::RecogniseCollateral(BuiltinRegistry(), trust::UntrustedBytes(minted.endorsement), trust::CollateralSource::kVendor);
    ASSERT_FALSE(documents.empty());
    const auto authentic = appraisal::AuthenticCollateral(BuiltinRegistry(), documents, AnchorsOf(c.root));
    EXPECT_EQ(authentic.size(), c.kept ? documents.size() : 0U) << (c.fault ? static_cast<int>(*c.fault) : -1);
    for (const trust::AuthenticDocument& document : authentic) {
      EXPECT_LT(document.not_before, document.not_after) << "the certificates' time";
    }
  }
}

TEST(GcpSevSnp, TheLogHangsOnTheTpmAndNamesTheTechnology) {
  const v1::Appraisal snp = Appraise(WithLog(4));
  EXPECT_EQ(snp.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Text(snp);
  EXPECT_THAT(ClaimOf(snp, "log.gce_technology"), HasSubstr("sev_snp"));
  EXPECT_THAT(ClaimOf(snp, "log.secure_boot"), HasSubstr("true"));
  for (const std::uint8_t other : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}}) {
    const v1::Appraisal appraisal = Appraise(WithLog(other));
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED) << int{other};
    EXPECT_THAT(Reasons(appraisal), Contains("inconsistent_claims")) << int{other};
  }
}

TEST(GcpSevSnp, IsCWhateverThePolicyAppraises) {
  const auto loaded = PolicyOf(
      "gcp_sev_snp.yaml",
      {{"waive:\n  - claim: boot.covered\n    reason: without reference values of an image nothing says which kernel, initrd and command line may boot\n",
        "waive:\n"},
       {"  # Whose instances", Cat("  - {claim: tpm.sha256_pcr4, equals: \"", ToHex(softtee::RampBank(softtee::kTpmSha256).values.at(4)),
                                   "\"}\n  # Whose instances")},
       {"waive:\n", "satisfies: {boot.covered: tpm.sha256_pcr4}\nwaive:\n"}});
  ASSERT_TRUE(loaded.book) << (loaded.messages.empty() ? "" : loaded.messages.front().ToString());
  const v1::Appraisal appraisal = Appraise(Sound(GceTee::kSevSnp), {.book = &*loaded.book});
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Text(appraisal);
  EXPECT_EQ(appraisal.strength(), v1::STRENGTH_C);
  EXPECT_THAT(FeaturesOf(appraisal), Not(Contains("measured_boot")));
  EXPECT_THAT(FeaturesOf(appraisal), Not(Contains("reviewable_firmware")));
}

TEST(GcpTdx, IsAOnlyWhereTheHardwareCoversTheBoot) {
  struct Answer {
    std::string claim, value;
    v1::Strength strength;
  };
  for (const Answer& answer : {Answer{"dcap.rtmr1", ToHex(softtee::kDefaultRtmr1), v1::STRENGTH_A},
                               Answer{"tpm.sha256_pcr4", ToHex(softtee::RampBank(softtee::kTpmSha256).values.at(4)), v1::STRENGTH_C}}) {
    const auto loaded = PolicyOf(
        "gcp_tdx.yaml",
        {{"  # Whose instances", Cat("  - {claim: ", answer.claim, ", equals: \"", answer.value, "\"}\n  # Whose instances")},
         {"waive:\n  - claim: boot.covered", Cat("satisfies: {boot.covered: ", answer.claim, "}\nwaive:\n  - claim: boot.covered")},
         {"  - claim: boot.covered\n", ""},
         {"    reason: the shipped policy knows no image; demand dcap.mrtd and the RTMRs in a release and name one of them under satisfies\n",
          ""}});
    ASSERT_TRUE(loaded.book) << (loaded.messages.empty() ? "" : loaded.messages.front().ToString());
    const v1::Appraisal appraisal = Appraise(Sound(GceTee::kTdx), {.book = &*loaded.book});
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Text(appraisal);
    EXPECT_EQ(appraisal.strength(), answer.strength) << answer.claim;
    EXPECT_EQ(std::count(appraisal.trust_boundary().features().begin(), appraisal.trust_boundary().features().end(), "measured_boot"),
              answer.strength == v1::STRENGTH_A)
        << answer.claim;
  }
}

TEST(GcpTdx, TheCcelHangsOnTheQuote) {
  const PlainLog log = tcg_log::test::BootLog();
  GceOptions options = Sound(GceTee::kTdx);
  const auto rtmrs = log.Rtmrs();
  ByteArray<48>* const into[] = {&options.dcap.rtmr0, &options.dcap.rtmr1, &options.dcap.rtmr2, &options.dcap.rtmr3};
  for (std::size_t i = 0; i < 4; ++i) std::copy(rtmrs[i].begin(), rtmrs[i].end(), into[i]->begin());
  options.ccel = log.Write();
  const v1::Appraisal appraisal = Appraise(options);
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Text(appraisal);
  EXPECT_THAT(ClaimOf(appraisal, "log.kernel_cmdline"), HasSubstr("/vmlinuz root=/dev/vda ro"));
  options.dcap.rtmr1[0] ^= 1;
  const v1::Appraisal other = Appraise(options);
  EXPECT_EQ(other.verdict(), v1::VERDICT_REJECTED);
  EXPECT_THAT(Reasons(other), Contains("event_log_mismatch"));
}

TEST(GcePlatforms, DemandEveryItemOfTheirManifest) {
  for (const GceTee tee : kTees) {
    const softtee::GceEvidence minted = softtee::MintGce(Sound(tee)).value();
    for (const std::string_view missing : {tpm::kQuoteMediaType, tpm::kPcrsMediaType, tpm::kAkMediaType}) {
      std::vector<evidence::Item> items = ItemsOf(minted);
      std::erase_if(items, [&](const evidence::Item& item) { return item.media_type == missing; });
      Circumstances circumstances;
      circumstances.platform_hint = std::string(PlatformOf(tee).name);
      const v1::Appraisal appraisal = AppraiseItems(tee, minted, items, circumstances);
      EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED) << missing;
      EXPECT_THAT(Reasons(appraisal), Contains("item_missing")) << missing;
    }
  }
}

TEST(GcePlatforms, TheInstanceIsItsAttestationKey) {
  for (const GceTee tee : kTees) {
    const softtee::GceEvidence minted = softtee::MintGce(Sound(tee)).value();
    const std::vector<evidence::Item> items = ItemsOf(minted);
    const v1::Appraisal appraisal = AppraiseItems(tee, minted, items);
    EXPECT_EQ(appraisal.instance_identity().size(), 32u);
    EXPECT_EQ(appraisal.instance_identity(), AsText(PlatformOf(tee).identity_hint(items, ChallengeOf(minted))));
  }
}

TEST(GcpSevSnp, AVlekIsAnotherProviders) {
  GceOptions options = Sound(GceTee::kSevSnp);
  options.snp.signing_key = softtee::SigningKey::kVlek;
  const v1::Appraisal appraisal = Appraise(options, {.platform_hint = "gcp_sev_snp"});
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
  EXPECT_THAT(Reasons(appraisal), Contains("platform_unrecognised"));
}

TEST(GcpTdx, AnEnclaveIsNoMachine) {
  GceOptions options = Sound(GceTee::kTdx);
  options.dcap.kind = softtee::QuoteKind::kSgxV3;
  const v1::Appraisal appraisal = Appraise(options, {.platform_hint = "gcp_tdx"});
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
  EXPECT_THAT(Reasons(appraisal), Contains("platform_unrecognised"));
}

}  // namespace
}  // namespace assay
