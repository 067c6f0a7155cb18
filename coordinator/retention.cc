#include "coordinator/retention.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <unordered_set>
#include <utility>

#include "coordinator/round_machine.h"
#include "coordinator/views.h"

namespace skerry::coordinator {
namespace {

bool IsCommitted(const storage::RoundRecord& round) {
  return round.phase == Name(Phase::kCommitted);
}

}  // namespace

void RememberScore(const v1::RunSpec& spec, int64_t version,
                   const std::vector<learning::Metric>& metrics, Scores& scores) {
  // A model has one of them.
  std::vector<std::string> wanted = {"log_loss", "mse", "loss", "cox_loss"};
  if (!spec.evaluation().metrics().empty()) wanted = {spec.evaluation().metrics(0)};
  if (!spec.evaluation().best_metric().empty()) wanted = {spec.evaluation().best_metric()};
  for (const char* split : {"validation.", "test."}) {
    for (const learning::Metric& metric : metrics) {
      for (const std::string& name : wanted) {
        if (metric.name != split + name) continue;
        scores[version] = learning::LargerIsBetter(name) ? metric.value : -metric.value;
        return;
      }
    }
  }
}

std::vector<int64_t> VersionsToKeep(const Keep& keep, const Scores& scores, int64_t newest) {
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

void ForgetScores(const std::vector<int64_t>& kept_versions, Scores& scores) {
  std::erase_if(scores, [&](const auto& entry) {
    return !std::binary_search(kept_versions.begin(), kept_versions.end(), entry.first);
  });
}

std::vector<int64_t> KeptVersions::Update(const Scores& scores, int64_t newest) {
  std::vector<int64_t> now = VersionsToKeep(keep_, scores, newest);
  // The newest was made just before, whether or not it stays.
  std::set<int64_t> there(versions_.begin(), versions_.end());
  there.insert(newest);
  std::vector<int64_t> gone;
  std::set_difference(there.begin(), there.end(), now.begin(), now.end(), std::back_inserter(gone));
  versions_ = std::move(now);
  return gone;
}

std::vector<int64_t> KeptUpdates::Add(int64_t round, const std::vector<int64_t>& task_ids) {
  by_round_[round] = task_ids;
  std::vector<int64_t> gone;
  while (static_cast<int64_t>(by_round_.size()) > num_rounds_) {
    const std::vector<int64_t>& oldest = by_round_.begin()->second;
    gone.insert(gone.end(), oldest.begin(), oldest.end());
    by_round_.erase(by_round_.begin());
  }
  return gone;
}

std::vector<int64_t> KeptUpdates::task_ids() const {
  std::vector<int64_t> all;
  for (const auto& [round, task_ids] : by_round_) {
    all.insert(all.end(), task_ids.begin(), task_ids.end());
  }
  return all;
}

std::optional<WallTime> HistoryEnds(const storage::RunRecord& run, const Keep& keep) {
  if (!storage::IsFinal(run.state) || keep.history_days == 0) return std::nullopt;
  constexpr int64_t kDayMillis = int64_t{24} * 3600 * 1000;
  return WallTime{run.ended.unix_millis + keep.history_days * kDayMillis};
}

Remains WhatRemains(const RunPlan& plan, const std::vector<storage::RoundRecord>& rounds) {
  int64_t newest = -1;
  for (const storage::RoundRecord& round : rounds) {
    if (IsCommitted(round)) newest = std::max(newest, round.model_version);
  }
  Remains remains;
  if (newest < 0) return remains;
  Keep least = plan.keep;
  least.checkpoints = 1;
  remains.versions = VersionsToKeep(least, ScoresOf(plan.spec, rounds), newest);
  const auto stays = [&](int64_t version) {
    return std::binary_search(remains.versions.begin(), remains.versions.end(), version);
  };
  for (const storage::RoundRecord& round : rounds) {
    const bool about_one = stays(round.model_version) || stays(round.base_version);
    if (IsCommitted(round) && about_one) remains.rounds.insert(round.round);
  }
  return remains;
}

std::optional<int64_t> FirstKeptRound(const Keep& keep, int64_t round) {
  if (keep.history_rounds == 0 || round < keep.history_rounds) return std::nullopt;
  const int64_t step = std::max<int64_t>(1, keep.history_rounds / 10);
  if (round % step != 0) return std::nullopt;
  return round - keep.history_rounds + 1;
}

bool HasWholeHistory(const storage::RunRecord& run, const std::vector<storage::RoundRecord>& rounds,
                     const std::vector<storage::TaskRecord>& tasks) {
  std::unordered_set<int64_t> with_counted;
  for (const storage::TaskRecord& task : tasks) {
    if (task.outcome == storage::Outcome::kCounted) with_counted.insert(task.round);
  }
  const auto committed =
      std::count_if(rounds.begin(), rounds.end(), [&](const storage::RoundRecord& round) {
        return IsCommitted(round) && round.kind != "initialize" &&
               with_counted.contains(round.round);
      });
  return committed >= run.rounds_committed;
}

Scores ScoresOf(const v1::RunSpec& spec, const std::vector<storage::RoundRecord>& rounds) {
  Scores scores;
  for (const storage::RoundRecord& round : rounds) {
    if (!IsCommitted(round)) continue;
    RememberScore(spec, round.base_version, ParseMetrics(round.metrics), scores);
  }
  return scores;
}

}  // namespace skerry::coordinator
