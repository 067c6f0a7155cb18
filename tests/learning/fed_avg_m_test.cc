#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "learning/strategy.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::unique_ptr<Strategy> Make(double rate, double momentum, bool nesterov) {
  v1::TrainingSpec spec;
  spec.set_strategy("fedavgm");
  spec.mutable_server()->set_learning_rate(rate);
  spec.mutable_server()->set_momentum(momentum);
  spec.mutable_server()->set_nesterov(nesterov);
  return MakeStrategy(spec).value();
}

// One parameter, and its velocity.
struct Model {
  std::vector<double> w;
  std::vector<double> v;

  void Apply(const Strategy& strategy, const std::vector<double>& mean) {
    const std::vector<std::span<const double>> reduced = {mean};
    const std::vector<std::span<double>> state = {v};
    strategy.Apply({reduced, w, state}, {});
  }
};

// Worked out by hand: with beta = 1/2 and means 4, then 2: v = 4, then 1/2 * 4 + 2 = 4.
TEST(FedAvgMTest, AddsTheVelocityOfTwoRounds) {
  const auto strategy = Make(1.0, 0.5, false);
  Model model = {{1.0}, {0.0}};
  model.Apply(*strategy, {4.0});
  EXPECT_THAT(model.w, ElementsAre(5.0));
  model.Apply(*strategy, {2.0});
  EXPECT_THAT(model.v, ElementsAre(4.0));
  EXPECT_THAT(model.w, ElementsAre(9.0));
}

// The same means: v = 4, w = 1 + (4 + 1/2 * 4) / 2; then v = 4, w = 4 + (2 + 1/2 * 4) / 2.
TEST(FedAvgMTest, NesterovsMomentumLooksOneStepAhead) {
  const auto strategy = Make(0.5, 0.5, true);
  Model model = {{1.0}, {0.0}};
  model.Apply(*strategy, {4.0});
  EXPECT_THAT(model.w, ElementsAre(4.0));
  model.Apply(*strategy, {2.0});
  EXPECT_THAT(model.w, ElementsAre(6.0));
}

TEST(FedAvgMTest, WithoutMomentumItIsFedAvg) {
  v1::TrainingSpec spec;
  spec.set_strategy("fedavg");
  ASSERT_OK_AND_ASSIGN(const auto fed_avg, MakeStrategy(spec));
  Model by_fed_avg = {{0.25, -3.0}, {0.0, 0.0}};
  Model by_fed_avg_m = by_fed_avg;
  by_fed_avg.Apply(*fed_avg, {0.1, 1e-9});
  by_fed_avg_m.Apply(*Make(1.0, 0.0, false), {0.1, 1e-9});
  EXPECT_EQ(by_fed_avg_m.w, by_fed_avg.w);
}

TEST(FedAvgMTest, MomentumOfOneOrMoreIsRefused) {
  v1::TrainingSpec spec;
  spec.set_strategy("fedavgm");
  spec.mutable_server()->set_momentum(1.0);
  EXPECT_THAT(MakeStrategy(spec), Fails(Code::kInvalidArgument, HasSubstr("server.momentum")));
}

}  // namespace
}  // namespace skerry::learning
