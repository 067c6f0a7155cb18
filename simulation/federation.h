#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulation/client_host.h"
#include "simulation/coordinator_host.h"
#include "simulation/simulator.h"

namespace skerry::simulation {

// A coordinator and its sites over virtual time: one execution of one run.
class Federation final : private coordinator::SitesOnCall {
 public:
  explicit Federation(SimulationOptions options);
  ~Federation() override;

  // Submits the run and starts every site.
  Status Start();
  // Until the run has ended and every site knows, or nothing more will come of it.
  Status Run();
  Result<SimulationResult> Collect();

 private:
  Status CheckRunFile() const;
  Status Submit();
  TaskTime TaskTimeOf(const std::string& site) const;
  bool Contains(const std::string& /*site*/) const override { return true; }
  void Call(const std::string& site) override;
  coordinator::CoordinatorOptions CoordinatorOptionsOf(const SimulationOptions& options);
  Status StartClient(std::size_t place);
  void LetIdleClientsRest();
  bool Over();
  bool Settled();
  Status AdvanceTime();
  Snapshot SnapshotNow();
  Snapshot::Site SnapshotOf(const ClientHost& client, const coordinator::Run* run) const;
  Timeline FinishTimeline(const Evidence& evidence);
  void ReportRound();
  void ReportModel(int64_t version);
  const coordinator::Run* TheRun();
  void CollectEvidence(Evidence& evidence);
  Status CollectRun(SimulationResult& result);

  SimulationOptions options_;
  coordinator::RunPlan plan_;  // with the simulation's sites as roster
  World world_;
  Evidence evidence_;
  std::vector<std::string> failures_;
  client::ModelCache models_;
  const bool side_by_side_;  // each site in a lane of its own
  CoordinatorHost coordinator_;
  std::vector<std::unique_ptr<ClientHost>> clients_;  // by place; null: the site is on call
  std::deque<std::size_t> called_;                    // sites with a client, the oldest first
  bool sites_keep_state_ = false;                     // and so none of them may rest
  uint64_t num_calls_ = 0;
  Status call_failed_;
  std::string run_id_;
  int64_t reported_ = -1;
  bool gave_up_ = false;
  std::optional<Timestamp> ended_;
  int64_t steps_without_time_ = 0;
  TimelineRecorder recorder_;
  std::unique_ptr<ThreadPool> pool_;  // last: its threads end before what they use
};

}  // namespace skerry::simulation
