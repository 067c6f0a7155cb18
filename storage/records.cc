#include "storage/records.h"

#include <algorithm>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "base/check.h"

namespace skerry::storage {
namespace {

// The rows of a batch, from the last one on.
class SeenRows {
 public:
  // Whether one with the same key was there before.
  bool IsReplaced(const Record& record) {
    if (const auto* task = std::get_if<TaskRecord>(&record)) return !Add(tasks_, task->task_id);
    if (const auto* run = std::get_if<RunRecord>(&record)) return !Add(runs_, run->run_id);
    if (const auto* site = std::get_if<SiteRecord>(&record)) return !Add(sites_, site->site);
    if (const auto* round = std::get_if<RoundRecord>(&record)) {
      return !Add(rounds_, {round->run_id, round->round, round->attempt});
    }
    return false;
  }

 private:
  template <class Set>
  static bool Add(Set& seen, const typename Set::key_type& key) {
    return seen.insert(key).second;
  }

  std::unordered_set<int64_t> tasks_;
  std::set<std::string> runs_;
  std::set<std::string> sites_;
  std::set<std::tuple<std::string, int64_t, int64_t>> rounds_;
};

}  // namespace

WriteBatch WithoutReplacedRows(WriteBatch batch) {
  const bool removes = std::any_of(batch.begin(), batch.end(), [](const Record& record) {
    return std::holds_alternative<RemoveHistory>(record);
  });
  if (removes) return batch;
  SeenRows seen;
  auto first = batch.end();  // of what stays
  for (auto record = batch.end(); record != batch.begin();) {
    if (seen.IsReplaced(*--record)) continue;
    if (--first != record) *first = std::move(*record);
  }
  batch.erase(batch.begin(), first);
  return batch;
}

// A value outside its enumeration is a bug, never an input: rows are checked when they are read.
std::string_view Name(RunState state) {
  switch (state) {
    case RunState::kPending:
      return "pending";
    case RunState::kRunning:
      return "running";
    case RunState::kPaused:
      return "paused";
    case RunState::kCompleted:
      return "completed";
    case RunState::kCompletedDegraded:
      return "completed_degraded";
    case RunState::kFailed:
      return "failed";
    case RunState::kStopped:
      return "stopped";
  }
  CheckFailed("a RunState has a name", __FILE__, __LINE__);
}

std::string_view Name(TaskState state) {
  switch (state) {
    case TaskState::kOffered:
      return "offered";
    case TaskState::kTaken:
      return "taken";
    case TaskState::kReported:
      return "reported";
    case TaskState::kFailed:
      return "failed";
    case TaskState::kLost:
      return "lost";
    case TaskState::kLate:
      return "late";
  }
  CheckFailed("a TaskState has a name", __FILE__, __LINE__);
}

std::string_view Name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kNone:
      return "none";
    case Outcome::kCounted:
      return "counted";
    case Outcome::kDiscarded:
      return "discarded";
  }
  CheckFailed("an Outcome has a name", __FILE__, __LINE__);
}

bool IsFinal(RunState state) {
  switch (state) {
    case RunState::kPending:
    case RunState::kRunning:
    case RunState::kPaused:
      return false;
    case RunState::kCompleted:
    case RunState::kCompletedDegraded:
    case RunState::kFailed:
    case RunState::kStopped:
      return true;
  }
  CheckFailed("a RunState is final or not", __FILE__, __LINE__);
}

}  // namespace skerry::storage
