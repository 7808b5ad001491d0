#include "crypto/der.h"

#include <gtest/gtest.h>

#include <string>

#include "test_pki.h"

namespace assay::crypto {
namespace {

using test::FromHexText;

struct Encoding {
  const char* what;
  std::string hex;
};

TEST(IsDer, AcceptsDer) {
  for (const Encoding& encoding : std::initializer_list<Encoding>{
           {"empty sequence", "3000"},
           {"integer 0", "020100"},
           {"integer 127", "02017f"},
           {"integer 128", "02020080"},
           {"integer -1", "0201ff"},
           {"integer -129", "0202ff7f"},
           {"true", "0101ff"},
           {"false", "010100"},
           {"bit string", "0303078080"},
           {"empty bit string", "030100"},
           {"nested", "300530030201 05"},
           {"set in order", "3106020101020102"},
           {"set, equal elements", "3106020101020101"},
           {"context tag", "a003020102"},
           {"primitive context tag", "800101"},
           {"length 128", "0481 80" + std::string(256, '0')},
       }) {
    EXPECT_TRUE(IsDer(FromHexText(encoding.hex))) << encoding.what;
  }
}

TEST(IsDer, RefusesEverythingElse) {
  std::string deep = "0500";
  for (int i = 0; i < 40; ++i) {
    const Bytes inner = FromHexText(deep);
    deep.clear();
    for (const std::uint8_t byte : test::Der(0x30, inner)) {
      static constexpr char kDigits[] = "0123456789abcdef";
      deep += kDigits[byte >> 4];
      deep += kDigits[byte & 15];
    }
  }
  for (const Encoding& encoding : std::initializer_list<Encoding>{
           {"nothing", ""},
           {"tag only", "30"},
           {"content cut off", "30030500"},
           {"length beyond the end", "0405aa"},
           {"trailing byte", "300000"},
           {"indefinite length", "30800000"},
           {"length in a byte too many", "04810100"},
           {"length with leading zero", "0482008000"},
           {"length of five octets", "04850000000001aa"},
           {"length octets missing", "0482ff"},
           {"integer without octets", "0200"},
           {"integer with leading 00", "02020001"},
           {"integer with leading ff", "0202ff80"},
           {"enumerated with leading 00", "0a020001"},
           {"boolean 01", "010101"},
           {"boolean of two octets", "0102ffff"},
           {"null with content", "050100"},
           {"bit string without octets", "0300"},
           {"bit string, 8 unused bits", "03020800"},
           {"bit string, unused bits of nothing", "030101"},
           {"bit string, set padding", "03020181"},
           {"constructed octet string", "2403040100"},
           {"constructed bit string", "2303030100"},
           {"constructed UTF8String", "2c030c0141"},
           {"primitive sequence", "1000"},
           {"primitive set", "1100"},
           {"end of contents", "0000"},
           {"long tag", "1f8101 00"},
           {"set out of order", "3106020102020101"},
           {"defect inside", "3003010101"},
           {"too deep", deep},
       }) {
    EXPECT_FALSE(IsDer(FromHexText(encoding.hex))) << encoding.what;
  }
}

TEST(DerReader, MovesOnlyOnSuccess) {
  const Bytes bytes = FromHexText("020105 0101ff");
  DerReader reader(bytes);
  EXPECT_FALSE(reader.Take(0x30).has_value());
  EXPECT_TRUE(reader.NextIs(0x02));
  const auto integer = reader.Next(0x02);
  ASSERT_TRUE(integer.has_value());
  EXPECT_EQ(integer->content.size(), 1U);
  EXPECT_EQ(integer->whole.size(), 3U);
  EXPECT_TRUE(reader.Take(0x01).has_value());
  EXPECT_TRUE(reader.AtEnd());
  EXPECT_FALSE(reader.Next().has_value());
}

TEST(SmallInteger, Bounds) {
  EXPECT_EQ(SmallInteger(FromHexText("00")), 0);
  EXPECT_EQ(SmallInteger(FromHexText("7fffffff")), 2147483647);
  EXPECT_EQ(SmallInteger(FromHexText("0080")), 128);
  EXPECT_FALSE(SmallInteger(FromHexText("ff")).has_value());
  EXPECT_FALSE(SmallInteger(FromHexText("0080000000")).has_value());
  EXPECT_FALSE(SmallInteger(FromHexText("0001")).has_value());
  EXPECT_FALSE(SmallInteger({}).has_value());
}

}  // namespace
}  // namespace assay::crypto
