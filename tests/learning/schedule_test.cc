#include "learning/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::AllOf;
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

// What PyTorch's CosineAnnealingLR gives with T_max = 5 and eta_min = 0.2 of a rate of 1.
TEST(ScheduleTest, CosineFallsTowardsItsMinimumAsPyTorchsDoes) {
  v1::ScheduleSpec cosine = Kind("cosine");
  cosine.set_minimum(0.2);
  EXPECT_THAT(Shares(cosine, 5),
              ElementsAre(1, DoubleNear(0.9236068, 1e-7), DoubleNear(0.7236068, 1e-7),
                          DoubleNear(0.4763932, 1e-7), DoubleNear(0.2763932, 1e-7)));
  EXPECT_THAT(Shares(cosine, 1), ElementsAre(1));
}

TEST(ScheduleTest, CosineWithoutAMinimumStillTrainsInTheLastRound) {
  v1::ScheduleSpec cosine = Kind("cosine");
  EXPECT_THAT(Shares(cosine, 4), ElementsAre(1, DoubleNear(0.8535534, 1e-7), DoubleNear(0.5, 1e-12),
                                             DoubleNear(0.1464466, 1e-7)));
  cosine.set_warm_up(2);
  EXPECT_THAT(Shares(cosine, 4), ElementsAre(0.5, 1, 1, DoubleNear(0.5, 1e-12)));
}

TEST(ScheduleTest, WarmUpRisesToTheFullRate) {
  v1::ScheduleSpec warm = Kind("");
  warm.set_warm_up(4);
  EXPECT_THAT(Shares(warm, 6), ElementsAre(0.25, 0.5, 0.75, 1, 1, 1));
}

TEST(ScheduleTest, WhatIsWrongIsNamed) {
  const auto check = [](const char* kind) {
    v1::TrainingSpec training;
    training.set_learning_rate(0.1);
    training.set_num_rounds(5);
    *training.mutable_schedule() = Kind(kind);
    return CheckSchedule(training);
  };
  EXPECT_THAT(check("stairs"), Fails(Code::kInvalidArgument, HasSubstr("kind")));
  EXPECT_THAT(check("step"), Fails(Code::kInvalidArgument, HasSubstr("every")));
  EXPECT_THAT(check("exponential"), Fails(Code::kInvalidArgument, HasSubstr("factor")));
}

TEST(ScheduleTest, ARateThatFallsToNothingIsRefusedAtTheStart) {
  v1::TrainingSpec training;
  training.set_learning_rate(0.1);
  training.set_num_rounds(400);
  v1::ScheduleSpec& schedule = *training.mutable_schedule();
  schedule = Kind("exponential");
  schedule.set_factor(0.1);
  EXPECT_THAT(CheckSchedule(training),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("training.schedule.factor"), HasSubstr("400"))));
  training.set_num_rounds(300);
  EXPECT_TRUE(CheckSchedule(training).ok());
  schedule = Kind("step");
  schedule.set_factor(1e-200);
  schedule.set_every(100);
  EXPECT_THAT(CheckSchedule(training),
              Fails(Code::kInvalidArgument, HasSubstr("training.schedule.factor")));
  schedule = Kind("cosine");
  EXPECT_TRUE(CheckSchedule(training).ok());
  training.set_num_rounds(4'000'000'000);
  EXPECT_THAT(CheckSchedule(training),
              Fails(Code::kInvalidArgument, HasSubstr("training.schedule.minimum")));
}

}  // namespace
}  // namespace skerry::learning
