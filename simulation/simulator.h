#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "client/native_trainer.h"
#include "coordinator/coordinator.h"
#include "coordinator/run.h"
#include "coordinator/run_plan.h"
#include "simulation/evidence.h"
#include "simulation/fault_plan.h"
#include "simulation/timeline.h"
#include "skerry/v1/admin.pb.h"

namespace skerry::simulation {

// A site of a simulated federation.
struct SimulatedSite {
  std::string name;
  client::RowReader rows;  // of whatever data source the run names
  // The same, for trainers that read data by themselves; absent: there is no such file.
  std::optional<client::DataSource> source = {};
};

struct SimulationOptions {
  coordinator::RunPlan plan;
  std::vector<SimulatedSite> sites;                    // in bytewise order of names
  std::unique_ptr<coordinator::Participants> history;  // replay exactly this; null: by the contract
  int num_threads = 1;                                 // that train; 0: on the calling thread
  // Without faults, a timeline or a trace, a site has a client only while it is at work, and some
  // time after: so many idle ones at most are kept, with the rows that they have read.
  int64_t max_idle_clients = 4096;
  std::string version;
  // Models up to this size travel inside their tasks.
  uint64_t inline_bytes = coordinator::CoordinatorOptions().inline_bytes;
  // What goes wrong, and how long work takes. With a plan, a pause that ends by itself is waited
  // out, and evidence is gathered.
  std::optional<FaultPlan> faults;
  bool timeline = false;  // record who did what when
  // Virtual time that a site takes for a task; null: as `faults` says, else a second each. May be
  // called on any thread.
  std::function<Duration(const std::string& site, const v1::Task&)> task_time;
  // For runs with external models: the trainers of every site.
  std::shared_ptr<client::ExternalTrainers> trainers = nullptr;
  // Makes what a site trains with instead of its own trainer, which it may call: for attacks. Null,
  // or a result that is null: its own. May be called on any thread.
  std::function<std::unique_ptr<client::Trainer>(const std::string& site, client::Trainer& own)>
      trainer_of = nullptr;
  // After each committed round, on the calling thread. False: stop the run.
  std::function<bool(const v1::RunSummary&, const v1::RoundSummary&)> on_round;
  // Gets each committed version, a safetensors file, on the calling thread; null: nobody does.
  std::function<void(int64_t version, const std::string& model)> on_model;
  // Gets a line for each thing of note; null: nobody wants to know.
  std::vector<std::string>* trace = nullptr;
};

struct SimulationResult {
  v1::RunSummary run;
  std::vector<v1::RoundSummary> rounds;
  std::string model;         // the newest version, a safetensors file; empty if there is none
  std::string history_json;  // as `skerry run export-history` gives it
  // What the sites' own logs say of tasks that failed: with the hints, which a coordinator never
  // sees.
  std::vector<std::string> failures;
  Duration virtual_time{0};
  bool gave_up = false;  // the run had not ended when the plan's limit was reached
  Evidence evidence;     // with a fault plan
  Timeline timeline;     // if it was asked for
};

// Runs a whole federation in this process: the coordinator and clients of a deployment, over
// virtual time and memory, with the faults that are asked for. Trainers run on threads; everything
// else on the calling one. The same options give the same result and the same trace, bit for bit,
// with any number of threads. Errors are those of the run's submission; a run that pauses or fails
// is a result, with its reason.
Result<SimulationResult> Simulate(SimulationOptions options);

}  // namespace skerry::simulation
