#include "base/clock.h"

#include <gtest/gtest.h>

namespace skerry {
namespace {

TEST(SystemClockTest, NeverGoesBack) {
  const SystemClock clock;
  Timestamp last = clock.Now();
  for (int i = 0; i < 10'000; ++i) {
    const Timestamp now = clock.Now();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(SystemClockTest, WallTimeIsOfThisCentury) {
  const int64_t millis = SystemClock().WallNow().unix_millis;
  EXPECT_GT(millis, int64_t{1'577'836'800'000});  // 2020: milliseconds, not seconds
  EXPECT_LT(millis, int64_t{4'102'444'800'000});  // 2100: and not microseconds
}

TEST(ManualClockTest, StandsStillUntilItIsMoved) {
  ManualClock clock({1'000'000});
  EXPECT_EQ(clock.Now(), Timestamp{0s});
  EXPECT_EQ(clock.WallNow(), WallTime{1'000'000});
  clock.Advance(1500ms);
  EXPECT_EQ(clock.Now(), Timestamp{1500ms});
  EXPECT_EQ(clock.WallNow(), WallTime{1'001'500});
}

TEST(ManualClockTest, DoesNotGoBack) {
  ManualClock clock;
  clock.AdvanceTo(Timestamp{10s});
  clock.AdvanceTo(Timestamp{4s});
  EXPECT_EQ(clock.Now(), Timestamp{10s});
}

}  // namespace
}  // namespace skerry
