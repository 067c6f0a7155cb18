#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "storage/journal.h"

namespace skerry::storage {

// The journal of a simulation or a test: it forgets everything when the process ends, and its
// commits never fail. Not thread-safe; its owner may read between two commits.
class MemoryJournal final : public Journal, public JournalReader {
 public:
  explicit MemoryJournal(std::string coordinator_id, int64_t kept_events = 100'000)
      : coordinator_id_(std::move(coordinator_id)), kept_events_(kept_events) {}

  Status Commit(const WriteBatch& batch) override;

  Result<std::string> CoordinatorId() override;
  Result<std::vector<RunRecord>> Runs() override;
  Result<std::vector<SiteRecord>> Sites() override;
  Result<std::vector<RoundRecord>> Rounds(const std::string& run_id, int64_t first,
                                          int64_t last) override;
  Result<std::vector<TaskRecord>> Tasks(const std::string& run_id, int64_t first,
                                        int64_t last) override;
  Result<std::vector<TaskRecord>> UnconfirmedOutcomes() override;
  Result<int64_t> LargestTaskId() override;
  Result<std::vector<SmallVersion>> SmallVersions(const std::string& run_id) override;
  Result<std::vector<EventRecord>> Events(const std::string& run_id, int64_t limit) override;

 private:
  using RoundKey = std::pair<int64_t, int64_t>;  // round, attempt
  struct RunRows {
    std::map<RoundKey, RoundRecord> rounds;
    std::map<RoundKey, std::vector<const TaskRecord*>> tasks;  // in the order of their first Put
  };

  void Put(const RunRecord& record);
  void Put(const RoundRecord& record);
  void Put(const TaskRecord& record);
  void Put(const LiveTask& record) { Put(*record); }
  void Put(const SiteRecord& record);
  void Put(const EventRecord& record);
  void Put(const SmallVersion& record);
  void Put(const RemoveSmallVersions& record);
  void Put(const RemoveHistory& record);
  void FileUnder(const TaskRecord& task);
  void RemoveFrom(const TaskRecord& task);

  const std::string coordinator_id_;
  const int64_t kept_events_;
  std::map<std::string, RunRecord> runs_;
  std::map<std::string, SiteRecord> sites_;
  std::map<std::string, RunRows> rows_;  // by run
  // Nodes stay where they are, so that RunRows may point at them.
  std::unordered_map<int64_t, TaskRecord> tasks_;
  std::set<int64_t> unconfirmed_;
  int64_t largest_task_id_ = 0;
  std::deque<EventRecord> events_;
  std::map<std::pair<std::string, int64_t>, SmallVersion> small_versions_;
};

}  // namespace skerry::storage
