// Rules on what Intel says of a TCB: statuses, advisories and dates, judged on quotes and documents that are minted for it.
#include "appraisal/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "appraisal/appraiser.h"
#include "base/strings.h"
#include "registry/builtin_registry.h"
#include "tests/unit/dcap/minted_tcb.h"
#include "trust/bundle.h"

namespace assay::appraisal {
namespace {

namespace mint = dcap::test;
using testing::HasSubstr;

constexpr std::string_view kQuote = "application/vnd.assay.dcap-quote";
const Time kAt = *ParseTime("2026-06-15T00:00:00Z");
constexpr std::string_view kDate = "2025-05-14T00:00:00Z";  // of the minted levels

void Replace(std::string& text, std::size_t at, std::string_view from, std::string_view to) {
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
}

struct Machine {
  std::string_view platform_status = "UpToDate";
  std::string advisories = {};  // of the platform's level: "\"INTEL-SA-2\",\"INTEL-SA-1\""
  bool documents = true;
  unsigned module_svn = 6;      // 6 is UpToDate, 4 is OutOfDate, less has no level
  bool module_updated = false;  // under the running TD, to 6
};

std::vector<evidence::Item> ItemsOf(const Machine& machine) {
  mint::MintOptions options = mint::UpToDate();
  if (machine.module_updated) options.kind = mint::TdxV5(3);
  options.body = [=, before = options.body](Bytes& body) {
    before(body);
    body[0] = static_cast<std::uint8_t>(machine.module_svn);
    body[123] = 0x10;  // SEPT_VE_DISABLE
    body[128] = 0xE7;
    if (machine.module_updated) {
      std::copy_n(body.begin(), 16, body.begin() + 584);
      body[584] = 6;
    }
  };
  return {{std::string(kQuote), trust::UntrustedBytes(mint::Mint(options))}};
}

std::vector<trust::CollateralItem> CollateralOf(const Machine& machine) {
  mint::TcbOptions documents;
  const std::string_view levels = "\"tcbLevels\":[{\"tcb\":{\"sgxtcbcomponents\"", status = "UpToDate\"";
  Replace(documents.info, documents.info.find(status, documents.info.rfind(levels)), status,
          Cat(machine.platform_status, "\"", machine.advisories.empty() ? "" : Cat(",\"advisoryIDs\":[", machine.advisories, "]")));
  std::vector<trust::CollateralItem> items;
  if (machine.documents) items = mint::TcbDocuments(documents);
  items.push_back(mint::List({.root = true}));
  items.push_back(mint::List());
  return items;
}

trust::Bundle BundleOf(const Machine& machine) {
  const trust::AnchorSet anchors = mint::Pki::Shared().Anchors();
  const trust::CollateralSnapshot collateral(CollateralOf(machine));
  const trust::Challenge challenge = trust::Challenge::NotDemanded(true);
  CheckLog log;
  return BuiltinRegistry()
      .FindPlatform("qemu_tdx")
      ->authenticate(ItemsOf(machine), {.anchors = anchors, .collateral = collateral, .challenge = challenge, .caches = nullptr}, log)
      .value();
}

// One machine of each status there is.
const std::map<std::string, Machine>& Machines() {
  static const std::map<std::string, Machine> machines = {
      {"UpToDate", {}},
      {"SWHardeningNeeded", {.platform_status = "SWHardeningNeeded"}},
      {"ConfigurationNeeded", {.platform_status = "ConfigurationNeeded"}},
      {"ConfigurationAndSWHardeningNeeded", {.platform_status = "ConfigurationAndSWHardeningNeeded"}},
      {"TDRelaunchAdvised", {.module_svn = 4, .module_updated = true}},
      {"TDRelaunchAdvisedConfigurationNeeded", {.platform_status = "ConfigurationNeeded", .module_svn = 4, .module_updated = true}},
      {"OutOfDate", {.platform_status = "OutOfDate"}},
      {"OutOfDateConfigurationNeeded", {.platform_status = "OutOfDateConfigurationNeeded"}},
      {"Revoked", {.platform_status = "Revoked"}},
      {"NotSupported", {.module_svn = 1}},
  };
  return machines;
}

// Answers all but the status, which `rules` have to.
std::string PolicyOf(std::string_view rules) {
  return Cat(
      "apiVersion: assay.v1\nkind: AppraisalPolicy\nname: p\nplatform: qemu_tdx\nrules:\n",
      "  - {claim: dcap.debug, equals: false}\n  - {claim: dcap.migratable, equals: false}\n  - {claim: dcap.service_td, equals: false}\n",
      "  - {claim: dcap.revocation_checked, equals: true}\n", rules,
      "waive:\n  - {claim: boot.covered, reason: a test}\n  - {claim: owner, reason: a test}\n");
}
std::string WithRule(std::string_view rule) {
  return PolicyOf(Cat("  - {claim: dcap.tcb_status, status_at_most: UpToDate}\n  - ", rule, "\n"));
}

struct Judged {
  LoadResult loaded;  // what the outcome's views point into
  CheckLog log;
  RulesOutcome outcome;
  const Finding* FindingOn(std::string_view claim) const {
    for (const Finding& finding : log.findings()) {
      if (finding.claim == claim) return &finding;
    }
    return nullptr;
  }
  bool Fails(std::string_view claim) const { return FindingOn(claim) != nullptr; }
};

Judged Judge(const std::string& policy, const trust::Bundle& bundle, Time at = kAt) {
  Judged judged{.loaded = LoadPolicies({{"p.yaml", policy}}, BuiltinRegistry()), .log = {}, .outcome = {}};
  for (const LintMessage& message : judged.loaded.messages) ADD_FAILURE() << message.ToString() << "\n" << policy;
  if (!judged.loaded.book) return judged;
  const Subject subject{bundle.claims(), evidence::Provenance::kInferred, at};
  judged.outcome = JudgeRules(judged.loaded.book->policies().front(), *judged.loaded.book, BuiltinRegistry(), subject, judged.log);
  return judged;
}

TEST(TcbStatusRules, EveryStatusAgainstEveryLimit) {
  // Limit → what passes. Nothing else does.
  const std::map<std::string, std::set<std::string>> kPassing = {
      {"UpToDate", {"UpToDate"}},
      {"SWHardeningNeeded", {"UpToDate", "SWHardeningNeeded"}},
      {"ConfigurationNeeded", {"UpToDate", "ConfigurationNeeded"}},
      {"ConfigurationAndSWHardeningNeeded", {"UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded"}},
      {"TDRelaunchAdvised", {"UpToDate", "SWHardeningNeeded", "TDRelaunchAdvised"}},
      {"TDRelaunchAdvisedConfigurationNeeded",
       {"UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "TDRelaunchAdvised",
        "TDRelaunchAdvisedConfigurationNeeded"}},
      {"OutOfDate", {"UpToDate", "SWHardeningNeeded", "TDRelaunchAdvised", "OutOfDate"}},
      {"OutOfDateConfigurationNeeded",
       {"UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "TDRelaunchAdvised",
        "TDRelaunchAdvisedConfigurationNeeded", "OutOfDate", "OutOfDateConfigurationNeeded"}},
  };
  for (const auto& [status, machine] : Machines()) {
    const trust::Bundle bundle = BundleOf(machine);
    const auto* claim = bundle.claims().Get<std::string>("dcap.tcb_status");
    ASSERT_NE(claim, nullptr) << status;
    ASSERT_EQ(*claim, status);
    for (const auto& [limit, passing] : kPassing) {
      const bool passes = passing.count(status) == 1;
      const Judged judged = Judge(PolicyOf(Cat("  - {claim: dcap.tcb_status, status_at_most: ", limit, "}\n")), bundle);
      const Finding* finding = judged.FindingOn("dcap.tcb_status");
      EXPECT_EQ(finding == nullptr, passes) << status << " at most " << limit;
      EXPECT_EQ(judged.outcome.Appraised("dcap.tcb_status"), passes) << status << " at most " << limit;
      if (finding == nullptr) continue;
      EXPECT_EQ(finding->reason, Reason::kTcbStatusRefused);
      EXPECT_EQ(finding->effect, Effect::kReject);
      EXPECT_THAT(finding->expected, HasSubstr(limit));
      EXPECT_TRUE(finding->actual.starts_with(status)) << finding->actual << ": the status, then what falls short";
    }
  }
}

TEST(TcbStatusRules, EqualsAndOneOfNameSingleStatuses) {
  const trust::Bundle hardening = BundleOf({.platform_status = "SWHardeningNeeded"});
  EXPECT_FALSE(Judge(PolicyOf("  - {claim: dcap.tcb_status, equals: SWHardeningNeeded}\n"), hardening).Fails("dcap.tcb_status"));
  EXPECT_FALSE(
      Judge(PolicyOf("  - {claim: dcap.tcb_status, one_of: [UpToDate, SWHardeningNeeded]}\n"), hardening).Fails("dcap.tcb_status"));
  EXPECT_TRUE(Judge(PolicyOf("  - {claim: dcap.tcb_status, one_of: [UpToDate, OutOfDate]}\n"), hardening).Fails("dcap.tcb_status"));
  EXPECT_TRUE(Judge(PolicyOf("  - {claim: dcap.tcb_status, equals: SWHardeningNeeded}\n"), BundleOf({})).Fails("dcap.tcb_status"));
}

TEST(TcbStatusRules, PartsHaveStatusesOfTheirOwn) {
  const trust::Bundle bundle = BundleOf({.module_svn = 4});
  EXPECT_FALSE(Judge(WithRule("{claim: dcap.platform_status, status_at_most: UpToDate}"), bundle).Fails("dcap.platform_status"));
  const Judged module = Judge(WithRule("{claim: dcap.tdx_module_status, status_at_most: SWHardeningNeeded}"), bundle);
  ASSERT_NE(module.FindingOn("dcap.tdx_module_status"), nullptr);
  EXPECT_EQ(module.FindingOn("dcap.tdx_module_status")->actual, "OutOfDate");
}

TEST(TcbStatusRules, WithoutDocumentsNothingPassesAndNothingIsDecided) {
  const trust::Bundle bundle = BundleOf({.documents = false});
  for (const std::string_view rule :
       {"{claim: dcap.tcb_status, status_at_most: OutOfDateConfigurationNeeded}", "{claim: dcap.tcb_status, equals: UpToDate}",
        "{claim: dcap.platform_status, status_at_most: OutOfDate}", "{claim: dcap.qe_status, one_of: [UpToDate]}",
        "{claim: dcap.tdx_module_status, present: true}", "{claim: dcap.advisory_ids, subset_of: []}",
        "{claim: dcap.advisory_ids, subset_of: [INTEL-SA-00001]}", "{claim: dcap.tcb_date, age_at_most: 3650d}",
        "{claim: dcap.tcb_date, not_before: 1990-01-01T00:00:00Z}", "{claim: dcap.tcb_date, not_after: 2090-01-01T00:00:00Z}",
        "{claim: dcap.tcb_evaluation_data_number, at_least: 1}"}) {
    const Judged judged = Judge(WithRule(rule), bundle);
    const std::string_view claim = rule.substr(8, rule.find(',') - 8);
    ASSERT_NE(judged.FindingOn(claim), nullptr) << rule;
    EXPECT_EQ(judged.FindingOn(claim)->reason, Reason::kClaimAbsent) << rule;
    EXPECT_EQ(judged.FindingOn(claim)->effect, Effect::kIndeterminate) << rule;
    EXPECT_FALSE(judged.outcome.Appraised(claim)) << rule;
  }
}

TEST(AdvisoryRules, EveryAdvisoryMustBeListed) {
  struct Case {
    std::string_view present, allowed;
    std::string_view actual;  // empty: holds
  };
  for (const Case& c : {
           Case{"", "[]", ""},
           Case{"", "[INTEL-SA-1]", ""},
           Case{"\"INTEL-SA-1\"", "[INTEL-SA-1]", ""},
           Case{"\"INTEL-SA-2\",\"INTEL-SA-1\"", "[INTEL-SA-3, INTEL-SA-1, INTEL-SA-2]", ""},
           Case{"\"INTEL-SA-1\"", "[]", "INTEL-SA-1"},
           Case{"\"INTEL-SA-1\"", "[INTEL-SA-11, INTEL-SA]", "INTEL-SA-1"},
           Case{"\"INTEL-SA-1\"", "[intel-sa-1]", "INTEL-SA-1"},
           Case{"\"INTEL-SA-3\",\"INTEL-SA-1\",\"INTEL-SA-2\"", "[INTEL-SA-1]",
                "INTEL-SA-2, INTEL-SA-3, of INTEL-SA-1, INTEL-SA-2, INTEL-SA-3"},
       }) {
    const trust::Bundle bundle = BundleOf({.advisories = std::string(c.present)});
    const Judged judged = Judge(WithRule(Cat("{claim: dcap.advisory_ids, subset_of: ", c.allowed, "}")), bundle);
    const Finding* finding = judged.FindingOn("dcap.advisory_ids");
    EXPECT_EQ(finding == nullptr, c.actual.empty()) << c.present << " of " << c.allowed;
    EXPECT_EQ(judged.outcome.Appraised("dcap.advisory_ids"), c.actual.empty());
    if (finding == nullptr) continue;
    EXPECT_EQ(finding->reason, Reason::kAdvisoryRefused);
    EXPECT_EQ(finding->effect, Effect::kReject);
    EXPECT_EQ(finding->actual, c.actual);
    EXPECT_TRUE(finding->expected.starts_with(c.allowed == "[]" ? "none" : "no more than ")) << finding->expected;
  }
}

TEST(TcbDateRules, BoundariesAreInside) {
  const trust::Bundle bundle = BundleOf({});
  const Time date = *ParseTime(kDate);
  const auto fails = [&](std::string_view rule, Time at) {
    const Judged judged = Judge(WithRule(Cat("{claim: dcap.tcb_date, ", rule, "}")), bundle, at);
    const Finding* finding = judged.FindingOn("dcap.tcb_date");
    if (finding != nullptr) {
      EXPECT_EQ(finding->reason, Reason::kTcbDateRefused);
      EXPECT_EQ(finding->actual, kDate);
    }
    return finding != nullptr;
  };
  constexpr Duration kSecond{1};
  const Duration days = std::chrono::days(30);
  EXPECT_FALSE(fails("age_at_most: 30d", date));
  EXPECT_FALSE(fails("age_at_most: 30d", date + days - kSecond));
  EXPECT_FALSE(fails("age_at_most: 30d", date + days));
  EXPECT_TRUE(fails("age_at_most: 30d", date + days + kSecond));
  EXPECT_TRUE(fails("age_at_most: 30d", date - kSecond)) << "what is yet to come has no age";
  EXPECT_TRUE(fails("age_at_most: 1s", date + 2 * kSecond));
  EXPECT_FALSE(fails("age_at_most: 3650d", kAt));
  EXPECT_FALSE(fails("not_before: 2025-05-13T23:59:59Z", kAt));
  EXPECT_FALSE(fails("not_before: 2025-05-14T00:00:00Z", kAt));
  EXPECT_TRUE(fails("not_before: 2025-05-14T00:00:01Z", kAt));
  EXPECT_FALSE(fails("not_after: 2025-05-14T00:00:01Z", kAt));
  EXPECT_FALSE(fails("not_after: 2025-05-14T00:00:00Z", kAt));
  EXPECT_TRUE(fails("not_after: 2025-05-13T23:59:59Z", kAt));
}

TEST(TcbRules, HoldInsideAnyOf) {
  // Out of date only for as long as the level is young, or with an advisory that was read.
  const std::string policy = PolicyOf(
      "  - {claim: dcap.tcb_status, status_at_most: OutOfDate}\n"
      "  - any_of: [{claim: dcap.tcb_status, status_at_most: SWHardeningNeeded}, {claim: dcap.tcb_date, age_at_most: 100d},\n"
      "             {claim: dcap.advisory_ids, subset_of: [INTEL-SA-9]}]\n");
  const Time date = *ParseTime(kDate);
  const Machine old{.platform_status = "OutOfDate", .advisories = "\"INTEL-SA-1\""};
  EXPECT_FALSE(Judge(policy, BundleOf({}), kAt).Fails("any_of"));
  EXPECT_FALSE(Judge(policy, BundleOf(old), date + std::chrono::days(100)).Fails("any_of"));
  const Judged late = Judge(policy, BundleOf(old), kAt);
  ASSERT_NE(late.FindingOn("any_of"), nullptr);
  EXPECT_THAT(late.FindingOn("any_of")->expected,
              HasSubstr("dcap.tcb_status at most SWHardeningNeeded: UpToDate, SWHardeningNeeded; or dcap.tcb_date at most 100d before"));
  EXPECT_THAT(late.FindingOn("any_of")->actual, HasSubstr("dcap.advisory_ids INTEL-SA-1"));
  EXPECT_FALSE(Judge(policy, BundleOf({.platform_status = "OutOfDate", .advisories = "\"INTEL-SA-9\""}), kAt).Fails("any_of"));
}

TEST(TcbRules, LastAsLongAsTheAgeThatTheyDemand) {
  const trust::Bundle bundle = BundleOf({});
  const Time end = *ParseTime(kDate) + std::chrono::days(100);
  const auto until = [&](std::string_view rules, Time at) {
    return Judge(PolicyOf(Cat("  - {claim: dcap.tcb_status, equals: UpToDate}\n", rules)), bundle, at).outcome.until;
  };
  EXPECT_EQ(until("", end), std::nullopt);
  EXPECT_EQ(until("  - {claim: dcap.tcb_date, not_before: 2025-01-01T00:00:00Z}\n", end), std::nullopt);
  EXPECT_EQ(until("  - {claim: dcap.tcb_date, age_at_most: 100d}\n", end), end);
  EXPECT_EQ(until("  - {claim: dcap.tcb_date, age_at_most: 100d}\n", end + Duration(1)), std::nullopt) << "it does not hold";
  EXPECT_EQ(until("  - {claim: dcap.tcb_date, age_at_most: 200d}\n  - {claim: dcap.tcb_date, age_at_most: 100d}\n", end), end);
  EXPECT_EQ(until("  - any_of: [{claim: dcap.tcb_date, age_at_most: 99d}, {claim: dcap.tcb_date, age_at_most: 100d}]\n",
                  end - std::chrono::days(2)),
            end);
  EXPECT_EQ(until("  - any_of: [{claim: dcap.tcb_date, age_at_most: 100d}, {claim: dcap.debug, equals: false}]\n", end), std::nullopt);
}

v1::Appraisal AppraiseBy(const std::string& policy, const Machine& machine, Time at = kAt) {
  const LoadResult loaded = LoadPolicies({{"p.yaml", policy}}, BuiltinRegistry());
  for (const LintMessage& message : loaded.messages) ADD_FAILURE() << message.ToString();
  if (!loaded.book) return {};
  const std::vector<evidence::Item> items = ItemsOf(machine);
  const trust::AnchorSet anchors = mint::Pki::Shared().Anchors();
  const trust::CollateralSnapshot collateral(CollateralOf(machine));
  const trust::Challenge challenge = trust::Challenge::NotDemanded(true);
  const StateSnapshot state;
  return Appraise({.registry = BuiltinRegistry(),
                   .items = items,
                   .platform_hint = "",
                   .challenge = challenge,
                   .channel_bound = true,
                   .collateral = collateral,
                   .policies = PolicyChoice::ForPolicy(*loaded.book, loaded.book->policies().front()),
                   .anchors = anchors,
                   .state = state,
                   .at = at});
}

bool Has(const v1::Appraisal& appraisal, std::string_view reason) {
  for (const v1::Finding& finding : appraisal.findings()) {
    if (finding.reason() == reason) return true;
  }
  return false;
}

TEST(TcbVerdicts, EndWhenTheAgeIsReached) {
  const std::string policy = WithRule("{claim: dcap.tcb_date, age_at_most: 397d}");  // 2026-06-15, midnight
  const v1::Appraisal early = AppraiseBy(policy, {}, kAt - std::chrono::hours(2));
  ASSERT_EQ(early.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS);
  EXPECT_EQ(early.valid_until().seconds() - early.appraised_at().seconds(), 3600);
  const v1::Appraisal near = AppraiseBy(policy, {}, kAt - std::chrono::minutes(10));
  ASSERT_EQ(near.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS);
  EXPECT_EQ(near.valid_until().seconds() - near.appraised_at().seconds(), 600);
  const v1::Appraisal late = AppraiseBy(policy, {}, kAt + Duration(1));
  EXPECT_EQ(late.verdict(), v1::VERDICT_REJECTED);
  EXPECT_TRUE(Has(late, "tcb_date_refused"));
}

TEST(TcbVerdicts, NoPolicyAcceptsRevokedOrNotSupported) {
  const std::string lax = PolicyOf("  - {claim: dcap.tcb_status, status_at_most: OutOfDateConfigurationNeeded}\n");
  for (const auto& [status, machine] : Machines()) {
    const bool never = status == "Revoked" || status == "NotSupported";
    const v1::Appraisal appraisal = AppraiseBy(lax, machine);
    EXPECT_EQ(appraisal.verdict(), never ? v1::VERDICT_REJECTED : v1::VERDICT_TRUSTED_WITH_WARNINGS) << status;
    EXPECT_EQ(Has(appraisal, "tcb_unacceptable"), never) << status;
    EXPECT_EQ(Has(appraisal, "tcb_status_refused"), never) << status;
  }
}

TEST(TcbVerdicts, ShowDatesAndAdvisoriesAsText) {
  const v1::Appraisal appraisal = AppraiseBy(WithRule("{claim: dcap.advisory_ids, subset_of: [INTEL-SA-1, INTEL-SA-2]}"),
                                             {.advisories = "\"INTEL-SA-2\",\"INTEL-SA-1\""});
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS);
  std::map<std::string, std::string> texts;
  for (const v1::Claim& claim : appraisal.claims()) texts[claim.name()] = claim.text();
  EXPECT_EQ(texts["dcap.advisory_ids"], "INTEL-SA-1,INTEL-SA-2");
  EXPECT_EQ(texts["dcap.tcb_date"], kDate);
  EXPECT_EQ(texts["dcap.tcb_status"], "UpToDate");
}

}  // namespace
}  // namespace assay::appraisal
