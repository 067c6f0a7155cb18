#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/coordinator.h"
#include "simulation/host.h"
#include "simulation/host_stores.h"
#include "storage/memory_journal.h"

namespace skerry::simulation {

// The machine of the coordinator. Its process does what the daemon does: it runs tasks, commits
// once they have run, waits for room on a full disk, and ends when a step fails that must not.
class CoordinatorHost final : public Host {
 public:
  // `compute_lane`: in which its other threads work, when they take no time.
  CoordinatorHost(World& world, coordinator::CoordinatorOptions options,
                  Lane compute_lane = kCommonLane);
  ~CoordinatorHost() override;

  using Task = std::function<void(coordinator::Coordinator&)>;
  // A task for the loop of the process that `life` belongs to. Waits while the disk is full.
  template <class AnyTask>
  void Call(const std::shared_ptr<const Life>& life, AnyTask&& task) {
    if (life != this->life() || !life->alive) return;
    if (waits_for_room_) return backlog_.push_back(std::forward<AnyTask>(task));
    // By value: a machine that sleeps does it later.
    Run(life, [this, task = std::forward<AnyTask>(task)]() mutable { task(*coordinator_); });
  }
  // Runs what is due, commits, lets go.
  void Flush();
  // In the world's time; nullopt: nothing, or nobody is there.
  std::optional<Timestamp> NextDue() const;

  // Null while it is down.
  coordinator::Coordinator* coordinator() const { return up() ? coordinator_.get() : nullptr; }
  storage::MemoryJournal& journal() { return journal_; }
  bool waits_for_room() const { return waits_for_room_; }
  uint64_t NewCallId() { return ++last_call_id_; }

 private:
  class Loop;
  class Compute;

  Status Boot() override;
  void Bury() override;
  void AfterStep() override {}
  std::string FolderOfResults() const override { return options_.state_dir + "/spool"; }
  void RunBacklog();
  void Heard(const storage::EventRecord& event);

  const coordinator::CoordinatorOptions options_;
  const Lane compute_lane_;
  storage::MemoryJournal journal_{"simulation"};
  InlineExecutor inline_executor_;
  std::unique_ptr<HostFiles> files_;
  std::unique_ptr<HostJournal> host_journal_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Compute> compute_;
  std::unique_ptr<coordinator::Coordinator> coordinator_;
  std::vector<Task> backlog_;  // for when there is room again
  bool waits_for_room_ = false;
  Timestamp next_try_;
  uint64_t last_call_id_ = 0;
};

}  // namespace skerry::simulation
