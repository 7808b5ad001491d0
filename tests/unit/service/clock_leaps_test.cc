#include "service/clock_leaps.h"

#include <gtest/gtest.h>

namespace assay::service {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Duration kDay{24 * 3600}, kYear{365 * 24 * 3600};

class ClockLeapsTest : public ::testing::Test {
 protected:
  // Both clocks go on for so long; then the wall clock says this much more.
  bool After(std::chrono::minutes time, Duration ahead = Duration(0)) {
    passed_ += time;
    return leaps_.Believes(kStart + passed_ + ahead, ClockLeaps::Monotonic(hours(1)) + passed_);
  }
  static constexpr Time kStart{Duration(1'795'000'000)};
  std::chrono::minutes passed_{0};
  ClockLeaps leaps_;
};

TEST_F(ClockLeapsTest, ClocksThatGoAlikeAreBelieved) {
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(After(minutes(1), Duration(i)));
  EXPECT_TRUE(After(hours(1000), Duration(100))) << "however long nobody asked";
  EXPECT_TRUE(After(minutes(1), kDay)) << "what is set by hand";
}

TEST_F(ClockLeapsTest, ALeapAheadIsNotBelievedUntilTheClockIsBack) {
  EXPECT_TRUE(After(minutes(0)));
  for (int i = 0; i < 60; ++i) EXPECT_FALSE(After(minutes(1), kYear));
  EXPECT_TRUE(After(minutes(1)));
  EXPECT_FALSE(After(minutes(1), kDay + Duration(1)));
  EXPECT_TRUE(After(minutes(1)));
}

TEST_F(ClockLeapsTest, AClockThatStandsThereForADayIsRight) {
  EXPECT_TRUE(After(minutes(0)));
  EXPECT_FALSE(After(minutes(1), kYear));
  EXPECT_FALSE(After(hours(24) - minutes(1), kYear));
  EXPECT_TRUE(After(minutes(1), kYear));
  EXPECT_TRUE(After(minutes(1), kYear));
  EXPECT_FALSE(After(minutes(1), 2 * kYear));
}

TEST_F(ClockLeapsTest, AClockThatWentBackIsBelievedAndItsReturnIsNoLeap) {
  EXPECT_TRUE(After(minutes(0)));
  EXPECT_TRUE(After(minutes(1), -kYear));
  EXPECT_TRUE(After(minutes(1), -kYear));
  EXPECT_TRUE(After(minutes(1)));
}

}  // namespace
}  // namespace assay::service
