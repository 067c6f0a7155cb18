#include <algorithm>
#include <functional>
#include <utility>

#include "base/failpoint.h"
#include "client/session.h"
#include "rpc/task_key.h"

namespace skerry::client {
namespace {

using rpc::Reaction;
using Stage = Work::Stage;

v1::HeldTask::State HeldState(Stage stage) {
  if (stage == Stage::kSubmitting) return v1::HeldTask::FINISHED;
  if (stage == Stage::kSubmitted) return v1::HeldTask::SUBMITTED;
  return v1::HeldTask::WORKING;
}

}  // namespace

void Session::StepControl(Timestamp now) {
  if (control_ == Control::kNone) {
    if (now < ControlDue()) return;
    if (!joined_) return CallJoin();
    return HasCapacity() ? CallPull() : CallHeartbeat(now);
  }
  if (control_ == Control::kHeartbeat) {
    if (HasCapacity()) return CallPull();  // the coordinator ends the older call
    const bool news = ProgressMark() != heartbeat_mark_;
    if (news && now - heartbeat_sent_ >= ProgressInterval()) CallHeartbeat(now);
  }
}

// A client at work says nothing for a moment: most small tasks are done by then, and most small
// results received, and the next PullTask says it all. The coordinator waits longer before it
// counts a site as lost. And a verdict that cannot be confirmed yet would only be told again.
Timestamp Session::ControlDue() const {
  constexpr Duration kQuiet = 1200ms;
  Timestamp due = control_not_before_;
  if (!unkept_verdicts_.empty()) due = std::max(due, look_for_room_at_);
  if (!joined_ || HasCapacity()) return due;
  return std::max(due, quiet_from_ + std::min(kQuiet, ProgressInterval()));
}

// Of so little that std::function needs no memory for it.
template <auto kHandle, class Reply>
rpc::Callback<Reply> Session::ControlCallback() {
  return [this, call = ++control_call_](Result<Reply> reply) {
    if (call != control_call_ || !ended_.ok()) return;
    control_ = Control::kNone;
    if (!reply.ok()) return OnControlFailed(reply.status());
    quiet_from_ = parts_.clock.Now();
    Healthy();
    for (const int64_t task_id : confirming_) unconfirmed_.erase(task_id);
    confirming_.clear();
    (this->*kHandle)(*reply);
  };
}

void Session::CallJoin() {
  control_ = Control::kJoin;
  LetOff();
  confirming_ = unconfirmed_;
  v1::JoinRequest request;
  request.set_epoch(epoch_);
  request.set_version(options_.version);
  request.set_protocol(rpc::kProtocolVersion);
  request.set_coordinator_id(coordinator_id_);
  for (const auto& [task_id, work] : works_) {
    if (work.stage == Stage::kFailing) continue;
    v1::HeldTask& held = *request.add_held();
    held.set_task_id(task_id);
    held.set_state(HeldState(work.stage));
    held.set_task_key(rpc::TaskKey(work.task()));
  }
  for (const int64_t task_id : confirming_) request.add_confirmed_verdicts(task_id);
  for (const std::string& source : options_.data_sources) request.add_data_sources(source);
  request.set_max_concurrent_tasks(options_.max_concurrent_tasks);
  request.set_certificate_expires_unix(options_.certificate_expires_unix);
  request.set_process(process_);
  request.set_call(++joins_);
  request.set_ticket(ticket_);
  parts_.api.Join(std::move(request), ControlCallback<&Session::OnJoined, v1::JoinReply>());
}

void Session::CallPull() {
  control_ = Control::kPull;
  LetOff();
  confirming_ = unconfirmed_;
  v1::PullTaskRequest request;
  request.set_epoch(epoch_);
  for (const auto& [task_id, work] : works_) request.add_held_tasks(task_id);
  for (const int64_t task_id : confirming_) request.add_confirmed_verdicts(task_id);
  for (const auto& [run_id, state] : site_states_) request.add_kept_runs(run_id);
  TakeAlong(request);
  for (v1::Progress& progress : ProgressNow()) *request.add_progress() = std::move(progress);
  parts_.api.PullApart(std::move(request), ControlCallback<&Session::OnPulled, rpc::PulledTask>());
}

void Session::CallHeartbeat(Timestamp now) {
  control_ = Control::kHeartbeat;
  confirming_ = unconfirmed_;
  heartbeat_sent_ = now;
  heartbeat_mark_ = ProgressMark();
  v1::HeartbeatRequest request;
  request.set_epoch(epoch_);
  for (v1::Progress& progress : ProgressNow()) *request.add_progress() = std::move(progress);
  for (const int64_t task_id : confirming_) request.add_confirmed_verdicts(task_id);
  parts_.api.Heartbeat(std::move(request),
                       ControlCallback<&Session::OnHeartbeat, v1::HeartbeatReply>());
}

void Session::OnHeartbeat(v1::HeartbeatReply& reply) {
  OnVerdicts(reply.verdicts());
  for (const int64_t task_id : reply.abandon_tasks()) {
    Abandon(task_id, "the coordinator no longer wants it");
  }
}

void Session::OnJoined(v1::JoinReply& reply) {
  ticket_ = reply.ticket();
  if (ticket_ != 0) return;  // at once again, with it
  SKERRY_FAILPOINT("client/joined");
  joined_ = true;
  epoch_ = reply.epoch();
  heartbeat_ = std::chrono::milliseconds(std::clamp<int64_t>(reply.heartbeat_ms(), 100, 60000));
  parts_.observer.Say("joined as site \"" + options_.site + "\", session " +
                      std::to_string(rpc::SessionNumber(epoch_)) + " (coordinator " +
                      reply.version() + ")");
  for (const v1::JoinReply::Settlement& settlement : reply.settlements()) {
    const auto found = works_.find(settlement.task_id());
    if (found == works_.end()) continue;
    Work& work = found->second;
    if (settlement.instruction() == v1::JoinReply::DROP) {
      Abandon(settlement.task_id(), "the coordinator no longer knows it");
      continue;
    }
    if (settlement.instruction() == v1::JoinReply::RESEND && work.stage == Stage::kSubmitted) {
      work.stage = Stage::kSubmitting;
    }
    work.ask_first = true;
    work.not_before = Timestamp();
    work.resumes = 0;  // what was damaged by the interruption is not held against the task
    parts_.observer.Say(Describe(work.task()) + ": going on with it after the interruption");
  }
  if (coordinator_id_ != reply.coordinator_id()) {
    coordinator_id_ = reply.coordinator_id();
    for (const auto& [run_id, state] : site_states_) {
      KeepSoon(storage::RemoveSiteState{run_id});  // its runs may have the same names
    }
    site_states_.clear();
    Keep(storage::CoordinatorId{coordinator_id_});
    RemoveUnusedStates();
  }
  OnVerdicts(reply.verdicts());
}

void Session::OnPulled(rpc::PulledTask& pulled) {
  const v1::PullTaskReply& reply = pulled.reply;
  OnAnswers(reply);
  OnVerdicts(reply.verdicts());
  for (const int64_t task_id : reply.abandon_tasks()) {
    Abandon(task_id, "the coordinator no longer wants it");
  }
  if (pulled.task != nullptr) return Accept(pulled);
  switch (reply.outcome_case()) {
    case v1::PullTaskReply::kResendTaskId: {
      const auto found = works_.find(reply.resend_task_id());
      if (found == works_.end() || found->second.stage != Stage::kSubmitted) return;
      found->second.stage = Stage::kSubmitting;
      found->second.ask_first = true;
      parts_.observer.Say(Describe(found->second.task()) + ": the coordinator asks for it again");
      return;
    }
    case v1::PullTaskReply::kWait:
      control_not_before_ = parts_.clock.Now() + std::chrono::milliseconds(std::clamp<int64_t>(
                                                     reply.wait().retry_after_ms(), 0, 600000));
      return;
    case v1::PullTaskReply::kRunFinished:
      lines_.Flush();
      parts_.observer.Say("run " + reply.run_finished().run_id() + " is " +
                          reply.run_finished().state());
      if (site_states_.contains(reply.run_finished().run_id())) {
        ForgetState(reply.run_finished().run_id());
      }
      return;
    default:
      return;
  }
}

void Session::OnControlFailed(const Status& status) {
  LetOff();
  const Reaction reaction = rpc::ReactionTo(status);
  if (reaction == Reaction::kExitSuperseded || reaction == Reaction::kStop) return End(status);
  if (reaction == Reaction::kRejoin || reaction == Reaction::kDropTask) {
    const bool had_session = std::exchange(joined_, false);
    if (had_session) {  // the coordinator is there: Join at once, however long it was away
      SayRestarted(status);
      control_not_before_ = parts_.clock.Now();
      return;
    }
  }
  if (health_.code() != status.code() || health_.message() != status.message()) {
    health_ = status;
    parts_.observer.HealthChanged(health_);
  }
  const Duration delay = reaction == Reaction::kStayUnhealthy
                             ? options_.retry_cap
                             : backoff_.Next(rpc::LongestPause(status));
  control_not_before_ = parts_.clock.Now() + delay;
}

// A coordinator that was restarted knows no session: nothing is wrong.
void Session::SayRestarted(const Status& status) {
  if (status.detail() != rpc::kEpochUnknown) return;
  parts_.observer.Say("the coordinator was restarted; joining again");
}

void Session::Healthy() {
  backoff_.Reset();
  if (health_.ok()) return;
  health_ = OkStatus();
  parts_.observer.HealthChanged(health_);
}

std::vector<v1::Progress> Session::ProgressNow() const {
  std::vector<v1::Progress> all;
  for (const auto& [task_id, work] : works_) {
    if (work.stage == Stage::kSubmitted) continue;
    v1::Progress progress;
    progress.set_task_id(task_id);
    progress.set_stage(work.stage == Stage::kFetching     ? v1::Progress::FETCHING
                       : work.stage == Stage::kSubmitting ? v1::Progress::SUBMITTING
                                                          : v1::Progress::TRAINING);
    progress.set_done(work.progress->done);
    progress.set_total(work.progress->total);
    const std::string& trouble = work.trouble.empty() ? disk_full_ : work.trouble;
    if (!trouble.empty()) progress.set_trouble(ForTheWire(trouble));
    all.push_back(std::move(progress));
  }
  return all;
}

// As often as the coordinator wishes, and at least as often as each task's run does.
Duration Session::ProgressInterval() const {
  constexpr Duration kLeast = 100ms;
  Duration interval = heartbeat_;
  for (const auto& [task_id, work] : works_) {
    const std::chrono::milliseconds wanted(work.task().heartbeat_ms());
    if (work.stage != Stage::kSubmitted && wanted.count() > 0) {
      interval = std::min(interval, std::max(kLeast, Duration(wanted)));
    }
  }
  return interval;
}

int64_t Session::ProgressMark() const {
  constexpr uint64_t kSome = 0xffff;
  auto mark = static_cast<int64_t>(std::hash<std::string>()(disk_full_) & kSome);
  for (const auto& [task_id, work] : works_) {
    mark += work.progress->done + (static_cast<int64_t>(work.stage) << 40) + task_id +
            static_cast<int64_t>(std::hash<std::string>()(work.trouble) & kSome);
  }
  return mark;
}

}  // namespace skerry::client
