#include "base/strings.h"
#include "base/absl_bridge.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace assay {
namespace {

TEST(Strings, CatJoinsTextAndNumbers) {
  EXPECT_EQ(Cat(), "");
  EXPECT_EQ(Cat("a", std::string("b"), std::string_view("c"), 'd', 1, -2, 3U, std::size_t{4}), "abcd1-234");
  EXPECT_EQ(Cat(std::string_view("\0", 1)).size(), 1U);
}

TEST(Strings, Join) {
  EXPECT_EQ(Join(std::vector<std::string>{"a", "b", "c"}, ", "), "a, b, c");
  EXPECT_EQ(Join(std::array<std::string_view, 1>{"a"}, ", "), "a");
  EXPECT_EQ(Join(std::vector<std::string>{}, ", "), "");
  EXPECT_EQ(Join(std::vector<std::string>{"", "", "c"}, ","), ",,c") << "an empty part is a part";
}

TEST(Strings, BridgesToAbsl) {
  const std::string_view text("a\0b", 3);
  EXPECT_EQ(FromAbsl(ToAbsl(text)), text);
  EXPECT_EQ(MessageOf(absl::InternalError("why")), "why");
}

TEST(EditDistance, CountsInsertionsDeletionsAndReplacements) {
  EXPECT_EQ(EditDistance("", ""), 0U);
  EXPECT_EQ(EditDistance("abc", "abc"), 0U);
  EXPECT_EQ(EditDistance("", "abc"), 3U);
  EXPECT_EQ(EditDistance("abc", ""), 3U);
  EXPECT_EQ(EditDistance("abc", "abd"), 1U);
  EXPECT_EQ(EditDistance("abc", "ab"), 1U);
  EXPECT_EQ(EditDistance("abc", "xabc"), 1U);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3U);
  EXPECT_EQ(EditDistance("ab", "ba"), 2U);
  EXPECT_EQ(EditDistance("flaw", "lawn"), EditDistance("lawn", "flaw"));
}

TEST(EditDistance, IsBounded) { EXPECT_EQ(EditDistance(std::string(100'000, 'a'), std::string(100'000, 'b')), 64U); }

TEST(NearestOf, FindsSlipsOfThePenOnly) {
  const std::array<std::string_view, 3> known = {"equals", "one_of", "at_least"};
  EXPECT_EQ(NearestOf("equal", known), "equals");
  EXPECT_EQ(NearestOf("oneof", known), "one_of");
  EXPECT_EQ(NearestOf("at-least", known), "at_least");
  EXPECT_EQ(NearestOf("equals", known), "equals");
  EXPECT_EQ(NearestOf("measurement", known), "");
  EXPECT_EQ(NearestOf("x", known), "");
  EXPECT_EQ(NearestOf("equal", std::array<std::string_view, 0>{}), "");
}

TEST(Utf8, LengthOfTheFirstSequence) {
  const std::pair<std::string_view, std::size_t> good[] = {{"a", 1},
                                                           {std::string_view("\0", 1), 1},
                                                           {"\x7f", 1},
                                                           {"\xc2\x80", 2},
                                                           {"\xdf\xbf", 2},
                                                           {"\xe0\xa0\x80", 3},
                                                           {"\xed\x9f\xbf", 3},
                                                           {"\xee\x80\x80", 3},
                                                           {"\xef\xbf\xbf", 3},
                                                           {"\xf0\x90\x80\x80", 4},
                                                           {"\xf4\x8f\xbf\xbf", 4},
                                                           {"é and more", 2}};
  for (const auto& [text, length] : good) EXPECT_EQ(Utf8SequenceLength(text), length) << text;
  const std::string_view bad[] = {"",
                                  "\x80",
                                  "\xbf",
                                  "\xc0\x80",
                                  "\xc1\xbf",
                                  "\xc2",
                                  "\xc2"
                                  "a",
                                  "\xe0\x9f\xbf",
                                  "\xe0\xa0",
                                  "\xed\xa0\x80",
                                  "\xed\xbf\xbf",
                                  "\xe2\x82"
                                  "a",
                                  "\xf0\x8f\xbf\xbf",
                                  "\xf0\x90\x80",
                                  "\xf4\x90\x80\x80",
                                  "\xf5\x80\x80\x80",
                                  "\xff"};
  for (const std::string_view text : bad) EXPECT_EQ(Utf8SequenceLength(text), 0U) << text;
}

TEST(Printable, ShowsWhatATerminalMustNotGet) {
  EXPECT_EQ(Printable("plain é€😀"), "plain é€😀");
  EXPECT_EQ(Printable(""), "");
  EXPECT_EQ(Printable("\x1b[2J\n\r\t"), "\\x1b[2J\\x0a\\x0d\\x09");
  EXPECT_EQ(Printable(std::string_view("\0\x7f", 2)), "\\x00\\x7f");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m")
      << "C1 control sequence introducer";
  EXPECT_EQ(Printable("\xc2\xa0"), "\xc2\xa0");
  EXPECT_EQ(Printable("a\xff\xc3(b"), "a\\xff\\xc3(b");
  EXPECT_EQ(Printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");
}

TEST(Printable, IsBoundedAndSaysSo) {
  EXPECT_EQ(Printable("abcdef", 6), "abcdef");
  EXPECT_EQ(Printable("abcdef", 3), "abc… (6 bytes)");
  EXPECT_LT(Printable(std::string(1 << 20, '\0')).size(), 300U);
  EXPECT_LT(Printable(std::string(1 << 20, 'a')).size(), 300U);
  EXPECT_EQ(Printable("ééé", 3), "éé… (6 bytes)") << "never half a character";
}

}  // namespace
}  // namespace assay
