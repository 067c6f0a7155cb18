#include "learning/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::ScheduleSpec Kind(const std::string& kind) {
  v1::ScheduleSpec schedule;
  schedule.set_kind(kind);
  return schedule;
}

std::vector<double> Shares(const v1::ScheduleSpec& schedule, int64_t num_rounds) {
  std::vector<double> shares;
  for (int64_t round = 1; round <= num_rounds; ++round) {
    shares.push_back(ScheduledShare(schedule, round, num_rounds));
  }
  return shares;
}

TEST(ScheduleTest, NoScheduleIsTheRateItself) { EXPECT_THAT(Shares({}, 3), ElementsAre(1, 1, 1)); }

TEST(ScheduleTest, StepsAreTakenAfterSoManyRounds) {
  v1::ScheduleSpec step = Kind("step");
  step.set_every(2);
  step.set_factor(0.5);
  EXPECT_THAT(Shares(step, 5), ElementsAre(1, 1, 0.5, 0.5, 0.25));
}

TEST(ScheduleTest, ExponentialFallsEachRound) {
  v1::ScheduleSpec exponential = Kind("exponential");
  exponential.set_factor(0.5);
  EXPECT_THAT(Shares(exponential, 4), ElementsAre(1, 0.5, 0.25, 0.125));
}

TEST(ScheduleTest, CosineFallsToItsMinimumInTheLastRound) {
  v1::ScheduleSpec cosine = Kind("cosine");
  cosine.set_minimum(0.2);
  EXPECT_THAT(Shares(cosine, 5), ElementsAre(1, DoubleNear(0.8828427, 1e-7), DoubleNear(0.6, 1e-12),
                                             DoubleNear(0.3171573, 1e-7), DoubleNear(0.2, 1e-12)));
  EXPECT_THAT(Shares(cosine, 1), ElementsAre(1));
}

TEST(ScheduleTest, WarmUpRisesToTheFullRate) {
  v1::ScheduleSpec warm = Kind("");
  warm.set_warm_up(4);
  EXPECT_THAT(Shares(warm, 6), ElementsAre(0.25, 0.5, 0.75, 1, 1, 1));
}

TEST(ScheduleTest, WhatIsWrongIsNamed) {
  EXPECT_THAT(CheckSchedule(Kind("stairs")), Fails(Code::kInvalidArgument, HasSubstr("kind")));
  EXPECT_THAT(CheckSchedule(Kind("step")), Fails(Code::kInvalidArgument, HasSubstr("every")));
  EXPECT_THAT(CheckSchedule(Kind("exponential")),
              Fails(Code::kInvalidArgument, HasSubstr("factor")));
}

}  // namespace
}  // namespace skerry::learning
