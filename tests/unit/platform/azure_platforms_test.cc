// azure_sev_snp and azure_tdx: minted evidence with every single fault, genuine evidence under the pinned roots, and what the verdict says
// of whom one has to trust.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "appraisal/appraiser.h"
#include "appraisal/policy.h"
#include "appraisal/shipped_policies.h"
#include "base/bug.h"
#include "base/files.h"
#include "base/hex.h"
#include "base/strings.h"
#include "codec/json.h"
#include "evidence/azure_hcl/format.h"
#include "evidence/dcap/format.h"
#include "evidence/sev_snp/format.h"
#include "evidence/tpm/format.h"
#include "platform/azure_sev_snp/platform.h"
#include "platform/azure_tdx/platform.h"
#include "registry/builtin_registry.h"
#include "tests/places/places.h"
#include "tests/softtee/azure_evidence.h"
#include "tests/unit/platform/minted.h"
#include "tests/vectors_dir.h"

namespace assay {
namespace {

using softtee::AzureEvidence;
using softtee::AzureFault;
using softtee::AzureFaultEntry;
using softtee::AzureOptions;
using softtee::AzureTee;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const Bytes kNonce(32, 0x5A);
constexpr AzureTee kTees[] = {AzureTee::kSnp, AzureTee::kTdx};

const platform::Platform& PlatformOf(AzureTee tee) { return tee == AzureTee::kSnp ? azure_sev_snp::kPlatform : azure_tdx::kPlatform; }

std::vector<evidence::Item> ItemsOf(const AzureEvidence& evidence) { return test::ItemsOf(evidence.items); }
AzureEvidence Mint(AzureOptions options) {
  if (options.extra_data.empty()) options.extra_data = kNonce;
  return softtee::MintAzure(options);
}

trust::AnchorSet MintedRoots() { return test::AnchorsOf(softtee::AzureAnchors()); }
trust::AnchorSet PinnedRoots() {
  std::vector<trust::Anchor> anchors;
  for (const evidence::Format* format : BuiltinRegistry().formats) {
    anchors.insert(anchors.end(), format->anchors.begin(), format->anchors.end());
  }
  return trust::AnchorSet(std::move(anchors), false);
}

// The road that appraisal takes up to its policy, with the windows at `at`.
struct Road {
  Bytes nonce = kNonce;
  Time at = softtee::kDefaultNow;
  std::optional<trust::AnchorSet> anchors = {};  // unset: the software TEE's
  trust::FactCaches* caches = nullptr;
};
std::optional<trust::Bundle> Authenticate(const platform::Platform& platform, const std::vector<evidence::Item>& items, CheckLog& log,
                                          const Road& road = {}) {
  trust::Challenge::Values values;
  values.nonce = road.nonce;
  // The hardware report answers no challenge, and is not asked to.
  values.report_data = ByteArray<64>{};
  const trust::Challenge challenge = trust::Challenge::Demanded(values);
  const trust::CollateralSnapshot snapshot = appraisal::GatherCollateral(BuiltinRegistry(), items, {}, nullptr);
  const trust::AnchorSet anchors = road.anchors ? *road.anchors : MintedRoots();
  if (!platform::CheckManifest(platform, items, log)) return std::nullopt;
  auto bundle =
      platform.authenticate(items, {.anchors = anchors, .collateral = snapshot, .challenge = challenge, .caches = road.caches}, log);
  if (bundle) appraisal::JudgeWindows(bundle->claims().windows(), road.at, log);
  if (log.HasRejection()) return std::nullopt;
  return bundle;
}
std::optional<trust::Bundle> Authenticate(AzureTee tee, const AzureEvidence& evidence, CheckLog& log, const Road& road = {}) {
  return Authenticate(PlatformOf(tee), ItemsOf(evidence), log, road);
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
const Finding* FindingOf(const CheckLog& log, Reason reason) {
  const auto found =
      std::find_if(log.findings().begin(), log.findings().end(), [reason](const Finding& finding) { return finding.reason == reason; });
  return found == log.findings().end() ? nullptr : &*found;
}
std::optional<CheckResult> ResultOf(const CheckLog& log, Check check) {
  for (const CheckRecord& record : log.records()) {
    if (record.check == check) return record.result;
  }
  return std::nullopt;
}

// --- minted ---------------------------------------------------------------------------------------------------------

TEST(AzurePlatforms, WithoutAFaultItIsAccepted) {
  for (const AzureTee tee : kTees) {
    for (const bool certified : {true, false}) {
      CheckLog log;
      const auto bundle = Authenticate(tee, Mint({.tee = tee, .certified = certified}), log);
      ASSERT_TRUE(bundle) << Show(log);
      const trust::AuthenticatedClaims& claims = bundle->claims();
      EXPECT_EQ(bundle->freshness(), trust::Freshness::kProven);
      EXPECT_EQ(*claims.Get<std::string>("tpm.ak_trust"), "commitment");
      EXPECT_EQ(*claims.Get<std::string>("tpm.revocation"), certified ? "not_published" : "no_certificate");
      EXPECT_EQ(claims.Find("tpm.ak_vendor") != nullptr, certified);
      EXPECT_EQ(*claims.Get<bool>("hcl.secure_boot"), true);
      EXPECT_EQ(*claims.Get<std::string>("tpm.ak_hierarchy"), "endorsement");
      EXPECT_NE(claims.Find("tpm.sha256_pcr11"), nullptr);
      EXPECT_NE(claims.Find(tee == AzureTee::kSnp ? "snp.measurement" : "dcap.mrtd"), nullptr);
    }
  }
}

TEST(AzurePlatforms, EveryPartHangsOnTheQuote) {
  for (const AzureTee tee : kTees) {
    CheckLog log;
    const auto bundle = Authenticate(tee, Mint({.tee = tee}), log);
    ASSERT_TRUE(bundle) << Show(log);
    ASSERT_EQ(bundle->parts().size(), 4U);
    EXPECT_EQ(bundle->parts()[0].component, tpm::kQuoteComponent);
    EXPECT_TRUE(bundle->parts()[0].carrier);
    EXPECT_EQ(bundle->parts()[0].vouched_by, "azure-hcl-claims/HCLAkPub");
    EXPECT_EQ(bundle->parts()[1].component, azure_hcl::kClaimsComponent);
    EXPECT_EQ(bundle->parts()[1].vouched_by, tee == AzureTee::kSnp ? sev_snp::kReportComponent : dcap::kQuoteComponent);
    EXPECT_EQ(bundle->parts()[2].component, bundle->parts()[1].vouched_by);
    EXPECT_EQ(bundle->parts()[3].vouched_by, tpm::kQuoteComponent);
    EXPECT_EQ(bundle->instance_identity().size(), 32U);
    EXPECT_EQ(PlatformOf(tee).identity_hint(ItemsOf(Mint({.tee = tee})), trust::Challenge::NotDemanded(true)), bundle->instance_identity());
  }
}

TEST(AzureFaults, EachIsRefusedForTheReasonThatItOwes) {
  for (const AzureFaultEntry& entry : softtee::AllAzureFaults()) {
    for (const AzureTee tee : kTees) {
      if (!softtee::CanExist(entry, tee)) continue;
      CheckLog log;
      EXPECT_FALSE(Authenticate(tee, Mint({.tee = tee, .fault = entry.fault}), log)) << entry.name;
      EXPECT_TRUE(Reasons(log).contains(std::string(entry.reason)))
          << PlatformOf(tee).name << ": " << entry.name << " owes " << entry.reason << "\n"
          << Show(log);
    }
  }
}

TEST(AzureFaults, EachHasANameOfItsOwnAndAReasonThatExists) {
  std::set<std::string_view> names;
  for (const AzureFaultEntry& entry : softtee::AllAzureFaults()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    const auto all = AllReasons();
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const ReasonEntry& one) { return one.name == entry.reason; })) << entry.reason;
    EXPECT_EQ(static_cast<std::size_t>(entry.fault), names.size() - 1) << entry.name;
  }
}

