// How many challenges to give out: each is the promise of an appraisal, which costs hundreds of times as much.
//
// A challenge whose answer then finds the queue full is work for nothing, here and at the node, which made evidence for it. So
// while appraisals wait for workers, a challenge is given only if those that wait and those that are still to come have room
// together. Whoever asks without ever answering keeps others waiting only while the workers have enough to do.
//
// Promises: constant memory; never refuses while nothing waits; a promise that is not kept is forgotten after kForgotten.
// Thread-safe. Does not promise that every answer finds room: that is for the queue to say.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>

namespace assay::service {

class Promises {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kForgotten{2000};

  // `most`: appraisals that may wait, with those to come. What the queue takes beyond that is for answers that come late.
  explicit Promises(std::size_t most) : most_(most) {}

  // May a challenge be given while `waiting` appraisals wait for a worker? If so, it counts.
  [[nodiscard]] bool Give(std::size_t waiting, Clock::time_point now = Clock::now()) {
    const std::lock_guard lock(mutex_);
    while (!given_.empty() && now - given_.front() > kForgotten) given_.pop_front();
    if (waiting != 0 && waiting + given_.size() >= most_) return false;
    if (given_.size() >= most_) given_.pop_front();
    given_.push_back(now);
    return true;
  }
  std::atomic<std::size_t> waiting = 0;  // appraisals in the queue, by whoever puts them there and takes them out

  // An answer has come, or the challenge was not given after all.
  void Settle() {
    const std::lock_guard lock(mutex_);
    if (!given_.empty()) given_.pop_front();
  }

 private:
  const std::size_t most_;
  std::mutex mutex_;
  std::deque<Clock::time_point> given_;  // oldest first, at most most_; guarded by mutex_
};

}  // namespace assay::service
