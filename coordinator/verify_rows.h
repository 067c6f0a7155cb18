#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "storage/journal.h"
#include "storage/records.h"

namespace skerry::coordinator {

// What a journal says of one run, and as much of the others as is needed to tell their tasks from
// this one's.
struct RunRows {
  storage::RunRecord run;
  std::vector<storage::RoundRecord> rounds;
  std::vector<storage::TaskRecord> tasks;
  std::vector<storage::SmallVersion> small_versions;  // which may have no files
  std::set<int64_t> committed;  // rounds that counted results, and can no more
  // Rounds and sites of which a result was found damaged and asked for again.
  std::set<std::pair<int64_t, std::string>> damaged;

  std::map<int64_t, std::string> tasks_of_others;  // task -> run
  std::set<std::string> runs;                      // all that this journal has
  std::set<std::string> histories_removed;         // of those: their tasks are gone
  std::string restored;                            // the event, if it was made of a backup

  // No result can be added to the task's round.
  bool IsClosed(const storage::TaskRecord& task) const;
  // A result of the task was found damaged, in a round that it was in.
  bool WasDamaged(const storage::TaskRecord& task) const;
};

// NOT_FOUND: there is no such run. "latest" is the one submitted last.
Result<RunRows> ReadRunRows(const std::string& run_id, storage::JournalReader& journal);

// The tasks of a run of which the journal says that their sites know the outcome.
Result<std::set<int64_t>> ReadConfirmed(const std::string& run_id, storage::JournalReader& journal);

std::string NameOf(const storage::TaskRecord& task);  // "task 7 of site north in round 3"

}  // namespace skerry::coordinator
