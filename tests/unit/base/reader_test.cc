#include "base/reader.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

// Every byte differs, so that a wrong order or offset shows.
Bytes Ramp(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i + 1);
  return bytes;
}

TEST(Reader, ReadsBothByteOrders) {
  const Bytes bytes = Ramp(32);
  Reader reader(bytes);
  EXPECT_EQ(reader.U8(), 0x01);
  EXPECT_EQ(reader.U16Le(), 0x0302);
  EXPECT_EQ(reader.U16Be(), 0x0405);
  EXPECT_EQ(reader.U32Le(), 0x09080706U);
  EXPECT_EQ(reader.U32Be(), 0x0a0b0c0dU);
  EXPECT_EQ(reader.U64Le(), 0x1514131211100f0eU);
  EXPECT_EQ(reader.U64Be(), 0x161718191a1b1c1dU);
  EXPECT_EQ(reader.position(), 29U);
  EXPECT_EQ(reader.remaining(), 3U);
  EXPECT_FALSE(reader.AtEnd());
  EXPECT_EQ(ToBytes(reader.TakeRest()), (Bytes{0x1e, 0x1f, 0x20}));
  EXPECT_TRUE(reader.AtEnd());
  EXPECT_TRUE(reader.TakeRest().empty());
}

TEST(Reader, HighBitsAreNotSigns) {
  const Bytes bytes(15, 0xff);
  Reader reader(bytes);
  EXPECT_EQ(reader.U8(), 0xff);
  EXPECT_EQ(reader.U16Le(), 0xffff);
  EXPECT_EQ(reader.U32Be(), 0xffffffffU);
  EXPECT_EQ(reader.U64Le(), UINT64_MAX);
}

TEST(Reader, AReadPastTheEndMovesNothing) {
  const Bytes bytes = Ramp(7);
  Reader reader(bytes);
  EXPECT_FALSE(reader.U64Le());
  EXPECT_FALSE(reader.U64Be());
  EXPECT_FALSE(reader.Take(8));
  EXPECT_FALSE(reader.Take(SIZE_MAX));
  EXPECT_FALSE(reader.Skip(8));
  EXPECT_EQ(reader.position(), 0U);
  EXPECT_TRUE(reader.Skip(4));
  EXPECT_FALSE(reader.U32Le());
  EXPECT_FALSE(reader.U32Be());
  EXPECT_FALSE(reader.Take(SIZE_MAX - 3));  // would wrap round if added to the position
  EXPECT_TRUE(reader.Skip(2));
  EXPECT_FALSE(reader.U16Le());
  EXPECT_FALSE(reader.U16Be());
  EXPECT_EQ(reader.U8(), 7);
  EXPECT_FALSE(reader.U8());
  EXPECT_TRUE(reader.Take(0));
  EXPECT_EQ(reader.position(), 7U);
}

TEST(Reader, NoBytesAreTheEnd) {
  Reader reader({});
  EXPECT_TRUE(reader.AtEnd());
  EXPECT_FALSE(reader.U8());
}

}  // namespace
}  // namespace assay
