#include "tests/softtee/der.h"

#include <gmock/gmock.h>

#include "base/hex.h"

namespace assay::softtee {
namespace {

TEST(Der, WritesMinimalLengths) {
  EXPECT_EQ(ToHex(der::OctetString(Bytes(2, 0xAA))), "0402aaaa");
  EXPECT_EQ(ToHex(ByteView(der::OctetString(Bytes(127, 0))).first(3)), "047f00");
  EXPECT_EQ(ToHex(ByteView(der::OctetString(Bytes(128, 0))).first(3)), "048180");
  EXPECT_EQ(ToHex(ByteView(der::OctetString(Bytes(256, 0))).first(4)), "04820100");
}

TEST(Der, WritesMinimalIntegers) {
  EXPECT_EQ(ToHex(der::Integer(0)), "020100");
  EXPECT_EQ(ToHex(der::Integer(0x7F)), "02017f");
  EXPECT_EQ(ToHex(der::Integer(0x80)), "02020080");
  EXPECT_EQ(ToHex(der::Integer(0x100)), "02020100");
  EXPECT_EQ(ToHex(der::IntegerOf(Bytes{0x00, 0x00, 0x01})), "020101");
  EXPECT_EQ(ToHex(der::IntegerOf({})), "020100");
}

TEST(Der, WritesObjectIdentifiers) {
  EXPECT_EQ(ToHex(der::Oid("2.5.4.3")), "0603550403");
  EXPECT_EQ(ToHex(der::Oid("1.2.840.113549.1.1.10")), "06092a864886f70d01010a");
  EXPECT_EQ(ToHex(der::Oid("1.3.6.1.4.1.3704.1.3.8")), "060a2b060104019c78010308");
}

TEST(Der, ChangesTheFormOfDatesIn2050) {
  EXPECT_EQ(AsText(der::Date(*ParseTime("2026-11-24T01:02:03Z"))),
            "\x17\x0d"
            "261124010203Z");
  EXPECT_EQ(AsText(der::Date(*ParseTime("2049-12-31T23:59:59Z"))),
            "\x17\x0d"
            "491231235959Z");
  EXPECT_EQ(AsText(der::Date(*ParseTime("2050-01-01T00:00:00Z"))),
            "\x18\x0f"
            "20500101000000Z");
}

}  // namespace
}  // namespace assay::softtee
