#include "learning/strategies/mean_strategy.h"

#include "base/text.h"

namespace skerry::learning {

Result<MeanStrategy::Parts> MeanStrategy::Read(const v1::TrainingSpec& spec) {
  Parts parts;
  SKERRY_ASSIGN_OR_RETURN(parts.aggregator, MakeAggregator(spec.aggregation()));
  const std::string& weighting = spec.weighting();
  if (!weighting.empty() && weighting != "examples" && weighting != "uniform") {
    return InvalidArgument("training.weighting: there is no \"" + weighting.substr(0, 64) + "\"")
        .WithHint("there are examples and uniform");
  }
  parts.uniform = weighting == "uniform";
  return parts;
}

Result<MeanStrategy::Parts> MeanStrategy::ReadMean(const v1::TrainingSpec& spec) {
  const v1::AggregationSpec& aggregation = spec.aggregation();
  if ((!aggregation.rule().empty() && aggregation.rule() != "mean") ||
      aggregation.clipping_norm() > 0) {
    return InvalidArgument("aggregation and training.strategy = \"" + spec.strategy() +
                           "\" clash: the algorithm is defined for the plain mean");
  }
  return Read(spec);
}

Result<Coefficients> MeanStrategy::Weigh(std::span<const UpdateInfo> counted) const {
  if (!parts_.uniform) return aggregator().Weigh(counted);
  std::vector<UpdateInfo> alike(counted.begin(), counted.end());
  for (UpdateInfo& info : alike) info.num_examples = 1;
  return aggregator().Weigh(alike);
}

Result<double> ServerRate(const v1::TrainingSpec& spec) {
  const double rate = spec.server().learning_rate();
  if (rate == 0) return 1.0;
  if (!(rate > 0)) return InvalidArgument("training.server.learning_rate: must be over 0");
  return rate;
}

Status NeedsPlainSteps(const v1::TrainingSpec& spec, bool with_momentum) {
  const std::string strategy = "training.strategy = \"" + spec.strategy() + "\"";
  if (!spec.optimizer().empty() && spec.optimizer() != "sgd") {
    return InvalidArgument("training.optimizer = \"" + spec.optimizer().substr(0, 64) + "\" and " +
                           strategy + " clash: its equations hold for sgd");
  }
  if (spec.nesterov()) {
    return InvalidArgument("training.nesterov and " + strategy +
                           " clash: its equations hold for plain steps");
  }
  if (spec.momentum() == 0 || with_momentum) return OkStatus();
  return InvalidArgument("training.momentum and " + strategy +
                         " clash: its equations hold for plain steps");
}

Status CheckScalar(const std::map<std::string, double>& scalars, const std::string& name,
                   double least, double most) {
  const auto found = scalars.find(name);
  if (found == scalars.end()) return InvalidArgument("the site did not say its " + name);
  if (found->second >= least && found->second <= most) return OkStatus();
  return InvalidArgument("the site says that its " + name + " is " + FormatExact(found->second) +
                         "; it must be " + FormatExact(least) + " to " + FormatExact(most));
}

Result<std::vector<double>> ScalarOfEach(std::span<const UpdateInfo> counted,
                                         const std::string& name, double least, double most) {
  std::vector<double> values;
  for (const UpdateInfo& info : counted) {
    const Status status = CheckScalar(info.scalars, name, least, most);
    if (!status.ok()) return FailedPrecondition("site " + info.site + ": " + status.message());
    values.push_back(info.scalars.at(name));
  }
  return values;
}

}  // namespace skerry::learning
