#include "tests/vectors/runner.h"

#include <array>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "tests/vectors/json_text.h"

namespace assay::vectors {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

Finding Refusal(Reason reason) { return {.reason = reason}; }

Observation NotAuthentic(Reason reason) {
  Observation observation;
  observation.against.push_back(Refusal(reason));
  return observation;
}

TEST(Compare, AcceptsEveryListedReason) {
  const Expectation expected{.authentic = false, .reasons = {"chain", "wrong_root"}, .status = {}, .claims = {}};
  EXPECT_THAT(Compare(expected, NotAuthentic(Reason::kChainBroken)), IsEmpty());
  EXPECT_THAT(Compare(expected, NotAuthentic(Reason::kRootNotPinned)), IsEmpty());
  Observation several = NotAuthentic(Reason::kSignatureInvalid);
  several.against.push_back(Refusal(Reason::kChainIncomplete));
  EXPECT_THAT(Compare(expected, several), IsEmpty());
}

TEST(Compare, AcceptsNamedValuesAndIgnoresOthers) {
  Observation actual;
  actual.authentic = true;
  actual.claims = {{"a", "1"}, {"b", "\"x\""}};
  EXPECT_THAT(Compare({.authentic = true, .reasons = {}, .status = {}, .claims = {{"a", "1"}}}, actual), IsEmpty());
}

TEST(Compare, RefusesEverythingElse) {
  Observation authentic;
  authentic.authentic = true;
  authentic.claims = {{"a", "1"}};
  authentic.status = {{"s", "\"OutOfDate\""}};
  Observation contradictory = NotAuthentic(Reason::kChainBroken);
  contradictory.authentic = true;
  Observation faulty = authentic;
  faulty.fault = "no such platform";
  const Expectation chain{.authentic = false, .reasons = {"chain"}, .status = {}, .claims = {}};
  struct {
    std::string name;
    Expectation expected;
    Observation actual;
    std::string defect;
  } const cases[] = {
      {"accepted what is forged", chain, authentic, "actual authentic"},
      {"refused what is genuine",
       {.authentic = true, .reasons = {}, .status = {}, .claims = {}},
       NotAuthentic(Reason::kChainBroken),
       "expected authentic"},
      {"refused for another reason", chain, NotAuthentic(Reason::kSignatureInvalid), "expected reason chain, actual signature"},
      {"refused for a reason without class", chain, NotAuthentic(Reason::kRuleFailed), "expected reason chain"},
      {"refused without a finding", chain, Observation{}, "no finding says why"},
      {"accepted with a finding", chain, contradictory, "in spite of"},
      {"claim of another value",
       {.authentic = true, .reasons = {}, .status = {}, .claims = {{"a", "2"}}},
       authentic,
       "claim a: expected 2, actual 1"},
      {"claim of another type", {.authentic = true, .reasons = {}, .status = {}, .claims = {{"a", "\"1\""}}}, authentic, "claim a"},
      {"claim absent",
       {.authentic = true, .reasons = {}, .status = {}, .claims = {{"z", "1"}}},
       authentic,
       "claim z: expected 1, is absent"},
      {"status of another value",
       {.authentic = true, .reasons = {}, .status = {{"s", "\"UpToDate\""}}, .claims = {}},
       authentic,
       "status s"},
      {"the checker gave up", {.authentic = true, .reasons = {}, .status = {}, .claims = {}}, faulty, "no such platform"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    EXPECT_THAT(Join(Compare(test.expected, test.actual), "; "), HasSubstr(test.defect));
  }
}

TEST(PendingKinds, AreOneALineWithAReason) {
  const auto kinds = ParsePendingKinds("# comment\n\na\tno format yet\nb\tnor this\n");
  ASSERT_TRUE(kinds.ok());
  EXPECT_THAT(*kinds, ElementsAre(Pair("a", "no format yet"), Pair("b", "nor this")));
  for (const std::string_view bad : {"a\n", "a\t\n", "\twhy\n", "a why\n", "a\tx\na\ty\n"}) {
    SCOPED_TRACE(bad);
    EXPECT_FALSE(ParsePendingKinds(bad).ok());
  }
}

// The fake kind "first-byte": authentic exactly if the first byte of `file` is 1; claims its value.
Observation RunFirstByte(const Case&, const Inputs& inputs) {
  const Bytes* file = inputs.One("file");
  if (file == nullptr || file->empty()) return NotAuthentic(Reason::kLengthWrong);
  if (file->front() != 1) return NotAuthentic(Reason::kSignatureInvalid);
  Observation observation;
  observation.authentic = true;
  observation.claims["first"] = JsonNumber(file->front());
  return observation;
}
constexpr auto kFakes = std::to_array<Checker>({{"first-byte", &RunFirstByte}});

class RunnerTest : public ::testing::Test {
 protected:
  RunnerTest() : folder_(std::filesystem::path(::testing::TempDir()) / ("vectors_runner_" + TestName())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    Write("one.bin", "\x01");
  }
  ~RunnerTest() override { std::filesystem::remove_all(folder_); }

  static std::string TestName() { return ::testing::UnitTest::GetInstance()->current_test_info()->name(); }
  void Write(const std::filesystem::path& name, std::string_view content) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  void WriteCases(const std::filesystem::path& name, std::string_view cases) const {
    Write(name, Cat(R"({"format": "assay-cases/1", "area": "area", "cases": [)", cases, "]}"));
  }
  static std::string OneCase(std::string_view id, std::string_view kind, std::string_view expected, std::string_view mutate = "[]",
                             std::string_view file = "one.bin") {
    return Cat(R"({"id": ")", id, R"(", "kind": ")", kind, R"(", "inputs": {"file": ")", file, R"("}, "mutate": )", mutate,
               R"(, "at": "2025-01-01T00:00:00Z", "expected": )", expected, "}");
  }
  // Runs everything below the folder.
  Tally Run(PendingKinds pending = {}) {
    Runner runner(kFakes, std::move(pending), out_);
    for (const auto& path : FindCaseFiles({&folder_, 1})) runner.RunFile(path);
    runner.PrintSummary();
    return runner.tally();
  }

  std::filesystem::path folder_;
  std::ostringstream out_;
};

constexpr std::string_view kGenuine = R"({"authentic": true, "claims": {"first": 1}})";
constexpr std::string_view kForged = R"({"authentic": false, "reason": "signature"})";
constexpr std::string_view kFlip = R"([{"input": "file", "op": "xor", "offset": 0, "value": 2}])";

TEST_F(RunnerTest, CountsWhatPassesAndEndsWithTheCounts) {
  WriteCases("cases.json", OneCase("genuine", "first-byte", kGenuine));
  WriteCases("below/cases.json", Cat(OneCase("forged", "first-byte", kForged, kFlip, "../one.bin"), ",",
                                     OneCase("later", "other-kind", kForged, "[]", "../one.bin")));
  const Tally tally = Run({{"other-kind", "no format yet"}});
  EXPECT_EQ(tally.passed, 2u);
  EXPECT_EQ(tally.failed, 0u);
  EXPECT_THAT(out_.str(), EndsWith("1 pending (other-kind: 1)\n2 passed, 0 failed\n"));
}

TEST_F(RunnerTest, ShowsEachFailureWithExpectedAndActual) {
  WriteCases("cases.json", OneCase("x", "first-byte", R"({"authentic": false, "reason": "chain"})", kFlip));
  EXPECT_EQ(Run().failed, 1u);
  EXPECT_THAT(out_.str(), HasSubstr("area/x"));
  EXPECT_THAT(out_.str(), HasSubstr("expected reason chain, actual signature"));
  EXPECT_THAT(out_.str(), HasSubstr("signature_invalid (2009)"));
}

TEST_F(RunnerTest, FailsWhatItCannotRun) {
  struct {
    std::string name;
    std::string json;
    std::string message;
  } const cases[] = {
      {"mutation past the end", OneCase("x", "first-byte", kForged, R"([{"input": "file", "op": "xor", "offset": 1, "value": 1}])"),
       "past the end"},
      {"mutation of another role", OneCase("x", "first-byte", kForged, R"([{"input": "report", "op": "xor", "offset": 0, "value": 1}])"),
       "not one file"},
      {"input that is not there", OneCase("x", "first-byte", kForged, "[]", "two.bin"), "cannot be read"},
      {"input that is a folder", OneCase("x", "first-byte", kForged, "[]", "."), "cannot be read"},
      {"kind neither implemented nor listed", OneCase("x", "unheard-of", kForged), "no checker and is not listed"},
      {"a file without cases", "", "no cases"},
      {"a file that is no JSON", "{", "parse"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    out_.str("");
    WriteCases("cases.json", test.json);
    const Tally tally = Run();
    EXPECT_EQ(tally.passed, 0u);
    EXPECT_EQ(tally.failed, 1u);
    EXPECT_THAT(out_.str(), HasSubstr(test.message));
  }
}

TEST_F(RunnerTest, FailsAKindThatIsBothImplementedAndPending) {
  WriteCases("cases.json", OneCase("genuine", "first-byte", kGenuine));
  const Tally tally = Run({{"first-byte", "stale entry"}});
  EXPECT_EQ(tally.passed, 1u);
  EXPECT_EQ(tally.failed, 1u);
  EXPECT_THAT(out_.str(), HasSubstr("listed as pending as well"));
}

TEST_F(RunnerTest, ReadsAnEmptyInput) {
  Write("empty.bin", "");
  WriteCases("cases.json", OneCase("x", "first-byte", R"({"authentic": false, "reason": "malformed"})", "[]", "empty.bin"));
  EXPECT_EQ(Run().passed, 1u);
}

TEST_F(RunnerTest, FindsEachCaseFileOnce) {
  Write("a/cases.json", "{}");
  Write("b/cases.json", "{}");
  Write("b/other.json", "{}");
  const std::array folders = {folder_, folder_ / "b", folder_ / "absent"};
  EXPECT_EQ(FindCaseFiles(folders).size(), 2u);
  const std::array absent = {folder_ / "absent"};
  EXPECT_THAT(FindCaseFiles(absent), IsEmpty());
}

TEST(JsonText, IsCompactSortedAndEscaped) {
  EXPECT_EQ(JsonString("a\"\\\n"), "\"a\\\"\\\\\\u000a\"");
  EXPECT_EQ(JsonHex(Bytes{0x0A, 0xFF}), "\"0aff\"");
  EXPECT_EQ(JsonList({"1", "true"}), "[1,true]");
  EXPECT_EQ(JsonObject({{"b", "2"}, {"a", "1"}}), "{\"a\":1,\"b\":2}");
}

TEST(BuiltinCheckers, AreSortedAndUnique) {
  const std::span<const Checker> all = BuiltinCheckers();
  ASSERT_THAT(all, Not(IsEmpty()));
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_LT(all[i - 1].kind, all[i].kind);
}

}  // namespace
}  // namespace assay::vectors
