#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "coordinator/run_plan.h"
#include "learning/metrics.h"
#include "skerry/v1/task.pb.h"
#include "storage/records.h"

// What [keep] lets stay on the coordinator's disk.
namespace skerry::coordinator {

// How good the versions of a run are, by version; larger is better.
using Scores = std::map<int64_t, double>;

// Notes how good a version is: [evaluation] best_metric, or the first of its metrics, or the loss
// when none is listed; on validation rows before test rows. Nothing when the metrics do not have
// it.
void RememberScore(const v1::RunSpec& spec, int64_t version,
                   const std::vector<learning::Metric>& metrics, Scores& scores);

// The versions up to `newest` that stay: the newest `checkpoints`, and the `best`.
std::vector<int64_t> VersionsToKeep(const Keep& keep, const Scores& scores, int64_t newest);

// Forgets the scores of all other versions: one that is gone cannot be the best again.
void ForgetScores(const std::vector<int64_t>& kept_versions, Scores& scores);

// Which versions of a run are on disk.
class KeptVersions {
 public:
  explicit KeptVersions(const Keep& keep) : keep_(keep) {}

  // After `newest` was made, or another version was scored: those that go now.
  std::vector<int64_t> Update(const Scores& scores, int64_t newest);
  const std::vector<int64_t>& versions() const { return versions_; }  // ascending

 private:
  const Keep keep_;
  std::vector<int64_t> versions_;
};

// Which counted results are still in the spool: those of the newest [keep] updates rounds.
class KeptUpdates {
 public:
  explicit KeptUpdates(int64_t num_rounds) : num_rounds_(num_rounds) {}

  // Takes the results that a committed round counted; those that go now.
  std::vector<int64_t> Add(int64_t round, const std::vector<int64_t>& task_ids);
  std::vector<int64_t> task_ids() const;

 private:
  const int64_t num_rounds_;
  std::map<int64_t, std::vector<int64_t>> by_round_;
};

// ---- [keep] history_days ----
//
// So many days after a run's end its history goes: events, tasks, kept updates, and every round and
// version but what WhatRemains says. The run's own row stays, with its run file. Days are counted
// by the clock on the wall: one that was set wrong costs details, never the model.

// When that is; nullopt: never, or the run has not ended.
std::optional<WallTime> HistoryEnds(const storage::RunRecord& run, const Keep& keep);

struct Remains {
  std::vector<int64_t> versions;  // the newest one and the [keep] best
  std::set<int64_t> rounds;       // those that made or measured one of them
};
// The same for what it left behind.
Remains WhatRemains(const RunPlan& plan, const std::vector<storage::RoundRecord>& rounds);

// ---- [keep] history_rounds ----
//
// Of a run that goes on, the newest so many rounds stay, and at most a tenth more; and of the
// others what made or measured a version that is still there. Of events only those that say that a
// round committed go with it; the others have a limit of their own.

// After `round` has been committed: the first of the rounds that stay, if it is time to remove
// others.
std::optional<int64_t> FirstKeptRound(const Keep& keep, int64_t round);

// Whether every round that the run committed is there, with those who counted in it: of rounds
// whose version stays, the tasks go.
bool HasWholeHistory(const storage::RunRecord& run, const std::vector<storage::RoundRecord>& rounds,
                     const std::vector<storage::TaskRecord>& tasks);

// The scores that committed rounds gave.
Scores ScoresOf(const v1::RunSpec& spec, const std::vector<storage::RoundRecord>& rounds);

}  // namespace skerry::coordinator
