#include "coordinator/timer_queue.h"

#include <gtest/gtest.h>

namespace skerry::coordinator {
namespace {

Timestamp At(int seconds) { return Timestamp{Duration(std::chrono::seconds(seconds))}; }

TEST(TimerQueueTest, TimersComeInTheOrderOfTheirTimesAndThenOfTheirKeys) {
  TimerQueue<int> timers;
  timers.Set(3, At(1));
  timers.Set(2, At(2));
  timers.Set(1, At(2));
  EXPECT_EQ(timers.PopDue(At(0)), std::nullopt);
  EXPECT_EQ(timers.PopDue(At(5)), 3);
  EXPECT_EQ(timers.PopDue(At(5)), 1);
  EXPECT_EQ(timers.PopDue(At(5)), 2);
  EXPECT_EQ(timers.PopDue(At(5)), std::nullopt);
}

TEST(TimerQueueTest, OneThatIsSetAgainComesAtItsNewTimeAlone) {
  TimerQueue<int> timers;
  timers.Set(1, At(5));
  timers.Set(1, At(9));
  EXPECT_EQ(timers.Next(), At(9));
  EXPECT_EQ(timers.PopDue(At(8)), std::nullopt);
  timers.Set(1, At(2));
  EXPECT_EQ(timers.Next(), At(2));
  EXPECT_EQ(timers.PopDue(At(2)), 1);
  EXPECT_EQ(timers.Next(), std::nullopt);
}

TEST(TimerQueueTest, TimersThatAreMovedToAndFroTakeNoMoreAndMoreMemory) {
  TimerQueue<int> timers;
  timers.Set(1, At(7));
  timers.Set(2, At(8));
  for (int i = 0; i < 10'000; ++i) {
    timers.Set(1, At(100'000 + i));
    EXPECT_TRUE(timers.Next().has_value());
    timers.Set(1, At(9));
    timers.Set(3, At(50));
    timers.Cancel(3);
  }
  EXPECT_LT(timers.num_entries(), 200U);
  EXPECT_EQ(timers.PopDue(At(60)), 2);
  EXPECT_EQ(timers.PopDue(At(60)), 1);
  EXPECT_EQ(timers.PopDue(At(200'000)), std::nullopt);
}

TEST(TimerQueueTest, OneThatIsCancelledComesOnlyWhenItIsSetAgain) {
  TimerQueue<int> timers;
  timers.Set(1, At(3));
  timers.Cancel(1);
  EXPECT_EQ(timers.Next(), std::nullopt);
  timers.Set(1, At(3));
  timers.Cancel(1);
  timers.Set(1, At(4));
  EXPECT_EQ(timers.PopDue(At(3)), std::nullopt);
  EXPECT_EQ(timers.PopDue(At(4)), 1);
  EXPECT_EQ(timers.PopDue(At(9)), std::nullopt);
}

}  // namespace
}  // namespace skerry::coordinator
