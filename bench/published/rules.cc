// Robust rules over the updates of data/golden_algos/aggregators.json: eleven of six numbers, two
// of them attackers'. The data come by SKERRY_DATA.
#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "bench/published/data.h"
#include "bench/published/table.h"
#include "learning/aggregators/all.h"
#include "learning/aggregators/distance_rules.h"
#include "learning/aggregators/distances.h"
#include "learning/heart.h"

namespace skerry::bench {
namespace {

using learning::Aggregator;

constexpr int64_t kAttackers = 2;
constexpr int64_t kSelect = 5;

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

  // Of what rules select by, and which updates they select. Scores run to thousands, so their
  // differences are relative ones.
  void SelectionRows(PublishedTable& table) const {
    const learning::UpdateStatistics statistics = Statistics();
    std::vector<std::size_t> all(rows_.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    const std::vector<double> scores = learning::KrumScores(statistics, all, kAttackers);
    const auto expected = golden_.at("krum_scores").get<std::vector<double>>();
    std::vector<double> ratios(scores.size());
    for (std::size_t k = 0; k < ratios.size(); ++k) ratios[k] = scores[k] / expected.at(k);
    table.RowAtMost("krum_scores, largest relative difference", 1e-12,
                    LargestDifference(ratios, std::vector<double>(expected.size(), 1.0)));
    std::vector<std::size_t> selected = learning::KrumSelection(statistics, kAttackers, kSelect);
    std::sort(selected.begin(), selected.end());
    PlacesRow(table, "multikrum_m5_selected", selected);
    PlacesRow(table, "bulyan_selected", learning::BulyanSelection(statistics, kAttackers));
  }

  // Three steps of the geometric median's algorithm.
  void ShortMedianRow(PublishedTable& table) const {
    const auto weights = golden_.at("n").get<std::vector<double>>();
    const std::vector<double> shares = learning::GeometricMedianShares(Statistics(), weights, 3);
    std::vector<double> mean(values_.front().size());
    for (std::size_t k = 0; k < values_.size(); ++k) {
      for (std::size_t c = 0; c < mean.size(); ++c) mean[c] += shares[k] * values_[k][c];
    }
    table.RowAtMost("rfa_3iter, largest difference", 1e-12,
                    LargestDifference(mean, golden_.at("rfa_3iter").get<std::vector<double>>()));
  }

  // Krum takes one update as it is.
  void KrumRow(PublishedTable& table) const {
    const std::vector<double> taken = Reduce(*learning::MakeKrum(kAttackers).value());
    const auto found = std::find(values_.begin(), values_.end(), taken);
    table.Row("krum_index", golden_.at("krum_index"), static_cast<double>(found - values_.begin()),
              0);
  }

 private:
  // Exactly those, in this order.
  void PlacesRow(PublishedTable& table, const char* name,
                 const std::vector<std::size_t>& places) const {
    table.RowAtMost(std::string(name) + ", largest difference", 0,
                    LargestDifference({places.begin(), places.end()},
                                      golden_.at(name).get<std::vector<double>>()));
  }

  learning::UpdateStatistics Statistics() const {
    learning::DistanceMeter meter(rows_.size());
    meter.Add(rows_);
    learning::UpdateStatistics statistics(rows_.size());
    meter.AddTo(statistics);
    return statistics;
  }

  std::vector<double> Reduce(const Aggregator& rule) const {
    learning::Coefficients coefficients = rule.Weigh(infos_).value();
    if (rule.NeedsStatistics()) {
      coefficients = rule.Judge(Statistics(), std::move(coefficients)).value();
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
  rules.SelectionRows(table);
  // multikrum_m5_weighted has no counterpart here: Multi-Krum never weighs, for a number of rows is
  // what an attacker says it is.
  rules.Row(table, "multikrum_m5_unweighted",
            *learning::MakeMultiKrum(kAttackers, kSelect).value());
  rules.Row(table, "bulyan", *learning::MakeBulyan(kAttackers).value());
  rules.Row(table, "geometric_median_weighted", *learning::MakeGeometricMedian());
  rules.ShortMedianRow(table);
  return table.Finish();
}

}  // namespace
}  // namespace skerry::bench

int main() { return skerry::bench::Main(); }
