#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/executor.h"
#include "client/task_runner.h"
#include "simulation/host.h"

namespace skerry::simulation {

// Virtual time that a site takes for a task, once it is known how many examples it trained on.
using TaskTime = std::function<Duration(const v1::Task&, int64_t num_examples)>;

// Runs trainers on threads (or, without a pool or in the host's own lane, at once), and lets
// virtual time pass for them: progress goes up bit by bit, and the result is there at the end. It
// works for the process that the host has when a task starts; when that dies, so does the work.
class SimulatedRunner final : public client::TaskRunner {
 public:
  // `pool` may be null. All must outlive it, and `pool` must end its work first.
  SimulatedRunner(World& world, Host& host, client::Trainer& trainer, ThreadPool* pool,
                  TaskTime task_time, const std::vector<Window>& stuck)
      : world_(world),
        host_(host),
        trainer_(trainer),
        pool_(pool),
        task_time_(std::move(task_time)),
        stuck_(stuck) {}

  void Start(std::shared_ptr<const client::WorkOrder> order,
             std::function<void(Result<client::WorkDone>)> done) override;

 private:
  struct Job;
  void Begin(const std::shared_ptr<Job>& job);
  void Tick(const std::shared_ptr<Job>& job, Timestamp due);
  void Finish(const std::shared_ptr<Job>& job);
  // When a trainer that stands still now goes on; nullopt: it does not stand still.
  std::optional<Timestamp> StuckUntil() const;

  World& world_;
  Host& host_;
  client::Trainer& trainer_;
  ThreadPool* const pool_;
  const TaskTime task_time_;
  const std::vector<Window>& stuck_;
};

}  // namespace skerry::simulation
