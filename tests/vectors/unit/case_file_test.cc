#include "tests/vectors/case_file.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"

namespace assay::vectors {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::string File(std::string_view cases) { return Cat(R"({"format": "assay-cases/1", "area": "a", "cases": [)", cases, "]}"); }

TEST(CaseFile, ReadsEveryMember) {
  const auto file = ParseCaseFile(File(R"({
      "id": "x", "kind": "k", "inputs": {"report": "r.bin", "intermediates": ["i.der", "../j.pem"]},
      "mutate": [{"input": "report", "op": "xor", "offset": 8, "value": 255}, {"input": "report", "op": "truncate", "length": 1}],
      "at": "2025-01-30T16:33:43Z", "bind": {"report_data": "00ff", "extra_data": ""}, "lenient": "l", "note": "n",
      "expected": {"authentic": false, "reason": "chain", "reason_also": ["wrong_root"]}},
      {"id": "y", "kind": "k", "inputs": {}, "at": "2025-01-30T16:33:43Z",
       "expected": {"authentic": true, "claims": {"b": [{"y": 1, "x": "t"}], "a": false}, "status": {"s": 7}}})"),
                                  "/in");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->area, "a");
  ASSERT_EQ(file->cases.size(), 2u);
  const Case& first = file->cases[0];
  EXPECT_EQ(first.id, "x");
  EXPECT_EQ(first.kind, "k");
  EXPECT_THAT(first.inputs,
              ElementsAre(Pair("intermediates", ElementsAre("/in/i.der", "/in/../j.pem")), Pair("report", ElementsAre("/in/r.bin"))));
  ASSERT_EQ(first.mutations.size(), 2u);
  EXPECT_EQ(std::get<Xor>(first.mutations[0].operation).offset, 8u);
  EXPECT_EQ(std::get<Truncate>(first.mutations[1].operation).length, 1u);
  EXPECT_EQ(FormatTime(first.at), "2025-01-30T16:33:43Z");
  EXPECT_EQ(first.bind.report_data, (Bytes{0x00, 0xff}));
  EXPECT_EQ(first.bind.extra_data, Bytes{});  // empty is a demand, too
  EXPECT_EQ(first.bind.nonce, std::nullopt);
  EXPECT_FALSE(first.expected.authentic);
  EXPECT_THAT(first.expected.reasons, ElementsAre("chain", "wrong_root"));
  const Case& second = file->cases[1];
  EXPECT_TRUE(second.bind.Empty());
  EXPECT_THAT(second.expected.claims, ElementsAre(Pair("a", "false"), Pair("b", R"([{"x":"t","y":1}])")));
  EXPECT_THAT(second.expected.status, ElementsAre(Pair("s", "7")));
}

TEST(CaseFile, RefusesWhatItDoesNotFullyUnderstand) {
  const auto with = [](std::string_view from, std::string_view to) {
    std::string text = File(
        R"({"id": "x", "kind": "k", "inputs": {"r": "f"}, "mutate": [{"input": "r", "op": "xor", "offset": 0, "value": 1}],
        "at": "2025-01-30T16:33:43Z", "expected": {"authentic": false, "reason": "chain"}})");
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  ASSERT_TRUE(ParseCaseFile(with("\"x\"", "\"x\""), "/").ok());
  struct {
    std::string json;
    std::string message;
  } const cases[] = {
      {"", "parse"},
      {"[]", "object"},
      {with("assay-cases/1", "assay-cases/2"), "assay-cases/1"},
      {with("\"id\"", "\"di\""), "unknown member 'di'"},
      {with("\"kind\": \"k\",", ""), "'kind' is missing"},
      {with("\"op\": \"xor\"", "\"op\": \"or\""), "unknown operation 'or'"},
      {with("\"value\": 1", "\"value\": 256"), "0 to 255"},
      {with("\"value\": 1", "\"value\": -1"), "0 to 255"},
      {with("\"offset\": 0", "\"offset\": 0.5"), "integer"},
      {with("\"offset\": 0", "\"offset\": 0, \"length\": 1"), "unknown member 'length'"},
      {with("\"op\": \"xor\", \"offset\": 0, \"value\": 1", "\"op\": \"append\", \"hex\": \"abc\""), "hexadecimal"},
      {with("\"op\": \"xor\", \"offset\": 0, \"value\": 1",
            "\"op\": \"negate_s\", \"offset\": 0, \"curve\": \"P-521\", \"byte_order\": \"big\""),
       "P-521"},
      {with("\"op\": \"xor\", \"offset\": 0, \"value\": 1",
            "\"op\": \"negate_s\", \"offset\": 0, \"curve\": \"P-384\", \"byte_order\": \"mixed\""),
       "mixed"},
      {with("2025-01-30T16:33:43Z", "2025-01-30"), "RFC 3339"},
      {with("\"reason\": \"chain\"", "\"reason\": \"chian\""), "unknown reason 'chian'"},
      {with("\"reason\": \"chain\"", "\"reason\": \"chain\", \"reason_also\": [\"nonsense\"]"), "nonsense"},
      {with(", \"reason\": \"chain\"", ""), "a reason belongs"},
      {with("\"authentic\": false", "\"authentic\": true"), "a reason belongs"},
      {with("\"authentic\": false", "\"authentic\": 0"), "true or false"},
      {with("\"at\"", "\"bind\": {}, \"at\""), "empty"},
      {with("\"at\"", "\"bind\": {\"challenge\": \"00\"}, \"at\""), "unknown member 'challenge'"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.json);
    const auto file = ParseCaseFile(test.json, "/");
    ASSERT_FALSE(file.ok());
    EXPECT_THAT(std::string(MessageOf(file.status())), HasSubstr(test.message));
  }
}

TEST(CaseFile, RefusesAnIdThatIsUsedTwice) {
  const std::string one = R"({"id": "x", "kind": "k", "inputs": {}, "at": "2025-01-30T16:33:43Z", "expected": {"authentic": true}})";
  EXPECT_TRUE(ParseCaseFile(File(one), "/").ok());
  const auto file = ParseCaseFile(File(Cat(one, ",", one)), "/");
  ASSERT_FALSE(file.ok());
  EXPECT_THAT(std::string(MessageOf(file.status())), HasSubstr("case x: this id is used twice"));
}

}  // namespace
}  // namespace assay::vectors
