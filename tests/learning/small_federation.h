#pragma once

#include <algorithm>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "learning/local_training.h"
#include "learning/strategy.h"

namespace skerry::learning {

// A regression in double over some sites, round by round: the strategies and the training of a run,
// without coordinator and clients.
class SmallFederation {
 public:
  SmallFederation(v1::TrainingSpec spec, std::vector<const BasicDataset<double>*> sites,
                  const std::string& model_kind = "logistic")
      : spec_(std::move(spec)), sites_(std::move(sites)), steps_(sites_.size()) {
    v1::ModelSpec model;
    model.set_kind(model_kind);
    model.set_dtype("f64");
    const int64_t num_classes = model_kind == "linear" ? 0 : 2;
    model_ = MakeModelF64(model, sites_.front()->num_features, num_classes).value();
    strategy_ = MakeStrategy(spec_).value();
    parameters.resize(static_cast<std::size_t>(model_->parameters().num_elements()));
    for (const StateVector& vector : strategy_->StateVectors()) {
      states_.emplace_back(vector, std::vector<double>(parameters.size()));
    }
    kept_.resize(sites_.size());
  }

  void SetSteps(std::size_t site, int64_t steps) { steps_[site] = steps; }
  void SetOrder(std::vector<const RowOrder*> orders) { orders_ = std::move(orders); }

  void Run(int64_t num_rounds) {
    for (int64_t round = 1; round <= num_rounds; ++round) RunRound(round);
  }

  // Of all sites, or of some.
  void RunRound(int64_t round) {
    std::vector<std::size_t> all(sites_.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    RunRound(round, all);
  }
  void RunRound(int64_t round, const std::vector<std::size_t>& sites) {
    Updates updates;
    for (const std::size_t k : sites) Train(round, k, parameters, updates);
    Apply(round, updates);
  }

  // An update of a site, and the version that it began with; 0: the initial one.
  struct Arrival {
    std::size_t site = 0;
    int64_t base_version = 0;
  };
  // Asynchronous training: the next version, of these.
  void MakeVersion(const std::vector<Arrival>& arrivals) {
    if (versions_.empty()) versions_.push_back(parameters);
    const auto version = static_cast<int64_t>(versions_.size()) - 1;
    Updates updates;
    for (const Arrival& arrival : arrivals) {
      const auto base = static_cast<std::size_t>(arrival.base_version);
      Train(version + 1, arrival.site, versions_[base], updates);
      updates.infos.back().staleness = version - arrival.base_version;
      updates.bases.emplace_back(versions_[base]);
    }
    Apply(version + 1, updates);
    versions_.push_back(parameters);
  }

  const ModelF64& model() const { return *model_; }
  // What the coordinator keeps, of that name.
  const std::vector<double>& state(const std::string& name) const {
    const auto named = [&](const auto& state) { return state.first.name == name; };
    return std::find_if(states_.begin(), states_.end(), named)->second;
  }
  // What a site keeps. It may lose it.
  Vectors<double>& kept(std::size_t site) { return kept_[site]; }
  std::vector<double> parameters;
  uint64_t seed = 0;  // of the order of rows

 private:
  struct Updates {
    std::vector<UpdateInfo> infos;
    std::vector<Vectors<double>> sections;   // of each site
    std::vector<std::vector<double>> bases;  // of each site, in asynchronous training
  };

  void Train(int64_t round, std::size_t k, const std::vector<double>& base, Updates& updates) {
    LocalTrainingOptions options = ReadLocalTraining(spec_).value();
    options.seed = seed;
    options.round = round;
    options.site = "site-" + std::to_string(k);
    if (steps_[k] > 0) options.local_steps = steps_[k];
    const auto algorithm = MakeLocalAlgorithm<double>(spec_);
    LocalBeginning<double> beginning;
    beginning.parameters = base;
    for (const auto& [vector, values] : states_) {
      if (vector.sent_to_sites) beginning.sent[vector.name] = values;
    }
    beginning.kept = kept_[k];
    if (algorithm->NeedsInitialLoss()) {
      beginning.initial_loss = LossOverRows(*model_, *sites_[k], std::span<const double>(base));
    }
    algorithm->Begin(std::move(beginning));
    std::vector<double> trained = base;
    const LocalTrainingResult result =
        TrainLocally(LocalTask<double>{*model_, *sites_[k], options, algorithm.get(),
                                       orders_.empty() ? nullptr : orders_[k]},
                     std::span<double>(trained), {}, nullptr)
            .value();
    for (std::size_t i = 0; i < trained.size(); ++i) trained[i] -= base[i];
    LocalEnd<double> end;
    algorithm->End(trained, result.num_steps, options.learning_rate, end);
    kept_[k] = std::move(end.kept);
    updates.infos.push_back({.site = options.site,
                             .num_examples = result.num_examples,
                             .scalars = end.scalars,
                             .squared_norm = CheckF64(trained).squared_norm});
    end.sections["update"] = std::move(trained);
    updates.sections.push_back(std::move(end.sections));
  }

  void Apply(int64_t round, const Updates& updates) {
    const RoundContext context = {round, static_cast<int64_t>(sites_.size()),
                                  spec_.learning_rate()};
    const RoundScalars scalars = strategy_->Prepare(context, updates.infos).value();
    const Coefficients weights = strategy_->Weigh(updates.infos).value();
    std::vector<std::vector<double>> reduced;
    for (const std::string& section : strategy_->Sections()) {
      std::vector<std::span<const double>> rows;
      for (const Vectors<double>& sections : updates.sections) rows.push_back(sections.at(section));
      reduced.emplace_back(parameters.size());
      strategy_->aggregator().ReduceF64(rows, weights, reduced.back());
    }
    if (strategy_->NeedsBases()) {
      reduced.emplace_back(parameters.size());
      const std::vector<std::span<const double>> bases(updates.bases.begin(), updates.bases.end());
      strategy_->aggregator().ReduceF64(bases, weights, reduced.back());
    }
    const std::vector<std::span<const double>> spans(reduced.begin(), reduced.end());
    std::vector<std::span<double>> states;
    for (auto& [vector, values] : states_) states.emplace_back(values);
    strategy_->Apply({spans, parameters, states}, scalars);
  }

  const v1::TrainingSpec spec_;
  const std::vector<const BasicDataset<double>*> sites_;
  std::vector<int64_t> steps_;  // 0: as the run says
  std::vector<const RowOrder*> orders_;
  std::unique_ptr<ModelF64> model_;
  std::unique_ptr<Strategy> strategy_;
  std::vector<std::pair<StateVector, std::vector<double>>> states_;
  std::vector<Vectors<double>> kept_;
  std::vector<std::vector<double>> versions_;  // of asynchronous training
};

}  // namespace skerry::learning
