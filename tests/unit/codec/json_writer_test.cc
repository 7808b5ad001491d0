#include "codec/json_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/syntax_error.h"

namespace assay::json {
namespace {

std::string CanonicalOf(std::string_view text) {
  const auto value = Parse(text);
  EXPECT_TRUE(value) << text;
  if (!value) return {};
  const auto canonical = Canonical(*value);
  EXPECT_TRUE(canonical) << text;
  return canonical ? *canonical : std::string();
}

TEST(CanonicalJson, HasNoBlanksAndSortedMembers) {
  EXPECT_EQ(CanonicalOf(R"( { "b" : [ 1 , true , null , "x" ] , "a" : { } , "c": [ ] } )"), R"({"a":{},"b":[1,true,null,"x"],"c":[]})");
  EXPECT_EQ(CanonicalOf(R"({"b":{"d":1,"c":2},"a":[{"z":0,"y":0}]})"), R"({"a":[{"y":0,"z":0}],"b":{"c":2,"d":1}})");
  EXPECT_EQ(CanonicalOf("-7"), "-7");
  EXPECT_EQ(CanonicalOf("9007199254740991"), "9007199254740991");
  EXPECT_EQ(CanonicalOf("-9007199254740991"), "-9007199254740991");
}

// RFC 8785 section 3.2.3, the names of its example: CR, 1, U+0080, ö, €, 😀, U+FB33.
TEST(CanonicalJson, SortsByUtf16CodeUnits) {
  EXPECT_EQ(
      CanonicalOf(R"({"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",)"
                  R"("1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"})"),
      "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"ö\":\"Latin Small Letter O With "
      "Diaeresis\","
      "\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

TEST(CanonicalJson, OrderOfNamesIsThatOfUtf16) {
  const char* const sorted[] = {"",
                                "\r",
                                "1",
                                "10",
                                "a",
                                "ab",
                                "b",
                                "\xc2\x80",
                                "é",
                                "€",
                                "\xed\x9f\xbf",
                                "\xf0\x90\x80\x80",
                                "😀",
                                "\xf4\x8f\xbf\xbf",
                                "\xee\x80\x80",
                                "\xef\xac\xb3",
                                "\xef\xbf\xbf"};
  for (std::size_t i = 0; i < std::size(sorted); ++i) {
    for (std::size_t j = 0; j < std::size(sorted); ++j) EXPECT_EQ(PrecedesInUtf16(sorted[i], sorted[j]), i < j) << i << ' ' << j;
  }
}

// RFC 8785 section 3.2.2.2.
TEST(CanonicalJson, EscapesOnlyWhatMustBe) {
  EXPECT_EQ(CanonicalOf(R"("\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/")"), "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"");
  EXPECT_EQ(CanonicalOf(R"("\u0000\u0007\b\t\n\u000b\f\r\u001f\u007f\u2028")"),
            "\"\\u0000\\u0007\\b\\t\\n\\u000b\\f\\r\\u001f\x7f\xe2\x80\xa8\"");
}

TEST(CanonicalJson, RefusesWhatIsNotExact) {
  for (const char* text : {"1.0", "0.5", "1e2", "-0", "9007199254740992", "-9007199254740992", "18446744073709551615",
                           "99999999999999999999", R"({"a":[1.5]})"}) {
    const auto value = Parse(text);
    ASSERT_TRUE(value) << text;
    const auto canonical = Canonical(*value);
    ASSERT_FALSE(canonical) << text;
    EXPECT_EQ(canonical.findings().front().expected, "an integer of at most 53 bits");
  }
}

TEST(CanonicalJson, RefusesBuiltTreesThatNoTextHas) {
  Value twice = Value::MakeObject();
  twice.Add("b", Value::Null());
  twice.Add("a", Value::Null());
  twice.Add("b", Value::Null());
  EXPECT_FALSE(Canonical(twice));
  Value twice_in_a_row = Value::MakeObject();
  twice_in_a_row.Add("a", Value::Null());
  twice_in_a_row.Add("a", Value::Null());
  EXPECT_FALSE(Canonical(twice_in_a_row));
  EXPECT_FALSE(Canonical(Value::String("\xff")));
  EXPECT_FALSE(Canonical(Value::String("a\xed\xa0\x80")));
  Value name = Value::MakeObject();
  name.Add("\xc0\x80", Value::Null());
  EXPECT_FALSE(Canonical(name));
}

TEST(CanonicalJson, KeepsZeroBytes) { EXPECT_EQ(*Canonical(Value::String(std::string("\0", 1))), "\"\\u0000\""); }

}  // namespace
}  // namespace assay::json
