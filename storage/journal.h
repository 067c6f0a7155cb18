#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "storage/records.h"

namespace skerry::storage {

// The coordinator's memory. One thread writes; see JournalReader for the others.
class Journal {
 public:
  virtual ~Journal() = default;
  // Writes the whole batch durably, or nothing. RESOURCE_EXHAUSTED: the disk is full, the same
  // batch may be tried again. Any other error: what is on disk is unknown, the process must end.
  virtual Status Commit(const WriteBatch& batch) = 0;
};

// Looks into the journal. Every call sees whole commits. Not thread-safe; each thread has its own.
// DATA_LOSS: the file is damaged; the message names it and the command that helps.
class JournalReader {
 public:
  virtual ~JournalReader() = default;
  // Made once, when the journal was: so that sites can tell coordinators apart.
  virtual Result<std::string> CoordinatorId() = 0;
  virtual Result<std::vector<RunRecord>> Runs() = 0;  // by number
  virtual Result<std::vector<SiteRecord>> Sites() = 0;
  // Rounds [first, last], every attempt, by (round, attempt).
  virtual Result<std::vector<RoundRecord>> Rounds(const std::string& run_id, int64_t first,
                                                  int64_t last) = 0;
  // The tasks of rounds [first, last], by (round, attempt, site).
  virtual Result<std::vector<TaskRecord>> Tasks(const std::string& run_id, int64_t first,
                                                int64_t last) = 0;
  // Tasks with an outcome that their sites have not confirmed, of every run.
  virtual Result<std::vector<TaskRecord>> UnconfirmedOutcomes() = 0;
  virtual Result<int64_t> LargestTaskId() = 0;
  virtual Result<std::vector<SmallVersion>> SmallVersions(
      const std::string& run_id) = 0;  // by version
  // The newest `limit` events of a run (of all runs when empty), oldest first.
  virtual Result<std::vector<EventRecord>> Events(const std::string& run_id, int64_t limit) = 0;
};

}  // namespace skerry::storage
