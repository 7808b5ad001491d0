#include "base/layout.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

constexpr std::array<Field, 4> kLayout = {{
    {"VERSION", 0, 2},
    {"RESERVED", 2, 1, FieldUse::kReservedZero},
    {"LONG", 3, 8},
    {"TAIL", 11, 5, FieldUse::kReservedIgnored},
}};

// What a wrong table would be; each must be seen at compile time.
static_assert(IsContiguous(kLayout, 16));
static_assert(!IsContiguous(kLayout, 15));
static_assert(!IsContiguous(kLayout, 17));
static_assert(!IsContiguous(std::array<Field, 2>{{{"A", 0, 2}, {"B", 3, 1}}}, 4), "gap");
static_assert(!IsContiguous(std::array<Field, 2>{{{"A", 0, 2}, {"B", 1, 3}}}, 4), "overlap");
static_assert(!IsContiguous(std::array<Field, 2>{{{"B", 2, 2}, {"A", 0, 2}}}, 4), "order");
static_assert(!IsContiguous(std::array<Field, 1>{{{"A", 1, 3}}}, 4), "first bytes missing");
static_assert(!IsContiguous(std::array<Field, 2>{{{"A", 0, 4}, {"B", 4, 0}}}, 4), "empty field");
static_assert(IsContiguous(std::array<Field, 0>{}, 0));
static_assert(!IsContiguous(std::array<Field, 0>{}, 1));

static_assert(FieldNamed(kLayout, "LONG").offset == 3);
static_assert(FieldNamed(kLayout, "VERSION").use == FieldUse::kValue);
static_assert(FieldNamed(kLayout, "TAIL").use == FieldUse::kReservedIgnored);

constexpr Field kVersion = FieldNamed(kLayout, "VERSION");
constexpr Field kLong = FieldNamed(kLayout, "LONG");

TEST(Layout, SlicesAndReadsLittleEndian) {
  const Bytes bytes = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10};
  EXPECT_EQ(ToBytes(SliceOf(bytes, FieldNamed(kLayout, "TAIL"))), (Bytes{0x0c, 0x0d, 0x0e, 0x0f, 0x10}));
  EXPECT_EQ(LittleEndianOf(bytes, kVersion), 0x0201U);
  EXPECT_EQ(LittleEndianOf(bytes, kLong), 0x0b0a090807060504U);
}

TEST(Layout, AFieldOutsideTheBytesIsEmpty) {
  const Bytes bytes(10, 0xff);
  EXPECT_TRUE(SliceOf(bytes, kLong).empty()) << "one byte short";
  EXPECT_EQ(LittleEndianOf(bytes, kLong), 0U);
  EXPECT_TRUE(SliceOf(bytes, Field{"X", 11, 1}).empty());
  EXPECT_TRUE(SliceOf(bytes, Field{"X", SIZE_MAX, 2}).empty());
  EXPECT_TRUE(SliceOf(bytes, Field{"X", 1, SIZE_MAX}).empty());
  EXPECT_TRUE(SliceOf({}, kVersion).empty());
  EXPECT_EQ(SliceOf(bytes, Field{"X", 0, 10}).size(), 10U);
}

}  // namespace
}  // namespace assay
