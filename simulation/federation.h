#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulation/client_host.h"
#include "simulation/coordinator_host.h"
#include "simulation/simulator.h"

namespace skerry::simulation {

// A coordinator and its sites over virtual time: one execution of one run.
class Federation {
 public:
  explicit Federation(SimulationOptions options);
  ~Federation();

  // Submits the run and starts every site.
  Status Start();
  // Until the run has ended and every site knows, or nothing more will come of it.
  Status Run();
  Result<SimulationResult> Collect();

 private:
  Status CheckRunFile() const;
  Status Submit();
  TaskTime TaskTimeOf(const std::string& site) const;
  void StartClient(const SimulatedSite& site, const std::string& source);
  bool Over();
  bool Settled();
  Status AdvanceTime();
  Snapshot SnapshotNow();
  Snapshot::Site SnapshotOf(const ClientHost& client, const coordinator::Run* run) const;
  Timeline FinishTimeline(const Evidence& evidence);
  void ReportRound();
  const coordinator::Run* TheRun();
  void CollectEvidence(Evidence& evidence);
  Status CollectRun(SimulationResult& result);

  SimulationOptions options_;
  coordinator::RunPlan plan_;  // with the simulation's sites as roster
  World world_;
  Evidence evidence_;
  std::vector<std::string> failures_;
  CoordinatorHost coordinator_;
  std::vector<std::unique_ptr<ClientHost>> clients_;
  std::string run_id_;
  int64_t reported_ = -1;
  bool gave_up_ = false;
  std::optional<Timestamp> ended_;
  int64_t steps_without_time_ = 0;
  TimelineRecorder recorder_;
  std::unique_ptr<ThreadPool> pool_;  // last: its threads end before what they use
};

}  // namespace skerry::simulation
