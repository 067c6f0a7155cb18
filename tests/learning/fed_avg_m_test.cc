#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "learning/one_number.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::HasSubstr;

v1::TrainingSpec Spec(double rate, double momentum, bool nesterov) {
  v1::TrainingSpec spec = HalfSteps("fedavgm");
  spec.mutable_server()->set_learning_rate(rate);
  spec.mutable_server()->set_momentum(momentum);
  spec.mutable_server()->set_nesterov(nesterov);
  return spec;
}

// Worked out by hand: with beta = 1/2 and means 4, then 2: v = 4, then 1/2 * 4 + 2 = 4.
TEST(FedAvgMTest, AddsTheVelocityOfTwoRounds) {
  OneNumberServer server(Spec(1.0, 0.5, false), 1.0);
  server.Round(4.0);
  EXPECT_EQ(server.w(), 5.0);
  server.Round(2.0);
  EXPECT_EQ(server.state(0), 4.0);
  EXPECT_EQ(server.w(), 9.0);
}

// The same means: v = 4, w = 1 + (4 + 1/2 * 4) / 2; then v = 4, w = 4 + (2 + 1/2 * 4) / 2.
TEST(FedAvgMTest, NesterovsMomentumLooksOneStepAhead) {
  OneNumberServer server(Spec(0.5, 0.5, true), 1.0);
  server.Round(4.0);
  EXPECT_EQ(server.w(), 4.0);
  server.Round(2.0);
  EXPECT_EQ(server.w(), 6.0);
}

TEST(FedAvgMTest, WithoutMomentumItIsFedAvg) {
  OneNumberServer fed_avg(HalfSteps("fedavg"), 0.25);
  OneNumberServer fed_avg_m(Spec(1.0, 0.0, false), 0.25);
  for (const double mean : {0.1, 1e-9}) {
    fed_avg.Round(mean);
    fed_avg_m.Round(mean);
    EXPECT_EQ(fed_avg_m.w(), fed_avg.w());
  }
}

// A velocity never ends where FedAvg would not: (8 - w) / 2 is 0 there.
TEST(FedAvgMTest, EndsWhereFedAvgEnds) {
  OneNumberFederation federation(Spec(1.0, 0.5, false), {{8, 1}, {0, 3}});
  federation.Rounds(200);
  EXPECT_DOUBLE_EQ(federation.w(), 2.0);
}

TEST(FedAvgMTest, MomentumOfOneOrMoreIsRefused) {
  for (const double momentum : {1.0, -0.1}) {
    EXPECT_THAT(MakeStrategy(Spec(1.0, momentum, false)),
                Fails(Code::kInvalidArgument, HasSubstr("server.momentum")));
  }
}

TEST(FedAvgMTest, ARateBelowZeroIsRefused) {
  EXPECT_THAT(MakeStrategy(Spec(-1.0, 0.9, false)),
              Fails(Code::kInvalidArgument, HasSubstr("server.learning_rate")));
}

}  // namespace
}  // namespace skerry::learning
