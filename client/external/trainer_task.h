#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/status.h"
#include "client/external/external_trainers.h"
#include "client/external/trainer_message.h"
#include "client/result_writer.h"
#include "learning/layout.h"

namespace skerry::client {

// What one task says to a trainer, within the trainer's time limit, and a folder for the files that
// the two exchange, which goes with it.
class TrainerTalk {
 public:
  TrainerTalk(ExternalTrainers& trainers, const TrainerProgram& program, std::stop_token stop);
  ~TrainerTalk();
  TrainerTalk(const TrainerTalk&) = delete;
  TrainerTalk& operator=(const TrainerTalk&) = delete;

  // A trainer that waited for work and has gone in the meantime is replaced by a new one.
  Result<TrainerDone> Ask(const TrainerTask& task, WorkProgress& progress);
  const std::string& name() const { return program_.name; }
  const std::string& folder() const { return folder_; }  // not made yet
  std::string NewPath(const std::string& what);          // for what outlives the task

 private:
  ExternalTrainers& trainers_;
  const TrainerProgram& program_;
  const std::stop_token stop_;
  const ChildProcess::Deadline deadline_;
  const std::string folder_;
  std::unique_ptr<TrainerWorker> worker_;
};

// A site's work on one task of a run with an external model.
class TrainerTaskWork {
 public:
  // Borrows everything.
  TrainerTaskWork(const WorkOrder& order, const TrainersSite& site,
                  const std::string& models_folder, Files& files, TrainerTalk& talk, RunData& run);
  Result<WorkDone> Do();

 private:
  Result<WorkDone> Begin(ResultWriter& writer);
  Result<WorkDone> Train(ResultWriter& writer);
  // The number of examples that may be told and that the evaluation rests on.
  Result<int64_t> Evaluate(ResultWriter& writer);
  Result<int64_t> WriteScores(const std::vector<std::string>& asked, const TrainerDone& done,
                              ResultWriter& writer);
  Status CheckScore(const std::string& split, const TrainerScore& score) const;
  Result<std::string> ModelPath();
  Status PrepareRows();
  TrainerTask NewTask(const std::string& what) const;
  Result<int64_t> NumExamples(const TrainerDone& done) const;
  Result<std::vector<float>> ReadOutput() const;
  std::vector<std::string> SplitsToTell() const;
  Status Trainers(const std::string& what) const;
  bool has_rows() const { return run_.data != nullptr; }

  const WorkOrder& order_;
  const TrainersSite& site_;
  const std::string& models_folder_;
  Files& files_;
  TrainerTalk& talk_;
  RunData& run_;
  const std::size_t num_inputs_;
  learning::Layout tensors_;
  std::string model_;   // path
  std::string output_;  // path
};

}  // namespace skerry::client