TEST(AzureFaults, AreRefusedAlikeWithWarmCaches) {
  for (const AzureTee tee : kTees) {
    trust::FactCaches caches(64);
    CheckLog first, second;
    ASSERT_TRUE(Authenticate(tee, Mint({.tee = tee}), first, {.caches = &caches})) << Show(first);
    ASSERT_TRUE(Authenticate(tee, Mint({.tee = tee}), second, {.caches = &caches}));
    EXPECT_EQ(first.records().size(), second.records().size());
    for (const AzureFaultEntry& entry : softtee::AllAzureFaults()) {
      if (!softtee::CanExist(entry, tee)) continue;
      CheckLog log;
      EXPECT_FALSE(Authenticate(tee, Mint({.tee = tee, .fault = entry.fault}), log, {.caches = &caches})) << entry.name;
      EXPECT_TRUE(Reasons(log).contains(std::string(entry.reason))) << entry.name << "\n" << Show(log);
    }
  }
}

// The hardware report is of the start of the machine: that it answers another challenge, or none, says nothing, and that it is genuine does
// not make the evidence fresh.
TEST(AzurePlatforms, Attack001_OnlyTheQuoteIsFresh) {
  for (const AzureTee tee : kTees) {
    const AzureEvidence evidence = Mint({.tee = tee});
    Bytes other = kNonce;
    other.back() ^= 1;
    CheckLog log;
    EXPECT_FALSE(Authenticate(tee, evidence, log, {.nonce = other}));
    EXPECT_THAT(Reasons(log), ElementsAre("binding_mismatch"));
    EXPECT_EQ(ResultOf(log, Check::kSnpSignature), std::nullopt) << "no signature is paid for where the quote can't answer";
    EXPECT_EQ(ResultOf(log, Check::kDcapSignature), std::nullopt);
    CheckLog nothing;
    EXPECT_FALSE(Authenticate(tee, evidence, nothing, {.nonce = {}}));
    EXPECT_THAT(Reasons(nothing), Contains("binding_mismatch"));
  }
}

// Claims are chosen by kid: a key in front of it signs nothing, and one that stands behind it is still the key.
TEST(AzurePlatforms, Attack120_TheFirstKeyIsNotTheAttestationKey) {
  for (const AzureTee tee : kTees) {
    CheckLog behind;
    EXPECT_TRUE(Authenticate(
        tee, Mint({.tee = tee, .change = [](softtee::AzureParts& parts) { std::swap(parts.claims.keys[0], parts.claims.keys[1]); }}),
        behind))
        << Show(behind);
    CheckLog first;
    EXPECT_FALSE(Authenticate(tee, Mint({.tee = tee, .fault = AzureFault::kQuoteOfFirstKey}), first));
    EXPECT_THAT(Reasons(first), Contains("signature_invalid"));
  }
}

