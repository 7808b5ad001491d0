#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <vector>

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

// Each bit is one as often as zero. Of n throws 6 sigma are 3 * sqrt(n): missed once in five hundred million runs.
TEST(SystemRandom, Attack151_AMillionNoncesAreUniqueAndEvenlySpread) {
  constexpr std::size_t kNonces = 1'000'000;
  SystemRandom random;
  std::vector<std::array<std::uint64_t, 4>> nonces(kNonces);
  std::array<std::uint64_t, 256> ones{};
  for (std::array<std::uint64_t, 4>& nonce : nonces) {
    std::array<std::uint8_t, 32> bytes{};
    random.Fill(bytes);
    std::memcpy(nonce.data(), bytes.data(), sizeof nonce);
    for (std::size_t bit = 0; bit < 256; ++bit) ones[bit] += nonce[bit / 64] >> (bit % 64) & 1;
  }
  std::uint64_t all = 0;
  for (const std::uint64_t count : ones) {
    all += count;
    EXPECT_NEAR(static_cast<double>(count), kNonces / 2.0, 3 * 1000.0);
  }
  EXPECT_NEAR(static_cast<double>(all), 128.0 * kNonces, 3 * 16'000.0);
  std::sort(nonces.begin(), nonces.end());
  EXPECT_EQ(std::adjacent_find(nonces.begin(), nonces.end()), nonces.end());
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
