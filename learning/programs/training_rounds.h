#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "learning/early_stopping.h"
#include "learning/features.h"
#include "learning/program.h"

namespace skerry::learning {

// What programs have in common that train models at the sites: a round 0 where one is needed,
// rounds 1 to num_rounds or until the run stops early, and an evaluation of the last model.
class TrainingRounds : public Program {
 public:
  TrainingRounds(v1::RunSpec spec, std::unique_ptr<Strategy> strategy)
      : spec_(std::move(spec)), strategy_(std::move(strategy)) {}

  std::optional<RoundSpec> Next(std::span<const RoundOutcome> committed) const final;
  std::size_t rounds_looked_at() const final;
  std::string WhyFinished(std::span<const RoundOutcome> committed) const final;
  int64_t num_rounds() const final { return spec_.training().num_rounds(); }
  const Strategy& strategy() const final { return *strategy_; }
  // The transform of inputs that the statistics of round 0 make.
  Status ApplySums(const RoundSpec& round, const Sums& sums, FixedTensors& fixed) const final;

 protected:
  virtual std::optional<RoundSpec> RoundZero() const = 0;  // nullopt: it begins with round 1
  virtual void AddTraining(RoundSpec& round, std::vector<Section>& sections) const = 0;
  virtual RoundSpec LastRound(int64_t round) const = 0;

  const v1::RunSpec& spec() const { return spec_; }
  std::size_t NumInputs() const;
  std::size_t NumClasses() const;
  std::vector<Section> StatisticsSections() const {
    return FeatureSections(NumInputs(), NumClasses());
  }

 private:
  std::optional<EarlyStop> StopIn(std::span<const RoundOutcome> committed) const;
  RoundSpec TrainingRound(int64_t round) const;

  const v1::RunSpec spec_;
  const std::unique_ptr<Strategy> strategy_;
};

}  // namespace skerry::learning
