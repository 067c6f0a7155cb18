#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/memory_files.h"
#include "client/session.h"
#include "client/task_runner.h"
#include "storage/client_store.h"

// What stands around a session in a test, beside the coordinator.
namespace skerry::client {

// Takes work and does nothing with it until a test says what came of it.
class FakeRunner final : public TaskRunner {
 public:
  struct Job {
    std::shared_ptr<const WorkOrder> order;
    std::function<void(Result<WorkDone>)> done;
  };

  void Start(std::shared_ptr<const WorkOrder> order,
             std::function<void(Result<WorkDone>)> done) override {
    jobs.push_back({std::move(order), std::move(done)});
  }

  // The newest job ends.
  void Finish(const std::string& result, WorkDone done) {
    const Status written = jobs.back().order->result->WriteAt(0, result);
    End(jobs.size() - 1,
        written.ok() ? Result<WorkDone>(std::move(done)) : Result<WorkDone>(written));
  }
  void Fail(Status reason) { End(jobs.size() - 1, std::move(reason)); }
  void End(std::size_t i, Result<WorkDone> done) {
    ASSERT_LT(i, jobs.size());
    ASSERT_NE(jobs[i].done, nullptr) << "a job ends once, and not after its process";
    std::exchange(jobs[i].done, nullptr)(std::move(done));
  }
  // Their process is dead.
  void Forget() {
    for (Job& job : jobs) job.done = nullptr;
  }

  const WorkOrder& last() const { return *jobs.at(jobs.size() - 1).order; }

  std::vector<Job> jobs;  // ever started
};

// Files in memory, on a disk that can be full: then nothing is written or made.
class FailingDisk final : public Files {
 public:
  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  Status Rename(const std::string& from, const std::string& to) override {
    return memory.Rename(from, to);
  }
  Status Remove(const std::string& path) override { return memory.Remove(path); }
  Status MakeDirectories(const std::string& path) override { return memory.MakeDirectories(path); }
  Status SyncDirectory(const std::string& path) override { return memory.SyncDirectory(path); }
  Result<std::vector<std::string>> List(const std::string& directory) override {
    return memory.List(directory);
  }

  Result<uint64_t> FreeBytes(const std::string& /*directory*/) override {
    const Result<std::vector<std::string>> spares = memory.List("state/spares");
    const bool some = spares.ok() && !spares->empty();
    return some ? free_bytes : free_bytes + freed_by_spares;
  }

  MemoryFiles memory;
  bool full = false;
  uint64_t free_bytes = std::numeric_limits<uint64_t>::max();
  uint64_t freed_by_spares = 0;  // so many more when none of them is left
};

// A store whose commits fail with `failure` when there is one. What it has stays.
class FailingStore final : public storage::ClientStore {
 public:
  explicit FailingStore(storage::ClientStore& store) : store_(store) {}
  Result<storage::ClientSnapshot> Load() override { return store_.Load(); }
  Status Commit(const std::vector<storage::ClientRecord>& records) override {
    ++commits;
    return failure.ok() ? store_.Commit(records) : failure;
  }

  Status failure;
  int commits = 0;  // that were tried

 private:
  storage::ClientStore& store_;
};

// What a session told its observer.
struct Diary final : SessionObserver {
  void Say(const std::string& line) override { lines.push_back(line); }
  void HealthChanged(const Status& health) override { healths.push_back(health); }
  bool listens() const override { return listening; }
  bool wants_every_task() const override { return every_task; }

  bool listening = true;
  bool every_task = false;
  std::vector<std::string> lines;
  std::vector<Status> healths;
};

}  // namespace skerry::client