// Genuine each, and of two keys: neither the certificate nor the commitment speaks for the other's key.
TEST(AzurePlatforms, Attack026_AGenuineCertificateOfAnotherKeyIsRefusedByName) {
  for (const AzureTee tee : kTees) {
    CheckLog log;
    EXPECT_FALSE(Authenticate(tee, Mint({.tee = tee, .fault = AzureFault::kCertificateOfOther}), log));
    EXPECT_THAT(Reasons(log), ElementsAre("ak_certificate_of_other"));
    EXPECT_EQ(ResultOf(log, Check::kHclCertifiedKey), CheckResult::kFailed);
  }
  ASSAY_VECTORS_OR_SKIP(dir);
  for (const AzureTee tee : kTees) {
    std::vector<evidence::Item> items = ItemsOf(Mint({.tee = tee, .certified = false}));
    items.push_back({std::string(tpm::kCertificateMediaType),
                     trust::UntrustedBytes(test::ReadFile(dir / "azure/trusted_launch/akcert_0x01C101D0.der"))});
    CheckLog log;
    EXPECT_FALSE(Authenticate(PlatformOf(tee), items, log));
    EXPECT_THAT(Reasons(log), ElementsAre("ak_certificate_of_other"));
  }
}

TEST(AzurePlatforms, WithoutACertificateProvenanceIsInferredAndSaidToBe) {
  for (const AzureTee tee : kTees) {
    const auto nothing = [](const void*, std::string_view, const trust::Value&) { return false; };
    const auto pins = [](const void*, std::string_view) { return false; };
    const evidence::JudgeContext context{.names_value = nothing, .pins_claim = pins, .policy = nullptr};
    CheckLog with, without;
    const auto certified = Authenticate(tee, Mint({.tee = tee}), with);
    const auto bare = Authenticate(tee, Mint({.tee = tee, .certified = false}), without);
    ASSERT_TRUE(certified && bare);
    EXPECT_EQ(PlatformOf(tee).provenance(certified->claims(), context), evidence::Provenance::kProven);
    EXPECT_EQ(PlatformOf(tee).provenance(bare->claims(), context), evidence::Provenance::kInferred);
    EXPECT_EQ(ResultOf(with, Check::kHclCertifiedKey), CheckResult::kPassed);
    EXPECT_EQ(ResultOf(without, Check::kHclCertifiedKey), CheckResult::kSkipped);
    const Finding* told = FindingOf(without, Reason::kAkNotCertified);
    ASSERT_NE(told, nullptr);
    EXPECT_EQ(told->effect, Effect::kNote);
  }
}

// Offline the certificate may lie among what an operator supplies: that of this key counts, those of others are nobody's business here.
TEST(AzurePlatforms, TakesASuppliedCertificateOfItsKey) {
  const AzureEvidence certified = Mint({});
  const AzureEvidence of_other = Mint({.fault = AzureFault::kCertificateOfOther});
  std::vector<evidence::Item> bare = ItemsOf(Mint({.certified = false}));
  const auto authenticate = [&](const AzureEvidence& supplied, CheckLog& log) {
    std::vector<evidence::Item> all = bare;
    for (evidence::Item& item : ItemsOf(supplied)) all.push_back(std::move(item));
    trust::Challenge::Values values;
    values.nonce = kNonce;
    const trust::Challenge challenge = trust::Challenge::Demanded(values);
    const trust::CollateralSnapshot snapshot = appraisal::GatherCollateral(BuiltinRegistry(), all, {}, nullptr);
    const trust::AnchorSet anchors = MintedRoots();
    return azure_sev_snp::kPlatform.authenticate(
        bare, {.anchors = anchors, .collateral = snapshot, .challenge = challenge, .caches = nullptr}, log);
  };
  CheckLog log;
  const auto bundle = authenticate(certified, log);
  ASSERT_TRUE(bundle) << Show(log);
  EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ak_vendor"), "microsoft");
  CheckLog other;
  const auto uncertified = authenticate(of_other, other);
  ASSERT_TRUE(uncertified) << Show(other);
  EXPECT_EQ(uncertified->claims().Find("tpm.ak_vendor"), nullptr);
  const Finding* told = FindingOf(other, Reason::kAkCertificateOfOther);
  ASSERT_NE(told, nullptr);
  EXPECT_EQ(told->effect, Effect::kNote);
  EXPECT_EQ(ResultOf(other, Check::kHclCertifiedKey), CheckResult::kSkipped);
}

TEST(AzurePlatforms, StrengthAndBoundaryFollowWhatWasBoundAndAppraised) {
  for (const AzureTee tee : kTees) {
    const platform::Platform& platform = PlatformOf(tee);
    CheckLog log;
    const auto bundle = Authenticate(tee, Mint({.tee = tee}), log);
    ASSERT_TRUE(bundle);
    EXPECT_EQ(platform.strength(*bundle, {.boot_covered = true, .launch_appraised = true}), platform::Strength::kB);
    EXPECT_EQ(platform.strength(*bundle, {.boot_covered = true}), platform::Strength::kC);
    EXPECT_EQ(platform.strength(*bundle, {}), platform::Strength::kC);

    const platform::TrustBoundary closed = platform.trust_boundary(
        *bundle, {.boot_covered = true, .launch_appraised = true, .release_matched = true, .provenance = evidence::Provenance::kProven});
    EXPECT_THAT(closed.features, ElementsAre(platform::Feature::kCustomImages, platform::Feature::kMemoryEncryption,
                                             platform::Feature::kRawGuestAttestation, platform::Feature::kMeasuredBoot));
    EXPECT_THAT(closed.trusted_parties, Contains(HasSubstr("closed")));
    EXPECT_THAT(closed.trusted_parties, Contains(HasSubstr("certificate authority")));
    EXPECT_THAT(closed.trusted_parties, Not(Contains(HasSubstr("whoever operates the machine"))));
    EXPECT_THAT(closed.not_proven, Contains(HasSubstr("no event log")));

    // A release that says so, and demands the paravisor's launch measurement: not one that demands something else.
    const std::string_view measurement = tee == AzureTee::kSnp ? "snp.measurement" : "dcap.mrtd";
    const platform::TrustBoundary open =
        platform.trust_boundary(*bundle, {.release_matched = true, .reviewable = {"tpm.sha256_pcr4", measurement}});
    EXPECT_THAT(open.features, Contains(platform::Feature::kReviewableFirmware));
    EXPECT_THAT(open.trusted_parties, Contains(HasSubstr("OpenHCL")));
    EXPECT_THAT(open.trusted_parties, Not(Contains(HasSubstr("closed"))));
    EXPECT_THAT(open.trusted_parties, Contains(HasSubstr("whoever operates the machine")));
    EXPECT_THAT(open.not_proven, Contains(HasSubstr("which kernel")));
    const platform::TrustBoundary image = platform.trust_boundary(*bundle, {.release_matched = true, .reviewable = {"tpm.sha256_pcr4"}});
    EXPECT_THAT(image.features, Not(Contains(platform::Feature::kReviewableFirmware)));
  }
}

