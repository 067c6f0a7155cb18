#include "learning/strategies/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Le;

v1::TrainingSpec SpecOf(const std::string& strategy) {
  v1::TrainingSpec spec;
  spec.set_strategy(strategy);
  spec.set_learning_rate(0.1);
  spec.mutable_server()->set_learning_rate(1.5);
  spec.mutable_server()->set_momentum(0.9);
  spec.mutable_server()->set_beta1(0.9);
  spec.mutable_server()->set_beta2(0.99);
  spec.mutable_server()->set_tau(1e-3);
  spec.set_alpha(0.1);
  spec.set_q(2);
  spec.mutable_async()->set_mixing(0.6);
  spec.mutable_async()->set_staleness("constant");
  return spec;
}

// What a site's step makes of a variance whose batch has none: a tenth less.
class MeasuredVariance : public ::testing::TestWithParam<const char*> {};

TEST_P(MeasuredVariance, StaysBetweenThoseOfTheSites) {
  const std::unique_ptr<Strategy> strategy =
      AverageStatistics(MakeStrategy(SpecOf(GetParam())).value(), {{1, 1}});
  std::vector<double> parameters = {1, 1};
  std::vector<std::vector<double>> vectors(strategy->StateVectors().size(), {0, 0});
  const bool one = strategy->NeedsBases();  // fedasync takes one at a time
  for (int64_t round = 1; round <= 60; ++round) {
    const std::vector<double> base = parameters;
    const std::vector<std::vector<double>> deltas = {{-0.1, -0.1 * base[1]}, {0.3, -0.3 * base[1]}};
    std::vector<UpdateInfo> infos;
    std::vector<std::span<const double>> rows;
    for (std::size_t k = 0; k < (one ? 1U : 2U); ++k) {
      const double steps = k == 0 ? 1 : 20;
      infos.push_back(
          {.site = "site-" + std::to_string(k),
           .num_examples = 10,
           .scalars = {{"normalizer", steps}, {"num_steps", steps}, {"initial_loss", 2}},
           .squared_norm = 0.1});
      rows.emplace_back(deltas[k]);
    }
    const RoundScalars scalars = strategy->Prepare({round, 2, 0.1}, infos).value();
    const Coefficients weights = strategy->Weigh(infos).value();
    std::vector<std::vector<double>> reduced(strategy->Sections().size(), {0, 0});
    for (auto& values : reduced) strategy->aggregator().ReduceF64(rows, weights, values);
    if (one) {
      reduced.emplace_back(2);
      const std::vector<std::span<const double>> bases = {base};
      strategy->aggregator().ReduceF64(bases, weights, reduced.back());
    }
    const std::vector<std::span<const double>> aggregates(reduced.begin(), reduced.end());
    const std::vector<std::span<double>> state(vectors.begin(), vectors.end());
    strategy->Apply({aggregates, parameters, state}, scalars);
    ASSERT_THAT(parameters[1], AllOf(Ge(0.7 * base[1] - 1e-12), Le(base[1]))) << "round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(Of, MeasuredVariance,
                         ::testing::Values("fedavg", "fedprox", "fedavgm", "fedadagrad", "fedadam",
                                           "fedyogi", "scaffold", "fednova", "feddyn", "qfedavg",
                                           "fedbuff", "fedasync"),
                         [](const auto& test) { return std::string(test.param); });

// Any split into blocks gives the same.
TEST(StatisticsTest, AreFoundWhereverABlockBegins) {
  const std::unique_ptr<Strategy> strategy =
      AverageStatistics(MakeStrategy(SpecOf("fedavgm")).value(), {{1, 2}, {5, 1}});
  for (const std::size_t size : {1U, 2U, 3U, 4U, 7U}) {
    std::vector<double> parameters(7, 0);
    std::vector<double> velocity(7, 0);
    const std::vector<double> mean(7, 1);
    for (std::size_t first = 0; first < 7; first += size) {
      const std::size_t n = std::min(size, 7 - first);
      const std::vector<std::span<const double>> reduced = {std::span(mean).subspan(first, n)};
      const std::vector<std::span<double>> state = {std::span(velocity).subspan(first, n)};
      strategy->Apply(
          {reduced, std::span(parameters).subspan(first, n), state, static_cast<int64_t>(first)},
          {});
    }
    EXPECT_THAT(parameters, ElementsAre(1.5, 1, 1, 1.5, 1.5, 1, 1.5));
    EXPECT_THAT(velocity, ElementsAre(1, 0, 0, 1, 1, 0, 1));
  }
}

}  // namespace
}  // namespace skerry::learning
