#include "client/external/external_trainers.h"

#include <filesystem>
#include <utility>

#include "base/text.h"
#include "client/external/trainer_task.h"

namespace skerry::client {

ExternalTrainers::ExternalTrainers(TrainerPrograms programs, ExternalTrainersOptions options)
    : programs_(std::move(programs)), options_(std::move(options)) {}

ExternalTrainers::~ExternalTrainers() {
  MutexLock lock(mutex_);
  idle_.clear();
  std::error_code ignored;
  if (folder_is_there_) std::filesystem::remove_all(options_.folder, ignored);
}

Status ExternalTrainers::PrepareFolder() {
  MutexLock lock(mutex_);
  if (folder_is_there_) return OkStatus();
  std::error_code ignored;
  std::filesystem::remove_all(options_.folder, ignored);
  SKERRY_RETURN_IF_ERROR(files_.MakeDirectories(options_.folder));
  folder_is_there_ = true;
  return OkStatus();
}

std::string ExternalTrainers::NewPath(const std::string& what) {
  MutexLock lock(mutex_);
  return options_.folder + "/" + what + "-" + std::to_string(++paths_);
}

Result<const TrainerProgram*> ExternalTrainers::Find(const std::string& name) const {
  const auto found = programs_.find(name);
  if (found != programs_.end()) return &found->second;
  std::vector<std::string> names;
  for (const auto& [known, program] : programs_) names.push_back(known);
  return PermissionDenied("the run asks for the trainer \"" + name + "\"; this site has " +
                          (names.empty() ? "none" : Join(names, ", ")))
      .WithHint("to allow it, add [trainer." + name + "] with its command and sha256");
}

Result<std::unique_ptr<TrainerWorker>> ExternalTrainers::Take(const TrainerProgram& program,
                                                              bool fresh) {
  while (!fresh) {
    std::unique_ptr<TrainerWorker> worker;
    {
      MutexLock lock(mutex_);
      auto& idle = idle_[program.name];
      if (idle.empty()) break;
      worker = std::move(idle.back());
      idle.pop_back();
    }
    // One that runs on is checked again too: what the site's people take back must not go on.
    SKERRY_RETURN_IF_ERROR(CheckApproved(files_, program));
    if (worker->IsReady()) return worker;
  }
  return TrainerWorker::Start(files_, program, NewPath(program.name), options_.log);
}

void ExternalTrainers::GiveBack(const TrainerProgram& program,
                                std::unique_ptr<TrainerWorker> worker) {
  if (!worker->IsReady()) return;
  MutexLock lock(mutex_);
  auto& idle = idle_[program.name];
  if (static_cast<int>(idle.size()) < options_.max_idle) idle.push_back(std::move(worker));
}

Result<WorkDone> ExternalTrainers::Work(const WorkOrder& order, const TrainersSite& site,
                                        RunData& run) {
  SKERRY_ASSIGN_OR_RETURN(const TrainerProgram* program,
                          Find(order.spec->model().external().trainer()));
  SKERRY_RETURN_IF_ERROR(PrepareFolder());
  TrainerTalk talk(*this, *program, order.stop);
  return TrainerTaskWork(order, site, options_.models_folder, files_, talk, run).Do();
}

// ---- One task's talk with a trainer ------------------------------------------------------------

TrainerTalk::TrainerTalk(ExternalTrainers& trainers, const TrainerProgram& program,
                         std::stop_token stop)
    : trainers_(trainers),
      program_(program),
      stop_(std::move(stop)),
      deadline_(std::chrono::steady_clock::now() + program.time_limit),
      folder_(trainers.NewPath("task")) {}

TrainerTalk::~TrainerTalk() {
  if (worker_ != nullptr) trainers_.GiveBack(program_, std::move(worker_));
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string TrainerTalk::NewPath(const std::string& what) { return trainers_.NewPath(what); }

Result<TrainerDone> TrainerTalk::Ask(const TrainerTask& task, WorkProgress& progress) {
  for (bool fresh = false;; fresh = true) {
    if (worker_ == nullptr) {
      SKERRY_ASSIGN_OR_RETURN(worker_, trainers_.Take(program_, fresh));
    }
    const bool has_waited = worker_->num_asked() > 0;
    Result<TrainerDone> done = worker_->Ask(task, deadline_, stop_, progress);
    if (done.ok()) return done;
    const bool left = has_waited && worker_->left_quietly();
    worker_.reset();
    if (!left) return done;  // another may have gone home in the meantime; a new one has not
  }
}

}  // namespace skerry::client
