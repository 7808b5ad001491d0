#include "appraisal/appraiser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "appraisal/anchors_file.h"
#include "appraisal/canonical.h"
#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/strings.h"
#include "codec/json_writer.h"
#include "registry/builtin_registry.h"
#include "tests/unit/appraisal/appraising.h"

namespace assay::appraisal {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;

std::string Set(std::string_view name, std::string_view cluster, std::string_view policies, std::string_view strength = "E",
                std::string_view features = "[]") {
  return Cat("apiVersion: assay.v1\nkind: PolicySet\nname: ", name, "\ncontext: {cluster: ", cluster,
             ", role: [worker]}\nstrength: {at_least: ", strength, "}\ntrust_boundary: {require: ", features, "}\npolicies: [", policies,
             "]\n");
}

std::string Without(std::string text, std::string_view line) {
  const std::size_t at = text.find(line);
  EXPECT_NE(at, std::string::npos) << line;
  text.erase(at, text.find('\n', at) - at + 1);
  return text;
}

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Appraise, TrustsWhatHoldsInEveryPart) {
  const v1::Appraisal appraisal = Appraising{}.Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED) << Show(appraisal);
  EXPECT_EQ(appraisal.authenticity(), v1::AUTHENTICITY_AUTHENTIC);
  EXPECT_EQ(appraisal.freshness(), v1::FRESHNESS_PROVEN);
  EXPECT_EQ(appraisal.strength(), v1::STRENGTH_A);
  EXPECT_EQ(appraisal.platform(), "qemu_sev_snp");
  EXPECT_EQ(appraisal.policy(), "qemu");
  EXPECT_EQ(appraisal.cloud_provenance(), "proven");
  EXPECT_EQ(appraisal.instance_identity().size(), 32u);
  EXPECT_TRUE(appraisal.channel_bound());
  EXPECT_EQ(appraisal.valid_until().seconds() - appraisal.appraised_at().seconds(), 3600);
  EXPECT_THAT(appraisal.trust_boundary().features(),
              ElementsAre("custom_images", "measured_boot", "memory_encryption", "raw_guest_attestation"));
  for (const v1::Check& check : appraisal.checks()) EXPECT_EQ(check.result(), v1::CHECK_RESULT_PASSED) << check.name();
  for (const std::string_view check : {"snp.signature", "snp.root_pinned", "snp.revocation", "freshness", "manifest", "policy.rules",
                                       "windows", "windows.crl", "snp.debug", "boot.covered", "owner", "strength", "trust_boundary"}) {
    EXPECT_EQ(ResultOf(appraisal, check), v1::CHECK_RESULT_PASSED) << check;
  }
}

TEST(Appraise, SimulatedVerdictsSayItAndNeverAdmit) {
  const v1::Appraisal appraisal = Appraising{}.Run();
  EXPECT_TRUE(appraisal.simulated());
  EXPECT_FALSE(appraisal.admits());
  ASSERT_NE(FindingOf(appraisal, "simulated"), nullptr);
  EXPECT_EQ(FindingOf(appraisal, "simulated")->effect(), v1::EFFECT_NOTE);
}

TEST(Appraise, AttackEvidenceOfATestRootMeetsTheProductionPins) {
  const v1::Appraisal appraisal = Appraising{.simulated_anchors = false}.Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
  EXPECT_NE(FindingOf(appraisal, "root_not_pinned"), nullptr) << Show(appraisal);
  EXPECT_FALSE(appraisal.simulated());
  EXPECT_EQ(appraisal.claims_size(), 0);
}

TEST(Appraise, SameInputsGiveTheSameBytes) {
  const Appraising appraising;
  const std::vector<evidence::Item> items = appraising.Items();
  const std::string first = CanonicalJson(appraising.RunOn(items));
  EXPECT_EQ(CanonicalJson(appraising.RunOn(items)), first);
  trust::FactCaches caches(64);
  Appraising cached = appraising;
  cached.caches = &caches;
  EXPECT_EQ(CanonicalJson(cached.RunOn(items)), first) << "cold caches";
  EXPECT_EQ(CanonicalJson(cached.RunOn(items)), first) << "warm caches";
}

TEST(Appraise, EachInputIsInTheDigests) {
  const Appraising base;
  const std::vector<evidence::Item> items = base.Items();
  const v1::InputDigests digests = base.RunOn(items).digests();
  Appraising other = base;
  other.policies[0] = QemuPolicy("  - {claim: snp.guest_svn, at_least: 1}\n");
  EXPECT_NE(other.RunOn(items).digests().policy(), digests.policy());
  other = base;
  other.state.not_before = softtee::kDefaultNow - std::chrono::hours(1);
  EXPECT_NE(other.RunOn(items).digests().state(), digests.state());
  other = base;
  other.challenge = trust::Challenge::NotDemanded(true);
  EXPECT_NE(other.RunOn(items).digests().challenge(), digests.challenge());
  other = base;
  other.simulated_anchors = false;
  EXPECT_NE(other.RunOn(items).digests().anchors(), digests.anchors());
  const std::vector<evidence::Item> others = base.Items();  // signatures are randomised
  EXPECT_NE(base.RunOn(others).digests().evidence(0), digests.evidence(0));
}

TEST(Appraise, ExpiryIsTheLeastOfAllParts) {
  Appraising appraising;
  // The default list ends a year after `now`: half an hour before that the list is the least.
  appraising.at = softtee::kDefaultNow + std::chrono::hours(24 * 365) - std::chrono::minutes(30);
  const v1::Appraisal appraisal = appraising.Run();
  ASSERT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED) << Show(appraisal);
  EXPECT_LE(appraisal.valid_until().seconds() - appraisal.appraised_at().seconds(), 1800);
}

