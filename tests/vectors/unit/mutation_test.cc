#include "tests/vectors/mutation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hex.h"

namespace assay::vectors {
namespace {

using Curve = NegateS::Curve;
using Order = NegateS::ByteOrder;

struct Applied {
  std::string name;
  std::string before;
  Operation operation;
  std::string after;
};

TEST(Mutation, ChangesExactlyWhatItSays) {
  const Applied cases[] = {
      {"xor the last byte", "00ff", Xor{1, 0x0f}, "00f0"},
      {"replace keeps the length", "0011223344", Replace{1, {0xaa, 0xbb}}, "00aabb3344"},
      {"replace by nothing at the end", "00", Replace{1, {}}, "00"},
      {"fill to the end", "00112233", Fill{2, 2, 0xee}, "0011eeee"},
      {"fill nothing", "0011", Fill{2, 0, 0xee}, "0011"},
      {"u32 is little-endian", "000000000000", SetU32Le{1, 0x01020304}, "000403020100"},
      {"truncate to nothing", "0011", Truncate{0}, ""},
      {"truncate to the whole", "0011", Truncate{2}, "0011"},
      {"append", "00", AppendBytes{{0x01, 0x02}}, "000102"},
      {"n - 1 of P-256, big-endian", "0000000000000000000000000000000000000000000000000000000000000001",
       NegateS{Curve::kP256, Order::kBig, 0}, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"},
      {"n - 1 of P-384, little-endian, behind one byte",
       "aa010000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
       NegateS{Curve::kP384, Order::kLittle, 1},
       "aa7229c5cc6a19ecec7aa7b048b20d1a58df2d37f4814d63c7ffffffffffffffffffffffffffffffffffffffffffffffff"},
  };
  for (const Applied& test : cases) {
    SCOPED_TRACE(test.name);
    Bytes bytes = *FromHex(test.before);
    EXPECT_TRUE(Apply(test.operation, bytes).ok());
    EXPECT_EQ(ToHex(bytes), test.after);
  }
}

TEST(Mutation, NegatingTwiceRestoresTheScalar) {
  const Bytes original = *FromHex("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
  Bytes bytes = original;
  const NegateS negate{Curve::kP256, Order::kLittle, 0};
  ASSERT_TRUE(Apply(negate, bytes).ok());
  EXPECT_NE(bytes, original);
  ASSERT_TRUE(Apply(negate, bytes).ok());
  EXPECT_EQ(bytes, original);
}

TEST(Mutation, NothingReachesPastTheEndOrIsClipped) {
  constexpr std::size_t kHuge = ~std::size_t{0};  // offset + length would wrap
  struct {
    std::string name;
    Operation operation;
  } const cases[] = {
      {"xor behind the end", Xor{4, 1}},
      {"xor far away", Xor{kHuge, 1}},
      {"replace across the end", Replace{3, {1, 2}}},
      {"replace far away", Replace{kHuge, {1, 2}}},
      {"fill across the end", Fill{2, 3, 0}},
      {"fill that wraps", Fill{2, kHuge, 0}},
      {"u32 across the end", SetU32Le{1, 0}},
      {"truncate to more than there is", Truncate{5}},
      {"negate a scalar that is not there", NegateS{Curve::kP256, Order::kBig, 0}},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    Bytes bytes = {1, 2, 3, 4};
    EXPECT_FALSE(Apply(test.operation, bytes).ok());
    EXPECT_EQ(bytes, (Bytes{1, 2, 3, 4}));
  }
}

TEST(Mutation, NegateRefusesWhatIsNoScalar) {
  for (const std::string hex : {"0000000000000000000000000000000000000000000000000000000000000000",
                                "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
                                "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}) {
    SCOPED_TRACE(hex);
    Bytes bytes = *FromHex(hex);
    EXPECT_FALSE(Apply(NegateS{Curve::kP256, Order::kBig, 0}, bytes).ok());
    EXPECT_EQ(ToHex(bytes), hex);
  }
}

}  // namespace
}  // namespace assay::vectors
