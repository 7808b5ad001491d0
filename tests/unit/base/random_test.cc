#include "base/random.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace assay {
namespace {

TEST(SystemRandom, NoTwoOfAThousandNoncesAreEqual) {
  SystemRandom random;
  std::set<std::array<std::uint8_t, 32>> seen;
  for (int i = 0; i < 1000; ++i) {
    std::array<std::uint8_t, 32> nonce{};
    random.Fill(nonce);
    EXPECT_TRUE(seen.insert(nonce).second);
  }
}

TEST(SystemRandom, FillsEveryByteOfALongSpan) {
  // getrandom(2) may return less than asked for above 256 bytes. Each byte stays zero in all 8 rounds once in 2^64
  // times.
  SystemRandom random;
  Bytes ever_set(10'000);
  for (int round = 0; round < 8; ++round) {
    Bytes bytes(ever_set.size());
    random.Fill(bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) ever_set[i] = static_cast<std::uint8_t>(ever_set[i] | bytes[i]);
  }
  for (std::size_t i = 0; i < ever_set.size(); ++i) ASSERT_NE(ever_set[i], 0) << i;
}

TEST(SystemRandom, FillsNothingIntoNothing) { SystemRandom().Fill({}); }

}  // namespace
}  // namespace assay