// --- freshness ---

TEST(Appraise, WithoutChallengeFreshnessIsSkippedAndUndecided) {
  const v1::Appraisal appraisal = Appraising{.challenge = trust::Challenge::NotDemanded(false)}.Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_INDETERMINATE) << Show(appraisal);
  EXPECT_EQ(appraisal.freshness(), v1::FRESHNESS_SKIPPED);
  EXPECT_EQ(ResultOf(appraisal, "freshness"), v1::CHECK_RESULT_SKIPPED);
}

TEST(Appraise, AcceptedAbsenceOfAChallengeStillWarns) {
  const v1::Appraisal appraisal = Appraising{.challenge = trust::Challenge::NotDemanded(true)}.Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Show(appraisal);
  EXPECT_EQ(ResultOf(appraisal, "freshness"), v1::CHECK_RESULT_SKIPPED);
}

TEST(Appraise, AttackReplayOfAReportForAnotherChallenge) {
  ByteArray<64> other = kDemanded;
  other[63] ^= 1;
  const v1::Appraisal appraisal = Appraising{.challenge = trust::Challenge::Demanded({.report_data = other, .nonce = std::nullopt})}.Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
  EXPECT_NE(FindingOf(appraisal, "binding_mismatch"), nullptr) << Show(appraisal);
}

TEST(Appraise, AttackADemandForAnotherCarrierIsNoDemandForNone) {
  const v1::Appraisal appraisal =
      Appraising{.challenge = trust::Challenge::Demanded({.report_data = std::nullopt, .nonce = Bytes{1, 2, 3}})}.Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
  EXPECT_NE(FindingOf(appraisal, "binding_mismatch"), nullptr) << Show(appraisal);
}

// --- which policy, which platform ---

TEST(Appraise, NoSetForTheContextIsRejectedBeforeEvidenceIsOpened) {
  const v1::Appraisal appraisal = Appraising{.policies = {QemuPolicy(), Set("prod", "prod", "qemu")}, .cluster = "elsewhere"}.Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
  ASSERT_NE(FindingOf(appraisal, "policy_none"), nullptr);
  EXPECT_THAT(FindingOf(appraisal, "policy_none")->actual(), HasSubstr("elsewhere"));
  EXPECT_EQ(appraisal.checks_size(), 1) << "nothing else ran";
}

TEST(Appraise, TheSetOfTheContextDecides) {
  const v1::Appraisal appraisal = Appraising{.policies = {QemuPolicy(), Set("prod-workers", "prod", "qemu", "A")}, .cluster = "prod"}.Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED) << Show(appraisal);
  EXPECT_EQ(appraisal.policy_set(), "prod-workers");
}

TEST(Appraise, AttackPlatformHintCannotLeaveTheSet) {
  for (const std::string hint : {"aws_sev_snp_report", "azure_sev_snp", "../qemu_sev_snp", "QEMU_SEV_SNP"}) {
    const v1::Appraisal appraisal =
        Appraising{.policies = {QemuPolicy(), AwsPolicy(), Set("prod", "prod", "qemu")}, .cluster = "prod", .platform_hint = hint}.Run();
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED) << hint;
    ASSERT_NE(FindingOf(appraisal, "platform_not_allowed"), nullptr) << hint << Show(appraisal);
    EXPECT_EQ(FindingOf(appraisal, "platform_not_allowed")->expected(), "qemu_sev_snp");
  }
}

TEST(Appraise, BrokenEvidenceOfOnePlatformIsToldWhatIsWrongWithIt) {
  Appraising report{.policies = {QemuPolicy(), TdxPolicy(), Set("prod", "prod", "qemu, tdx")}, .cluster = "prod"};
  report.evidence.fault = softtee::Fault::kReportTruncated;
  EXPECT_NE(FindingOf(report.Run(), "length_wrong"), nullptr) << Show(report.Run());
  Appraising quote = report;
  quote.quote = softtee::DcapOptions{.fault = softtee::DcapFault::kVersion6};
  EXPECT_NE(FindingOf(quote.Run(), "version_unsupported"), nullptr) << Show(quote.Run());
  // Where several would take such items, none is picked for the node.
  report.policies = {QemuPolicy(), AwsPolicy(), Set("prod", "prod", "qemu, aws")};
  EXPECT_NE(FindingOf(report.Run(), "platform_not_allowed"), nullptr) << Show(report.Run());
}

TEST(Appraise, AttackVlekEvidenceOnAQemuOnlySet) {
  Appraising appraising{.policies = {QemuPolicy(), AwsPolicy(), Set("prod", "prod", "qemu")}, .cluster = "prod"};
  appraising.evidence.signing_key = softtee::SigningKey::kVlek;
  const v1::Appraisal inferred = appraising.Run();
  EXPECT_EQ(inferred.verdict(), v1::VERDICT_REJECTED);
  EXPECT_NE(FindingOf(inferred, "platform_not_allowed"), nullptr) << Show(inferred);
  appraising.platform_hint = "qemu_sev_snp";
  const v1::Appraisal hinted = appraising.Run();
  EXPECT_EQ(hinted.verdict(), v1::VERDICT_REJECTED);
  EXPECT_NE(FindingOf(hinted, "platform_unrecognised"), nullptr) << Show(hinted);
}

