#include "storage/memory_journal.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <tuple>
#include <variant>

namespace skerry::storage {
namespace {

constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();

bool IsUnconfirmed(const TaskRecord& task) {
  return task.outcome != Outcome::kNone && !task.outcome_confirmed;
}

bool SamePlace(const TaskRecord& a, const TaskRecord& b) {
  return a.round == b.round && a.attempt == b.attempt && a.run_id == b.run_id;
}

}  // namespace

Status MemoryJournal::Commit(const WriteBatch& batch) {
  for (const Record& record : batch) {
    std::visit([this](const auto& row) { Put(row); }, record);
  }
  return OkStatus();
}

void MemoryJournal::Put(const RunRecord& record) { runs_[record.run_id] = record; }

void MemoryJournal::Put(const RoundRecord& record) {
  rows_[record.run_id].rounds[{record.round, record.attempt}] = record;
}

void MemoryJournal::Put(const SiteRecord& record) { sites_[record.site] = record; }

void MemoryJournal::Put(const EventRecord& record) {
  events_.push_back(record);
  if (static_cast<int64_t>(events_.size()) > kept_events_) events_.pop_front();
}

// The one that a simulation calls a million times: a look-up and an assignment, which keeps the
// memory of the strings that were there.
void MemoryJournal::Put(const TaskRecord& record) {
  const auto [found, is_new] = tasks_.try_emplace(record.task_id);
  TaskRecord& task = found->second;
  const bool was_unconfirmed = !is_new && IsUnconfirmed(task);
  const bool moves = !is_new && !SamePlace(task, record);
  if (moves) RemoveFrom(task);
  task = record;
  if (is_new || moves) FileUnder(task);
  if (IsUnconfirmed(task)) {
    if (!was_unconfirmed) unconfirmed_.insert(task.task_id);
  } else if (was_unconfirmed) {
    unconfirmed_.erase(task.task_id);
  }
  largest_task_id_ = std::max(largest_task_id_, task.task_id);
}

void MemoryJournal::Put(const SmallVersion& record) {
  small_versions_[{record.run_id, record.version}] = record;
}

void MemoryJournal::Put(const RemoveSmallVersions& record) {
  for (const int64_t version : record.versions) small_versions_.erase({record.run_id, version});
}

void MemoryJournal::Put(const RemoveHistory& record) {
  std::erase_if(events_, [&](const EventRecord& event) {
    if (event.run_id != record.run_id) return false;
    return !record.before || (event.round < *record.before && event.code == kRoundCommitted);
  });
  const auto rows = rows_.find(record.run_id);
  if (rows == rows_.end()) return;
  const auto goes = [&](int64_t round) { return !record.before || round < *record.before; };
  std::erase_if(rows->second.rounds, [&](const auto& entry) {
    return goes(entry.first.first) && !record.kept_rounds.contains(entry.first.first);
  });
  auto& all = rows->second.tasks;
  for (auto entry = all.begin(); entry != all.end() && goes(entry->first.first);) {
    std::erase_if(entry->second, [&](const TaskRecord* task) {
      if (IsUnconfirmed(*task) || task->task_id == largest_task_id_) return false;
      return tasks_.erase(task->task_id) > 0;
    });
    entry = entry->second.empty() ? all.erase(entry) : std::next(entry);
  }
}

void MemoryJournal::FileUnder(const TaskRecord& task) {
  rows_[task.run_id].tasks[{task.round, task.attempt}].push_back(&task);
}

void MemoryJournal::RemoveFrom(const TaskRecord& task) {
  std::erase(rows_[task.run_id].tasks[{task.round, task.attempt}], &task);
}

Result<std::string> MemoryJournal::CoordinatorId() { return coordinator_id_; }

Result<std::vector<RunRecord>> MemoryJournal::Runs() {
  std::vector<RunRecord> runs;
  for (const auto& [run_id, run] : runs_) runs.push_back(run);
  std::stable_sort(runs.begin(), runs.end(), [](const RunRecord& a, const RunRecord& b) {
    return a.number < b.number;  // equal ones stay in the order of their ids
  });
  return runs;
}

Result<std::vector<SiteRecord>> MemoryJournal::Sites() {
  std::vector<SiteRecord> sites;
  for (const auto& [name, site] : sites_) sites.push_back(site);
  return sites;
}

Result<std::vector<RoundRecord>> MemoryJournal::Rounds(const std::string& run_id, int64_t first,
                                                       int64_t last) {
  std::vector<RoundRecord> rounds;
  const auto rows = rows_.find(run_id);
  if (rows == rows_.end()) return rounds;
  const auto& all = rows->second.rounds;
  for (auto row = all.lower_bound({first, kLowest}); row != all.end() && row->first.first <= last;
       ++row) {
    rounds.push_back(row->second);
  }
  return rounds;
}

Result<std::vector<TaskRecord>> MemoryJournal::Tasks(const std::string& run_id, int64_t first,
                                                     int64_t last) {
  std::vector<TaskRecord> tasks;
  const auto rows = rows_.find(run_id);
  if (rows == rows_.end()) return tasks;
  const auto& all = rows->second.tasks;
  const auto begin = all.lower_bound({first, kLowest});
  std::size_t count = 0;
  for (auto row = begin; row != all.end() && row->first.first <= last; ++row) {
    count += row->second.size();
  }
  tasks.reserve(count);
  for (auto row = begin; row != all.end() && row->first.first <= last; ++row) {
    std::vector<const TaskRecord*> in_order = row->second;
    std::sort(in_order.begin(), in_order.end(), [](const TaskRecord* a, const TaskRecord* b) {
      return std::tie(a->site, a->task_id) < std::tie(b->site, b->task_id);
    });
    for (const TaskRecord* task : in_order) tasks.push_back(*task);
  }
  return tasks;
}

Result<std::vector<TaskRecord>> MemoryJournal::UnconfirmedOutcomes() {
  std::vector<TaskRecord> tasks;
  for (const int64_t task_id : unconfirmed_) tasks.push_back(tasks_.at(task_id));
  return tasks;
}

Result<int64_t> MemoryJournal::LargestTaskId() { return largest_task_id_; }

Result<std::vector<SmallVersion>> MemoryJournal::SmallVersions(const std::string& run_id) {
  std::vector<SmallVersion> versions;
  for (auto row = small_versions_.lower_bound({run_id, kLowest});
       row != small_versions_.end() && row->first.first == run_id; ++row) {
    versions.push_back(row->second);
  }
  return versions;
}

Result<std::vector<EventRecord>> MemoryJournal::Events(const std::string& run_id, int64_t limit) {
  std::vector<EventRecord> events;
  for (auto event = events_.rbegin();
       event != events_.rend() && static_cast<int64_t>(events.size()) < limit; ++event) {
    if (run_id.empty() || event->run_id == run_id) events.push_back(*event);
  }
  std::reverse(events.begin(), events.end());
  return events;
}

}  // namespace skerry::storage
