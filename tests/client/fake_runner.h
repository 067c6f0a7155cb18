#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/task_runner.h"

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

}  // namespace skerry::client
