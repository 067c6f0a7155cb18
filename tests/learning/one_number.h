#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "learning/small_federation.h"

// Strategies over a model of one number, so that what they do can be worked out on paper.
namespace skerry::learning {

// A site whose loss is (w - best)^2 / 2 for each of its rows: a step of gradient descent goes the
// share `learning_rate` of the way to `best`.
struct OneNumberSite {
  double best = 0;
  int64_t rows = 1;
  int64_t steps = 1;
};

// Linear regression whose only input is 0: what is left is the intercept.
class OneNumberFederation {
 public:
  OneNumberFederation(const v1::TrainingSpec& spec, const std::vector<OneNumberSite>& sites)
      : rows_(RowsOf(sites)), federation_(spec, Addresses(rows_), "linear") {
    for (std::size_t k = 0; k < sites.size(); ++k) federation_.SetSteps(k, sites[k].steps);
  }

  // The next round, of all sites or of some.
  void Round() { federation_.RunRound(++round_); }
  void RoundOf(const std::vector<std::size_t>& sites) { federation_.RunRound(++round_, sites); }
  void Rounds(int64_t count) {
    for (int64_t i = 0; i < count; ++i) Round();
  }
  // Asynchronous training.
  void Version(const std::vector<SmallFederation::Arrival>& arrivals) {
    federation_.MakeVersion(arrivals);
  }

  double w() const { return federation_.parameters.back(); }
  void SetW(double w) { federation_.parameters.back() = w; }
  double state(const std::string& name) const { return federation_.state(name).back(); }
  double kept(std::size_t site, const std::string& name) {
    return federation_.kept(site).at(name).back();
  }
  void LoseKept(std::size_t site) { federation_.kept(site).clear(); }

 private:
  using Rows = std::vector<BasicDataset<double>>;

  static Rows RowsOf(const std::vector<OneNumberSite>& sites) {
    Rows rows;
    for (const OneNumberSite& site : sites) {
      const auto count = static_cast<std::size_t>(site.rows);
      rows.push_back(
          {site.rows, 1, std::vector<double>(count, 0.0), std::vector<double>(count, site.best)});
    }
    return rows;
  }
  static std::vector<const BasicDataset<double>*> Addresses(const Rows& rows) {
    std::vector<const BasicDataset<double>*> addresses;
    for (const BasicDataset<double>& one : rows) addresses.push_back(&one);
    return addresses;
  }

  const Rows rows_;
  SmallFederation federation_;
  int64_t round_ = 0;
};

// The coordinator's side alone: what becomes of one number by the means of its updates.
class OneNumberServer {
 public:
  explicit OneNumberServer(const v1::TrainingSpec& spec, double w = 0)
      : strategy_(MakeStrategy(spec).value()),
        rate_(spec.learning_rate()),
        w_(w),
        state_(strategy_->StateVectors().size(), {0.0}) {}

  void Round(double mean) {
    const RoundContext context = {++round_, 1, rate_};
    const std::vector<UpdateInfo> counted = {{.site = "north", .num_examples = 1}};
    const std::vector<double> values = {mean};
    const std::vector<std::span<const double>> reduced = {values};
    std::vector<std::span<double>> state;
    for (std::vector<double>& vector : state_) state.emplace_back(vector);
    strategy_->Apply({reduced, std::span<double>(&w_, 1), state},
                     strategy_->Prepare(context, counted).value());
  }

  double w() const { return w_; }
  double state(std::size_t index) const { return state_[index][0]; }

 private:
  const std::unique_ptr<Strategy> strategy_;
  const double rate_;
  double w_;
  std::vector<std::vector<double>> state_;
  int64_t round_ = 0;
};

// Half of the way to the site's best in each step.
inline v1::TrainingSpec HalfSteps(const std::string& strategy) {
  v1::TrainingSpec spec;
  spec.set_strategy(strategy);
  spec.set_learning_rate(0.5);
  spec.set_local_steps(1);
  return spec;
}

}  // namespace skerry::learning
