#include "service/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

namespace assay::service {
namespace {

TEST(WorkerPool, RunsWhatItTook) {
  std::atomic<int> ran = 0;
  WorkerPool pool(2, 100);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(pool.Submit([&] { ++ran; }));
  pool.Drain();
  EXPECT_EQ(ran, 100);
}

TEST(WorkerPool, RefusesWhatDoesNotFit) {
  std::latch started(1), go(1);
  std::atomic<int> ran = 0;
  WorkerPool pool(1, 2);
  ASSERT_TRUE(pool.Submit([&] {
    started.count_down();
    go.wait();
    ++ran;
  }));
  started.wait();  // the only thread is busy, the queue is empty
  EXPECT_TRUE(pool.Submit([&] { ++ran; }));
  EXPECT_TRUE(pool.Submit([&] { ++ran; }));
  EXPECT_FALSE(pool.Submit([&] { ++ran; })) << "overloaded";
  EXPECT_EQ(pool.waiting(), 2U);
  go.count_down();
  pool.Drain();
  EXPECT_EQ(ran, 3) << "what was refused never runs, what was taken does";
}

TEST(WorkerPool, TakesNothingOnceItDrains) {
  WorkerPool pool(1, 1);
  pool.Drain();
  EXPECT_FALSE(pool.Submit([] {}));
  pool.Drain();  // again is no harm
}

}  // namespace
}  // namespace assay::service
