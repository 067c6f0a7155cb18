#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/files.h"
#include "base/status.h"
#include "client/external/child_process.h"
#include "client/external/trainer_message.h"
#include "client/external/trainer_program.h"
#include "client/task_runner.h"

namespace skerry::client {

// A running trainer, in a folder of its own that goes with it. One task at a time.
class TrainerWorker {
 public:
  using Log = std::function<void(const std::string& line)>;

  // Checks that the program is the approved one (PERMISSION_DENIED), and starts it in `folder`.
  static Result<std::unique_ptr<TrainerWorker>> Start(Files& files, const TrainerProgram& program,
                                                      const std::string& folder, Log log);
  ~TrainerWorker();
  TrainerWorker(const TrainerWorker&) = delete;
  TrainerWorker& operator=(const TrainerWorker&) = delete;

  // Gives it a task and waits. CANCELLED when stopped, DEADLINE_EXCEEDED at the deadline, INTERNAL
  // when it ends instead of answering, or says what is not of the protocol; FAILED_PRECONDITION
  // when it says that it cannot do the task. What it said itself, and its last errors, stand in the
  // hint.
  Result<TrainerDone> Ask(const TrainerTask& task, ChildProcess::Deadline deadline,
                          const std::stop_token& stop, WorkProgress& progress);
  // It can be given another task: it has answered its last one, is there, and says nothing.
  bool IsReady();
  // It ended by itself, in order, before it said anything about its task: it may have waited for
  // long.
  bool left_quietly() const { return left_quietly_; }
  int num_asked() const { return num_asked_; }
  int pid() const { return child_->pid(); }

 private:
  TrainerWorker(std::string name, Duration time_limit, std::string folder, Log log);
  void TakeErrorLine(std::string_view line);
  std::string LastErrors() const;
  Status WhatWentWrong(const Status& status) const;
  Status Ended(bool has_said_something);
  Status NotOfProtocol(const Status& why, const std::string& line) const;

  const std::string name_;
  const Duration time_limit_;
  const std::string folder_;
  const Log log_;
  std::unique_ptr<ChildProcess> child_;
  std::deque<std::string> last_errors_;
  int lines_logged_ = 0;
  int num_asked_ = 0;
  bool has_answered_ = true;
  bool left_quietly_ = false;
};

}  // namespace skerry::client