TEST(AzurePlatforms, AreToldApartByTheirReports) {
  for (const AzureTee tee : kTees) {
    EXPECT_THAT(appraisal::FittingPlatforms(BuiltinRegistry(), ItemsOf(Mint({.tee = tee}))), ElementsAre(PlatformOf(tee).name));
  }
  // One with the other's items: refused by name, whatever was named.
  CheckLog log;
  EXPECT_FALSE(Authenticate(azure_tdx::kPlatform, ItemsOf(Mint({})), log));
  EXPECT_THAT(Reasons(log), Contains("item_missing"));
}

// What the report in the HCL report needs can be fetched like that of any other.
TEST(AzurePlatforms, WhatTheHardwareReportNeedsIsAskedFor) {
  std::vector<evidence::Item> items = ItemsOf(Mint({.certified = false}));
  EXPECT_THAT(appraisal::Needs(BuiltinRegistry(), items, appraisal::GatherCollateral(BuiltinRegistry(), items, {}, nullptr)), IsEmpty());
  std::erase_if(items, [](const evidence::Item& item) {
    return item.media_type == tpm::kCertificateMediaType || item.media_type == tpm::kCrlMediaType;
  });
  std::set<std::string> kinds;
  for (const trust::CollateralKey& key : appraisal::Needs(BuiltinRegistry(), items, {})) kinds.insert(key.kind);
  EXPECT_THAT(kinds, ElementsAre("amd.ark", "amd.ask", "amd.crl", "amd.vcek"));
  CheckLog log;
  EXPECT_FALSE(Authenticate(azure_sev_snp::kPlatform, items, log));
  EXPECT_FALSE(log.HasRejection()) << "what can be fetched rejects nobody: " << Show(log);
  EXPECT_THAT(Reasons(log), Contains("certificate_missing"));
}

// A log hangs on the PCRs as everywhere; its absence is told. No genuine log of Azure's is known, so it is one of another machine, whose
// PCRs the minted TPM quotes.
TEST(AzurePlatforms, ALogHangsOnThePcrs) {
  ASSAY_VECTORS_OR_SKIP(dir);
  const auto tree = json::Parse(AsText(test::ReadFile(dir / "gcp/vtpm/gce-cos-85-nonce9009_pcrs.json")));
  softtee::TpmBank bank{softtee::kTpmSha256, {}};
  for (unsigned index = 0; index < 24; ++index) {
    bank.values[index] = *FromHex(*tree->Find("sha256")->Find(std::to_string(index))->AsString());
  }
  const Bytes log_bytes = test::ReadFile(dir / "gcp/vtpm/gce-cos-85-nonce9009_eventlog.bin");
  for (const AzureTee tee : kTees) {
    const auto mint = [&](Bytes event_log) {
      return Mint({.tee = tee, .change = [&, event_log](softtee::AzureParts& parts) {
                     parts.tpm.banks = {bank};
                     parts.items = [event_log](std::vector<softtee::Item>& items) {
                       items.push_back({"application/vnd.assay.tcg-event-log", event_log});
                     };
                   }});
    };
    CheckLog log;
    const auto bundle = Authenticate(tee, mint(log_bytes), log);
    ASSERT_TRUE(bundle) << Show(log);
    EXPECT_EQ(bundle->parts().size(), 5U);
    EXPECT_EQ(*bundle->claims().Get<std::string>("log.secure_boot"), "true");
    EXPECT_THAT(PlatformOf(tee).trust_boundary(*bundle, {}).not_proven, Not(Contains(HasSubstr("no event log"))));
    Bytes cut = log_bytes;
    cut.resize(cut.size() - 3);
    CheckLog refused;
    EXPECT_FALSE(Authenticate(tee, mint(cut), refused));
    CheckLog absent;
    ASSERT_TRUE(Authenticate(tee, Mint({.tee = tee}), absent));
    EXPECT_EQ(ResultOf(absent, Check::kLogPcrReplay), CheckResult::kSkipped);
  }
}

// --- to the verdict ---------------------------------------------------------------------------------------------------

