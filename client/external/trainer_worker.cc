#include "client/external/trainer_worker.h"

#include <filesystem>
#include <utility>

#include "base/failpoint.h"
#include "base/text.h"

namespace skerry::client {
namespace {

constexpr int kMostLoggedLines = 200;  // of a task
constexpr std::size_t kLastErrors = 20;

std::string Called(const std::string& name) { return "this site's trainer \"" + name + "\""; }

ChildOptions OptionsOf(const TrainerProgram& program, const std::string& folder) {
  ChildOptions options;
  options.command = program.command;
  options.directory = folder;
  options.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"},
                         {"HOME", folder},
                         {"TMPDIR", folder},
                         {"LANG", "C.UTF-8"}};
  for (const auto& [name, value] : program.environment) options.environment[name] = value;
  options.memory_limit = program.memory_limit;
  return options;
}

}  // namespace

TrainerWorker::TrainerWorker(std::string name, Duration time_limit, std::string folder, Log log)
    : name_(std::move(name)),
      time_limit_(time_limit),
      folder_(std::move(folder)),
      log_(std::move(log)) {}

Result<std::unique_ptr<TrainerWorker>> TrainerWorker::Start(Files& files,
                                                            const TrainerProgram& program,
                                                            const std::string& folder, Log log) {
  SKERRY_RETURN_IF_ERROR(CheckApproved(files, program));
  SKERRY_RETURN_IF_ERROR(files.MakeDirectories(folder));
  auto worker = std::unique_ptr<TrainerWorker>(
      new TrainerWorker(program.name, program.time_limit, folder, std::move(log)));
  ChildOptions options = OptionsOf(program, std::filesystem::absolute(folder).string());
  options.on_error_line = [self = worker.get()](std::string_view line) {
    self->TakeErrorLine(line);
  };
  Result<std::unique_ptr<ChildProcess>> child = ChildProcess::Start(options);
  if (!child.ok()) {
    return Status(child.status().code(), Called(program.name) + " cannot be started")
        .WithHint(child.status().message());
  }
  worker->child_ = *std::move(child);
  return worker;
}

TrainerWorker::~TrainerWorker() {
  child_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void TrainerWorker::TakeErrorLine(std::string_view line) {
  last_errors_.emplace_back(line);
  if (last_errors_.size() > kLastErrors) last_errors_.pop_front();
  if (++lines_logged_ > kMostLoggedLines || !log_) return;
  log_("trainer " + name_ + ": " + std::string(line));
  if (lines_logged_ == kMostLoggedLines) {
    log_("trainer " + name_ + ": what else it says during this task is not logged");
  }
}

std::string TrainerWorker::LastErrors() const {
  if (last_errors_.empty()) return "it wrote nothing to its standard error";
  const std::vector<std::string> lines(last_errors_.begin(), last_errors_.end());
  return "its last words: " + Join(lines, " | ");
}

bool TrainerWorker::IsReady() { return has_answered_ && child_->IsQuiet(); }

Result<TrainerDone> TrainerWorker::Ask(const TrainerTask& task, ChildProcess::Deadline deadline,
                                       const std::stop_token& stop, WorkProgress& progress) {
  has_answered_ = false;
  lines_logged_ = 0;
  last_errors_.clear();
  ++num_asked_;
  child_->Send(ToLine(task));
  for (bool has_said_something = false;; has_said_something = true) {
    Result<std::optional<std::string>> line = child_->NextLine(deadline, stop);
    if (!line.ok()) return WhatWentWrong(line.status());
    if (!line->has_value()) return Ended(has_said_something);
    Result<TrainerMessage> message = ParseTrainerMessage(**line);
    if (!message.ok()) return NotOfProtocol(message.status(), **line);
    if (const auto* step = std::get_if<TrainerProgress>(&*message)) {
      SKERRY_FAILPOINT("client/training-step");
      progress.total.store(step->total, std::memory_order_relaxed);
      progress.done.store(step->done, std::memory_order_relaxed);
      continue;
    }
    has_answered_ = true;
    if (const auto* failure = std::get_if<TrainerFailure>(&*message)) {
      return FailedPrecondition(Called(name_) +
                                " cannot do the task; its reason stands in this "
                                "site's log")
          .WithHint("it says: " + Printable(failure->message));
    }
    return std::get<TrainerDone>(*std::move(message));
  }
}

Status TrainerWorker::WhatWentWrong(const Status& status) const {
  switch (status.code()) {
    case Code::kCancelled:
      return status;
    case Code::kDeadlineExceeded:
      return DeadlineExceeded(Called(name_) + " took longer than its time_limit, " +
                              FormatDuration(time_limit_) + ", and was killed")
          .WithHint("trainer." + name_ + ".time_limit in agent.toml; " + LastErrors());
    default:
      return NotOfProtocol(status, "");
  }
}

Status TrainerWorker::Ended(bool has_said_something) {
  const std::string words = child_->End();
  left_quietly_ = !has_said_something && child_->ended_well();
  return Internal(Called(name_) + " did not finish its task: " + words).WithHint(LastErrors());
}

Status TrainerWorker::NotOfProtocol(const Status& why, const std::string& line) const {
  const std::string said = line.empty() ? why.hint() : "it is: " + line.substr(0, 500);
  return Internal(Called(name_) + " wrote a line that is not of the protocol (" + why.message() +
                  "), and was killed")
      .WithHint((said.empty() ? "the line is empty" : Printable(said)) + "; " + LastErrors());
}

}  // namespace skerry::client
