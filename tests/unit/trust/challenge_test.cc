#include "trust/challenge.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "tests/softtee/snp_evidence.h"

namespace assay::trust {
namespace {

constexpr ByteArray<64> kValue = softtee::Ramp<64>(0x11);

TEST(ChallengeTest, DemandedHoldsItsValues) {
  const Challenge challenge = Challenge::Demanded({.report_data = kValue, .nonce = Bytes{1, 2}});
  ASSERT_TRUE(challenge.demanded());
  EXPECT_EQ(challenge.values().report_data, kValue);
  EXPECT_EQ(challenge.values().nonce, (Bytes{1, 2}));
  EXPECT_FALSE(challenge.absence_accepted()) << "there is no absence to accept";
}

TEST(ChallengeTest, NotDemandedIsAcceptedOnlyIfTheCallerSaidSo) {
  EXPECT_FALSE(Challenge::NotDemanded(false).demanded());
  EXPECT_FALSE(Challenge::NotDemanded(false).absence_accepted());
  EXPECT_TRUE(Challenge::NotDemanded(true).absence_accepted());
}

TEST(ChallengeTest, EqualChallengesHaveEqualDigests) {
  EXPECT_EQ(Challenge::Demanded({.report_data = kValue, .nonce = Bytes{1}}).Digest(),
            Challenge::Demanded({.report_data = kValue, .nonce = Bytes{1}}).Digest());
  EXPECT_EQ(Challenge::NotDemanded(true).Digest(), Challenge::NotDemanded(true).Digest());
}

// A verdict names its challenge by this digest, so no two challenges may share one.
TEST(ChallengeTest, Attack003_DifferentChallengesHaveDifferentDigests) {
  const auto demanded = [](std::optional<ByteArray<64>> report_data, std::optional<Bytes> nonce) {
    return Challenge::Demanded({.report_data = std::move(report_data), .nonce = std::move(nonce)});
  };
  ByteArray<64> other = kValue;
  other[63] ^= 1;
  const std::vector<Challenge> all{
      Challenge::NotDemanded(false),        Challenge::NotDemanded(true),
      demanded(std::nullopt, std::nullopt), demanded(kValue, std::nullopt),
      demanded(other, std::nullopt),        demanded(ByteArray<64>{}, std::nullopt),
      demanded(std::nullopt, Bytes{}),      demanded(std::nullopt, Bytes{0}),
      demanded(std::nullopt, Bytes{0, 0}),  demanded(std::nullopt, ToBytes(kValue)),
      demanded(std::nullopt, Bytes(64, 0)), demanded(kValue, Bytes{}),
      demanded(kValue, Bytes{1}),           demanded(kValue, ToBytes(kValue)),
  };
  std::set<crypto::Sha256Digest> digests;
  for (const Challenge& challenge : all) digests.insert(challenge.Digest());
  EXPECT_EQ(digests.size(), all.size());
}

}  // namespace
}  // namespace assay::trust
