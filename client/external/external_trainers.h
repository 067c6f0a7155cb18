#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/mutex.h"
#include "base/status.h"
#include "client/data/table.h"
#include "client/external/trainer_program.h"
#include "client/external/trainer_worker.h"
#include "client/run_data.h"
#include "client/site_policy.h"
#include "client/task_runner.h"

namespace skerry::client {

// Whose task a trainer works on.
struct TrainersSite {
  std::string name;
  const DataSource* source = nullptr;  // that the run reads; null: only its rows are known
  const SitePolicy* policy = nullptr;
};

struct ExternalTrainersOptions {
  // A folder of this object's own, made when it is needed and removed in the end. What is in it
  // before is removed.
  std::string folder;
  int max_idle = 1;  // so many processes of a trainer stay there between tasks
  // Where the session keeps the versions that it downloads, as HASH.safetensors, for trainers to
  // read there; "": they are copied.
  std::string models_folder = {};
  std::function<void(const std::string& line)> log = {};  // what trainers say; on any thread
};

// The trainers of a site's own (or, in a simulation, of all sites): programs that are started when
// a task needs them, and kept for later tasks of any run. Thread-safe.
class ExternalTrainers {
 public:
  ExternalTrainers(TrainerPrograms programs, ExternalTrainersOptions options);
  ~ExternalTrainers();
  ExternalTrainers(const ExternalTrainers&) = delete;
  ExternalTrainers& operator=(const ExternalTrainers&) = delete;

  // A task of a run with an external model, but for the sums of its inputs. `run` has the rows,
  // unless the trainer reads them itself. Errors as for Trainer::Run.
  Result<WorkDone> Work(const WorkOrder& order, const TrainersSite& site, RunData& run);

 private:
  friend class TrainerTalk;

  Status PrepareFolder();
  std::string NewPath(const std::string& what);
  Result<const TrainerProgram*> Find(const std::string& name) const;
  // One that waits for work, or a new one.
  Result<std::unique_ptr<TrainerWorker>> Take(const TrainerProgram& program, bool fresh);
  void GiveBack(const TrainerProgram& program, std::unique_ptr<TrainerWorker> worker);

  const TrainerPrograms programs_;
  const ExternalTrainersOptions options_;
  PosixFiles files_;
  Mutex mutex_;
  bool folder_is_there_ SKERRY_GUARDED_BY(mutex_) = false;
  int64_t paths_ SKERRY_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::vector<std::unique_ptr<TrainerWorker>>> idle_
      SKERRY_GUARDED_BY(mutex_);
};

}  // namespace skerry::client
