#include "evidence/tcg_log/judge.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

#include "evidence/tcg_log/claims.h"
#include "tests/unit/tcg_log/bound_log.h"
#include "tests/unit/tcg_log/plain_log.h"

namespace assay::tcg_log {
namespace {

using Pinned = std::set<std::string_view>;

bool Nothing(const void*, std::string_view, const trust::Value&) { return false; }
bool Pins(const void* pinned, std::string_view claim) { return static_cast<const Pinned*>(pinned)->contains(claim); }

CheckLog JudgeLog(const test::PlainLog& event_log, const Pinned& pinned) {
  CheckLog unused, log;
  const auto bundle = test::Bind(event_log.Write(), event_log.Rtmrs(), unused);
  Judge(bundle.value().claims(), {&Nothing, &Pins, &pinned}, log);
  return log;
}

TEST(LogJudge, CommandLineAndBootFilesStandTogether) {
  const test::PlainLog boot = test::BootLog();
  EXPECT_TRUE(JudgeLog(boot, {}).records().empty());
  EXPECT_TRUE(JudgeLog(boot, {kCommandLineClaim, kBootFilesClaim}).findings().empty());
  for (const std::string_view alone : {kCommandLineClaim, kBootFilesClaim}) {
    const CheckLog log = JudgeLog(boot, {alone});
    ASSERT_EQ(log.findings().size(), 1U) << alone;
    EXPECT_EQ(log.findings().front().reason, Reason::kCommandLineOpen);
    EXPECT_EQ(log.findings().front().effect, Effect::kIndeterminate);
    EXPECT_NE(log.findings().front().claim, alone);
    EXPECT_EQ(log.records().front().check, Check::kLogCommandLine);
  }
}

// A release that has one of them in every tuple is no better than a rule on it alone.
TEST(LogJudge, ReleasesCountLikeRules) {
  const test::PlainLog boot = test::BootLog();
  const auto judge = [&](const Pinned& released) {
    CheckLog unused, log;
    const auto bundle = test::Bind(boot.Write(), boot.Rtmrs(), unused);
    Judge(bundle.value().claims(), {&Nothing, [](const void*, std::string_view) { return false; }, &released, &Pins}, log);
    return log;
  };
  EXPECT_TRUE(judge({kCommandLineClaim, kBootFilesClaim}).findings().empty());
  for (const std::string_view alone : {kCommandLineClaim, kBootFilesClaim}) {
    const CheckLog log = judge({alone});
    ASSERT_EQ(log.findings().size(), 1U) << alone;
    EXPECT_EQ(log.findings().front().reason, Reason::kCommandLineOpen);
    EXPECT_EQ(log.findings().front().effect, Effect::kIndeterminate);
  }
}

// Without the claim nothing is left out of the other one.
TEST(LogJudge, BootFilesAloneAreWholeWithoutACommandLine) {
  test::PlainLog log = test::BootLog();
  log.events[test::kCommandLine].measured = {1};
  EXPECT_TRUE(JudgeLog(log, {kBootFilesClaim}).records().empty());
}

}  // namespace
}  // namespace assay::tcg_log
