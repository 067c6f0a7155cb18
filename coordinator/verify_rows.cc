#include "coordinator/verify_rows.h"

#include <algorithm>
#include <limits>

#include "coordinator/retention.h"
#include "coordinator/round_machine.h"

namespace skerry::coordinator {
namespace {

constexpr int64_t kAll = std::numeric_limits<int64_t>::max();

Result<storage::RunRecord> FindRun(const std::string& run_id,
                                   const std::vector<storage::RunRecord>& runs) {
  if (run_id == "latest" && !runs.empty()) return runs.back();
  for (const storage::RunRecord& run : runs) {
    if (run.run_id == run_id) return run;
  }
  return NotFound("there is no run \"" + run_id + "\" in this journal")
      .WithHint("skerry run list shows all runs");
}

// By retention. A round that is missing otherwise is a fault.
Result<bool> IsHistoryRemoved(const storage::RunRecord& run,
                              const std::vector<storage::RoundRecord>& rounds,
                              const std::vector<storage::TaskRecord>& tasks) {
  if (HasWholeHistory(run, rounds, tasks)) return false;
  SKERRY_ASSIGN_OR_RETURN(const RunPlan plan, ParseRunFile(run.run_file, "run file"));
  return plan.keep.history_rounds > 0 || HistoryEnds(run, plan.keep).has_value();
}

Status ReadOther(const storage::RunRecord& run, storage::JournalReader& journal, RunRows& rows) {
  SKERRY_ASSIGN_OR_RETURN(const auto rounds, journal.Rounds(run.run_id, 0, kAll));
  SKERRY_ASSIGN_OR_RETURN(const auto tasks, journal.Tasks(run.run_id, 0, kAll));
  SKERRY_ASSIGN_OR_RETURN(const bool removed, IsHistoryRemoved(run, rounds, tasks));
  if (removed) rows.histories_removed.insert(run.run_id);
  for (const storage::TaskRecord& task : tasks) rows.tasks_of_others[task.task_id] = run.run_id;
  return OkStatus();
}

Status ReadEvents(storage::JournalReader& journal, RunRows& rows) {
  SKERRY_ASSIGN_OR_RETURN(const auto events, journal.Events("", kAll));
  for (const storage::EventRecord& event : events) {
    if (event.code == "restored_from_backup") rows.restored = event.message;
    if (event.run_id != rows.run.run_id || event.code != "result_damaged") continue;
    rows.damaged.emplace(event.round, event.site);
  }
  return OkStatus();
}

}  // namespace

bool RunRows::IsClosed(const storage::TaskRecord& task) const {
  return storage::IsFinal(run.state) || committed.contains(task.round);
}

bool RunRows::WasDamaged(const storage::TaskRecord& task) const {
  // A task of an asynchronous run goes through the rounds from the one that gave it.
  int64_t round = task.base_version < 0 ? task.round : task.base_version + 1;
  for (; round <= task.round; ++round) {
    if (damaged.contains({round, task.site})) return true;
  }
  return false;
}

Result<RunRows> ReadRunRows(const std::string& run_id, storage::JournalReader& journal) {
  SKERRY_ASSIGN_OR_RETURN(const std::vector<storage::RunRecord> runs, journal.Runs());
  RunRows rows;
  SKERRY_ASSIGN_OR_RETURN(rows.run, FindRun(run_id, runs));
  SKERRY_ASSIGN_OR_RETURN(rows.rounds, journal.Rounds(rows.run.run_id, 0, kAll));
  SKERRY_ASSIGN_OR_RETURN(rows.tasks, journal.Tasks(rows.run.run_id, 0, kAll));
  SKERRY_ASSIGN_OR_RETURN(rows.small_versions, journal.SmallVersions(rows.run.run_id));
  for (const storage::RoundRecord& round : rows.rounds) {
    const bool counts = round.phase == Name(Phase::kCommitted) && round.kind != "initialize";
    if (counts) rows.committed.insert(round.round);
  }
  SKERRY_ASSIGN_OR_RETURN(const bool removed, IsHistoryRemoved(rows.run, rows.rounds, rows.tasks));
  if (removed) rows.histories_removed.insert(rows.run.run_id);
  for (const storage::RunRecord& run : runs) {
    rows.runs.insert(run.run_id);
    if (run.run_id == rows.run.run_id) continue;
    SKERRY_RETURN_IF_ERROR(ReadOther(run, journal, rows));
  }
  SKERRY_RETURN_IF_ERROR(ReadEvents(journal, rows));
  return rows;
}

Result<std::set<int64_t>> ReadConfirmed(const std::string& run_id,
                                        storage::JournalReader& journal) {
  SKERRY_ASSIGN_OR_RETURN(const auto runs, journal.Runs());
  SKERRY_ASSIGN_OR_RETURN(const storage::RunRecord run, FindRun(run_id, runs));
  SKERRY_ASSIGN_OR_RETURN(const auto tasks, journal.Tasks(run.run_id, 0, kAll));
  std::set<int64_t> confirmed;
  for (const storage::TaskRecord& task : tasks) {
    if (task.outcome_confirmed) confirmed.insert(task.task_id);
  }
  return confirmed;
}

std::string NameOf(const storage::TaskRecord& task) {
  return "task " + std::to_string(task.task_id) + " of site " + task.site + " in round " +
         std::to_string(task.round);
}

}  // namespace skerry::coordinator
