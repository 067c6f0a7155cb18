// Where strategies end up when they go on for ever.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "base/random.h"
#include "learning/small_federation.h"

namespace skerry::learning {
namespace {

// Three sites of unequal size, whose best models differ.
class FixedPointsTest : public ::testing::Test {
 protected:
  static constexpr int64_t kInputs = 3;

  FixedPointsTest() {
    for (std::size_t k = 0; k < sites_.size(); ++k) {
      RandomStream random(4, Purpose::kSimulation, 0, "fixed points", k);
      BasicDataset<double>& site = sites_[k];
      site.rows = 20 + 30 * static_cast<int64_t>(k);
      site.num_features = kInputs;
      for (int64_t r = 0; r < site.rows; ++r) {
        double score = static_cast<double>(k) - 1;
        for (int64_t j = 0; j < kInputs; ++j) {
          site.features.push_back(random.Normal());
          score += site.features.back() * (j == static_cast<int64_t>(k) ? 1.0 : 0.3);
        }
        site.labels.push_back(score + 2 * random.Normal() > 0 ? 1 : 0);
      }
    }
  }

  static v1::TrainingSpec Spec(const std::string& strategy) {
    v1::TrainingSpec spec;
    spec.set_strategy(strategy);
    spec.set_local_steps(5);
    spec.set_learning_rate(0.1);
    return spec;
  }

  std::vector<double> After(const v1::TrainingSpec& spec, int64_t num_rounds,
                            const std::array<int64_t, 3>& steps = {0, 0, 0}) {
    SmallFederation federation(spec, {&sites_[0], &sites_[1], &sites_[2]});
    for (std::size_t k = 0; k < steps.size(); ++k) federation.SetSteps(k, steps[k]);
    federation.Run(num_rounds);
    return federation.parameters;
  }

  // The length of the gradient of the sites' mean loss, each alike or by its rows.
  double Slope(const std::vector<double>& w, bool uniform) const {
    v1::ModelSpec spec;
    spec.set_kind("logistic");
    spec.set_dtype("f64");
    const auto model = MakeModelF64(spec, kInputs, 2).value();
    std::vector<double> mean(w.size());
    double total = 0;
    for (const BasicDataset<double>& site : sites_) {
      std::vector<double> gradient(w.size());
      const auto workspace = model->NewWorkspace(site.rows);
      model->Gradient(w, AllRows(site), gradient, *workspace);
      const double weight = uniform ? 1.0 : static_cast<double>(site.rows);
      total += weight;
      for (std::size_t i = 0; i < w.size(); ++i) mean[i] += weight * gradient[i];
    }
    double squares = 0;
    for (const double g : mean) squares += g * g / total / total;
    return std::sqrt(squares);
  }

  std::array<BasicDataset<double>, 3> sites_;
};

TEST_F(FixedPointsTest, FedDynReachesTheBestModelForThePlainMeanOfTheSites) {
  v1::TrainingSpec spec = Spec("feddyn");
  spec.set_alpha(0.1);
  const std::vector<double> w = After(spec, 4000);
  EXPECT_LT(Slope(w, true), 1e-10);
  EXPECT_GT(Slope(w, false), 1e-3);  // which is another one than that of all rows
}

TEST_F(FixedPointsTest, ScaffoldReachesTheBestModelForAllRows) {
  EXPECT_LT(Slope(After(Spec("scaffold"), 2000), false), 1e-10);
}

TEST_F(FixedPointsTest, ScaffoldWithUniformWeightsReachesTheBestModelForThePlainMean) {
  v1::TrainingSpec spec = Spec("scaffold");
  spec.set_weighting("uniform");
  EXPECT_LT(Slope(After(spec, 2000), true), 1e-10);
}

TEST_F(FixedPointsTest, FedAvgStopsBesideTheBestModel) {
  const double slope = Slope(After(Spec("fedavg"), 2000), false);
  EXPECT_GT(slope, 1e-4);
  EXPECT_LT(slope, 1e-1);
}

TEST_F(FixedPointsTest, FedNovaDoesNotCareWhichSiteTakesMoreSteps) {
  const std::array<int64_t, 3> steps = {16, 4, 2};
  const double pulled = Slope(After(Spec("fedavg"), 2000, steps), false);
  const double normalized = Slope(After(Spec("fednova"), 2000, steps), false);
  EXPECT_GT(pulled, 10 * normalized);
}

TEST_F(FixedPointsTest, QFedAvgWithQ0IsThePlainMeanOfUpdates) {
  v1::TrainingSpec uniform = Spec("fedavg");
  uniform.set_weighting("uniform");
  const std::vector<double> mean = After(uniform, 20);
  const std::vector<double> fair = After(Spec("qfedavg"), 20);
  for (std::size_t i = 0; i < mean.size(); ++i) EXPECT_NEAR(fair[i], mean[i], 1e-13);
}

TEST_F(FixedPointsTest, QFedAvgWithALargeQEvensOutTheSitesLosses) {
  const auto spread = [&](double q) {
    v1::TrainingSpec spec = Spec("qfedavg");
    spec.set_q(q);
    const std::vector<double> w = After(spec, 3000);
    SmallFederation federation(spec, {&sites_[0]});
    double least = 1e9;
    double most = 0;
    for (const BasicDataset<double>& site : sites_) {
      const double loss = LossOverRows(federation.model(), site, std::span<const double>(w));
      least = std::min(least, loss);
      most = std::max(most, loss);
    }
    return most - least;
  };
  EXPECT_LT(spread(5), 0.7 * spread(0));
}

}  // namespace
}  // namespace skerry::learning
