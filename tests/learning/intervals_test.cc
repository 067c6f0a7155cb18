#include "learning/intervals.h"

#include <gtest/gtest.h>

namespace skerry::learning {
namespace {

TEST(IntervalTest, WilsonIsAsNewcombePrintsIt) {
  // Newcombe: "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
  const Interval of_81 = WilsonInterval(81.0 / 263, 263);
  EXPECT_NEAR(of_81.low, 0.2553, 5e-5);
  EXPECT_NEAR(of_81.high, 0.3662, 5e-5);
  const Interval of_none = WilsonInterval(0.0, 20);
  EXPECT_EQ(of_none.low, 0);
  EXPECT_NEAR(of_none.high, 0.1611, 5e-5);
}

TEST(IntervalTest, HanleyAndMcNeilIsAsInTheirPaper) {
  // Their example: an area of 0.893 of 51 abnormal and 58 normal images.
  const Interval interval = HanleyMcNeilInterval(0.893, 51, 58);
  EXPECT_NEAR((interval.high - interval.low) / 2 / 1.96, 0.0325, 5e-5);
  EXPECT_NEAR((interval.high + interval.low) / 2, 0.893, 1e-12);
}

TEST(IntervalTest, APerfectRankingHasNoSpreadAndNoneGoesOverOne) {
  EXPECT_EQ(HanleyMcNeilInterval(1.0, 5, 5).low, 1.0);
  EXPECT_EQ(HanleyMcNeilInterval(0.95, 4, 4).high, 1.0);
  EXPECT_DOUBLE_EQ(WilsonInterval(1.0, 10).high, 1.0);
}

}  // namespace
}  // namespace skerry::learning
