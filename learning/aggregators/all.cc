#include "learning/aggregators/all.h"

#include "base/text.h"

namespace skerry::learning {

std::vector<std::string> AggregatorNames() { return {"mean", "median", "trimmed_mean"}; }

Result<std::unique_ptr<Aggregator>> MakeAggregator(const v1::AggregationSpec& spec) {
  if (spec.rule().empty() || spec.rule() == "mean") return MakeMean();
  if (spec.rule() == "median") return MakeMedian();
  if (spec.rule() == "trimmed_mean") return MakeTrimmedMean(spec.trim());
  return InvalidArgument("aggregation.rule: there is no \"" + spec.rule() + "\"")
      .WithHint("known rules: " + Join(AggregatorNames(), ", "));
}

}  // namespace skerry::learning