TEST(Appraise, AttackVlekOfAnotherProviderIsNotAws) {
  for (const std::string csp_id :
       {"CN=cc-us-east-2.example.com", "CN=evil.amazonaws.com.example", "cc-us-east-2.amazonaws.com", "CN=cc-x.amazonaws.com "}) {
    Appraising appraising;
    appraising.evidence.signing_key = softtee::SigningKey::kVlek;
    appraising.evidence.csp_id = csp_id;
    const v1::Appraisal appraisal = appraising.Run();
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED) << csp_id;
    EXPECT_EQ(appraisal.claims_size(), 0) << csp_id;
  }
}

TEST(Appraise, AwsReportAloneIsAtBestTrustedWithWarningsAndSaysWhy) {
  Appraising appraising;
  appraising.evidence.signing_key = softtee::SigningKey::kVlek;
  const v1::Appraisal appraisal = appraising.Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Show(appraisal);
  EXPECT_EQ(appraisal.strength(), v1::STRENGTH_C);
  ASSERT_NE(FindingOf(appraisal, "boot_not_covered"), nullptr);
  EXPECT_EQ(FindingOf(appraisal, "boot_not_covered")->waived_because(), "firmware only");
  EXPECT_EQ(ResultOf(appraisal, "boot.covered"), v1::CHECK_RESULT_WAIVED);
}

// --- items ---

TEST(Appraise, RefusesItemsThatDoNotBelong) {
  struct Case {
    std::string media_type;
    Bytes body;
    std::string_view reason;
  };
  for (const Case& c : {Case{"application/vnd.assay.tpm-quote", {1}, "item_unexpected"}, Case{"text/html", {1}, "media_type_unknown"},
                        Case{"", {1}, "media_type_unknown"}, Case{"application/pkix-crl", {}, "item_empty"},
                        Case{"application/vnd.assay.sev-snp-report", {1}, "item_duplicate"},
                        Case{"application/pkix-cert", {0x30, 0x80}, "certificate_malformed"},
                        Case{"application/pkix-crl", {0x30, 0x80}, "crl_malformed"}}) {
    Appraising appraising;
    appraising.platform_hint = "qemu_sev_snp";
    appraising.more_items = {{c.media_type, trust::UntrustedBytes(c.body)}};
    const v1::Appraisal appraisal = appraising.Run();
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED) << c.media_type;
    EXPECT_NE(FindingOf(appraisal, c.reason), nullptr) << c.media_type << "\n" << Show(appraisal);
  }
}

TEST(Appraise, NoItemsAtAll) {
  const v1::Appraisal appraisal = Appraising{}.RunOn({});
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
  EXPECT_NE(FindingOf(appraisal, "item_missing"), nullptr) << Show(appraisal);
}

TEST(Appraise, MoreItemsThanTheManifestAllows) {
  Appraising appraising;
  const std::vector<evidence::Item> one = appraising.Items();
  std::vector<evidence::Item> many = one;
  for (int i = 0; i < 1000; ++i) many.push_back(one.back());
  const v1::Appraisal appraisal = appraising.RunOn(many);
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
}

TEST(Appraise, OrderOfItemsChangesNothingButTheirDigests) {
  Appraising appraising;
  appraising.evidence.delivery = softtee::SnpOptions::Delivery::kSeparateItems;
  std::vector<evidence::Item> items = appraising.Items();
  v1::Appraisal forward = appraising.RunOn(items);
  std::reverse(items.begin(), items.end());
  v1::Appraisal backward = appraising.RunOn(items);
  EXPECT_EQ(forward.verdict(), v1::VERDICT_TRUSTED) << Show(forward);
  forward.mutable_digests()->clear_evidence();
  backward.mutable_digests()->clear_evidence();
  EXPECT_EQ(CanonicalJson(forward), CanonicalJson(backward));
}

// --- policy ---

TEST(Appraise, EachRuleThatFailsIsAFindingOfItsOwn) {
  struct Case {
    std::string_view rule;
    std::string_view reason;
    v1::Verdict verdict;
  };
  const std::string zero48(96, '0');
  for (const Case& c : {
           Case{"  - {claim: snp.guest_svn, at_least: 99}\n", "rule_failed", v1::VERDICT_REJECTED},
           Case{"  - {claim: snp.guest_svn, equals: 99}\n", "rule_failed", v1::VERDICT_REJECTED},
           Case{"  - {claim: snp.platform_info, bits_clear: [smt_en]}\n", "rule_failed", v1::VERDICT_REJECTED},
           Case{"  - {claim: snp.platform_info, bits_set: [tio_en]}\n", "rule_failed", v1::VERDICT_REJECTED},
           Case{"  - {claim: snp.csp_id, present: true}\n", "claim_absent", v1::VERDICT_REJECTED},
           Case{"  - {claim: snp.current_mit_vector, at_least: 1}\n", "claim_absent", v1::VERDICT_REJECTED},
           Case{"  - {claim: snp.current_tcb, at_least: {\"19:01:*\": {snp: 255}}}\n", "tcb_below_floor", v1::VERDICT_REJECTED},
           Case{"  - {claim: snp.current_tcb, at_least: {\"19:01:*\": {fmc: 1}}}\n", "tcb_below_floor", v1::VERDICT_REJECTED},
           Case{"  - {claim: snp.current_tcb, at_least: {\"19:11:*\": {snp: 1}}}\n", "tcb_floor_missing", v1::VERDICT_INDETERMINATE},
           Case{"  - any_of: [{claim: snp.guest_svn, equals: 98}, {claim: snp.guest_svn, equals: 99}]\n", "rule_failed",
                v1::VERDICT_REJECTED},
       }) {
    const v1::Appraisal appraisal = Appraising{.policies = {QemuPolicy(c.rule)}}.Run();
    EXPECT_EQ(appraisal.verdict(), c.verdict) << c.rule << Show(appraisal);
    EXPECT_EQ(appraisal.authenticity(), v1::AUTHENTICITY_AUTHENTIC) << c.rule;
    const v1::Finding* finding = FindingOf(appraisal, c.reason);
    ASSERT_NE(finding, nullptr) << c.rule << Show(appraisal);
    EXPECT_THAT(finding->component(), HasSubstr("0.yaml:")) << "the rule's place";
    EXPECT_NE(finding->expected(), "");
    EXPECT_NE(finding->actual(), "");
    EXPECT_NE(finding->remedy(), "");
  }
}

