#include "base/check_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace assay {
namespace {

using testing::MatchesRegex;

Finding Any(Effect effect = Effect::kReject) { return {.reason = Reason::kLengthWrong, .effect = effect}; }

TEST(Checks, NamesAreUniqueDottedSnakeCaseAndHaveAMeaning) {
  std::set<std::string_view> names;
  std::size_t index = 0;
  for (const CheckEntry& entry : AllChecks()) {
    EXPECT_EQ(static_cast<std::size_t>(entry.check), index++) << entry.name;
    EXPECT_EQ(NameOf(entry.check), entry.name);
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_THAT(std::string(entry.name), MatchesRegex("[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)*"));
    EXPECT_GT(entry.meaning.size(), 10U) << entry.name;
    EXPECT_FALSE(entry.meaning.ends_with('.')) << entry.name << ": a clause, not a sentence";
  }
}

TEST(CheckLog, WhatWasNotReportedIsNotThere) {
  const CheckLog log;
  EXPECT_TRUE(log.records().empty());
  EXPECT_TRUE(log.findings().empty());
  EXPECT_FALSE(log.HasRejection());
}

TEST(CheckLog, RequireRecordsBothEnds) {
  CheckLog log;
  EXPECT_TRUE(log.Require(Check::kSnpHwid, true, []() -> Finding {
    ADD_FAILURE() << "described a check that passed";
    return Any();
  }));
  EXPECT_FALSE(log.Require(Check::kSnpChain, false, [] { return Any(); }));
  ASSERT_EQ(log.records().size(), 2U);
  EXPECT_EQ(log.records()[0].check, Check::kSnpHwid);
  EXPECT_EQ(log.records()[0].result, CheckResult::kPassed);
  EXPECT_EQ(log.records()[1].check, Check::kSnpChain);
  EXPECT_EQ(log.records()[1].result, CheckResult::kFailed);
  EXPECT_EQ(log.findings().size(), 1U);
  EXPECT_TRUE(log.HasRejection());
}

TEST(CheckLog, RequireOfAnOutcomeTakesAllItsFindings) {
  CheckLog log;
  EXPECT_TRUE(log.Require(Check::kSnpHwid, Outcome<int>(1)));
  EXPECT_FALSE(log.Require(Check::kSnpChain, Outcome<int>(std::vector<Finding>(2, Any()))));
  ASSERT_EQ(log.records().size(), 2U);
  EXPECT_EQ(log.records()[0].result, CheckResult::kPassed);
  EXPECT_EQ(log.records()[1].result, CheckResult::kFailed);
  EXPECT_EQ(log.findings().size(), 2U);
}

TEST(CheckLog, KeepsTheWorstResultOfACheckWhateverTheOrder) {
  using Step = void (*)(CheckLog&);
  const std::pair<Step, CheckResult> steps[] = {
      // from good to bad
      {[](CheckLog& log) { log.Pass(Check::kDebug); }, CheckResult::kPassed},
      {[](CheckLog& log) { log.Skip(Check::kDebug, Any(Effect::kNote)); }, CheckResult::kSkipped},
      {[](CheckLog& log) { log.Waive(Check::kDebug, Any(), "accepted"); }, CheckResult::kWaived},
      {[](CheckLog& log) { log.Fail(Check::kDebug, Any()); }, CheckResult::kFailed},
  };
  for (std::size_t a = 0; a < std::size(steps); ++a) {
    for (std::size_t b = 0; b < std::size(steps); ++b) {
      CheckLog log;
      steps[a].first(log);
      steps[b].first(log);
      ASSERT_EQ(log.records().size(), 1U) << a << ' ' << b;
      EXPECT_EQ(log.records()[0].result, steps[std::max(a, b)].second) << a << ' ' << b;
    }
  }
}

TEST(CheckLog, AWaiverLowersTheEffectAndNeverRaisesIt) {
  const std::pair<Effect, Effect> cases[] = {{Effect::kReject, Effect::kWarn},
                                             {Effect::kIndeterminate, Effect::kWarn},
                                             {Effect::kWarn, Effect::kWarn},
                                             {Effect::kNote, Effect::kNote}};
  for (const auto& [before, after] : cases) {
    CheckLog log;
    log.Waive(Check::kDebug, Any(before), "accepted");
    ASSERT_EQ(log.findings().size(), 1U);
    EXPECT_EQ(log.findings()[0].effect, after);
    EXPECT_FALSE(log.HasRejection());
  }
}

TEST(CheckLog, OnlyARejectingFindingIsARejection) {
  for (const Effect effect : {Effect::kNote, Effect::kWarn, Effect::kIndeterminate}) {
    CheckLog log;
    log.Fail(Check::kDebug, Any(effect));
    log.Skip(Check::kClock, Any(effect));
    log.Add(Any(effect));
    EXPECT_FALSE(log.HasRejection());
    EXPECT_EQ(log.records()[0].result, CheckResult::kFailed) << "shown as failed all the same";
    log.Add(Any(Effect::kReject));
    EXPECT_TRUE(log.HasRejection());
    EXPECT_EQ(log.records().size(), 2U) << "Add records no check";
  }
}

TEST(CheckLog, ALaterPassDoesNotRemoveFindings) {
  CheckLog log;
  log.Fail(Check::kDebug, Any());
  log.Pass(Check::kDebug);
  EXPECT_TRUE(log.HasRejection());
  EXPECT_EQ(log.findings().size(), 1U);
}

#ifndef ASSAY_MUTANTS
static_assert(!SwitchedOff(Check::kDebug), "in an ordinary build no check can be switched off");
#endif

}  // namespace
}  // namespace assay
