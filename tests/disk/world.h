#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/memory_files.h"
#include "base/status.h"
#include "crypto/digest.h"
#include "simulation/event_queue.h"
#include "testing/faulty_files.h"
#include "testing/files_vfs.h"
#include "testing/temp_dir.h"

// A small whole federation in virtual time, with a disk for each machine that does what a test
// says: the coordinator and the clients of a deployment over SQLite and files, ended by what would
// end their processes, and started again a second later, as a service manager does.
namespace skerry::coordinator {
class Run;
}

namespace skerry::disk {

constexpr const char* kCoordinator = "coordinator";

// A machine: its disk survives its processes.
struct Machine {
  std::string directory;
  MemoryFiles files;
  testing::DiskFaults faults;
};

class CoordinatorProcess;
class ClientProcess;

class World {
 public:
  explicit World(std::string run_file);
  ~World();

  Machine& machine(const std::string& name) { return *machines_.at(name); }
  const std::vector<std::string>& sites() const { return site_names_; }

  // Starts everything and goes on until the run has ended or waits for a person; an error when two
  // virtual hours do not suffice. Called again, it goes on from there. A disk that fails heals
  // `heal_after` its first failure.
  Status Run();
  Duration heal_after = std::chrono::seconds(30);

  // ---- What became of it ----
  bool completed() const;
  bool paused() const;  // and nobody but a person can make it go on
  // Of the newest version: its hash in the journal, which its file has.
  Result<std::string> ModelHash();
  void ResumeByHand();
  // Why processes ended: in their start, and later.
  struct Death {
    std::string machine;
    Status why;
    bool at_start = false;
  };
  const std::vector<Death>& deaths() const { return deaths_; }
  // Everything that anybody was told: why processes ended, why the run paused, what clients logged.
  const std::vector<std::string>& said() const { return said_; }
  bool Said(const std::string& text) const;
  // A death by a failed sync loses what was not synced.
  int num_power_losses() const { return num_power_losses_; }

 private:
  friend class CoordinatorProcess;
  friend class ClientProcess;

  void AddMachine(const std::string& name);
  void StartCoordinator();
  void StartClient(const std::string& site);
  void StartLater(const std::string& machine);
  void StepCoordinator();
  void Died(const std::string& machine, const Status& why, bool at_start = false);
  void HealWhatIsDue();
  const coordinator::Run* FindRun() const;
  void Say(const std::string& who, const std::string& text);

  // For locks and owners only; in memory, since a store syncs it.
  testing::TempDir directory_{"/dev/shm"};
  const std::string run_file_;
  testing::FilesVfs vfs_;
  ManualClock clock_{WallTime{1'700'000'000'000}};
  simulation::EventQueue queue_{clock_};
  std::vector<std::string> site_names_;
  std::map<std::string, std::unique_ptr<Machine>> machines_;
  std::map<std::string, Timestamp> heal_at_;
  std::unique_ptr<CoordinatorProcess> coordinator_;
  std::map<std::string, std::unique_ptr<ClientProcess>> clients_;
  // The dead: events for them may still be in the queue.
  std::vector<std::unique_ptr<CoordinatorProcess>> dead_coordinators_;
  std::vector<std::unique_ptr<ClientProcess>> dead_clients_;
  std::vector<Death> deaths_;
  std::vector<std::string> said_;
  std::string run_id_;
  int num_power_losses_ = 0;
};

}  // namespace skerry::disk