TEST(Appraise, RulesThatHold) {
  for (const std::string_view rule : {
           "  - {claim: snp.guest_svn, at_least: 1}\n",
           "  - {claim: snp.guest_svn, one_of: [7, 1]}\n",
           "  - {claim: snp.host_data, present: true}\n",
           "  - {claim: cloud.provenance, equals: proven}\n",
           "  - {claim: snp.current_tcb, at_least: {\"19:01:*\": {snp: 1}, \"19:01:1\": {microcode: 1}}}\n",
           "  - any_of: [{claim: snp.guest_svn, equals: 99}, {claim: snp.guest_svn, equals: 1}]\n",
       }) {
    const v1::Appraisal appraisal = Appraising{.policies = {QemuPolicy(rule)}}.Run();
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED) << rule << Show(appraisal);
  }
}

TEST(Appraise, AllFindingsAreCollected) {
  Appraising appraising{.policies = {QemuPolicy("  - {claim: snp.guest_svn, equals: 99}\n  - {claim: snp.csp_id, present: true}\n")}};
  appraising.evidence.fault = softtee::Fault::kDebug;
  const v1::Appraisal appraisal = appraising.Run();
  for (const std::string_view reason : {"rule_failed", "claim_absent", "debug_enabled"}) {
    EXPECT_NE(FindingOf(appraisal, reason), nullptr) << reason << Show(appraisal);
  }
}

