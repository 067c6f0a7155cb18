#include "coordinator/retention.h"

#include <algorithm>
#include <set>
#include <string>

namespace skerry::coordinator {
namespace {

bool LargerIsBetter(const std::string& metric) {
  return metric == "auc" || metric == "accuracy" || metric == "r2";
}

}  // namespace

void RememberScore(const v1::RunSpec& spec, int64_t version,
                   const std::vector<learning::Metric>& metrics,
                   std::map<int64_t, double>& scores) {
  const std::string wanted =
      spec.evaluation().metrics().empty() ? "log_loss" : spec.evaluation().metrics(0);
  for (const char* split : {"validation.", "test."}) {
    for (const learning::Metric& metric : metrics) {
      if (metric.name != split + wanted) continue;
      scores[version] = LargerIsBetter(wanted) ? metric.value : -metric.value;
      return;
    }
  }
}

std::vector<int64_t> VersionsToKeep(const Keep& keep, const std::map<int64_t, double>& scores,
                                    int64_t newest) {
  std::set<int64_t> kept;
  for (int64_t version = std::max<int64_t>(0, newest - keep.checkpoints + 1); version <= newest;
       ++version) {
    kept.insert(version);
  }
  std::vector<std::pair<double, int64_t>> ranking;
  for (const auto& [version, score] : scores) ranking.emplace_back(-score, version);
  const auto best = std::min<std::size_t>(static_cast<std::size_t>(keep.best), ranking.size());
  std::partial_sort(ranking.begin(), ranking.begin() + static_cast<std::ptrdiff_t>(best),
                    ranking.end());
  for (std::size_t i = 0; i < best; ++i) kept.insert(ranking[i].second);
  return {kept.begin(), kept.end()};
}

std::vector<int64_t> VersionsToDrop(const Keep& keep, const std::map<int64_t, double>& scores,
                                    int64_t newest) {
  // What was kept one version ago and is not kept now.
  if (newest == 0) return {};
  std::map<int64_t, double> before = scores;
  before.erase(newest - 1);  // it was scored only now
  const std::vector<int64_t> then = VersionsToKeep(keep, before, newest - 1);
  const std::vector<int64_t> now = VersionsToKeep(keep, scores, newest);
  std::vector<int64_t> dropped;
  std::set_difference(then.begin(), then.end(), now.begin(), now.end(),
                      std::back_inserter(dropped));
  return dropped;
}

}  // namespace skerry::coordinator
