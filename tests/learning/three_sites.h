#pragma once

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"
#include "learning/small_federation.h"

namespace skerry::learning {

// Three sites of unequal size, whose best logistic models differ: where strategies end up when they
// go on for ever.
class ThreeSites {
 public:
  ThreeSites() {
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

  // Five steps on all rows in each round.
  static v1::TrainingSpec Spec(const std::string& strategy) {
    v1::TrainingSpec spec;
    spec.set_strategy(strategy);
    spec.set_local_steps(5);
    spec.set_learning_rate(0.1);
    return spec;
  }

  // The model after so many rounds. `steps` of each site; 0: those of `spec`.
  std::vector<double> After(const v1::TrainingSpec& spec, int64_t num_rounds,
                            const std::array<int64_t, 3>& steps = {0, 0, 0}) const {
    SmallFederation federation(spec, {&sites_[0], &sites_[1], &sites_[2]});
    for (std::size_t k = 0; k < steps.size(); ++k) federation.SetSteps(k, steps[k]);
    federation.Run(num_rounds);
    return federation.parameters;
  }

  // The length of the gradient of the sites' mean loss, each alike or by its rows.
  double Slope(const std::vector<double>& w, bool uniform) const {
    const auto model = NewModel();
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

  // Of each site.
  std::array<double, 3> Losses(const std::vector<double>& w) const {
    const auto model = NewModel();
    std::array<double, 3> losses{};
    for (std::size_t k = 0; k < losses.size(); ++k) {
      losses[k] = LossOverRows(*model, sites_[k], std::span<const double>(w));
    }
    return losses;
  }

 private:
  static constexpr int64_t kInputs = 3;

  static std::unique_ptr<ModelF64> NewModel() {
    v1::ModelSpec spec;
    spec.set_kind("logistic");
    spec.set_dtype("f64");
    return MakeModelF64(spec, kInputs, 2).value();
  }

  std::array<BasicDataset<double>, 3> sites_;
};

}  // namespace skerry::learning
