// Token buckets by key: how often something may happen, for each key on its own.
//
// Promises: over any time t a key takes at most burst + per_second · t; memory is bounded, however many keys there are: keys
// whose bucket is full again are forgotten first, and if there are too many others, new keys share one bucket. Thread-safe.
// Uses the monotonic clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace assay::service {

struct Rate {
  double per_second;
  double burst;
};

class RateLimit {
 public:
  using Clock = std::chrono::steady_clock;

  explicit RateLimit(Rate rate, std::size_t most_keys = 65'536) : rate_(rate), most_keys_(most_keys) {}

  // True: it may happen, and has been counted.
  bool Take(std::string_view key, Clock::time_point now = Clock::now());
  // How long a caller that was refused has to wait for one token, at most.
  std::chrono::milliseconds Wait() const;

 private:
  struct Bucket {
    double tokens;
    Clock::time_point at;
  };
  Bucket Refilled(const Bucket& bucket, Clock::time_point now) const;

  const Rate rate_;
  const std::size_t most_keys_;
  std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;  // guarded by mutex_
};

}  // namespace assay::service
