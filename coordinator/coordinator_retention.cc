// What goes from the disk: results and versions after a round, leftovers of an earlier process,
// histories of runs that ended long ago.

#include <algorithm>
#include <limits>
#include <utility>

#include "base/failpoint.h"
#include "coordinator/coordinator.h"
#include "coordinator/retention.h"

namespace skerry::coordinator {

using storage::CheckpointPart;

void Coordinator::RemoveResults(std::vector<int64_t> task_ids) {
  if (task_ids.empty()) return;
  removals_.emplace_back([this, task_ids = std::move(task_ids)] {
    SKERRY_FAILPOINT("coordinator/results-removing");
    for (const int64_t task_id : task_ids) uploads_.Remove(task_id);
    SKERRY_FAILPOINT("coordinator/results-removed");
  });
}

void Coordinator::KeepResults(std::vector<int64_t> task_ids) {
  if (task_ids.empty()) return;
  removals_.emplace_back([this, task_ids = std::move(task_ids)] {
    for (const int64_t task_id : task_ids) uploads_.Close(task_id);
  });
}

void Coordinator::RemoveVersions(const std::string& run_id, std::vector<int64_t> versions) {
  if (versions.empty()) return;
  Stage(storage::RemoveSmallVersions{run_id, versions});
  removals_.emplace_back([this, run_id, versions = std::move(versions)] {
    SKERRY_FAILPOINT("coordinator/versions-removing");
    for (const int64_t version : versions) {
      for (const auto part : {CheckpointPart::kModel, CheckpointPart::kState}) {
        // One that stays behind is removed at the next start.
        static_cast<void>(checkpoints_.Remove({run_id, version, part}).ok());
      }
    }
  });
}

// A process that was killed may have left behind what it was about to remove.
Status Coordinator::RemoveLeftovers(const Run& run, storage::JournalReader& reader) {
  const std::string& run_id = run.record().run_id;
  if (!run.base() || !run.ended()) {
    return checkpoints_.RemoveAllBut(run_id, run.kept_versions());
  }
  // An ended run's rounds are read only if there is a version that is not among the newest: it is
  // one of the best, or a leftover.
  Keep keep = run.plan().keep;
  Scores scores;
  const int64_t newest = run.base()->version;
  SKERRY_ASSIGN_OR_RETURN(const std::vector<int64_t> versions, checkpoints_.Versions(run_id));
  if (!versions.empty() && versions.front() <= newest - keep.checkpoints) {
    SKERRY_ASSIGN_OR_RETURN(const std::vector<storage::RoundRecord> rounds,
                            reader.Rounds(run_id, 0, std::numeric_limits<int64_t>::max()));
    scores = ScoresOf(run.plan().spec, rounds);
  }
  return checkpoints_.RemoveAllBut(run_id, VersionsToKeep(keep, scores, newest));
}

void Coordinator::WatchHistory(const Run& run) {
  if (const auto end = HistoryEnds(run.record(), run.plan().keep)) {
    history_ends_.emplace(*end, &run);
  }
}

std::optional<Timestamp> Coordinator::NextHistoryEnd() const {
  if (history_ends_.empty()) return std::nullopt;
  const int64_t millis = history_ends_.begin()->first.unix_millis - WallNow().unix_millis;
  return Now() + std::chrono::milliseconds(std::max<int64_t>(0, millis));
}

void Coordinator::RemoveOldHistories() {
  while (!history_ends_.empty() && history_ends_.begin()->first <= WallNow()) {
    const Run& run = *history_ends_.begin()->second;
    history_ends_.erase(history_ends_.begin());
    parts_.reading.Post([this, &run] {
      auto rounds = std::make_shared<Result<std::vector<storage::RoundRecord>>>(
          parts_.reader.Rounds(run.record().run_id, 0, std::numeric_limits<int64_t>::max()));
      parts_.loop.Post([this, &run, rounds] { RemoveHistory(run, *rounds); });
    });
  }
}

// Files first: what a crash leaves undone is then found again by its rows.
void Coordinator::RemoveHistory(const Run& run,
                                const Result<std::vector<storage::RoundRecord>>& rounds) {
  const std::string& run_id = run.record().run_id;
  const auto note = [&](std::string code, std::string message) {
    Stage(storage::EventRecord{WallNow(), run_id, -1, "", std::move(code), std::move(message)});
  };
  if (!rounds.ok()) return note("step_failed", rounds.status().message());
  const Remains remains = WhatRemains(run.plan(), *rounds);
  Result<std::vector<int64_t>> gone = checkpoints_.Versions(run_id);
  if (!gone.ok()) return note("step_failed", gone.status().message());
  std::erase_if(*gone, [&](int64_t version) {
    return std::find(remains.versions.begin(), remains.versions.end(), version) !=
           remains.versions.end();
  });
  const Status removed = checkpoints_.RemoveAllBut(run_id, remains.versions);
  if (!removed.ok()) return note("step_failed", removed.message());
  RemoveResults(run.kept_updates());
  Stage(storage::RemoveSmallVersions{run_id, *std::move(gone)});
  Stage(storage::RemoveHistory{run_id, remains.rounds});
  note("history_removed", std::to_string(run.plan().keep.history_days) + " days after the end");
}

}  // namespace skerry::coordinator
