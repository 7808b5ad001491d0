#include "base/bytes.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "base/hex_number.h"

namespace assay {
namespace {

TEST(HexNumber, HasNoZerosInFront) {
  EXPECT_EQ(HexNumber(0), "0x0");
  EXPECT_EQ(HexNumber(0x1F), "0x1f");
  EXPECT_EQ(HexNumber(0xFFFFFFFFFFFFFFFF), "0xffffffffffffffff");
}

TEST(Bytes, TextAndBytesAreTheSameMemory) {
  const std::string text("a\0\xff", 3);
  const ByteView view = AsBytes(text);
  EXPECT_EQ(ToBytes(view), (Bytes{0x61, 0x00, 0xff}));
  EXPECT_EQ(AsText(view), text);
  EXPECT_TRUE(AsBytes("").empty());
}

TEST(Bytes, EqualityLooksAtEveryByteAndTheLength) {
  const Bytes a = {1, 2, 3};
  for (const auto compare :
       {+[](ByteView x, ByteView y) { return Equal(x, y); }, +[](ByteView x, ByteView y) { return EqualConstantTime(x, y); }}) {
    EXPECT_TRUE(compare(a, Bytes{1, 2, 3}));
    EXPECT_TRUE(compare({}, {}));
    EXPECT_FALSE(compare(a, {}));
    EXPECT_FALSE(compare(a, Bytes{1, 2}));
    EXPECT_FALSE(compare(Bytes{1, 2}, a));
    EXPECT_FALSE(compare(a, Bytes{1, 2, 3, 0}));
    for (std::size_t byte = 0; byte < a.size(); ++byte) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        Bytes other = a;
        other[byte] = static_cast<std::uint8_t>(other[byte] ^ 1U << bit);
        EXPECT_FALSE(compare(a, other)) << byte << ' ' << bit;
      }
    }
  }
}

TEST(Bytes, TwoDifferencesDoNotCancelOut) { EXPECT_FALSE(EqualConstantTime(Bytes{0xff, 0xff}, Bytes{0x00, 0x00})); }

TEST(Bytes, NothingIsNeverAllZero) {
  EXPECT_FALSE(AllZero({}));
  EXPECT_FALSE(AllEqualTo({}, 0xff));
  EXPECT_TRUE(AllZero(Bytes(64)));
  EXPECT_FALSE(AllZero(Bytes{0, 0, 1}));
  EXPECT_FALSE(AllZero(Bytes{1, 0, 0}));
  EXPECT_TRUE(AllEqualTo(Bytes{7, 7}, 7));
  EXPECT_FALSE(AllEqualTo(Bytes{7, 8}, 7));
}

TEST(Bytes, AppendsBigEndian) {
  Bytes to = {0xaa};
  AppendU32Be(to, 0x01020304);
  AppendU64Be(to, 0x1112131415161718);
  Append(to, Bytes{0xbb});
  EXPECT_EQ(ToHex(to), "aa010203041112131415161718bb");
}

TEST(Hex, RoundTrips) {
  Bytes all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(FromHex(ToHex(all)), all);
  EXPECT_EQ(ToHex(Bytes{0x00, 0x9a, 0xff}), "009aff");
  EXPECT_EQ(FromHex("009AfF"), (Bytes{0x00, 0x9a, 0xff}));
  EXPECT_EQ(FromHex(""), Bytes());
}

TEST(Hex, RefusesEverythingElse) {
  for (const char* text : {"0", "000", "0x00", "0g", "g0", " 00", "00 ", "0 0", "00\n", "-1", "/0", ":0", "@0", "G0", "`0", "\xff\xff"}) {
    EXPECT_FALSE(FromHex(text)) << text;
  }
  EXPECT_FALSE(FromHex(std::string_view("0\0", 2)));
}

TEST(Hex, BoundedShowsHowMuchThereIs) {
  EXPECT_EQ(ToHexBounded(Bytes{1, 2, 3}, 3), "010203");
  EXPECT_EQ(ToHexBounded(Bytes{1, 2, 3}, 2), "0102… (3 bytes)");
  EXPECT_EQ(ToHexBounded({}, 0), "");
}

}  // namespace
}  // namespace assay