TEST(Appraise, WaivedDebugIsAtBestTrustedWithWarnings) {
  Appraising appraising{.policies = {QemuPolicy() + "waive:\n  - {claim: snp.policy_debug, reason: lab only}\n"}};
  appraising.evidence.fault = softtee::Fault::kDebug;
  const v1::Appraisal waived = appraising.Run();
  EXPECT_EQ(waived.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Show(waived);
  ASSERT_NE(FindingOf(waived, "debug_enabled"), nullptr);
  EXPECT_EQ(FindingOf(waived, "debug_enabled")->waived_because(), "lab only");
  EXPECT_EQ(ResultOf(waived, "snp.debug"), v1::CHECK_RESULT_WAIVED);
  appraising.evidence.fault.reset();
  const v1::Appraisal unused = appraising.Run();
  EXPECT_EQ(unused.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << "an unused waiver is still shown";
  EXPECT_NE(FindingOf(unused, "claim_waived"), nullptr);
}

TEST(Appraise, AWaiverNeverReachesTheFloorInCode) {
  Appraising appraising{.policies = {QemuPolicy() +
                                     "waive:\n  - {claim: snp.policy_debug, reason: a}\n  - {claim: snp.policy_migrate_ma, reason: b}\n"
                                     "  - {claim: snp.revocation_checked, reason: c}\n"}};
  for (const softtee::Fault fault :
       {softtee::Fault::kSignatureDamaged, softtee::Fault::kCrlRevokesIntermediate, softtee::Fault::kLeafExpired,
        softtee::Fault::kOtherReportData, softtee::Fault::kRootSelfMade, softtee::Fault::kReportIdMaSet}) {
    appraising.evidence.fault = fault;
    EXPECT_EQ(appraising.Run().verdict(), v1::VERDICT_REJECTED) << softtee::EntryOf(fault).name;
  }
}

TEST(Appraise, MissingRevocationListIsUndecidedUnlessWaived) {
  Appraising appraising;
  appraising.evidence.with_crl = false;
  const v1::Appraisal undecided = appraising.Run();
  EXPECT_EQ(undecided.verdict(), v1::VERDICT_INDETERMINATE) << Show(undecided);
  EXPECT_NE(FindingOf(undecided, "revocation_unchecked"), nullptr);
  EXPECT_THAT(undecided.missing_collateral(), Contains("amd.crl/Milan"));
  appraising.policies = {QemuPolicy() + "waive:\n  - {claim: snp.revocation_checked, reason: air gap}\n"};
  EXPECT_EQ(appraising.Run().verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS);
}

TEST(Appraise, StaleRevocationListIsUndecidedUnlessWaived) {
  Appraising appraising;
  appraising.evidence.fault = softtee::Fault::kCrlStale;
  EXPECT_EQ(appraising.Run().verdict(), v1::VERDICT_INDETERMINATE);
  appraising.policies = {QemuPolicy() + "waive:\n  - {claim: snp.revocation_checked, reason: air gap}\n"};
  const v1::Appraisal waived = appraising.Run();
  EXPECT_EQ(waived.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Show(waived);
  EXPECT_EQ(ResultOf(waived, "windows.crl"), v1::CHECK_RESULT_WAIVED);
}

TEST(Appraise, MilanWithoutProvenChipIsAtMostTrustedWithWarnings) {
  Appraising appraising{.policies = {Without(QemuPolicy(), "  - {claim: snp.chip_id")}};
  const v1::Appraisal milan = appraising.Run();
  EXPECT_EQ(milan.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Show(milan);
  EXPECT_NE(FindingOf(milan, "key_extractable"), nullptr);
  EXPECT_EQ(milan.cloud_provenance(), "inferred");
  appraising.evidence.product = softtee::Product::kGenoa;
  EXPECT_EQ(appraising.Run().verdict(), v1::VERDICT_TRUSTED);
}

TEST(Appraise, ProofOfProvenanceMayBeDemanded) {
  const v1::Appraisal appraisal =
      Appraising{.policies = {Without(QemuPolicy("  - {claim: cloud.provenance, equals: proven}\n"), "  - {claim: snp.chip_id")}}.Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
  ASSERT_NE(FindingOf(appraisal, "provenance_inferred"), nullptr) << Show(appraisal);
}

TEST(Appraise, VersionsTwoAndFourOnlyWhereNamed) {
  for (const std::uint32_t version : {2U, 4U}) {
    Appraising appraising{.policies = {Without(QemuPolicy(), "  - {claim: snp.version")}};
    appraising.evidence.version = version;
    const v1::Appraisal refused = appraising.Run();
    EXPECT_NE(FindingOf(refused, "report_version_not_allowed"), nullptr) << version << Show(refused);
    EXPECT_EQ(refused.verdict(), v1::VERDICT_REJECTED);
  }
}

TEST(Appraise, VersionTwoHasNoCpuAndSoNoFloor) {
  Appraising appraising;
  appraising.evidence.version = 2;
  const v1::Appraisal appraisal = appraising.Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_INDETERMINATE) << Show(appraisal);
  ASSERT_NE(FindingOf(appraisal, "tcb_floor_missing"), nullptr);
  EXPECT_THAT(FindingOf(appraisal, "tcb_floor_missing")->actual(), HasSubstr("snp.cpu"));
}

TEST(Appraise, FloorFindingNamesTheKeyToAdd) {
  Appraising appraising{.policies = {Replaced(QemuPolicy(), "\"19:01:*\": {snp: 1}, ", "")}};
  const v1::Appraisal appraisal = appraising.Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_INDETERMINATE);
  ASSERT_NE(FindingOf(appraisal, "tcb_floor_missing"), nullptr) << Show(appraisal);
  EXPECT_THAT(FindingOf(appraisal, "tcb_floor_missing")->remedy(), HasSubstr("\"19:01:1\""));
}

TEST(Appraise, BootAndOwnerAnswersMustHold) {
  Appraising appraising;
  appraising.evidence.measurement[0] ^= 1;
  const v1::Appraisal appraisal = appraising.Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
  EXPECT_NE(FindingOf(appraisal, "boot_not_covered"), nullptr) << Show(appraisal);
  EXPECT_EQ(appraisal.strength(), v1::STRENGTH_C) << "an unappraised boot state is no boot state";
  EXPECT_NE(FindingOf(appraisal, "strength_below"), nullptr);
  EXPECT_NE(FindingOf(appraisal, "feature_missing"), nullptr);
}

TEST(Appraise, AttackAllZeroIdKeyIsNobodysMachine) {
  Appraising appraising;
  appraising.evidence.id_key_digest.fill(0);
  const v1::Appraisal appraisal = appraising.Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
  EXPECT_NE(FindingOf(appraisal, "owner_unknown"), nullptr) << Show(appraisal);
}

TEST(Appraise, StrengthAndFeaturesOfTheSetAreDemandedToo) {
  Appraising appraising;
  appraising.evidence.signing_key = softtee::SigningKey::kVlek;
  appraising.cluster = "prod";
  appraising.policies = {AwsPolicy(), Set("prod", "prod", "aws", "B", "[reviewable_firmware]")};
  const v1::Appraisal appraisal = appraising.Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
  ASSERT_NE(FindingOf(appraisal, "strength_below"), nullptr) << Show(appraisal);
  EXPECT_EQ(FindingOf(appraisal, "strength_below")->expected(), "at least B");
  EXPECT_EQ(FindingOf(appraisal, "strength_below")->actual(), "C");
  ASSERT_NE(FindingOf(appraisal, "feature_missing"), nullptr);
  EXPECT_EQ(FindingOf(appraisal, "feature_missing")->expected(), "reviewable_firmware");
}

std::string Releases(std::string_view sunset) {
  ByteArray<48> other = softtee::kDefaultMeasurement;
  other[0] ^= 1;
  return Cat("apiVersion: assay.v1\nkind: ReferenceValues\nname: images\nreleases:\n", "  - {name: other, values: {snp.measurement: \"",
             ToHex(other), "\", snp.guest_svn: 1}}\n", "  - {name: good, ", sunset, "values: {snp.measurement: \"",
             ToHex(softtee::kDefaultMeasurement), "\", snp.guest_svn: 1}}\n");
}

std::string ReleasePolicy() {
  return Replaced(QemuPolicy(), Cat("  - {claim: snp.measurement, equals: \"", ToHex(softtee::kDefaultMeasurement), "\"}"),
                  "  - {release: images}");
}

TEST(Appraise, ReleaseIsMatchedWhole) {
  Appraising appraising{.policies = {ReleasePolicy(), Releases("")}};
  const v1::Appraisal good = appraising.Run();
  EXPECT_EQ(good.verdict(), v1::VERDICT_TRUSTED) << Show(good);
  EXPECT_EQ(good.release(), "good");
  EXPECT_THAT(good.trust_boundary().features(), Contains("reviewable_firmware"));
  appraising.policies[1] = Replaced(Releases(""), "snp.guest_svn: 1}}\n  - {name: good", "snp.guest_svn: 1}}\n  - {name: good");
  // Half of one release and half of the other is neither.
  appraising.policies[1] = Replaced(appraising.policies[1], Cat(ToHex(softtee::kDefaultMeasurement), "\", snp.guest_svn: 1"),
                                    Cat(ToHex(softtee::kDefaultMeasurement), "\", snp.guest_svn: 2"));
  const v1::Appraisal mixed = appraising.Run();
  EXPECT_EQ(mixed.verdict(), v1::VERDICT_REJECTED);
  EXPECT_NE(FindingOf(mixed, "release_unknown"), nullptr) << Show(mixed);
  EXPECT_EQ(mixed.release(), "");
}

TEST(Appraise, ReleaseEndsAtItsSunset) {
  Appraising appraising{.policies = {ReleasePolicy(), Releases("sunset: 2026-12-01T00:00:00Z, ")}};
  EXPECT_EQ(appraising.Run().verdict(), v1::VERDICT_TRUSTED);
  appraising.at = *ParseTime("2026-11-30T23:50:00Z");
  const v1::Appraisal last = appraising.Run();
  EXPECT_EQ(last.verdict(), v1::VERDICT_TRUSTED) << Show(last);
  EXPECT_EQ(last.valid_until().seconds() - last.appraised_at().seconds(), 599) << "a verdict does not outlive its release";
  appraising.at = *ParseTime("2026-12-01T00:00:00Z");
  const v1::Appraisal late = appraising.Run();
  EXPECT_EQ(late.verdict(), v1::VERDICT_REJECTED);
  EXPECT_NE(FindingOf(late, "release_sunset"), nullptr) << Show(late);
}

// What a release only warns about decides nothing but that: enforced values still have to match whole.
TEST(Appraise, ReleaseWarnsOfWhatItDoesNotDemand) {
  const std::string enforced = Cat("values: {snp.measurement: \"", ToHex(softtee::kDefaultMeasurement), "\", snp.guest_svn: 1}");
  const auto with = [&](std::string_view warn) { return Replaced(Releases(""), enforced, Cat(enforced, ", warn: {", warn, "}")); };
  Appraising appraising{.policies = {ReleasePolicy(), with("snp.vmpl: 0")}};
  const v1::Appraisal same = appraising.Run();
  EXPECT_EQ(same.verdict(), v1::VERDICT_TRUSTED) << Show(same);

  appraising.policies[1] = with("snp.vmpl: 1, snp.policy_smt: true");
  const v1::Appraisal other = appraising.Run();
  EXPECT_EQ(other.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Show(other);
  EXPECT_EQ(other.release(), "good");
  const v1::Finding* finding = FindingOf(other, "release_value_differs");
  ASSERT_NE(finding, nullptr) << Show(other);
  EXPECT_EQ(finding->claim(), "snp.vmpl");
  EXPECT_EQ(finding->expected(), "1, as of release good");
  EXPECT_EQ(finding->actual(), "0");

  // A claim that the evidence does not have differs, too.
  appraising.policies[1] = with("snp.csp_id: \"CN=cc-us-east-2.amazonaws.com\"");
  const v1::Appraisal absent = appraising.Run();
  EXPECT_EQ(absent.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Show(absent);
  ASSERT_NE(FindingOf(absent, "release_value_differs"), nullptr);
  EXPECT_EQ(FindingOf(absent, "release_value_differs")->actual(), "absent");
}

TEST(Appraise, OfSeveralReleasesTheOneWithLeastToWarnAboutCounts) {
  const std::string enforced = Cat("{snp.measurement: \"", ToHex(softtee::kDefaultMeasurement), "\", snp.guest_svn: 1}");
  const std::string releases = Cat("apiVersion: assay.v1\nkind: ReferenceValues\nname: images\nreleases:\n",
                                   "  - {name: old, values: ", enforced, ", warn: {snp.vmpl: 3}}\n", "  - {name: new, values: ", enforced,
                                   ", warn: {snp.vmpl: 0}}\n", "  - {name: newer, values: ", enforced, ", warn: {snp.vmpl: 2}}\n");
  const v1::Appraisal appraisal = Appraising{.policies = {ReleasePolicy(), releases}}.Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED) << Show(appraisal);
  EXPECT_EQ(appraisal.release(), "new");
}

TEST(Appraise, AdmitsWithWarningsOnlyWhereThePolicySaysSo) {
  // Admission needs real anchors; without them it is false in every case.
  Appraising appraising;
  appraising.evidence.signing_key = softtee::SigningKey::kVlek;
  EXPECT_FALSE(appraising.Run().admits());
}

TEST(Appraise, AClockBehindWhatHasPassedTrustsNothing) {
  Appraising appraising;
  appraising.state.not_before = softtee::kDefaultNow + std::chrono::seconds(1);
  const v1::Appraisal appraisal = appraising.Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_INDETERMINATE) << Show(appraisal);
  EXPECT_NE(FindingOf(appraisal, "clock_behind"), nullptr);
  appraising.state.not_before = softtee::kDefaultNow;
  EXPECT_EQ(appraising.Run().verdict(), v1::VERDICT_TRUSTED);
}

// --- windows ---

TEST(JudgeWindows, BothEndsAreInside) {
  const Time from = softtee::kDefaultNow, to = from + std::chrono::hours(1);
  struct Case {
    Time at;
    bool list;
    std::optional<Reason> reason;
  };
  const Duration second(1);
  for (const Case& c : {Case{from, false, {}}, Case{to, false, {}}, Case{from - second, false, Reason::kNotYetValid},
                        Case{to + second, false, Reason::kExpired}, Case{from - second, true, Reason::kCrlNotYetValid},
                        Case{to + second, true, Reason::kCrlStale}, Case{to, true, {}}}) {
    const trust::ValidityWindow windows[] = {{"x", from, to, c.list}};
    CheckLog log;
    JudgeWindows(windows, c.at, log);
    if (!c.reason) {
      EXPECT_TRUE(log.findings().empty());
      continue;
    }
    ASSERT_EQ(log.findings().size(), 1u);
    EXPECT_EQ(log.findings().front().reason, *c.reason);
    EXPECT_EQ(log.findings().front().effect, c.list ? Effect::kIndeterminate : Effect::kReject);
  }
}

TEST(JudgeWindows, GraceIsForWhatIsIssuedAgainAndAgain) {
  const Time from = softtee::kDefaultNow, to = from + std::chrono::hours(1);
  const Duration second(1), grace = std::chrono::hours(2);
  const trust::Edition edition{{"amd.crl", "Milan", ""}, 7, from};
  const auto list = [&](bool with_edition) {
    return trust::ValidityWindow{.component = "crl",
                                 .not_before = from,
                                 .not_after = to,
                                 .revocation_list = with_edition,
                                 .edition = with_edition ? std::optional(edition) : std::nullopt};
  };
  const trust::ValidityWindow document{.component = "tcb-info", .not_before = from, .not_after = to, .document = true, .edition = edition};
  const trust::ValidityWindow signer{.component = "tcb-signing", .not_before = from, .not_after = to, .document = true};
  const std::vector<trust::Floor> same{{edition, trust::Channel::kStandard}}, newer{{{edition.series, 8, from}, trust::Channel::kStandard}},
      early{{{edition.series, 8, from}, trust::Channel::kEarly}};
  struct Case {
    std::string_view what;
    trust::ValidityWindow window;
    Time at;
    std::vector<trust::Floor> floors;
    Reason reason;
    Effect effect;
  };
  for (const Case& c : {
           Case{"a list, one second late", list(true), to + second, {}, Reason::kWithinGrace, Effect::kWarn},
           Case{"a document, one second late", document, to + second, {}, Reason::kWithinGrace, Effect::kWarn},
           Case{"the last second", list(true), to + grace, same, Reason::kWithinGrace, Effect::kWarn},
           Case{"what is to come supersedes nothing", list(true), to + second, early, Reason::kWithinGrace, Effect::kWarn},
           Case{"one second more", list(true), to + grace + second, {}, Reason::kCrlStale, Effect::kIndeterminate},
           Case{"a document, one second more", document, to + grace + second, {}, Reason::kDocumentExpired, Effect::kIndeterminate},
           Case{"superseded", list(true), to + second, newer, Reason::kCrlStale, Effect::kIndeterminate},
           Case{"not yet valid", list(true), from - second, {}, Reason::kCrlNotYetValid, Effect::kIndeterminate},
           Case{"a certificate", list(false), to + second, {}, Reason::kExpired, Effect::kReject},
           Case{"the certificate that signs a document", signer, to + second, {}, Reason::kDocumentExpired, Effect::kIndeterminate},
       }) {
    CheckLog log;
    JudgeWindows(std::span(&c.window, 1), c.at, log, {.grace = grace, .floors = c.floors});
    ASSERT_EQ(log.findings().size(), 1U) << c.what;
    EXPECT_EQ(log.findings().front().reason, c.reason) << c.what;
    EXPECT_EQ(log.findings().front().effect, c.effect) << c.what;
    ASSERT_EQ(log.records().size(), 1U) << c.what;
    EXPECT_EQ(log.records().front().result, c.reason == Reason::kWithinGrace ? CheckResult::kWaived : CheckResult::kFailed) << c.what;
  }
}

TEST(JudgeFloors, WhatIsOlderThanItsFloorIsRefused) {
  const Time from = softtee::kDefaultNow, to = from + std::chrono::hours(1);
  const trust::Edition edition{{"intel.tcb_info", "tdx", "00806f050000"}, 17, from};
  const trust::ValidityWindow window{.component = "tcb-info", .not_before = from, .not_after = to, .document = true, .edition = edition};
  const auto refused = [&](const trust::Floor& floor) {
    CheckLog log;
    JudgeFloors(std::span(&window, 1), std::span(&floor, 1), log);
    return log.findings().empty() ? std::nullopt : std::optional(log.findings().front().reason);
  };
  EXPECT_EQ(refused({{edition.series, 18, from}, trust::Channel::kStandard}), Reason::kDocumentRolledBack);
  EXPECT_EQ(refused({{edition.series, 17, from + Duration(1)}, trust::Channel::kStandard}), Reason::kDocumentRolledBack)
      << "issued anew under the same number";
  EXPECT_EQ(refused({edition, trust::Channel::kStandard}), std::nullopt);
  EXPECT_EQ(refused({{edition.series, 16, from + Duration(1)}, trust::Channel::kStandard}), std::nullopt);
  EXPECT_EQ(refused({{edition.series, 18, from}, trust::Channel::kEarly}), std::nullopt);
  EXPECT_EQ(refused({{{"intel.tcb_info", "sgx", "00806f050000"}, 18, from}, trust::Channel::kStandard}), std::nullopt) << "another series";
}

TEST(Appraise, GraceIsShownAndEndsTheVerdict) {
  Appraising appraising{.policies = {"grace: 2h\n" + QemuPolicy()}};
  const Time end = softtee::kDefaultNow + std::chrono::hours(24 * 365);  // of the default list
  appraising.at = end + std::chrono::minutes(90);
  const v1::Appraisal late = appraising.Run();
  EXPECT_EQ(late.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Show(late);
  EXPECT_FALSE(late.admits()) << "admit_with_warnings is not set";
  EXPECT_EQ(ResultOf(late, "windows.crl"), v1::CHECK_RESULT_WAIVED);
  EXPECT_EQ(late.valid_until().seconds() - late.appraised_at().seconds(), 1800) << "the end of the grace";
  const v1::Finding* finding = FindingOf(late, "within_grace");
  ASSERT_NE(finding, nullptr) << Show(late);
  EXPECT_EQ(finding->effect(), v1::EFFECT_WARN);
  EXPECT_EQ(finding->waived_because(), "the policy's grace of 2h");
  EXPECT_THAT(finding->remedy(), HasSubstr(FormatTime(end + std::chrono::hours(2))));

  appraising.state.floors = {{{{"amd.crl", "Milan", ""}, 1'000, appraising.at}, trust::Channel::kStandard}};
  const v1::Appraisal superseded = appraising.Run();
  EXPECT_EQ(superseded.verdict(), v1::VERDICT_REJECTED) << Show(superseded);
  EXPECT_EQ(FindingOf(superseded, "within_grace"), nullptr) << Show(superseded);
  appraising.state.floors.clear();

  appraising.at = end + std::chrono::hours(2) + Duration(1);
  EXPECT_EQ(appraising.Run().verdict(), v1::VERDICT_INDETERMINATE);
  appraising.policies = {QemuPolicy()};
  appraising.at = end + Duration(1);
  EXPECT_EQ(appraising.Run().verdict(), v1::VERDICT_INDETERMINATE) << "without a word of the policy there is none";
}

// --- canonical form ---

TEST(CanonicalJson, FollowsTheProto) {
  v1::Appraisal appraisal;
  EXPECT_EQ(CanonicalJson(appraisal), "{}");
  appraisal.set_verdict(v1::VERDICT_TRUSTED);
  appraisal.mutable_appraised_at()->set_seconds(0);
  v1::Claim& flag = *appraisal.add_claims();
  flag.set_name("a");
  flag.set_flag(false);
  v1::Claim& number = *appraisal.add_claims();
  number.set_name("b");
  number.set_number(18446744073709551615U);
  v1::Claim& octets = *appraisal.add_claims();
  octets.set_octets(std::string("\x00\xff", 2));
  appraisal.add_findings()->set_code(2012);
  EXPECT_EQ(CanonicalJson(appraisal),
            R"({"appraised_at":"1970-01-01T00:00:00Z","claims":[{"flag":false,"name":"a"},{"name":"b","number":"18446744073709551615"},)"
            R"({"octets":"00ff"}],"findings":[{"code":2012}],"verdict":"VERDICT_TRUSTED"})");
}

TEST(CanonicalJson, IsTheCanonicalTextOfTheTree) {
  v1::Appraisal appraisal = Appraising().Run();
  ASSERT_GT(appraisal.claims_size(), 10);
  v1::Finding& finding = *appraisal.add_findings();
  finding.set_actual("\"\\\b\t\n\f\r\x01\x7f … 𝄞");
  finding.set_effect(static_cast<v1::Effect>(77));  // of a newer version
  v1::Claim& empty = *appraisal.add_claims();
  empty.set_text("");
  empty.mutable_version();  // the other member of the oneof
  appraisal.add_missing_collateral("");
  EXPECT_EQ(CanonicalJson(appraisal), *json::Canonical(TreeOf(appraisal)));
}

// --- anchors ---

TEST(TestAnchors, AreSimulatedAndReplaceThePins) {
  const auto anchors = ParseTestAnchors("a.yaml", softtee::SnpPki::Shared().AnchorsYaml());
  ASSERT_TRUE(anchors.ok()) << MessageOf(anchors.status());
  EXPECT_TRUE(anchors->simulated());
  EXPECT_EQ(anchors->anchors().size(), 3u);
  EXPECT_FALSE(BuiltinAnchors(BuiltinRegistry()).simulated());
}

TEST(TestAnchors, NamesEachDefectAndItsPlace) {
  struct Case {
    std::string_view text;
    std::string_view message;
  };
  for (const Case& c : {
           Case{"", "a.yaml: expected a document, found nothing"},
           Case{"kind: TestAnchors\napiVersion: assay.v1\n", "anchors"},
           Case{"kind: PolicySet\napiVersion: assay.v1\nanchors: []\n", "a.yaml:1:7: expected 'TestAnchors'"},
           Case{"kind: TestAnchors\napiVersion: assay.v1\nanchors: []\n", "at least one anchor"},
           Case{"kind: TestAnchors\napiVersion: assay.v1\nanchors:\n  - {vendor: amd, product: Milan, spki_sha256: \"00\"}\n", "32 bytes"},
           Case{"kind: TestAnchors\napiVersion: assay.v1\nanchors:\n  - {vendor: amd, produkt: Milan, spki_sha256: \"00\"}\n", "product"},
       }) {
    const auto anchors = ParseTestAnchors("a.yaml", c.text);
    ASSERT_FALSE(anchors.ok()) << c.text;
    EXPECT_THAT(std::string(MessageOf(anchors.status())), HasSubstr(std::string(c.message))) << c.text;
  }
}

}  // namespace
}  // namespace assay::appraisal
