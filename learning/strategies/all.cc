#include "learning/strategies/all.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace skerry::learning {
namespace {

struct Entry {
  std::string name;
  StrategyMaker make;
};

// The strategies of this tree; RegisterStrategy adds others behind them.
std::vector<Entry>& Strategies() {
  static std::vector<Entry> strategies = {
      {"fedavg", MakeFedAvg},         {"fedprox", MakeFedProx}, {"fedavgm", MakeFedAvgM},
      {"fedadagrad", MakeFedAdagrad}, {"fedadam", MakeFedAdam}, {"fedyogi", MakeFedYogi},
      {"scaffold", MakeScaffold},     {"fednova", MakeFedNova}, {"feddyn", MakeFedDyn},
      {"qfedavg", MakeQFedAvg},       {"fedbuff", MakeFedBuff}, {"fedasync", MakeFedAsync},
  };
  return strategies;
}

}  // namespace

Result<RoundScalars> Strategy::Prepare(const RoundContext& /*context*/,
                                       std::span<const UpdateInfo> counted) const {
  if (counted.empty()) return FailedPrecondition("no update was counted");
  return RoundScalars{};
}

void Strategy::ApplyToStatistics(const RoundBlock& block, const RoundScalars& /*scalars*/) const {
  for (std::size_t i = 0; i < block.parameters.size(); ++i) {
    block.parameters[i] += block.reduced[0][i];
  }
}

std::vector<std::string> StrategyNames() {
  std::vector<std::string> names;
  for (const Entry& entry : Strategies()) names.push_back(entry.name);
  return names;
}

void RegisterStrategy(const std::string& name, StrategyMaker make) {
  const std::vector<std::string> names = StrategyNames();
  SKERRY_CHECK(std::find(names.begin(), names.end(), name) == names.end());
  Strategies().push_back({name, std::move(make)});
}

Result<std::unique_ptr<Strategy>> MakeStrategy(const v1::TrainingSpec& spec) {
  for (const Entry& entry : Strategies()) {
    if (spec.strategy() == entry.name) return entry.make(spec);
  }
  const std::vector<std::string> names = StrategyNames();
  const std::string nearest = NearestName(spec.strategy(), names);
  Status status = InvalidArgument("there is no strategy \"" + spec.strategy() + "\"" +
                                  (nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"));
  return std::move(status).WithHint("known strategies: " + Join(names, ", "));
}

}  // namespace skerry::learning
