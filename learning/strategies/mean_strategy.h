#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "learning/aggregators/all.h"
#include "learning/strategy.h"

namespace skerry::learning {

// What strategies over one aggregate of the updates have in common: the rule that the run names,
// and weights by examples or, where training.weighting = "uniform", alike for every site.
class MeanStrategy : public Strategy {
 public:
  struct Parts {
    std::unique_ptr<Aggregator> aggregator;
    bool uniform = false;
  };
  // INVALID_ARGUMENT: there is no such rule or weighting.
  static Result<Parts> Read(const v1::TrainingSpec& spec);
  // The same where the algorithm is defined for the mean alone.
  static Result<Parts> ReadMean(const v1::TrainingSpec& spec);

  explicit MeanStrategy(Parts parts) : parts_(std::move(parts)) {}
  const Aggregator& aggregator() const override { return *parts_.aggregator; }
  Result<Coefficients> Weigh(std::span<const UpdateInfo> counted) const override;

 private:
  const Parts parts_;
};

// training.server.learning_rate, which is 1 unless the run says otherwise. INVALID_ARGUMENT: it is
// not over 0.
Result<double> ServerRate(const v1::TrainingSpec& spec);

// Refuses optimizers but plain gradient descent, where an algorithm's equations hold for it alone;
// with momentum too, where `with_momentum` says so. Names both keys.
Status NeedsPlainSteps(const v1::TrainingSpec& spec, bool with_momentum);

// INVALID_ARGUMENT: there is no number of that name, or one outside [least, most].
Status CheckScalar(const std::map<std::string, double>& scalars, const std::string& name,
                   double least, double most);
// The number of that name that each site sent. FAILED_PRECONDITION names a site that sent none, or
// one outside [least, most].
Result<std::vector<double>> ScalarOfEach(std::span<const UpdateInfo> counted,
                                         const std::string& name, double least, double most);

}  // namespace skerry::learning
