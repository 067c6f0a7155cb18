#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/memory_files.h"
#include "simulation/host_clock.h"
#include "simulation/host_files.h"
#include "simulation/world.h"

namespace skerry::simulation {

// A machine with one process on it, which may die at any step and begins again over what its disk
// kept. Derived classes say what the process is. For the simulation's thread.
class Host {
 public:
  // `faults` must outlive it. Whatever the machine does by itself happens in `lane`.
  Host(World& world, std::string name, const MachineFaults& faults, Lane lane = kCommonLane);
  virtual ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // Begins the first process, and what the plan has in store. Errors are those of Boot.
  Status Start();
  // Ends the process at once; another begins after `down`.
  void Kill(Duration down, bool power_loss, std::string_view why);
  // Makes room on the disk and, if there is none, begins a process now, whatever the plan says.
  Status Revive();

  const std::string& name() const { return name_; }
  bool up() const { return life_ != nullptr && life_->alive; }
  bool asleep() const { return clock_.asleep(); }
  bool disk_full() const { return troubles_.full; }
  // Of the present process, or the last.
  const std::shared_ptr<Life>& life() const { return life_; }
  const HostClock& clock() const { return clock_; }
  Lane lane() const { return lane_; }
  int64_t deaths() const { return deaths_; }

  // Runs `step` as a step of the process that `life` belongs to; not at all when that is dead,
  // later when the machine sleeps. Afterwards the process does what it does after each step.
  template <class Step>
  void Run(const std::shared_ptr<const Life>& life, Step&& step) {
    if (life != life_ || !life->alive) return;
    if (asleep()) return Postpone(life, std::forward<Step>(step));
    ++depth_;
    step();
    EndStep(life);
  }

  // Called after each death, when the process' objects are gone.
  std::function<void(bool power_loss)> on_death;

 protected:
  // A new process over what the disk kept. An error that is not its own death is tried again later
  // when it is RESOURCE_EXHAUSTED, and else stands in the world's complaints.
  virtual Status Boot() = 0;
  // Destroys the objects of a process that is dead.
  virtual void Bury() = 0;
  // What survives a death forgets what was not synced.
  virtual void LosePower(RandomStream& /*chance*/) {}
  virtual void AfterStep() = 0;

  World& world() { return world_; }
  HostClock& own_clock() { return clock_; }
  MemoryFiles& disk() { return disk_; }
  const DiskTroubles& troubles() const { return troubles_; }
  RandomStream& chance() { return chance_; }
  // Folder of files in which bits may flip while nobody looks.
  virtual std::string FolderOfResults() const = 0;

 private:
  void Postpone(const std::shared_ptr<const Life>& life, std::function<void()> step);
  void EndStep(const std::shared_ptr<const Life>& life);
  Status TryBoot();
  void BeginProcess();
  bool Survives();
  void Reap();
  void FlipBit();
  void PlanTheFuture();
  void PlanNextCrash();
  void During(const std::vector<Window>& windows, std::function<void(bool)> change);

  World& world_;
  const std::string name_;
  const MachineFaults& faults_;
  const Lane lane_;
  HostClock clock_;
  RandomStream chance_;
  MemoryFiles disk_;
  DiskTroubles troubles_;
  std::shared_ptr<Life> life_;
  std::vector<std::function<void()>> asleep_steps_;
  int depth_ = 0;            // of steps within steps
  Duration down_{0};         // how long the machine stays down after the present death
  bool power_lost_ = false;  // in that death
  bool buried_ = true;
  bool boots_at_wake_ = false;
  int64_t deaths_ = 0;
};

}  // namespace skerry::simulation
