#include "codec/cbor.h"

#include <gtest/gtest.h>

#include "base/hex.h"

namespace assay::cbor {
namespace {

Outcome<Value> Read(std::string_view hex, const Limits& limits = {}) { return Parse(*FromHex(hex), "test", limits); }

// RFC 8949, appendix A.
TEST(Cbor, ReadsTheExamplesOfTheRfc) {
  EXPECT_EQ(Read("00")->AsUint64(), 0U);
  EXPECT_EQ(Read("17")->AsUint64(), 23U);
  EXPECT_EQ(Read("1818")->AsUint64(), 24U);
  EXPECT_EQ(Read("1903e8")->AsUint64(), 1000U);
  EXPECT_EQ(Read("1a000f4240")->AsUint64(), 1'000'000U);
  EXPECT_EQ(Read("1bffffffffffffffff")->AsUint64(), ~std::uint64_t{0});
  EXPECT_EQ(Read("1bffffffffffffffff")->AsInt64(), std::nullopt);
  EXPECT_EQ(Read("20")->AsInt64(), -1);
  EXPECT_EQ(Read("3903e7")->AsInt64(), -1000);
  EXPECT_EQ(Read("3b7fffffffffffffff")->AsInt64(), INT64_MIN);
  EXPECT_EQ(Read("3bffffffffffffffff")->AsInt64(), std::nullopt);
  EXPECT_EQ(Read("f4")->AsBool(), false);
  EXPECT_EQ(Read("f5")->AsBool(), true);
  EXPECT_TRUE(Read("f6")->IsNull());
  EXPECT_EQ(*Read("4401020304")->AsBytes(), (Bytes{1, 2, 3, 4}));
  EXPECT_EQ(*Read("62c3bc")->AsString(), "ü");
  EXPECT_EQ(Read("8301820203820405")->AsArray()->size(), 3U);
  EXPECT_EQ(*Read("a26161016162820203")->Find("a")->AsUint64(), 1U);
  EXPECT_EQ(*Read("a201020304")->Find(3)->AsUint64(), 4U);
  EXPECT_EQ(Read("a201020304")->Find(5), nullptr);
  EXPECT_EQ(*Read("d28101")->Untag(18)->AsArray()->front().AsUint64(), 1U);
  EXPECT_EQ(Read("d28101")->Untag(17), nullptr);
  EXPECT_EQ(Read("f93c00")->KindName(), "a floating-point number");
}

TEST(Cbor, IndefiniteArraysAndMapsOnlyWhereAllowed) {
  const Limits lenient{.indefinite = true};
  EXPECT_EQ(Read("9f0102ff", lenient)->AsArray()->size(), 2U);
  EXPECT_EQ(Read("bf616101ff", lenient)->Find("a")->AsUint64(), 1U);
  EXPECT_FALSE(Read("9f0102ff"));
  EXPECT_FALSE(Read("bf616101ff"));
  EXPECT_FALSE(Read("5f4101ff", lenient)) << "strings never";
  EXPECT_FALSE(Read("7f6161ff", lenient));
  EXPECT_FALSE(Read("9f01", lenient)) << "no break";
  EXPECT_FALSE(Read("bf6161ff", lenient)) << "a break in place of a value";
}

TEST(Cbor, KnowsWhereEachValueStood) {
  const Outcome<Value> value = Read("82014401020304");
  const Span span = (*value->AsArray())[1].span();
  EXPECT_EQ(span.offset, 2U);
  EXPECT_EQ(span.length, 5U);
}

struct Refused {
  const char* hex;
  const char* why;
};

class CborRefuses : public testing::TestWithParam<Refused> {};

TEST_P(CborRefuses, WithThePlace) {
  const Outcome<Value> value = Read(GetParam().hex);
  ASSERT_FALSE(value) << GetParam().why;
  EXPECT_EQ(value.findings().front().reason, Reason::kEncodingMalformed);
  EXPECT_NE(value.findings().front().component.find("test at byte "), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(All, CborRefuses,
                         testing::Values(Refused{"", "nothing"}, Refused{"0000", "trailing byte"}, Refused{"1817", "23 in two bytes"},
                                         Refused{"190017", "23 in three bytes"}, Refused{"1a0000ffff", "65535 in five bytes"},
                                         Refused{"1b00000000ffffffff", "32 bits in nine bytes"}, Refused{"3817", "-24 in two bytes"},
                                         Refused{"580401020304", "length in two bytes"}, Refused{"18", "no argument"},
                                         Refused{"1901", "half an argument"}, Refused{"4401", "string cut off"},
                                         Refused{"5bffffffffffffffff", "string of 2^64-1 bytes"},
                                         Refused{"9bffffffffffffffff", "array of 2^64-1 elements"}, Refused{"8201", "array cut off"},
                                         Refused{"a101", "map without value"}, Refused{"a201020103", "key twice"},
                                         Refused{"a2616101616102", "text key twice"}, Refused{"a1f401", "boolean key"},
                                         Refused{"a1410001", "bytes as key"}, Refused{"a1800100", "array as key"},
                                         Refused{"62ff00", "not UTF-8"}, Refused{"63eda080", "surrogate"}, Refused{"f7", "undefined"},
                                         Refused{"f0", "simple value 16"}, Refused{"f820", "simple value 32"}, Refused{"ff", "lone break"},
                                         Refused{"1c", "reserved"}, Refused{"1f", "indefinite integer"},
                                         Refused{"d2", "tag without content"}, Refused{"df00", "indefinite tag"}));

TEST(Cbor, RefusesWhatIsOverItsLimits) {
  const auto reason = [](const Outcome<Value>& value) { return value ? std::nullopt : std::optional(value.findings().front().reason); };
  EXPECT_TRUE(Read("818181818181818100"));  // 8 levels
  EXPECT_EQ(reason(Read("81818181818181818100")), Reason::kSizeOverLimit);
  EXPECT_EQ(reason(Read("c1c1c1c1c1c1c1c1c100")), Reason::kSizeOverLimit);
  EXPECT_EQ(reason(Read("bbffffffffffffffff")), Reason::kSizeOverLimit);
  EXPECT_EQ(reason(Read("820102", {.values = 2})), Reason::kSizeOverLimit);
  EXPECT_TRUE(Read("820102", {.values = 3}));
  EXPECT_EQ(reason(Read("a201020304", {.entries = 1})), Reason::kSizeOverLimit);
  EXPECT_EQ(reason(Read("bf01020304ff", {.entries = 1, .indefinite = true})), Reason::kSizeOverLimit);
  EXPECT_EQ(reason(Read("4101", {.bytes = 1})), Reason::kSizeOverLimit);
}

}  // namespace
}  // namespace assay::cbor
