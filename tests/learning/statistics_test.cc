#include "learning/strategies/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::testing::AllOf;
using ::testing::DoubleNear;
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

// A site's update, and what it began with.
struct SiteUpdate {
  UpdateInfo info;
  std::vector<double> delta;
  std::vector<double> base;
};

// The coordinator's side of a model of a trained number and a measured one.
class TwoNumbers {
 public:
  explicit TwoNumbers(const v1::TrainingSpec& spec)
      : strategy_(AverageStatistics(MakeStrategy(spec).value(), {{1, 1}})),
        vectors_(strategy_->StateVectors().size(), {0, 0}) {}

  void Round(const std::vector<SiteUpdate>& updates) {
    std::vector<UpdateInfo> infos;
    std::vector<std::span<const double>> deltas;
    std::vector<std::span<const double>> bases;
    for (const SiteUpdate& update : updates) {
      infos.push_back(update.info);
      deltas.emplace_back(update.delta);
      bases.emplace_back(update.base);
    }
    const RoundScalars scalars = strategy_->Prepare({++round_, 2, 0.1}, infos).value();
    const Coefficients weights = strategy_->Weigh(infos).value();
    std::vector<std::vector<double>> reduced(strategy_->Sections().size(), {0, 0});
    for (auto& values : reduced) ReduceBlock(*strategy_, 0, deltas, weights, values);
    if (strategy_->NeedsBases()) {
      ReduceBlock(*strategy_, 0, bases, weights, reduced.emplace_back(2));
    }
    const std::vector<std::span<const double>> aggregates(reduced.begin(), reduced.end());
    const std::vector<std::span<double>> state(vectors_.begin(), vectors_.end());
    strategy_->Apply({aggregates, parameters, state}, scalars);
  }

  std::vector<double> parameters = {1, 1};

 private:
  const std::unique_ptr<Strategy> strategy_;
  std::vector<std::vector<double>> vectors_;
  int64_t round_ = 0;
};

// What a site's step makes of a variance whose batch has none: a tenth less.
class MeasuredVariance : public ::testing::TestWithParam<const char*> {};

