// Whether the wall clock can be believed by whoever forgets for good what is old by it.
//
// Promises: a clock that is ahead of what the monotonic clock says by more than a day is not believed until it is back, or has stood
// there for a day. Does not promise to notice a clock that is wrong from the beginning. Not thread-safe.
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"

namespace assay::service {

class ClockLeaps {
 public:
  static constexpr Duration kMost{24 * 3600};
  static constexpr std::chrono::hours kBelievedAfter{24};
  using Monotonic = std::chrono::steady_clock::time_point;

  bool Believes(Time now, Monotonic monotonic) {
    if (!agreed_) agreed_ = {now, monotonic};
    const Duration ahead = (now - agreed_->now) - std::chrono::floor<Duration>(monotonic - agreed_->monotonic);
    if (ahead > kMost) {
      if (!leapt_) leapt_ = monotonic;
      if (monotonic - *leapt_ < kBelievedAfter) return false;
    } else if (ahead < -kMost) {
      return true;  // by a clock that is behind nothing is old too soon
    }
    agreed_ = {now, monotonic};
    leapt_.reset();
    return true;
  }

 private:
  struct Reading {
    Time now;
    Monotonic monotonic;
  };
  std::optional<Reading> agreed_;   // when both clocks went alike last
  std::optional<Monotonic> leapt_;  // since when the wall clock is not believed
};

}  // namespace assay::service
