#include "codec/yaml.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "codec/syntax_error.h"

namespace assay::yaml {
namespace {

Node Parsed(std::string_view text) {
  auto node = Parse(text, "p.yaml");
  if (node) return *node->Find("v");
  ADD_FAILURE() << text << ": " << codec::MessageOf(node.findings().front());
  return {};
}

Node Root(std::string_view text) {
  auto node = Parse(text, "p.yaml");
  if (node) return std::move(node).value();
  ADD_FAILURE() << text << ": " << codec::MessageOf(node.findings().front());
  return {};
}

template <typename T>
std::string MessageIn(const Outcome<T>& outcome) {
  return outcome.ok() ? "no error" : codec::MessageOf(outcome.findings().front());
}

TEST(Yaml, ReadsAPolicy) {
  const Node root = Root(
      "kind: AppraisalPolicy\n"
      "strength: {at_least: A}\n"
      "rules:\n"
      "  - {claim: snp.vmpl, equals: 0}\n"
      "  - {claim: snp.reported_tcb, at_least: {\"19:01:*\": {snp: 0x18}}}\n"
      "waive: []\n");
  ASSERT_EQ(root.kind, Kind::kMapping);
  ASSERT_EQ(root.members.size(), 4U);
  EXPECT_EQ(root.members[2].key, "rules");
  EXPECT_EQ(root.members[2].key_position.Show(), "p.yaml:3:1");
  const Node& rules = root.members[2].value;
  ASSERT_EQ(rules.kind, Kind::kSequence);
  ASSERT_EQ(rules.elements.size(), 2U);
  EXPECT_EQ(rules.elements[0].position.Show(), "p.yaml:4:5");
  EXPECT_EQ(rules.elements[0].Find("claim")->text, "snp.vmpl");
  const Node* floor = rules.elements[1].Find("at_least")->Find("19:01:*")->Find("snp");
  ASSERT_NE(floor, nullptr);
  EXPECT_EQ(*AsInteger(*floor), 0x18U);
  EXPECT_EQ(floor->position.Show(), "p.yaml:5:59");
  EXPECT_EQ(root.Find("waive")->kind, Kind::kSequence);
  EXPECT_TRUE(root.Find("waive")->elements.empty());
  EXPECT_EQ(root.Find("nothing"), nullptr);
  EXPECT_EQ(rules.Find("claim"), nullptr);
}

TEST(Yaml, TellsPlainFromQuotedScalars) {
  EXPECT_FALSE(Parsed("v: yes\n").was_quoted);
  for (const char* text : {"v: \"yes\"\n", "v: 'yes'\n", "v: |-\n  yes\n", "v: >-\n  yes\n", "v:\n  \"yes\"\n", "v:   'yes' # c\n"}) {
    const Node node = Parsed(text);
    EXPECT_EQ(node.text, "yes") << text;
    EXPECT_TRUE(node.was_quoted) << text;
  }
  EXPECT_EQ(Parsed("v: 'it''s'\n").text, "it's");
  EXPECT_EQ(Parsed(R"(v: "a\"b\\")").text, "a\"b\\");
  EXPECT_EQ(Parsed("v: |\n  one\n  two\n").text, "one\ntwo\n");
  EXPECT_EQ(Parsed("v: a'b\"c\n").text, "a'b\"c");
}

TEST(Yaml, ReadsNothingAsNothing) {
  for (const char* text : {"v:\n", "v: ~\n", "v: null\n", "w: 1\nv:\n", "v:\nw: 1\n", "{v: , w: 1}\n", "{v}\n"}) {
    const Node node = Parsed(text);
    EXPECT_EQ(node.kind, Kind::kNull) << text;
    EXPECT_FALSE(AsString(node)) << text;
    EXPECT_FALSE(AsSequence(node)) << text;
  }
  EXPECT_EQ(Parsed("v: \"\"\n").kind, Kind::kScalar);
  EXPECT_EQ(Parsed("v: 'null'\n").kind, Kind::kScalar);
  EXPECT_EQ(MessageIn(AsString(Parsed("w: 1\nv:\n\nx: 2\n"))), "p.yaml:2:1: expected text, found nothing");
}

TEST(Yaml, ReadsOtherLineEndsTabsBehindValuesAndExplicitDocuments) {
  const Node crlf = Root("a: 1\r\nb:\r\n  - x\r\n");
  EXPECT_EQ(crlf.Find("a")->text, "1");
  EXPECT_EQ(crlf.Find("b")->elements[0].text, "x");
  EXPECT_EQ(crlf.Find("b")->elements[0].position.Show(), "p.yaml:3:5");
  EXPECT_EQ(Parsed("v:\t1\t# c\n").text, "1");
  EXPECT_EQ(Parsed("---\nv: 1\n...\n").text, "1");
  EXPECT_EQ(Parsed("# c\n\nv: 1").position.Show(), "p.yaml:3:4");
  EXPECT_EQ(Root("é: x\n").members[0].value.position.Show(), "p.yaml:1:5") << "columns are bytes";
}

struct Broken {
  std::string_view text;
  std::string_view message;  // its beginning
};

TEST(Yaml, RefusesWhatPolicyFilesMayNotHaveAndSaysWhere) {
  const Broken cases[] = {
      {"", "p.yaml: expected a document, found nothing"},
      {"# only a comment\n", "p.yaml: expected a document, found nothing"},
      {"---\n", "p.yaml: expected a document, found nothing"},
      {"~\n", "p.yaml: expected a document, found nothing"},
      {"a: 1\n---\nb: 2\n", "p.yaml:2:1: expected one document, found another one"},
      {"a: 1\n...\nb: 2\n", "p.yaml:3:1: expected one document, found another one"},
      {"--- 1\n--- 2\n", "p.yaml:2:1: expected one document, found another one"},
      {"a: 1\n---\n", "p.yaml:2:1: expected one document, found another one"},
      {"%YAML 1.2\n---\na: 1\n", "p.yaml:1:1: expected no directive, found '%'"},
      {"%TAG ! tag:x,2026:\n---\na: 1\n", "p.yaml:1:1: expected no directive"},
      {"a: &x 1\n", "p.yaml:1:4: expected a value, found an anchor"},
      {"&x a: 1\n", "p.yaml:1:1: expected a value, found an anchor"},
      {"a: &x [1]\n", "p.yaml:1:4: expected a value, found an anchor"},
      {"a: &x {b: 1}\n", "p.yaml:1:4: expected a value, found an anchor"},
      {"a: &x\nb: 1\n", "p.yaml:1:4: expected a value, found an anchor"},
      {"a: *x\n", "p.yaml:1:4: expected well-formed YAML"},
      {"a: &x [*x]\n", "p.yaml:1:4: expected a value, found an anchor"},
      {"a: !!str x\n", "p.yaml:1:4: expected a value, found a tag"},
      {"a: !foo x\n", "p.yaml:1:4: expected a value, found a tag"},
      {"a: ! x\n", "p.yaml:1:4: expected a value, found a tag"},
      {"a: ! \"x\"\n", "p.yaml:1:4: expected a value, found a tag"},
      {"a: !<tag:yaml.org,2002:int> 1\n", "p.yaml:1:4: expected a value, found a tag"},
      {"a: !!seq [1]\n", "p.yaml:1:4: expected a value, found a tag"},
      {"a: ! [1]\n", "p.yaml:1:4: expected a value, found a tag"},
      {"a: !!map {b: 1}\n", "p.yaml:1:4: expected a value, found a tag"},
      {"!!str a: 1\n", "p.yaml:1:1: expected a value, found a tag"},
      {"a: {}\n<<: {b: 1}\n", "p.yaml:2:1: expected a key, found a merge key"},
      {"a: 1\nb: 2\na: 3\n", "p.yaml:3:1: expected each key once, found 'a' again, first at line 1"},
      {"a: {b: 1, \"b\": 2}\n", "p.yaml:1:11: expected each key once, found 'b' again"},
      {"? [a]\n: 1\n", "p.yaml:1:3: expected a key that is a scalar, found a sequence"},
      {"[a]: 1\n", "p.yaml:1:1: expected a key that is a scalar, found a sequence"},
      {"{{a: 1}: 2}\n", "p.yaml:1:2: expected a key that is a scalar, found a mapping"},
      {": x\n", "p.yaml:1:1: expected a key, found nothing"},
      {"~: x\n", "p.yaml:1:1: expected a key, found nothing"},
      {"null: x\n", "p.yaml:1:1: expected a key, found nothing"},
      {"- a\n - b\n", "p.yaml:1:3: expected a plain value on one line, found 'a - b' over several"},
      {"a: b\n  c\n", "p.yaml:1:4: expected a plain value on one line, found 'b c' over several"},
      {"a: \"b\n  c\"\n", "p.yaml:1:4: expected the closing quote on the same line, found none"},
      {"a: 'b\n  c'\n", "p.yaml:1:4: expected the closing quote on the same line, found none"},
      {"a: \"b\\\n  c\"\n", "p.yaml:1:4: expected the closing quote on the same line, found none"},
      {"a: \"b\n", "p.yaml:1:4: expected the closing quote on the same line, found none"},
      {"a: \"b", "p.yaml:1:6: expected well-formed YAML"},
      {"a: 'b''\n", "p.yaml:1:4: expected the closing quote on the same line, found none"},
      {"\xef\xbb\xbf"
       "a: 1\n",
       "p.yaml:1:1: expected UTF-8 without a byte order mark, found one"},
      {"a: \xef\xbb\xbf"
       "1\n",
       "p.yaml:1:4: expected UTF-8 without a byte order mark, found one"},
      {"\xff\xfe"
       "a",
       "p.yaml:1:1: expected valid UTF-8, found byte 0xff"},
      {"a: \xc0\x80\n", "p.yaml:1:4: expected valid UTF-8, found byte 0xc0"},
      {std::string_view("a: 1\0", 5), "p.yaml:1:5: expected no control characters, found byte 0x00"},
      {std::string_view("\0a\0:", 4), "p.yaml:1:1: expected no control characters, found byte 0x00"},
      {"a: 1\rb: 2\n", "p.yaml:1:5: expected no control characters, found byte 0x0d"},
      {"a: \x1b[0m\n", "p.yaml:1:4: expected no control characters, found byte 0x1b"},
      {"a: \xc2\x85\n", "p.yaml:1:4: expected no control characters"},
      {"\ta: 1\n", "p.yaml:1:1: expected blanks for indentation, found a tab"},
      {"a:\n\tb: 1\n", "p.yaml:2:1: expected blanks for indentation, found a tab"},
      {"a: b: c\n", "p.yaml:1:5: expected well-formed YAML, found illegal map value"},
      {"a: [1\n", "p.yaml:2:1: expected well-formed YAML"},
      {"a: {b: 1\n", "p.yaml:2:1: expected well-formed YAML"},
      {"a: ]\n", "p.yaml:1:4: expected well-formed YAML"},
      {"a: @x\n", "p.yaml:1:4: expected well-formed YAML"},
      {"a: \"\\q\"\n", "p.yaml:1:7: expected well-formed YAML"},
      {"a: 1\n b: 2\n", "p.yaml:"},
  };
  for (const Broken& broken : cases) {
    const auto node = Parse(broken.text, "p.yaml");
    ASSERT_FALSE(node) << broken.text;
    EXPECT_THAT(codec::MessageOf(node.findings().front()), testing::StartsWith(std::string(broken.message))) << broken.text;
    EXPECT_EQ(node.findings().front().reason, Reason::kEncodingMalformed);
  }
}

TEST(Yaml, AQuotedMergeSignIsAKeyLikeOthers) { EXPECT_NE(Root("\"<<\": 1\n").Find("<<"), nullptr); }

TEST(Yaml, FindsARepeatedKeyInALargeMappingToo) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += Cat("k", i, ": 0\n");
  EXPECT_TRUE(Parse(text, "p.yaml"));
  EXPECT_EQ(MessageIn(Parse(text + "k7: 1\n", "p.yaml")), "p.yaml:501:1: expected each key once, found 'k7' again, first at line 8");
}

TEST(Yaml, KeepsToItsLimits) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(Parse(nested(32), "p.yaml"));
  EXPECT_EQ(MessageIn(Parse(nested(33), "p.yaml")), "p.yaml:1:33: expected at most 32 levels of nesting, found one more");
  EXPECT_FALSE(Parse(nested(100'000), "p.yaml"));
  EXPECT_FALSE(Parse(std::string(100'000, '['), "p.yaml"));
  EXPECT_FALSE(Parse(std::string(1000, '{'), "p.yaml"));
  std::string dashes;
  for (int i = 0; i < 1000; ++i) dashes += "- ";
  EXPECT_FALSE(Parse(dashes + "x", "p.yaml"));

  EXPECT_TRUE(Parse("[1, 2]", "p.yaml", {.nodes = 3}));
  EXPECT_FALSE(Parse("[1, 2, 3]", "p.yaml", {.nodes = 3}));
  EXPECT_FALSE(Parse("{a: 1, b: 2}", "p.yaml", {.nodes = 4}));
  EXPECT_TRUE(Parse("a: 1", "p.yaml", {.bytes = 4}));
  const auto longer = Parse("a: 1\n", "p.yaml", {.bytes = 4});
  EXPECT_EQ(MessageIn(longer), "p.yaml: expected at most 4 bytes, found 5 bytes");
  EXPECT_EQ(longer.findings().front().reason, Reason::kSizeOverLimit);
}

TEST(YamlAccessors, BooleansArePlainTrueAndFalseOnly) {
  EXPECT_TRUE(*AsBool(Parsed("v: true\n")));
  EXPECT_FALSE(*AsBool(Parsed("v: false\n")));
  for (const char* text :
       {"yes", "no", "True", "TRUE", "on", "off", "y", "1", "0", "\"true\"", "'false'", "~", "[true]", "{a: true}", "\"\""}) {
    EXPECT_FALSE(AsBool(Parsed(Cat("v: ", text, '\n')))) << text;
  }
  EXPECT_EQ(MessageIn(AsBool(Parsed("w: 1\nv:    yes\n"))), "p.yaml:2:7: expected true or false, found 'yes'");
  EXPECT_EQ(MessageIn(AsBool(Parsed("v: 'true'\n"))), "p.yaml:1:4: expected true or false, found 'true' in quotes");
}

TEST(YamlAccessors, IntegersAreDecimalOrHexadecimal) {
  const std::pair<const char*, std::uint64_t> good[] = {
      {"0", 0},      {"7", 7},    {"18446744073709551615", UINT64_MAX}, {"0x0", 0}, {"0x18", 24},
      {"0xfF", 255}, {"0x00", 0}, {"0xffffffffffffffff", UINT64_MAX}};
  for (const auto& [text, number] : good) {
    const auto integer = AsInteger(Parsed(Cat("v: ", text, '\n')));
    ASSERT_TRUE(integer) << text;
    EXPECT_EQ(*integer, number);
  }
  for (const char* text :
       {"-1",    "+1", "010",   "00",     "0o17", "0b1", "0x", "0X18", "0x-1", "0x10000000000000000", "18446744073709551616", "1.0", "1e3",
        "1_000", "1h", "\"7\"", "'0x18'", "~",    "[7]", "''", "0x1g", "seven"}) {
    EXPECT_FALSE(AsInteger(Parsed(Cat("v: ", text, '\n')))) << text;
  }
}

TEST(YamlAccessors, HexIsQuotedAndNeverEmpty) {
  EXPECT_EQ(*AsHexString(Parsed("v: \"00fF\"\n")), (Bytes{0x00, 0xff}));
  EXPECT_EQ(*AsHexString(Parsed("v: '10'\n")), (Bytes{0x10}));
  for (const char* text : {"00ff", "10", "\"\"", "\"0\"", "\"0x00\"", "\"00 ff\"", "\"0g\"", "~", "[\"00\"]"}) {
    EXPECT_FALSE(AsHexString(Parsed(Cat("v: ", text, '\n')))) << text;
  }
  EXPECT_EQ(MessageIn(AsHexString(Parsed("v: 10\n"))),
            "p.yaml:1:4: expected hexadecimal digits in quotes, two a byte, found '10' without quotes");
}

TEST(YamlAccessors, CollectionsAndText) {
  EXPECT_EQ(AsSequence(Parsed("v: [a, b]\n"))->size(), 2U);
  EXPECT_EQ(MessageIn(AsSequence(Parsed("v: a\n"))), "p.yaml:1:4: expected a sequence, found 'a'");
  EXPECT_EQ(MessageIn(AsMapping(Parsed("v: [a]\n"))), "p.yaml:1:4: expected a mapping, found a sequence");
  EXPECT_EQ(*AsString(Parsed("v: no\n")), "no");
  EXPECT_EQ(MessageIn(AsString(Parsed("v: {a: b}\n"))), "p.yaml:1:4: expected text, found a mapping");
}

TEST(YamlAccessors, UnknownKeysAreNamedWithTheNearestKnownOne) {
  const Node root = Root("claim: 1\nequal: 2\nqwertyuiop: 3\n");
  EXPECT_TRUE(RequireKnownKeys(root, {"claim", "equal", "qwertyuiop"}));
  const auto outcome = RequireKnownKeys(root, {"claim", "equals", "one_of"});
  ASSERT_EQ(outcome.findings().size(), 2U);
  EXPECT_EQ(codec::MessageOf(outcome.findings()[0]),
            "p.yaml:2:1: expected one of the keys claim, equals, one_of, found 'equal'; did you mean 'equals'?");
  EXPECT_EQ(codec::MessageOf(outcome.findings()[1]), "p.yaml:3:1: expected one of the keys claim, equals, one_of, found 'qwertyuiop'");
  EXPECT_FALSE(RequireKnownKeys(Parsed("v: x\n"), {"x"}));
  EXPECT_TRUE(RequireKnownKeys(Parsed("v: {}\n"), {}));
}

TEST(YamlAccessors, AMissingKeyIsNamed) {
  const Node root = Root("a: {b: 1}\n");
  EXPECT_EQ((*RequireKey(*root.Find("a"), "b"))->text, "1");
  EXPECT_EQ(MessageIn(RequireKey(*root.Find("a"), "c")), "p.yaml:1:4: expected the key 'c', found no such key");
  EXPECT_FALSE(RequireKey(*root.Find("a")->Find("b"), "c"));
}

}  // namespace
}  // namespace assay::yaml
