#include "coordinator/run.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/failpoint.h"
#include "base/text.h"
#include "crypto/sha256.h"

namespace skerry::coordinator {
namespace {

using storage::RunState;
using storage::TaskState;

constexpr Duration kLookForRoomEvery = 2s;

// An asynchronous run keeps versions that are not older than that.
Status CheckBase(int64_t round, const std::string& site, int64_t base, const RunPlan& plan) {
  const std::string label = "the history lets " + site + " begin its update of round " +
                            std::to_string(round) + " with version " + std::to_string(base);
  if (!plan.spec.training().has_async()) {
    return InvalidArgument(label + ", but training.strategy = \"" +
                           plan.spec.training().strategy() + "\" is not asynchronous");
  }
  const int64_t max_staleness = plan.spec.training().async().max_staleness();
  if (base < round && round - 1 - base <= max_staleness &&
      round <= plan.spec.training().num_rounds()) {
    return OkStatus();
  }
  return InvalidArgument(label + "; training.async.max_staleness is " +
                         std::to_string(max_staleness));
}

Status CheckReplay(const Participants& replay, const RunPlan& plan,
                   const std::vector<std::string>& roster) {
  std::set<std::string> missing;
  for (const auto& [round, participants] : replay) {
    for (const auto& [site, base] : participants) {
      if (!std::binary_search(roster.begin(), roster.end(), site)) missing.insert(site);
      if (base >= 0) SKERRY_RETURN_IF_ERROR(CheckBase(round, site, base, plan));
    }
  }
  if (missing.empty()) return OkStatus();
  return InvalidArgument("the history counts sites that are not here: " +
                         Join(std::vector<std::string>(missing.begin(), missing.end()), ", "))
      .WithHint("a replay needs the data of every site that was counted: see --sites");
}

}  // namespace

Result<std::unique_ptr<Run>> Run::Create(RunHost& host, RunPlan plan, storage::RunRecord record,
                                         std::unique_ptr<Participants> replay) {
  SKERRY_ASSIGN_OR_RETURN(const Contract contract, MakeContract(plan.participation, record.sites));
  if (replay != nullptr) SKERRY_RETURN_IF_ERROR(CheckReplay(*replay, plan, record.sites));
  SKERRY_ASSIGN_OR_RETURN(auto program, learning::MakeProgram(plan.spec));
  SKERRY_RETURN_IF_ERROR(CheckRule(*program, contract));
  return std::unique_ptr<Run>(new Run(host, std::move(plan), std::move(record), std::move(program),
                                      contract, std::move(replay)));
}

Run::Run(RunHost& host, RunPlan plan, storage::RunRecord record,
         std::shared_ptr<const learning::Program> program, Contract contract,
         std::unique_ptr<Participants> replay)
    : host_(host),
      plan_(std::move(plan)),
      spec_bytes_(plan_.spec.SerializeAsString()),
      spec_sha256_(crypto::Sha256(spec_bytes_).view()),
      program_(std::move(program)),
      contract_(std::move(contract)),
      replay_(std::move(replay)),
      record_(std::move(record)),
      track_(NeedsTrackRecord(plan_.participation.selection)
                 ? std::make_shared<TrackRecord>(record_.sites.size())
                 : nullptr),
      kept_versions_(plan_.keep),
      kept_updates_(plan_.keep.updates),
      change_(static_cast<uint64_t>(host.WallNow().unix_millis)) {}

std::vector<std::string> Run::Warnings() const {
  std::vector<std::string> warnings;
  const std::string weakness = program_->strategy().aggregator().WeaknessOf(contract_.quorum);
  if (!weakness.empty()) {
    warnings.push_back("participation.quorum is " + std::to_string(contract_.quorum) + ": " +
                       weakness);
  }
  const v1::EvaluationSpec& evaluation = plan_.spec.evaluation();
  const bool stops = evaluation.has_early_stopping();
  if (contract_.draws && (stops || !evaluation.best_metric().empty())) {
    const char* const what = stops ? "evaluation.early_stopping" : "evaluation.best_metric";
    warnings.push_back(std::string(what) +
                       " compares rounds in which different sites are drawn: versions are measured "
                       "on the rows of the sites that train from them, not of all");
  }
  return warnings;
}

void Run::Start() {
  LookWhoIsConnected();
  StageRun();
  Note("run_submitted", std::to_string(record_.sites.size()) + " sites in the roster");
  SKERRY_FAILPOINT("coordinator/run-submitted");
  BeginNextRound();
}

// ---- How it ends, pauses and goes on -----------------------------------------------------------

void Run::FinishRun() {
  std::string reason = program_->WhyFinished(history_);
  if (!record_.degraded) return End(RunState::kCompleted, reason);
  if (!reason.empty()) reason += "; ";
  End(RunState::kCompletedDegraded, reason + "rounds closed without " + AbsencesByRounds());
}

void Run::End(RunState state, const std::string& reason) {
  record_.state = state;
  record_.reason = reason;
  record_.hint.clear();
  record_.ended = host_.WallNow();
  if (state != RunState::kCompleted && state != RunState::kCompletedDegraded) CloseTasks({});
  SKERRY_FAILPOINT("coordinator/run-ends");
  StageRun();
  Note("run_" + std::string(Name(state)), reason);
  ++change_;
  host_.RunEnded(*this);
}

void Run::Pause(const std::string& reason, const std::string& hint, bool resumes_itself) {
  record_.state = RunState::kPaused;
  record_.reason = reason;
  record_.hint = hint;
  resumes_itself_ = resumes_itself;
  StageRun();
  Note("run_paused", reason);
  ++change_;
}

void Run::Unpause() {
  record_.state = RunState::kRunning;
  record_.reason.clear();
  record_.hint.clear();
  resumes_itself_ = false;
  look_for_room_at_.reset();
  StageRun();
}

// A full disk is not worth a round: the step that met it is tried again until there is room.
void Run::WaitForRoom(const Status& full) {
  look_for_room_at_ = host_.Now() + kLookForRoomEvery;
  if (paused()) return;
  Pause(std::string(kDiskFull) + ": " + full.message(),
        "it goes on by itself when there is room; nothing is lost", false);
}

// A pause for want of sites ends when they are back: enough of them, and all that are required.
void Run::MaybeResume() {
  if (!paused() || !resumes_itself_) return;
  const std::vector<Seat> seats = SeatsNow();
  int64_t there = 0;
  for (std::size_t place = 0; place < seats.size(); ++place) {
    const bool here = seats[place] == Seat::kReady || seats[place] == Seat::kInvited ||
                      seats[place] == Seat::kReported;
    if (!here && place < policy_.required.size() && policy_.required[place]) return;
    if (here) ++there;
  }
  if (there < std::max(policy_.min_sites, policy_.quorum)) return;
  Note("run_resumed", "enough sites are back");
  BeginAttempt(state_.attempt + 1, seats);
}

Status Run::Stop() {
  if (ended()) {
    return FailedPrecondition("run " + record_.run_id +
                              " has ended: " + std::string(Name(record_.state)))
        .WithHint("there is nothing to stop; its newest model can still be exported");
  }
  if (!initializing_ && spec_) Feed(coordinator::Stop{});
  initializing_ = false;
  End(RunState::kStopped, "stopped by an operator");
  return OkStatus();
}

Status Run::Resume() {
  if (!paused()) {
    return FailedPrecondition("run " + record_.run_id + " is not paused but " +
                              std::string(Name(record_.state)))
        .WithHint(ended() ? "a run that has ended cannot go on; submit its run file again"
                          : "skerry run show " + record_.run_id + " says what it waits for");
  }
  if (record_.reason.starts_with(kDiskFull)) {
    // Only the step that met the full disk is to be repeated, and it may be under way.
    if (look_for_room_at_) look_for_room_at_ = host_.Now();
    return OkStatus();
  }
  if (base_) SKERRY_RETURN_IF_ERROR(host_.VerifyVersion(record_.run_id, *base_));
  Note("run_resumed", "by an operator");
  ForgetFailures();
  if (!spec_ || round_.kind == "initialize") {
    record_.state = RunState::kPending;
    record_.reason.clear();
    record_.hint.clear();
    StageRun();
    BeginNextRound();
  } else {
    BeginAttempt(state_.attempt + 1, SeatsNow());
  }
  return OkStatus();
}

// Their sites get new tasks, also when this process ends before they have asked for one.
void Run::ForgetFailures() {
  for (auto entry = slots_.begin(); entry != slots_.end();) {
    storage::TaskRecord& task = entry->second.record();
    if (task.state != TaskState::kFailed) {
      ++entry;
      continue;
    }
    task.outcome = storage::Outcome::kDiscarded;
    task.outcome_reason = "the run was resumed";
    task.outcome_confirmed = true;
    host_.StageTask(entry->second.row);
    host_.ForgetTask(task.task_id);
    entry = slots_.erase(entry);
  }
}

// ---- Journal -----------------------------------------------------------------------------------

void Run::StageRun() { host_.Stage(record_); }

void Run::StageRound() {
  round_.phase = Name(state_.phase);
  round_.elapsed = state_.elapsed;
  round_.phase_elapsed = state_.phase_elapsed;
  if (IsFinal(state_.phase)) round_.ended = host_.WallNow();
  last_persisted_ = host_.Now();
  host_.Stage(round_);
}

void Run::Note(std::string code, std::string message, const std::string& site) {
  host_.Stage(storage::EventRecord{host_.WallNow(), record_.run_id, spec_ ? spec_->round : -1, site,
                                   std::move(code), std::move(message)});
}

}  // namespace skerry::coordinator
