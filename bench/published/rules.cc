// Robust rules over the updates of data/golden_algos/aggregators.json: eleven of six numbers, two
// of them attackers'. The data come by SKERRY_DATA.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "bench/published/data.h"
#include "bench/published/table.h"
#include "learning/aggregators/all.h"
#include "learning/aggregators/distances.h"
#include "learning/heart.h"

namespace skerry::bench {
namespace {

using learning::Aggregator;

class Rules {
 public:
  explicit Rules(const nlohmann::json& golden)
      : golden_(golden),
        values_(golden.at("V").get<std::vector<std::vector<double>>>()),
        rows_(values_.begin(), values_.end()) {
    for (const double n : golden.at("n")) {
      infos_.push_back({.site = "site", .num_examples = static_cast<int64_t>(n)});
    }
  }

  void Row(PublishedTable& table, const char* name, const Aggregator& rule) const {
    table.RowAtMost(std::string(name) + ", largest difference", 1e-12,
                    LargestDifference(Reduce(rule), golden_.at(name).get<std::vector<double>>()));
  }

  // Krum takes one update as it is.
  void KrumRow(PublishedTable& table) const {
    const std::vector<double> taken = Reduce(*learning::MakeKrum(2).value());
    const auto found = std::find(values_.begin(), values_.end(), taken);
    table.Row("krum_index", golden_.at("krum_index"), static_cast<double>(found - values_.begin()),
              0);
  }

 private:
  std::vector<double> Reduce(const Aggregator& rule) const {
    learning::Coefficients coefficients = rule.Weigh(infos_).value();
    if (rule.NeedsStatistics()) {
      learning::DistanceMeter meter(rows_.size());
      meter.Add(rows_);
      learning::UpdateStatistics statistics(rows_.size());
      meter.AddTo(statistics);
      coefficients = rule.Judge(statistics, std::move(coefficients)).value();
    }
    std::vector<double> out(values_.front().size());
    rule.ReduceF64(rows_, coefficients, out);
    return out;
  }

  const nlohmann::json& golden_;
  const std::vector<std::vector<double>> values_;
  const std::vector<std::span<const double>> rows_;
  std::vector<learning::UpdateInfo> infos_;
};

int Main() {
  constexpr const char* kGolden = "golden_algos/aggregators.json";
  if (const auto code = ExitWithoutData({kGolden})) return *code;
  PublishedTable table("Rules over eleven updates, two of them attackers' (aggregators.json)");
  const nlohmann::json golden = learning::GoldenFile(kGolden);
  const Rules rules(golden);
  rules.Row(table, "weighted_mean", *learning::MakeMean());
  rules.Row(table, "median", *learning::MakeMedian());
  rules.Row(table, "trimmed_mean_beta0.2", *learning::MakeTrimmedMean(0.2).value());
  rules.KrumRow(table);
  rules.Row(table, "multikrum_m5_unweighted", *learning::MakeMultiKrum(2, 5).value());
  rules.Row(table, "bulyan", *learning::MakeBulyan(2).value());
  rules.Row(table, "geometric_median_weighted", *learning::MakeGeometricMedian());
  return table.Finish();
}

}  // namespace
}  // namespace skerry::bench

int main() { return skerry::bench::Main(); }
