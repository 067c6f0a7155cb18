#include "learning/aggregators/all.h"

#include <utility>

#include "base/text.h"

namespace skerry::learning {
namespace {

Result<std::unique_ptr<Aggregator>> MakeRule(const v1::AggregationSpec& spec) {
  const std::string& rule = spec.rule();
  if (rule.empty() || rule == "mean") return MakeMean();
  if (rule == "median") return MakeMedian();
  if (rule == "trimmed_mean") return MakeTrimmedMean(spec.trim());
  if (rule == "krum") return MakeKrum(spec.attackers());
  if (rule == "multi_krum") return MakeMultiKrum(spec.attackers(), spec.select());
  if (rule == "bulyan") return MakeBulyan(spec.attackers());
  if (rule == "geometric_median") return MakeGeometricMedian();
  if (rule == "centered_clipping") return MakeCenteredClipping(spec.radius());
  return InvalidArgument("aggregation.rule: there is no \"" + rule + "\"")
      .WithHint("known rules: " + Join(AggregatorNames(), ", "));
}

}  // namespace

std::vector<std::string> AggregatorNames() {
  return {"mean",       "median", "trimmed_mean",     "krum",
          "multi_krum", "bulyan", "geometric_median", "centered_clipping"};
}

Result<std::unique_ptr<Aggregator>> MakeAggregator(const v1::AggregationSpec& spec) {
  SKERRY_ASSIGN_OR_RETURN(auto rule, MakeRule(spec));
  if (spec.clipping_norm() == 0) return rule;
  if (!(spec.clipping_norm() > 0)) {
    return InvalidArgument("aggregation.clipping_norm: must be over 0");
  }
  return WithNormClipping(std::move(rule), spec.clipping_norm());
}

}  // namespace skerry::learning
