#include "service/promises.h"

#include <gtest/gtest.h>

namespace assay::service {
namespace {

using std::chrono::milliseconds;

constexpr Promises::Clock::time_point kBegin{};

TEST(Promises, NothingIsRefusedWhileNothingWaits) {
  Promises promises(2);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(promises.Give(0, kBegin));
}

TEST(Promises, WhatWaitsAndWhatIsToComeHasRoomTogether) {
  Promises promises(4);
  EXPECT_TRUE(promises.Give(1, kBegin));
  EXPECT_TRUE(promises.Give(2, kBegin));
  EXPECT_FALSE(promises.Give(2, kBegin)) << "two wait, two are to come";
  EXPECT_TRUE(promises.Give(1, kBegin));
  EXPECT_FALSE(promises.Give(1, kBegin));
  EXPECT_FALSE(Promises(4).Give(4, kBegin)) << "those that wait alone fill it";
}

TEST(Promises, ARefusalIsNoPromise) {
  Promises promises(2);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(promises.Give(2, kBegin));
  EXPECT_TRUE(promises.Give(1, kBegin));
}

TEST(Promises, AnAnswerMakesRoom) {
  Promises promises(2);
  EXPECT_TRUE(promises.Give(1, kBegin));
  EXPECT_FALSE(promises.Give(1, kBegin));
  promises.Settle();
  EXPECT_TRUE(promises.Give(1, kBegin));
  promises.Settle();
  promises.Settle();  // an answer to a challenge of another replica, or one that was forgotten
  EXPECT_TRUE(promises.Give(1, kBegin));
  EXPECT_FALSE(promises.Give(1, kBegin)) << "it made no room beyond";
}

TEST(Promises, WhoNeverAnswersIsForgotten) {
  Promises promises(2);
  EXPECT_TRUE(promises.Give(0, kBegin));
  EXPECT_TRUE(promises.Give(0, kBegin + milliseconds(500)));
  EXPECT_FALSE(promises.Give(1, kBegin + Promises::kForgotten));
  EXPECT_TRUE(promises.Give(0, kBegin + Promises::kForgotten)) << "and keeps nobody from workers that have nothing to do";
  EXPECT_FALSE(promises.Give(1, kBegin + Promises::kForgotten + milliseconds(1))) << "the second, and the one since";
  EXPECT_FALSE(promises.Give(1, kBegin + Promises::kForgotten + milliseconds(501))) << "the one since";
  EXPECT_TRUE(promises.Give(1, kBegin + 2 * Promises::kForgotten + milliseconds(1)));
}

}  // namespace
}  // namespace assay::service