v1::Appraisal Appraise(const std::vector<std::pair<std::string, std::string>>& files, std::string_view policy,
                       const std::vector<evidence::Item>& items, const Road& road = {}) {
  const appraisal::LoadResult loaded = appraisal::LoadPolicies(files, BuiltinRegistry());
  for (const appraisal::LintMessage& message : loaded.messages) ADD_FAILURE() << message.ToString();
  ASSAY_CHECK(loaded.book.has_value());
  const appraisal::Policy* chosen = loaded.book->FindPolicy(policy);
  ASSAY_CHECK(chosen != nullptr);
  trust::Challenge::Values values;
  values.nonce = road.nonce;
  const trust::Challenge challenge = trust::Challenge::Demanded(values);
  const trust::CollateralSnapshot snapshot = appraisal::GatherCollateral(BuiltinRegistry(), items, {}, nullptr);
  const trust::AnchorSet anchors = road.anchors ? *road.anchors : MintedRoots();
  const appraisal::StateSnapshot state{};
  return appraisal::Appraise({.registry = BuiltinRegistry(),
                              .items = items,
                              .platform_hint = "",
                              .challenge = challenge,
                              .channel_bound = true,
                              .collateral = snapshot,
                              .policies = appraisal::PolicyChoice::ForPolicy(*loaded.book, *chosen),
                              .anchors = anchors,
                              .state = state,
                              .at = road.at,
                              .caches = nullptr});
}
std::vector<std::pair<std::string, std::string>> Shipped() {
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& [name, text] : appraisal::ShippedPolicyTexts()) files.emplace_back(std::string(name), std::string(text));
  return files;
}
std::vector<std::string> ReasonsOf(const v1::Appraisal& appraisal, v1::Effect least) {
  std::vector<std::string> reasons;
  for (const v1::Finding& finding : appraisal.findings()) {
    if (finding.effect() >= least) reasons.push_back(finding.reason());
  }
  return reasons;
}
std::string PolicyText(const std::string& file) {
  const auto text = ReadFile("policy", Cat(test::SourceDir(), "/policies/", file));
  ASSAY_CHECK(text.ok());
  return std::string(AsText(*text));
}
std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  ASSAY_CHECK(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

AzureEvidence AsMicrosoftRunsIt(AzureTee tee) { return Mint({.tee = tee, .change = &softtee::SignAsMicrosoft}); }

TEST(AzureVerdicts, TheShippedPoliciesGiveTrustedWithWarnings) {
  for (const auto& [tee, policy] : {std::pair(AzureTee::kSnp, "azure-sev-snp"), {AzureTee::kTdx, "azure-tdx"}}) {
    const v1::Appraisal appraisal = Appraise(Shipped(), policy, ItemsOf(AsMicrosoftRunsIt(tee)));
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << appraisal.ShortDebugString();
    EXPECT_EQ(appraisal.strength(), v1::STRENGTH_C);
    EXPECT_EQ(appraisal.cloud_provenance(), "proven");
    EXPECT_EQ(appraisal.freshness(), v1::FRESHNESS_PROVEN);
    EXPECT_EQ(appraisal.platform(), PlatformOf(tee).name);
  }
  // Signed by whomever, the paravisor of the software TEE is none of Microsoft's.
  const v1::Appraisal stranger = Appraise(Shipped(), "azure-sev-snp", ItemsOf(Mint({})));
  EXPECT_EQ(stranger.verdict(), v1::VERDICT_REJECTED);
  EXPECT_THAT(ReasonsOf(stranger, v1::EFFECT_REJECT), ElementsAre("rule_failed"));
}

TEST(AzureVerdicts, SecureBootThatTheParavisorDidNotGiveIsRefused) {
  for (const auto& [tee, policy] : {std::pair(AzureTee::kSnp, "azure-sev-snp"), {AzureTee::kTdx, "azure-tdx"}}) {
    const AzureEvidence evidence = Mint({.tee = tee, .change = [](softtee::AzureParts& parts) {
                                           softtee::SignAsMicrosoft(parts);
                                           parts.claims.Member("secure-boot") = "false";
                                         }});
    const v1::Appraisal appraisal = Appraise(Shipped(), policy, ItemsOf(evidence));
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
    EXPECT_THAT(ReasonsOf(appraisal, v1::EFFECT_REJECT), ElementsAre("rule_failed"));
  }
}

// The example policy, with reference values of the minted machine in the place of the real ones: which paravisor it is decides what the
// boundary says, and nothing else does.
TEST(AzureVerdicts, ClosedParavisorAndOpenHclAreToldApartByReferenceValues) {
  const auto verdict = [](std::string_view reviewable, softtee::Product product = softtee::Product::kGenoa) {
    const AzureEvidence evidence = Mint({.change = [product](softtee::AzureParts& parts) {
      parts.claims.Member("console-enabled") = "false";
      parts.snp.product = product;
    }});
    std::string images = "apiVersion: assay.v1\nkind: ReferenceValues\nname: azure-images\nreleases:\n  - name: minted\n    values:\n";
    const softtee::TpmBank bank = softtee::RampBank(softtee::kTpmSha256);
    for (const unsigned index : {4U, 9U, 11U}) images += Cat("      tpm.sha256_pcr", index, ": \"", ToHex(bank.values.at(index)), "\"\n");
    const std::string paravisors =
        Cat("apiVersion: assay.v1\nkind: ReferenceValues\nname: azure-paravisors\nreleases:\n  - name: minted-paravisor\n", reviewable,
            "    values:\n      snp.measurement: \"", ToHex(softtee::kDefaultMeasurement), "\"\n");
    const auto ak = crypto::PublicKey::FromSpki(softtee::TpmPki::Shared().rsa_ak.SubjectPublicKeyInfo());
    std::string policy = PolicyText("example/azure-sev-snp-prod.yaml");
    policy = Replaced(std::move(policy), "9999999999999999999999999999999999999999999999999999999999999901", ToHex(ak->spki_sha256()));
    return Appraise({{"images.yaml", images}, {"paravisors.yaml", paravisors}, {"policy.yaml", policy}}, "azure-sev-snp-prod",
                    ItemsOf(evidence));
  };
  const v1::Appraisal closed = verdict("");
  EXPECT_EQ(closed.verdict(), v1::VERDICT_TRUSTED) << closed.ShortDebugString();
  EXPECT_EQ(closed.strength(), v1::STRENGTH_B);
  EXPECT_THAT(closed.trust_boundary().features(), Not(Contains("reviewable_firmware")));
  EXPECT_THAT(closed.trust_boundary().trusted_parties(), Contains(HasSubstr("closed")));
  const v1::Appraisal open = verdict("    reviewable_firmware: true\n");
  EXPECT_EQ(open.verdict(), v1::VERDICT_TRUSTED) << open.ShortDebugString();
  EXPECT_THAT(open.trust_boundary().features(), Contains("reviewable_firmware"));
  EXPECT_THAT(open.trust_boundary().trusted_parties(), Contains(HasSubstr("OpenHCL")));
  const v1::Appraisal said_not = verdict("    reviewable_firmware: false\n");
  EXPECT_THAT(said_not.trust_boundary().features(), Not(Contains("reviewable_firmware")));
  // Reports of Milan can be forged, and Microsoft certifies the keys of machines without any as well: its certificate excuses no chip that
  // nobody allow-lists.
  const v1::Appraisal milan = verdict("", softtee::Product::kMilan);
  EXPECT_EQ(milan.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS);
  EXPECT_EQ(milan.cloud_provenance(), "proven");
  EXPECT_THAT(ReasonsOf(milan, v1::EFFECT_WARN), ElementsAre("key_extractable"));
}

// --- policies on RTMRs --------------------------------------------------------------------------------------------------

std::vector<std::string> Messages(const std::vector<std::pair<std::string, std::string>>& files) {
  std::vector<std::string> shown;
  for (const appraisal::LintMessage& message : appraisal::LoadPolicies(files, BuiltinRegistry()).messages) {
    shown.push_back(message.ToString());
  }
  return shown;
}

TEST(AzureTdxPolicies, RulesOnRtmrsAreRefusedWithTheReason) {
  const std::string policy = PolicyText("azure_tdx.yaml");
  const std::string zero(96, '0');
  for (const std::string& rule :
       {Cat("{claim: dcap.rtmr0, equals: \"", zero, "\"}"),
        Cat("{any_of: [{claim: dcap.rtmr3, one_of: [\"", zero, "\"]}, {claim: hcl.console_enabled, equals: false}]}"),
        std::string("{claim: dcap.rtmr2, present: true}")}) {
    const auto messages = Messages({{"p.yaml", Replaced(policy, "  - {claim: hcl.secure_boot, equals: true}\n",
                                                        Cat("  - {claim: hcl.secure_boot, equals: true}\n  - ", rule, "\n"))}});
    ASSERT_EQ(messages.size(), 1U) << rule << testing::PrintToString(messages);
    EXPECT_THAT(messages.front(), HasSubstr("no rule may be on dcap.rtmr"));
    EXPECT_THAT(messages.front(), HasSubstr("all RTMRs are zero on Azure"));
    EXPECT_THAT(messages.front(), HasSubstr("tpm.sha256_pcr4"));
  }
  EXPECT_THAT(Messages({{"p.yaml", policy}}), IsEmpty());
}

TEST(AzureTdxPolicies, NeitherDoesAReleaseNorAnAnswerStandOnThem) {
  const std::string policy = PolicyText("azure_tdx.yaml");
  const std::string with_release = Replaced(policy, "rules:\n", "rules:\n  - {release: td-images}\n");
  const std::string mrtd(96, '1');
  for (const std::string_view kind : {"values", "warn"}) {
    std::string images =
        "apiVersion: assay.v1\nkind: ReferenceValues\nname: td-images\nreleases:\n  - name: one\n    values:\n      dcap.mrtd: \"" + mrtd +
        "\"\n";
    images += Cat(kind == "warn" ? "    warn:\n" : "", "      dcap.rtmr1: \"", mrtd, "\"\n");
    const auto messages = Messages({{"p.yaml", with_release}, {"images.yaml", images}});
    ASSERT_EQ(messages.size(), 1U) << testing::PrintToString(messages);
    EXPECT_THAT(messages.front(),
                HasSubstr(kind == "warn" ? "warns about dcap.rtmr1: all RTMRs are zero" : "demands dcap.rtmr1: all RTMRs are zero"));
  }
  const std::string answered = Replaced(
      policy,
      "waive:\n  - claim: boot.covered\n    reason: without reference values of an image nothing says which kernel, initrd and command line may boot\n",
      "satisfies: {boot.covered: dcap.rtmr1}\nwaive:\n");
  EXPECT_THAT(Messages({{"p.yaml", answered}}), Contains(HasSubstr("no rule may be on dcap.rtmr1")));
  // Where the guest itself has them they mean what they say.
  EXPECT_THAT(Messages({{"p.yaml", Replaced(PolicyText("qemu_tdx.yaml"), "rules:\n",
                                            Cat("rules:\n  - {claim: dcap.rtmr1, equals: \"", mrtd, "\"}\n"))}}),
              IsEmpty());
}

// Registers are worth what the paravisor is that runs the TPM: who starts a TD or guest of his own can have any.
TEST(AzureVerdicts, WithoutAnAppraisedLaunchRegistersShowNothing) {
  const std::string pcr4 = ToHex(softtee::RampBank(softtee::kTpmSha256).values.at(4));
  const AzureEvidence evidence = Mint({.tee = AzureTee::kTdx, .change = &softtee::SignAsMicrosoft});
  const std::string boot =
      "waive:\n  - claim: boot.covered\n    reason: without reference values of an image nothing says which kernel, initrd and command line may boot\n";
  for (const bool appraised : {false, true}) {
    std::string policy = Replaced(PolicyText("azure_tdx.yaml"), boot, "satisfies: {boot.covered: tpm.sha256_pcr4}\nwaive:\n");
    policy = Replaced(std::move(policy), "rules:\n",
                      Cat("rules:\n  - {claim: tpm.sha256_pcr4, equals: \"", pcr4, "\"}\n",
                          appraised ? Cat("  - {claim: dcap.mrtd, equals: \"", ToHex(softtee::kDefaultMrtd), "\"}\n") : ""));
    const v1::Appraisal appraisal = Appraise({{"policy.yaml", policy}}, "azure-tdx", ItemsOf(evidence));
    EXPECT_EQ(appraisal.strength(), appraised ? v1::STRENGTH_B : v1::STRENGTH_C) << appraisal.ShortDebugString();
    EXPECT_EQ(std::count(appraisal.trust_boundary().features().begin(), appraisal.trust_boundary().features().end(), "measured_boot"),
              appraised);
    EXPECT_THAT(appraisal.trust_boundary().not_proven(),
                appraised
                    ? testing::Matcher<const google::protobuf::RepeatedPtrField<std::string>&>(Not(Contains(HasSubstr("which paravisor"))))
                    : Contains(HasSubstr("which paravisor")));
  }
}

// An ID key digest is zero where nobody signed an ID block: a rule that names zero names no paravisor.
TEST(AzureVerdicts, ALaunchThatNobodySetIsNotAppraised) {
  const std::string pcr4 = ToHex(softtee::RampBank(softtee::kTpmSha256).values.at(4)), zeros(96, '0');
  const std::string boot =
      "waive:\n  - claim: boot.covered\n    reason: without reference values of an image nothing says which kernel, initrd and command line may boot\n";
  std::string policy = Replaced(PolicyText("azure_tdx.yaml"), boot, "satisfies: {boot.covered: tpm.sha256_pcr4}\nwaive:\n");
  policy = Replaced(std::move(policy), "rules:\n",
                    Cat("rules:\n  - {claim: tpm.sha256_pcr4, equals: \"", pcr4, "\"}\n  - {claim: dcap.mrtd, equals: \"", zeros, "\"}\n"));
  const AzureEvidence evidence = Mint({.tee = AzureTee::kTdx, .change = [](softtee::AzureParts& parts) {
                                         softtee::SignAsMicrosoft(parts);
                                         parts.td.mrtd = {};
                                       }});
  const v1::Appraisal appraisal = Appraise({{"policy.yaml", policy}}, "azure-tdx", ItemsOf(evidence));
  EXPECT_NE(appraisal.verdict(), v1::VERDICT_REJECTED) << "the rule itself holds";
  EXPECT_EQ(appraisal.strength(), v1::STRENGTH_C) << appraisal.ShortDebugString();
}

TEST(AzurePolicies, WhatTheParavisorIsAnswersNeitherQuestion) {
  const std::string boot =
      "waive:\n  - claim: boot.covered\n    reason: without reference values of an image nothing says which kernel, initrd and command line may boot\n";
  const std::string rule = Cat("rules:\n  - {claim: dcap.mrtd, equals: \"", std::string(96, '1'), "\"}\n");
  const std::string tdx =
      Replaced(Replaced(PolicyText("azure_tdx.yaml"), "rules:\n", rule), boot, "satisfies: {boot.covered: dcap.mrtd}\nwaive:\n");
  EXPECT_THAT(Messages({{"p.yaml", tdx}}), Contains(HasSubstr("dcap.mrtd can't answer boot.covered of azure_tdx")));
  const std::string owner =
      "  - claim: owner\n    reason: neither claims nor certificate say whose machine it is; demand tpm.ak_key_digest and name it under satisfies\n";
  const std::string snp =
      Replaced(Replaced(PolicyText("azure_sev_snp.yaml"), owner, ""), "waive:\n", "satisfies: {owner: snp.id_key_digest}\nwaive:\n");
  EXPECT_THAT(Messages({{"p.yaml", snp}}), Contains(HasSubstr("snp.id_key_digest can't answer owner of azure_sev_snp")));
}

// --- genuine ------------------------------------------------------------------------------------------------------------

Bytes PcrItem(const Bytes& file) {
  const auto tree = json::Parse(AsText(file));
  Bytes item = {0, 0, 0, 1, 0, 0x0B, 3, 0xFF, 0xFF, 0xFF};
  for (unsigned index = 0; index < 24; ++index) Append(item, *FromHex(*tree->Find("sha256")->Find(std::to_string(index))->AsString()));
  return item;
}

std::vector<evidence::Item> Genuine(const std::filesystem::path& dir, const std::string& machine) {
  const std::filesystem::path from = dir / "azure" / machine;
  std::vector<evidence::Item> items;
  const auto add = [&](std::string_view media_type, Bytes body) {
    items.push_back({std::string(media_type), trust::UntrustedBytes(std::move(body))});
  };
  const Bytes attest = test::ReadFile(from / "quote.attest");
  Bytes quote = {static_cast<std::uint8_t>(attest.size() >> 8), static_cast<std::uint8_t>(attest.size() & 0xFF)};
  Append(quote, attest);
  Append(quote, test::ReadFile(from / "quote.sig"));
  add(azure_hcl::kReportMediaType, test::ReadFile(from / "hcl_report.bin"));
  add(tpm::kQuoteMediaType, quote);
  add(tpm::kPcrsMediaType, PcrItem(test::ReadFile(from / "pcrs.json")));
  if (machine == "tdx") {
    add(dcap::kQuoteMediaType, test::ReadFile(from / "td_quote.bin"));
    add(dcap::kCertificateMediaType, test::ReadFile(dir / "tdx/collateral/intel_sgx_root_ca.der"));
  } else {
    add(sev_snp::kCertificateMediaType, test::ReadFile(from / "vcek.der"));
    add(sev_snp::kCertificateMediaType, test::ReadFile(dir / "snp/roots/ask_milan.der"));
    add(sev_snp::kCertificateMediaType, test::ReadFile(dir / "snp/roots/ark_milan.der"));
  }
  return items;
}

TEST(AzureGenuine, MachinesAuthenticateUnderThePinnedRoots) {
  ASSAY_VECTORS_OR_SKIP(dir);
  const Bytes challenge = ToBytes(AsBytes("challenge"));
  struct {
    const char* machine;
    Bytes nonce;
    const char* at;
  } const cases[] = {
      {"snp_milan_v2report", challenge, "2026-01-15T00:00:00Z"},
      {"snp_milan_v3report", challenge, "2026-01-15T00:00:00Z"},
      {"snp_milan_userdata", *FromHex("982f5c6e45df0ed3f10b6f60b02f0c8390e281300f3805e2279c16168cd6ae9aa398f647caa2338748cd0fd9f5f819ef"),
       "2026-01-15T00:00:00Z"},
      {"tdx", challenge, "2025-06-01T00:00:00Z"}};
  for (const auto& one : cases) {
    const bool tdx = std::string_view(one.machine) == "tdx";
    CheckLog log;
    const auto bundle = Authenticate(tdx ? azure_tdx::kPlatform : azure_sev_snp::kPlatform, Genuine(dir, one.machine), log,
                                     {.nonce = one.nonce, .at = *ParseTime(one.at), .anchors = PinnedRoots()});
    ASSERT_TRUE(bundle) << one.machine << "\n" << Show(log);
    EXPECT_EQ(bundle->freshness(), trust::Freshness::kProven);
    EXPECT_EQ(*bundle->claims().Get<bool>("hcl.secure_boot"), true);
    EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ak_trust"), "commitment");
    if (tdx) {
      EXPECT_TRUE(AllZero(*bundle->claims().Get<Bytes>("dcap.rtmr1"))) << "what the lint rule on RTMRs says";
    } else {
      EXPECT_EQ(*bundle->claims().Get<std::uint64_t>("snp.vmpl"), 0U);
    }
  }
}

// One machine's report beside another's quote, and the like: genuine each.
TEST(AzureGenuine, Attack092_PartsOfTwoMachinesAreRefused) {
  ASSAY_VECTORS_OR_SKIP(dir);
  const Bytes challenge = ToBytes(AsBytes("challenge"));
  const Road road{.nonce = challenge, .at = *ParseTime("2026-01-15T00:00:00Z"), .anchors = PinnedRoots()};
  const std::vector<evidence::Item> v2 = Genuine(dir, "snp_milan_v2report"), v3 = Genuine(dir, "snp_milan_v3report");
  for (std::size_t at = 0; at < 3; ++at) {
    std::vector<evidence::Item> mixed = v2;
    mixed[at] = v3[at];
    CheckLog log;
    EXPECT_FALSE(Authenticate(azure_sev_snp::kPlatform, mixed, log, road)) << mixed[at].media_type;
  }
}

TEST(AzureGenuine, ATdReportAloneProvesNothing) {
  ASSAY_VECTORS_OR_SKIP(dir);
  std::vector<evidence::Item> items = Genuine(dir, "tdx");
  std::erase_if(items, [](const evidence::Item& item) { return item.media_type == dcap::kQuoteMediaType; });
  CheckLog log;
  EXPECT_FALSE(Authenticate(azure_tdx::kPlatform, items, log, {.nonce = ToBytes(AsBytes("challenge")), .anchors = PinnedRoots()}));
  EXPECT_THAT(Reasons(log), ElementsAre("item_missing"));
}

// Real figures under the shipped policy: firmware of 2025 passes every rule but revocation, for which no list is at hand; that of 2023 does not.
TEST(AzureGenuine, ShippedPolicyOnRealFigures) {
  ASSAY_VECTORS_OR_SKIP(dir);
  const Road road{.nonce = ToBytes(AsBytes("challenge")), .at = *ParseTime("2026-01-15T00:00:00Z"), .anchors = PinnedRoots()};
  const v1::Appraisal current = Appraise(Shipped(), "azure-sev-snp", Genuine(dir, "snp_milan_v3report"), road);
  EXPECT_EQ(current.verdict(), v1::VERDICT_INDETERMINATE) << current.ShortDebugString();
  EXPECT_THAT(ReasonsOf(current, v1::EFFECT_INDETERMINATE), ElementsAre("revocation_unchecked"));
  const v1::Appraisal old = Appraise(Shipped(), "azure-sev-snp", Genuine(dir, "snp_milan_v2report"), road);
  EXPECT_EQ(old.verdict(), v1::VERDICT_REJECTED);
}

}  // namespace
}  // namespace assay
