#include "collateral/manners.h"

#include <gtest/gtest.h>

#include <deque>

namespace assay::collateral {
namespace {

using std::chrono::seconds;

// All bytes the same: 0x00 is the least chance, 0xFF nearly the greatest.
struct Fixed final : Random {
  explicit Fixed(std::uint8_t byte) : value(byte) {}
  void Fill(std::span<std::uint8_t> out) override { std::fill(out.begin(), out.end(), value); }
  std::uint8_t value;
};

const Moment kStart{seconds(1000)};
const Time kNow = *ParseTime("2026-11-24T02:00:00Z");

TEST(Manners, ATokenEveryTenSeconds) {
  Manners manners(6, 1);
  EXPECT_EQ(manners.Earliest(kStart), kStart);
  manners.Take(kStart);
  EXPECT_EQ(manners.Earliest(kStart), kStart + seconds(10));
  EXPECT_EQ(manners.Earliest(kStart + seconds(4)), kStart + seconds(10));
  EXPECT_EQ(manners.Earliest(kStart + seconds(10)), kStart + seconds(10));
  EXPECT_EQ(manners.Earliest(kStart + seconds(99)), kStart + seconds(99));
  EXPECT_EQ(manners.TimeFor(3), seconds(30));
}

// Over any time, at most burst and rate, however eagerly it is taken.
TEST(Manners, NeverMoreThanBurstAndRate) {
  Manners manners(60, 5);
  Moment now = kStart + seconds(100);
  std::deque<Moment> taken;
  for (int i = 0; i < 200; ++i) {
    now = manners.Earliest(now);
    manners.Take(now);
    taken.push_back(now);
    if (i % 7 == 0) now += seconds(i % 11);
  }
  for (std::size_t from = 0; from < taken.size(); ++from) {
    for (std::size_t to = from; to < taken.size(); ++to) {
      const double elapsed = std::chrono::duration<double>(taken[to] - taken[from]).count();
      EXPECT_LE(static_cast<double>(to - from + 1), 5 + elapsed + 1e-6);
    }
  }
}

TEST(Manners, AnUpstreamsOwnPauseIsKept) {
  for (const std::uint8_t chance : {std::uint8_t{0}, std::uint8_t{0xFF}}) {
    Fixed random(chance);
    Manners manners(6000, 100);
    manners.Throttled(kStart, seconds(30), random);
    EXPECT_GE(manners.Earliest(kStart), kStart + seconds(30));
    EXPECT_LE(manners.Earliest(kStart), kStart + seconds(33));
    EXPECT_EQ(manners.breaker(kStart), BreakerState::kClosed);  // it answers: it is there
  }
}

TEST(Manners, WithoutOneThePauseGrows) {
  Fixed random(0);
  Manners manners(6000, 100);
  Milliseconds last{0};
  for (int i = 0; i < 12; ++i) {
    manners.Throttled(kStart, std::nullopt, random);
    const auto pause = std::chrono::duration_cast<Milliseconds>(manners.Earliest(kStart) - kStart);
    EXPECT_GE(pause, last);
    EXPECT_LE(pause, Manners::kLongestThrottle);
    last = pause;
  }
  EXPECT_GE(last, Manners::kLongestThrottle / 2);
}

TEST(Manners, TheBreakerOpensTriesOnceAndCloses) {
  Fixed random(0xFF);
  Manners manners(6000, 100);
  for (unsigned i = 1; i < Manners::kFailuresToOpen; ++i) {
    manners.Failed(kStart, std::nullopt, random);
    EXPECT_EQ(manners.breaker(kStart), BreakerState::kClosed);
  }
  manners.Failed(kStart, std::nullopt, random);
  EXPECT_EQ(manners.breaker(kStart), BreakerState::kOpen);
  const Moment trial = manners.Earliest(kStart);
  EXPECT_GT(trial, kStart + Manners::kFirstOpen / 2);
  EXPECT_EQ(manners.breaker(trial), BreakerState::kHalfOpen);
  // The trial fails: closed for longer than before.
  manners.Take(trial);
  manners.Failed(trial, std::nullopt, random);
  EXPECT_EQ(manners.breaker(trial), BreakerState::kOpen);
  EXPECT_GT(manners.Earliest(trial) - trial, trial - kStart);
  // The next one works.
  manners.Answered();
  EXPECT_EQ(manners.breaker(trial), BreakerState::kClosed);
  EXPECT_EQ(manners.Earliest(trial), trial);
}

TEST(Manners, AnAnswerInBetweenKeepsTheBreakerClosed) {
  Fixed random(0);
  Manners manners(6000, 100);
  for (int i = 0; i < 20; ++i) {
    manners.Failed(kStart, std::nullopt, random);
    manners.Failed(kStart, std::nullopt, random);
    manners.Answered();
  }
  EXPECT_EQ(manners.breaker(kStart), BreakerState::kClosed);
}

TEST(Backoff, DoublesUpToItsMostAndLiesInItsUpperHalf) {
  Fixed least(0), most(0xFF);
  for (unsigned attempt = 0; attempt < 40; ++attempt) {
    const Milliseconds whole =
        std::min<Milliseconds>(seconds(300), attempt > 10 ? seconds(300) : Milliseconds(seconds(2)) * (1 << attempt));
    EXPECT_EQ(Backoff(attempt, seconds(2), seconds(300), least), whole / 2) << attempt;
    const Milliseconds longest = Backoff(attempt, seconds(2), seconds(300), most);
    EXPECT_GT(longest, whole * 9 / 10) << attempt;
    EXPECT_LE(longest, whole) << attempt;
  }
}

TEST(RetryAfter, SecondsOrADate) {
  EXPECT_EQ(RetryAfter("0", kNow), seconds(0));
  EXPECT_EQ(RetryAfter(" 120 ", kNow), seconds(120));
  EXPECT_EQ(RetryAfter("3600", kNow), kLongestPause);
  EXPECT_EQ(RetryAfter("3601", kNow), kLongestPause);
  EXPECT_EQ(RetryAfter("99999999999999999999", kNow), kLongestPause);
  EXPECT_EQ(RetryAfter("Tue, 24 Nov 2026 02:00:30 GMT", kNow), seconds(30));
  EXPECT_EQ(RetryAfter("Tue, 24 Nov 2026 01:00:30 GMT", kNow), seconds(0));
  EXPECT_EQ(RetryAfter("Fri, 24 Nov 2056 02:00:30 GMT", kNow), kLongestPause);
}

TEST(RetryAfter, WhatNobodyUnderstandsIsNone) {
  for (const std::string_view header :
       {"", " ", "-1", "1.5", "soon", "0x10", "Tue, 24 Nov 2026 02:00:30 UTC", "Tue, 31 Feb 2026 02:00:30 GMT",
        "Tuesday, 24-Nov-26 02:00:30 GMT", "Tue, 24 Now 2026 02:00:30 GMT", "Tue, 24 Nov 2026 25:00:30 GMT"}) {
    EXPECT_EQ(RetryAfter(header, kNow), std::nullopt) << header;
  }
}

}  // namespace
}  // namespace assay::collateral
