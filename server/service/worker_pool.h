// A bounded pool: as many threads and as much waiting work as configured, and not more. What does not fit is refused at
// once, so that a burst costs its senders a retry and nobody else their deadline.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace assay::service {

class WorkerPool {
 public:
  WorkerPool(std::size_t threads, std::size_t queue);
  ~WorkerPool();  // as Drain()
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False: `queue` tasks wait already, or the pool drains; `task` will not run.
  [[nodiscard]] bool Submit(std::function<void()> task);

  // Takes nothing more, runs what waits, returns when all is done. Not from a task.
  void Drain();

  std::size_t waiting() const;

 private:
  void Work();

  const std::size_t queue_limit_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;  // guarded by mutex_
  bool draining_ = false;                    // guarded by mutex_
  std::vector<std::thread> threads_;
};

// Told of each call that was answered, with its peer as gRPC writes it. Called from any thread.
using CallCompleted = std::function<void(const std::string& peer)>;

}  // namespace assay::service
