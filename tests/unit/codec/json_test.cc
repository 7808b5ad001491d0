#include "codec/json.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "codec/syntax_error.h"

namespace assay::json {
namespace {

Value Parsed(std::string_view text) {
  auto value = Parse(text);
  if (value) return *value;
  ADD_FAILURE() << text << ": " << codec::MessageOf(value.findings().front());
  return {};
}

TEST(JsonNumbers, IntegersOf64BitsAreExactAndAllOthersKeepTheirText) {
  EXPECT_EQ(Parsed("0").AsUint64(), 0U);
  EXPECT_EQ(Parsed("18446744073709551615").AsUint64(), UINT64_MAX);
  EXPECT_EQ(Parsed("18446744073709551615").AsInt64(), std::nullopt);
  EXPECT_EQ(Parsed("-9223372036854775808").AsInt64(), INT64_MIN);
  EXPECT_EQ(Parsed("-1").AsUint64(), std::nullopt);
  EXPECT_EQ(Parsed("9007199254740993").AsUint64(), 9007199254740993U);
  for (const char* text : {"18446744073709551616", "-9223372036854775809", "1.0", "0.5", "1e2", "1E+2", "-2.5e-3", "-0", "-0.0"}) {
    const Value value = Parsed(text);
    ASSERT_NE(value.AsOtherNumber(), nullptr) << text;
    EXPECT_EQ(*value.AsOtherNumber(), text);
    EXPECT_EQ(value.AsUint64(), std::nullopt);
    EXPECT_EQ(value.AsInt64(), std::nullopt);
  }
}

TEST(JsonStrings, EscapesAndUtf8AreDecoded) {
  EXPECT_EQ(*Parsed(R"("\"\\\/\b\f\n\r\t")").AsString(), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(*Parsed(R"("\u0041\u00e9\u20AC\ud83d\ude00")").AsString(), "Aé€😀");
  EXPECT_EQ(*Parsed("\"é€😀\x7f\"").AsString(), "é€😀\x7f");
  EXPECT_EQ(*Parsed(R"("a\u0000b")").AsString(), std::string("a\0b", 3));
  EXPECT_EQ(*Parsed(R"("\uD800\uDC00\uDBFF\uDFFF")").AsString(), "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}

TEST(Json, KeepsMembersInOrderOfTheText) {
  const Value value = Parsed(R"( { "b" : 1 , "a" : [ true , false , null ] , "" : {} } )");
  ASSERT_NE(value.AsObject(), nullptr);
  ASSERT_EQ(value.AsObject()->size(), 3U);
  EXPECT_EQ((*value.AsObject())[0].name, "b");
  EXPECT_EQ((*value.AsObject())[2].name, "");
  const Value* const list = value.Find("a");
  ASSERT_NE(list, nullptr);
  EXPECT_EQ((*list->AsArray())[0].AsBool(), true);
  EXPECT_TRUE((*list->AsArray())[2].IsNull());
  EXPECT_EQ(value.Find("c"), nullptr);
  EXPECT_EQ(list->Find("a"), nullptr);
}

TEST(Json, AccessorsAnswerOnlyForTheirKind) {
  const Value text = Parsed("\"1\""), number = Parsed("1"), flag = Parsed("true"), nothing = Parsed("null");
  EXPECT_EQ(text.AsUint64(), std::nullopt);
  EXPECT_EQ(text.AsBool(), std::nullopt);
  EXPECT_EQ(number.AsString(), nullptr);
  EXPECT_EQ(number.AsBool(), std::nullopt);
  EXPECT_EQ(number.AsInt64(), 1);
  EXPECT_EQ(flag.AsUint64(), std::nullopt);
  EXPECT_EQ(nothing.AsBool(), std::nullopt);
  EXPECT_EQ(nothing.AsObject(), nullptr);
  EXPECT_EQ(text.KindName(), "a string");
  EXPECT_EQ(nothing.KindName(), "null");
}

TEST(Json, EachValueKnowsItsBytes) {
  const std::string_view text = "{ \"tcbInfo\": {\"a\" : 1.50, \"b\":[ ]} , \"signature\":\"ff\"}\n";
  const Value value = Parsed(text);
  EXPECT_EQ(value.VerbatimIn(text), text.substr(0, text.size() - 1));
  EXPECT_EQ(value.Find("tcbInfo")->VerbatimIn(text), "{\"a\" : 1.50, \"b\":[ ]}");
  EXPECT_EQ(value.Find("tcbInfo")->Find("a")->VerbatimIn(text), "1.50");
  EXPECT_EQ(value.Find("tcbInfo")->Find("b")->VerbatimIn(text), "[ ]");
  EXPECT_EQ(value.Find("signature")->VerbatimIn(text), "\"ff\"");
  const Member& first = value.AsObject()->front();
  EXPECT_EQ(text.substr(first.name_span.offset, first.name_span.length), "\"tcbInfo\"");
}

struct Broken {
  std::string_view text;
  std::string_view message;
};

TEST(Json, RefusesWhatTheGrammarDoesNotAllowAndSaysWhere) {
  const Broken cases[] = {
      {"", "json:1:1: expected a value, found the end of the input"},
      {" \n ", "json:2:2: expected a value, found the end of the input"},
      {"\xef\xbb\xbf{}", "json:1:1: expected a value, found '\xef\xbb\xbf'"},
      {"{} {}", "json:1:4: expected the end of the input, found '{'"},
      {"{}\n\nx", "json:3:1: expected the end of the input, found 'x'"},
      {std::string_view("{}\0", 3), "json:1:3: expected the end of the input, found byte 0x00"},
      {"[1,]", "json:1:4: expected a value, found ']'"},
      {"[,1]", "json:1:2: expected a value, found ','"},
      {"[1 2]", "json:1:4: expected ',' or ']', found '2'"},
      {"[1", "json:1:3: expected ',' or ']', found the end of the input"},
      {"[", "json:1:2: expected a value, found the end of the input"},
      {"[1}", "json:1:3: expected ',' or ']', found '}'"},
      {"{\"a\":1,}", "json:1:8: expected a member name, found '}'"},
      {"{a:1}", "json:1:2: expected a member name or '}', found 'a'"},
      {"{'a':1}", "json:1:2: expected a member name or '}', found '''"},
      {"{1:1}", "json:1:2: expected a member name or '}', found '1'"},
      {"{\"a\"}", "json:1:5: expected ':', found '}'"},
      {"{\"a\" 1}", "json:1:6: expected ':', found '1'"},
      {"{\"a\":}", "json:1:6: expected a value, found '}'"},
      {"{\"a\":1 \"b\":2}", "json:1:8: expected ',' or '}', found '\"'"},
      {"{\"a\":1", "json:1:7: expected ',' or '}', found the end of the input"},
      {"{\"a\":1,\n \"a\":1}", "json:2:2: expected each member name once, found 'a' again"},
      {"{\"a\":1,\"\\u0061\":2}", "json:1:8: expected each member name once, found 'a' again"},
      {"[{\"x\":{\"\":1,\"\":1}}]", "json:1:13: expected each member name once, found '' again"},
      {"tru", "json:1:1: expected true, found 't'"},
      {"True", "json:1:1: expected a value, found 'T'"},
      {"nul", "json:1:1: expected null, found 'n'"},
      {"truefalse", "json:1:5: expected the end of the input, found 'f'"},
      {"NaN", "json:1:1: expected a value, found 'N'"},
      {"-Infinity", "json:1:2: expected a digit, found 'I'"},
      {"01", "json:1:2: expected the end of the input, found '1'"},
      {"-01", "json:1:3: expected the end of the input, found '1'"},
      {"-", "json:1:2: expected a digit, found the end of the input"},
      {"+1", "json:1:1: expected a value, found '+'"},
      {".5", "json:1:1: expected a value, found '.'"},
      {"1.", "json:1:3: expected a digit, found the end of the input"},
      {"1.e1", "json:1:3: expected a digit, found 'e'"},
      {"1e", "json:1:3: expected a digit, found the end of the input"},
      {"1e+-1", "json:1:4: expected a digit, found '-'"},
      {"0x10", "json:1:2: expected the end of the input, found 'x'"},
      {"1_000", "json:1:2: expected the end of the input, found '_'"},
      {"/**/1", "json:1:1: expected a value, found '/'"},
      {"1 // x", "json:1:3: expected the end of the input, found '/'"},
      {"\"a", "json:1:3: expected '\"', found the end of the input"},
      {"\"a\nb\"", "json:1:3: expected control characters to be escaped, found byte 0x0a"},
      {"\"\t\"", "json:1:2: expected control characters to be escaped, found byte 0x09"},
      {std::string_view("\"\0\"", 3), "json:1:2: expected control characters to be escaped, found byte 0x00"},
      {"\"\\", "json:1:3: expected an escape, found the end of the input"},
      {"\"\\x41\"", "json:1:3: expected one of \" \\ / b f n r t u, found 'x'"},
      {"\"\\'\"", "json:1:3: expected one of \" \\ / b f n r t u, found '''"},
      {"\"\\u12g4\"", "json:1:6: expected a hexadecimal digit, found 'g'"},
      {"\"\\u12\"", "json:1:6: expected a hexadecimal digit, found '\"'"},
      {"\"\\u123", "json:1:7: expected a hexadecimal digit, found the end of the input"},
      {"\"\\U0041\"", "json:1:3: expected one of \" \\ / b f n r t u, found 'U'"},
      {"\"\\ud800\"", "json:1:2: expected a pair of surrogates, found half of one"},
      {"\"\\udc00\"", "json:1:2: expected a pair of surrogates, found half of one"},
      {"\"\\ud800\\u0041\"", "json:1:2: expected a pair of surrogates, found half of one"},
      {"\"\\ud800\\ud800\"", "json:1:2: expected a pair of surrogates, found half of one"},
      {"\"\\ud800\\n\"", "json:1:2: expected a pair of surrogates, found half of one"},
      {"\"\x80\"", "json:1:2: expected valid UTF-8, found byte 0x80"},
      {"\"\xc0\xaf\"", "json:1:2: expected valid UTF-8, found byte 0xc0"},
      {"\"\xed\xa0\x80\"", "json:1:2: expected valid UTF-8, found byte 0xed"},
      {"\"\xf4\x90\x80\x80\"", "json:1:2: expected valid UTF-8, found byte 0xf4"},
      {"\"\xe2\x82", "json:1:2: expected valid UTF-8, found byte 0xe2"},
      {"{\"\xff\":1}", "json:1:3: expected valid UTF-8, found byte 0xff"},
      {"\x0c[]", "json:1:1: expected a value, found byte 0x0c"},
      {"[1,\xc2\xa0"
       "2]",
       "json:1:4: expected a value, found '\xc2\xa0'"},
  };
  for (const Broken& broken : cases) {
    const auto value = Parse(broken.text);
    ASSERT_FALSE(value) << broken.text;
    EXPECT_EQ(codec::MessageOf(value.findings().front()), broken.message);
    EXPECT_EQ(value.findings().front().reason, Reason::kEncodingMalformed);
  }
}

TEST(Json, FindsARepeatedNameInALargeObjectToo) {
  std::string text = "{";
  for (int i = 0; i < 1000; ++i) text += Cat("\"", i, "\":0,");
  EXPECT_TRUE(Parse(text + "\"x\":0}"));
  const auto value = Parse(text + "\"512\":0,\"3\":0}");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.findings().front().actual, "'512' again");
}

TEST(Json, KeepsToItsLimits) {
  const std::string deep = std::string(16, '[') + std::string(16, ']');
  EXPECT_TRUE(Parse(deep));
  const auto deeper = Parse("[" + deep + "]");
  ASSERT_FALSE(deeper);
  EXPECT_EQ(deeper.findings().front().reason, Reason::kSizeOverLimit);
  EXPECT_EQ(codec::MessageOf(deeper.findings().front()), "json:1:17: expected at most 16 levels of nesting, found one more");
  EXPECT_FALSE(Parse(R"({"a":{"b":[]}})", "j", {.depth = 2}));
  EXPECT_TRUE(Parse(R"({"a":{"b":1}})", "j", {.depth = 2}));
  EXPECT_FALSE(Parse(std::string(1'000'000, '[')));

  EXPECT_TRUE(Parse("[1,2]", "j", {.values = 3}));
  EXPECT_FALSE(Parse("[1,2,3]", "j", {.values = 3}));
  EXPECT_TRUE(Parse("[1,2]", "j", {.bytes = 5}));
  const auto longer = Parse("[1,2] ", "tcb.json", {.bytes = 5});
  ASSERT_FALSE(longer);
  EXPECT_EQ(codec::MessageOf(longer.findings().front()), "tcb.json: expected at most 5 bytes, found 6 bytes");
  EXPECT_FALSE(Parse("\"" + std::string(1 << 20, 'a') + "\""));
}

TEST(Json, EqualityIgnoresPlacesAndTheOrderOfMembersButNothingElse) {
  EXPECT_EQ(Parsed(R"({"a":1,"b":[true,"x"]})"), Parsed(R"( {"b": [ true, "\u0078" ], "a": 1} )"));
  const char* const different[] = {"null",         "false",       "true",       "0",          "1",          "-1",
                                   "1.0",          "\"1\"",       "\"\"",       "[]",         "{}",         "[1]",
                                   "[1,2]",        "[2,1]",       R"({"a":1})", R"({"a":2})", R"({"b":1})", R"({"a":1,"b":1})",
                                   R"([{"a":1}])", R"([{"a":2}])"};
  for (const char* a : different) {
    for (const char* b : different) EXPECT_EQ(Parsed(a) == Parsed(b), std::string_view(a) == b) << a << ' ' << b;
  }
}

TEST(Json, BuildsTreesLikeTheParsedOnes) {
  Value root = Value::MakeObject(5);
  root.Add("flag", Value::Bool(true));
  root.Add("natural", Value::Integer(std::uint8_t{7}));
  root.Add("negative", Value::Integer(-7));
  root.Add("nothing", Value::Null());
  Value& list = root.Add("list", Value::MakeArray());
  list.Append(Value::String("x"));
  list.Append(Value::Integer(UINT64_MAX));
  EXPECT_EQ(root, Parsed(R"({"flag":true,"natural":7,"negative":-7,"nothing":null,"list":["x",18446744073709551615]})"));
}

TEST(JsonDeath, BuildingIntoTheWrongKindIsABug) {
  Value text = Value::String("x");
  EXPECT_DEATH(text.Add("a", Value::Null()), "bug");
  EXPECT_DEATH(text.Append(Value::Null()), "bug");
}

}  // namespace
}  // namespace assay::json
