#include "learning/early_stopping.h"

#include <algorithm>

#include "base/text.h"
#include "learning/metrics.h"

namespace skerry::learning {
namespace {

std::string MetricOf(const v1::EarlyStoppingSpec& spec) { return "validation." + spec.metric(); }

// The monitored value, with its sign such that larger is better; nullopt: the round has none.
std::optional<double> ScoreIn(const v1::EarlyStoppingSpec& spec, const RoundOutcome& outcome) {
  const std::string name = MetricOf(spec);
  const auto found = std::find_if(outcome.metrics.begin(), outcome.metrics.end(),
                                  [&](const Metric& metric) { return metric.name == name; });
  if (found == outcome.metrics.end()) return std::nullopt;
  return LargerIsBetter(spec.metric()) ? found->value : -found->value;
}

}  // namespace

std::optional<EarlyStop> FindEarlyStop(const v1::EarlyStoppingSpec& spec,
                                       std::span<const RoundOutcome> committed) {
  if (spec.metric().empty()) return std::nullopt;
  std::optional<double> best;
  EarlyStop stop;
  int64_t without_better = 0;
  for (const RoundOutcome& outcome : committed) {
    const std::optional<double> score = ScoreIn(spec, outcome);
    if (outcome.round < 1 || !score) continue;
    if (!best || *score > *best + spec.min_delta()) {
      best = score;
      stop.best_version = outcome.round - 1;
      without_better = 0;
      continue;
    }
    if (++without_better < spec.patience()) continue;
    stop.round = outcome.round;
    stop.best_value = LargerIsBetter(spec.metric()) ? *best : -*best;
    return stop;
  }
  return std::nullopt;
}

std::string InWords(const v1::EarlyStoppingSpec& spec, const EarlyStop& stop) {
  return "stopped early: " + MetricOf(spec) + " did not improve in " +
         std::to_string(spec.patience()) + (spec.patience() == 1 ? " evaluation" : " evaluations") +
         "; version " + std::to_string(stop.best_version) + " was the best (" +
         FormatExact(stop.best_value) + ")";
}

}  // namespace skerry::learning
