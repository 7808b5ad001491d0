#include "base/finding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "base/check_log.h"
#include "base/outcome.h"

namespace assay {
namespace {

using testing::MatchesRegex;

TEST(Reasons, NumbersAreUniqueAscendingAndBelongToTheirStage) {
  std::uint16_t before = 0;
  for (const ReasonEntry& entry : AllReasons()) {
    EXPECT_GT(entry.number, before) << entry.name;
    before = entry.number;
    EXPECT_EQ(entry.number, static_cast<std::uint16_t>(entry.reason)) << entry.name;
    EXPECT_EQ(entry.number / 1000 - 1, static_cast<int>(entry.stage)) << entry.name;
  }
}

TEST(Reasons, NamesAreUniqueSnakeCase) {
  std::set<std::string_view> names;
  for (const ReasonEntry& entry : AllReasons()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_THAT(std::string(entry.name), MatchesRegex("[a-z][a-z0-9]*(_[a-z0-9]+)*"));
    EXPECT_THAT(std::string(entry.case_class), MatchesRegex("([a-z][a-z0-9]*(_[a-z0-9]+)*)?")) << entry.name;
  }
}

TEST(Reasons, EachHasMeaningAndRemedyInWholeSentences) {
  for (const ReasonEntry& entry : AllReasons()) {
    for (const std::string_view sentence : {entry.meaning, entry.remedy}) {
      ASSERT_GT(sentence.size(), 10U) << entry.name;
      EXPECT_TRUE(sentence.ends_with('.')) << entry.name << ": " << sentence;
      EXPECT_TRUE(sentence.front() >= 'A' && sentence.front() <= 'Z') << entry.name << ": " << sentence;
      EXPECT_EQ(sentence.find("  "), sentence.npos) << entry.name;
    }
  }
}

// draft-ietf-rats-ar4si section 2.3: tiers none (-1, 0, 1), affirming (2), warning (32), contraindicated (96).
TEST(Reasons, NoReasonImpliesAnAffirmingResult) {
  for (const ReasonEntry& entry : AllReasons()) {
    EXPECT_TRUE((entry.ar4si_value >= -1 && entry.ar4si_value <= 1) || entry.ar4si_value >= 32)
        << entry.name << ' ' << int{entry.ar4si_value};
    EXPECT_LT(static_cast<int>(entry.ar4si_claim), 8) << entry.name;
  }
}

TEST(Reasons, EntriesAreFoundByReason) {
  for (const ReasonEntry& entry : AllReasons()) EXPECT_EQ(&EntryOf(entry.reason), &entry);
  EXPECT_EQ(NameOf(Reason::kTcbMismatch), "tcb_mismatch");
}

TEST(ReasonsDeath, AnUnknownNumberIsABug) { EXPECT_DEATH(EntryOf(static_cast<Reason>(999)), "bug"); }

TEST(Names, EveryEnumeratorHasAUniqueOne) {
  std::set<std::string_view> names;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(names.insert(NameOf(static_cast<Stage>(i))).second);
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(names.insert(NameOf(static_cast<Ar4siClaim>(i))).second);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(names.insert(NameOf(static_cast<Effect>(i))).second);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(names.insert(NameOf(static_cast<CheckResult>(i))).second);
  EXPECT_FALSE(names.contains("unknown"));
  EXPECT_EQ(NameOf(Ar4siClaim::kInstanceIdentity), "instance-identity");
  EXPECT_EQ(NameOf(Ar4siClaim::kSourcedData), "sourced-data");
}

TEST(Findings, RejectUnlessToldOtherwise) { EXPECT_EQ(Finding{Reason::kTcbMismatch}.effect, Effect::kReject); }

TEST(Findings, DescribeSaysWhereWhatAndWhatToDo) {
  Finding finding{.reason = Reason::kTcbMismatch, .component = "vcek", .claim = "snp.reported_tcb", .expected = "1", .actual = "2"};
  EXPECT_EQ(Describe(finding),
            "tcb_mismatch (2011) at vcek: snp.reported_tcb: expected 1, actual 2. Supply the certificate issued for "
            "the reported TCB.");
  finding.expected.clear();
  finding.remedy = "Ask.";
  EXPECT_EQ(Describe(finding), "tcb_mismatch (2011) at vcek: snp.reported_tcb: actual 2. Ask.");
  EXPECT_EQ(Describe(Finding{.reason = Reason::kTcbMismatch, .remedy = "Ask."}), "tcb_mismatch (2011). Ask.");
}

TEST(Outcomes, HoldAValueOrFindings) {
  const Outcome<int> value = 7;
  EXPECT_TRUE(value.ok());
  EXPECT_TRUE(value);
  EXPECT_EQ(*value, 7);
  EXPECT_TRUE(value.findings().empty());

  const Outcome<std::string> none = Finding{Reason::kLengthWrong};
  EXPECT_FALSE(none.ok());
  ASSERT_EQ(none.findings().size(), 1U);
  EXPECT_EQ(none.findings().front().reason, Reason::kLengthWrong);

  EXPECT_EQ(Outcome<int>(std::vector<Finding>(2, Finding{Reason::kLengthWrong})).findings().size(), 2U);
  EXPECT_EQ(Outcome<std::unique_ptr<int>>(std::make_unique<int>(7)).value() != nullptr, true);
}

TEST(OutcomesDeath, MisuseIsABug) {
  const Outcome<int> none = Finding{Reason::kLengthWrong};
  EXPECT_DEATH((void)none.value(), "bug");
  EXPECT_DEATH((void)*none, "bug");
  EXPECT_DEATH((void)Outcome<int>(std::vector<Finding>()), "bug") << "neither value nor reason";
}

}  // namespace
}  // namespace assay
