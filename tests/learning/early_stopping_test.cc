#include "learning/early_stopping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace skerry::learning {
namespace {

v1::EarlyStoppingSpec Spec(const std::string& metric, int64_t patience, double min_delta = 0) {
  v1::EarlyStoppingSpec spec;
  spec.set_metric(metric);
  spec.set_patience(patience);
  spec.set_min_delta(min_delta);
  return spec;
}

// Rounds 1, 2, ..., which evaluate versions 0, 1, ...
std::vector<RoundOutcome> Rounds(const std::string& metric, const std::vector<double>& values) {
  std::vector<RoundOutcome> rounds;
  for (const double value : values) {
    rounds.push_back({static_cast<int64_t>(rounds.size()) + 1, {{"validation." + metric, value}}});
  }
  return rounds;
}

TEST(EarlyStoppingTest, TrainingEndsAfterSoManyEvaluationsWithoutABetterOne) {
  const auto rounds = Rounds("auc", {0.5, 0.7, 0.6, 0.7, 0.9});
  const auto stop = FindEarlyStop(Spec("auc", 2), rounds);
  ASSERT_TRUE(stop.has_value());
  EXPECT_EQ(stop->round, 4);
  EXPECT_EQ(stop->best_version, 1);
  EXPECT_EQ(stop->best_value, 0.7);
  EXPECT_EQ(InWords(Spec("auc", 2), *stop),
            "stopped early: validation.auc did not improve in 2 evaluations; version 1 was the "
            "best (0.7)");
  EXPECT_FALSE(FindEarlyStop(Spec("auc", 3), rounds).has_value());
}

TEST(EarlyStoppingTest, OfALossLessIsBetter) {
  const auto stop = FindEarlyStop(Spec("log_loss", 1), Rounds("log_loss", {0.9, 0.5, 0.6}));
  ASSERT_TRUE(stop.has_value());
  EXPECT_EQ(stop->round, 3);
  EXPECT_EQ(stop->best_value, 0.5);
}

TEST(EarlyStoppingTest, WhatIsBetterByNoMoreThanMinDeltaIsNotBetter) {
  const std::vector<double> slow = {0.5, 0.625, 0.75};
  EXPECT_TRUE(FindEarlyStop(Spec("auc", 1, 0.125), Rounds("auc", slow)).has_value());
  EXPECT_FALSE(FindEarlyStop(Spec("auc", 1, 0.1), Rounds("auc", slow)).has_value());
  // Two small steps are a large one from the best.
  EXPECT_FALSE(FindEarlyStop(Spec("auc", 2, 0.125), Rounds("auc", slow)).has_value());
}

TEST(EarlyStoppingTest, RoundsWithoutTheMetricSayNothing) {
  auto rounds = Rounds("auc", {0.7, 0.6, 0.6});
  rounds[1].metrics.clear();
  rounds[2].metrics = {{"test.auc", 0.1}};
  EXPECT_FALSE(FindEarlyStop(Spec("auc", 1), rounds).has_value());
  rounds.push_back({4, {{"validation.auc", 0.69}}});
  EXPECT_TRUE(FindEarlyStop(Spec("auc", 1), rounds).has_value());
}

TEST(EarlyStoppingTest, LaterRoundsDoNotChangeTheEnd) {
  auto rounds = Rounds("auc", {0.5, 0.4, 0.3});
  const auto stop = FindEarlyStop(Spec("auc", 2), rounds);
  ASSERT_TRUE(stop.has_value());
  rounds.push_back({4, {{"validation.auc", 0.99}}});  // the evaluation at the end
  EXPECT_EQ(FindEarlyStop(Spec("auc", 2), rounds)->round, stop->round);
}

}  // namespace
}  // namespace skerry::learning
