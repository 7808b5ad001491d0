#include "service/rate_limit.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace assay::service {
namespace {

using std::chrono::milliseconds;

const RateLimit::Clock::time_point kStart{std::chrono::hours(1)};

int Taken(RateLimit& limit, std::string_view key, RateLimit::Clock::time_point now) {
  int taken = 0;
  while (taken < 1000 && limit.Take(key, now)) ++taken;
  return taken;
}

TEST(RateLimit, ABurstThenTheRate) {
  RateLimit limit({.per_second = 10, .burst = 20});
  EXPECT_EQ(Taken(limit, "a", kStart), 20);
  EXPECT_EQ(Taken(limit, "a", kStart + milliseconds(99)), 0);
  EXPECT_EQ(Taken(limit, "a", kStart + milliseconds(100)), 1);
  EXPECT_EQ(Taken(limit, "a", kStart + milliseconds(600)), 5);
  EXPECT_EQ(Taken(limit, "a", kStart + std::chrono::hours(5)), 20);  // never more than a burst
}

TEST(RateLimit, KeysDoNotPayForEachOther) {
  RateLimit limit({.per_second = 1, .burst = 3});
  EXPECT_EQ(Taken(limit, "a", kStart), 3);
  EXPECT_EQ(Taken(limit, "b", kStart), 3);
}

TEST(RateLimit, AClockThatGoesBackGivesNothing) {
  RateLimit limit({.per_second = 1, .burst = 3});
  EXPECT_EQ(Taken(limit, "a", kStart), 3);
  EXPECT_EQ(Taken(limit, "a", kStart - std::chrono::hours(1)), 0);
  EXPECT_EQ(Taken(limit, "a", kStart + milliseconds(1000)), 1);
}

TEST(RateLimit, BeyondItsMemoryNewKeysShareOneBucket) {
  RateLimit limit({.per_second = 1, .burst = 2}, 10);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Taken(limit, Cat("key ", i), kStart), 2);
  int taken = 0;
  for (int i = 10; i < 1000; ++i) taken += Taken(limit, Cat("key ", i), kStart);
  EXPECT_EQ(taken, 2);
  EXPECT_EQ(Taken(limit, "key 3", kStart), 0);  // who was there before is still known
  // Once the others are at rest there is room again.
  EXPECT_EQ(Taken(limit, "late", kStart + std::chrono::seconds(10)), 2);
}

TEST(RateLimit, TellsHowLongToWait) { EXPECT_EQ(RateLimit({.per_second = 4, .burst = 8}).Wait(), milliseconds(250)); }

}  // namespace
}  // namespace assay::service