TEST_P(MeasuredVariance, StaysBetweenThoseOfTheSites) {
  TwoNumbers server(SpecOf(GetParam()));
  const bool one = GetParam() == std::string("fedasync");  // takes one at a time
  for (int64_t round = 1; round <= 60; ++round) {
    const std::vector<double> base = server.parameters;
    std::vector<SiteUpdate> updates;
    for (int k = 0; k < (one ? 1 : 2); ++k) {
      const double steps = k == 0 ? 1 : 20;
      updates.push_back(
          {{.site = "site-" + std::to_string(k),
            .num_examples = 10,
            .scalars = {{"normalizer", steps}, {"num_steps", steps}, {"initial_loss", 2}},
            .squared_norm = 0.1},
           {k == 0 ? -0.1 : 0.3, (k == 0 ? -0.1 : -0.3) * base[1]},
           base});
    }
    server.Round(updates);
    ASSERT_THAT(server.parameters[1], AllOf(Ge(0.7 * base[1] - 1e-12), Le(base[1])))
        << "round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(Of, MeasuredVariance,
                         ::testing::Values("fedavg", "fedprox", "fedavgm", "fedadagrad", "fedadam",
                                           "fedyogi", "scaffold", "fednova", "feddyn", "qfedavg",
                                           "fedbuff", "fedasync"),
                         [](const auto& test) { return std::string(test.param); });

// Asynchronous training: the strategy, how staleness counts, and how many updates make a version.
struct StaleCase {
  const char* name;
  const char* strategy;
  const char* staleness;
  std::size_t buffer;
};

class StaleVariance : public ::testing::TestWithParam<StaleCase> {};

// Four sites whose batches all have a variance of 0.1, and 20 steps in a task. One after the other
// is done, the last in every fifth turn only, and goes on from the version that it was counted in.
TEST_P(StaleVariance, StaysBetweenTheFirstAndThatOfTheSitesAndComesToTheirs) {
  v1::TrainingSpec spec = SpecOf(GetParam().strategy);
  spec.mutable_async()->set_staleness(GetParam().staleness);
  spec.mutable_async()->set_a(0.5);
  TwoNumbers server(spec);
  struct Site {
    std::vector<double> base;
    int64_t version = 0;
  };
  std::vector<Site> sites(4, {server.parameters});
  std::vector<SiteUpdate> buffer;
  std::vector<std::size_t> counted;
  int64_t version = 0;
  for (std::size_t turn = 0; version < 200; ++turn) {
    const std::size_t k = turn % 4;
    if (k == 3 && turn / 4 % 5 != 4) continue;
    const std::vector<double>& base = sites[k].base;
    const double made = 0.1 + std::pow(0.9, 20) * (base[1] - 0.1);
    buffer.push_back(
        {{.site = "site", .staleness = version - sites[k].version}, {0.1, made - base[1]}, base});
    counted.push_back(k);
    if (buffer.size() < GetParam().buffer) continue;
    server.Round(buffer);
    ++version;
    ASSERT_THAT(server.parameters[1], AllOf(Ge(0.1 - 1e-12), Le(1.0))) << "version " << version;
    for (const std::size_t site : counted) sites[site] = {server.parameters, version};
    buffer.clear();
    counted.clear();
  }
  EXPECT_NEAR(server.parameters[1], 0.1, 1e-9);
}

INSTANTIATE_TEST_SUITE_P(Of, StaleVariance,
                         ::testing::Values(StaleCase{"FedBuff", "fedbuff", "constant", 2},
                                           StaleCase{"FedBuffThatCountsTheOldLess", "fedbuff",
                                                     "polynomial", 2},
                                           StaleCase{"FedBuffOfThree", "fedbuff", "polynomial", 3},
                                           StaleCase{"FedAsync", "fedasync", "polynomial", 1}),
                         [](const auto& test) { return std::string(test.param.name); });

// From 1, with S(1) = 1/2 and S(0) = 1: half of 1 - (1/2 + 1)/2, and the sites' 0.4 and 0.8.
TEST(StatisticsTest, OfABufferAreTheMeanOfTheSitesWithWhatTheOldOnesLackFromTheModel) {
  v1::TrainingSpec spec = SpecOf("fedbuff");
  spec.mutable_async()->set_staleness("hinge");
  spec.mutable_async()->set_a(1);
  TwoNumbers server(spec);
  server.Round({{{.site = "a", .staleness = 1}, {0, -1.6}, {0, 2}},
                {{.site = "b", .staleness = 0}, {0, -0.2}, {1, 1}}});
  EXPECT_DOUBLE_EQ(server.parameters[1], 0.25 * 1 + 0.25 * 0.4 + 0.5 * 0.8);
}

TEST(StatisticsTest, OnlyTheyMakeFedBuffReadWhatUpdatesBeganWith) {
  EXPECT_FALSE(MakeStrategy(SpecOf("fedbuff")).value()->NeedsBases());
  EXPECT_TRUE(AverageStatistics(MakeStrategy(SpecOf("fedbuff")).value(), {{0, 1}})->NeedsBases());
}

// The second and the fourth are measured. The one update that is taken says nonsense there.
TEST(StatisticsTest, AreTheMedianOfAllSitesWhereTheRuleDoesNotMeasureThem) {
  const std::vector<std::vector<double>> values = {
      {1, 10, 1, 1000}, {2, 20, 2, 2000}, {3, 1e9, 3, -1e9}, {50, 40, 60, 4000}, {4, 50, 5, 5000}};
  const std::vector<std::vector<float>> floats = [&] {
    std::vector<std::vector<float>> all;
    for (const auto& row : values) all.emplace_back(row.begin(), row.end());
    return all;
  }();
  for (const char* rule : {"krum", "geometric_median", "centered_clipping", "mean"}) {
    SCOPED_TRACE(rule);
    v1::TrainingSpec spec = SpecOf("fedavg");
    spec.mutable_aggregation()->set_rule(rule);
    spec.mutable_aggregation()->set_attackers(1);
    spec.mutable_aggregation()->set_radius(1);
    if (rule == std::string("mean")) spec.mutable_aggregation()->set_clipping_norm(0.5);
    const auto strategy = AverageStatistics(MakeStrategy(spec).value(), {{1, 1}, {3, 1}});
    // What the rule has made of the trained ones: the third, a tenth as long.
    const Coefficients chosen = {
        {1, 1, 1, 1, 1}, {0.1, 0.1, 0.1, 0.1, 0.1}, {false, false, true, false, false}};
    for (const std::size_t size : {1U, 2U, 3U, 4U}) {
      std::vector<double> out(4);
      std::vector<double> of_floats(4);
      for (std::size_t first = 0; first < 4; first += size) {
        const std::size_t n = std::min(size, 4 - first);
        std::vector<std::span<const double>> rows;
        std::vector<std::span<const float>> float_rows;
        for (const auto& row : values) rows.push_back(std::span(row).subspan(first, n));
        for (const auto& row : floats) float_rows.push_back(std::span(row).subspan(first, n));
        const auto at = static_cast<int64_t>(first);
        ReduceBlock(*strategy, at, rows, chosen, std::span(out).subspan(first, n));
        ReduceBlock(*strategy, at, float_rows, chosen, std::span(of_floats).subspan(first, n));
      }
      EXPECT_THAT(out, ElementsAre(DoubleNear(0.3, 1e-12), 40, DoubleNear(0.3, 1e-12), 2000));
      EXPECT_THAT(of_floats, ElementsAre(DoubleNear(0.3, 1e-6), 40, DoubleNear(0.3, 1e-6), 2000));
    }
  }
}

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
