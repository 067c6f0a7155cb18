// Long polls: what a site is told, and when.

#include <algorithm>
#include <utility>

#include "base/failpoint.h"
#include "coordinator/coordinator.h"

namespace skerry::coordinator {
namespace {

bool IsRefusalIn(const std::vector<v1::PullTaskReply::Answer>& answers) {
  return std::any_of(answers.begin(), answers.end(),
                     [](const auto& answer) { return answer.code() != 0; });
}

Status CheckNumResults(const ReceivedPoll& poll) {
  const int num_results = poll.request.results_size();
  if (num_results == 0) return OkStatus();
  return InvalidArgument("a poll brings " + std::to_string(num_results) +
                         " results; it may bring " + std::to_string(kMostResults));
}

}  // namespace

void Coordinator::PullTask(const std::string& name, uint64_t call_id, v1::PullTaskRequest request,
                           rpc::Callback<v1::PullTaskReply> done) {
  PullTask(name, call_id, Receive(std::move(request)), std::move(done));
}

void Coordinator::PullTask(const std::string& name, uint64_t call_id, ReceivedPoll poll,
                           rpc::Callback<v1::PullTaskReply> done) {
  PullApart(name, call_id, std::move(poll),
            [done = std::move(done)](Result<rpc::PulledTask> pulled) {
              pulled.ok() ? done(rpc::Whole(*std::move(pulled))) : done(pulled.status());
            });
}

void Coordinator::PullApart(const std::string& name, uint64_t call_id, ReceivedPoll poll,
                            rpc::Callback<rpc::PulledTask> done) {
  const v1::PullTaskRequest& request = poll.request;
  Site* site = FindSite(name);
  if (Status status = CheckSession(site, request.epoch()); !status.ok()) {
    return Reply<rpc::PulledTask>(std::move(done), std::move(status));
  }
  if (Status status = CheckNumResults(poll); !status.ok()) {
    return Reply<rpc::PulledTask>(std::move(done), std::move(status));
  }
  DropHeldCalls(*site, Unavailable("a newer call has begun"));
  Confirm(*site, request.confirmed_verdicts());
  NoteProgress(*site, request.progress());
  site->holds = IdSet({request.held_tasks().begin(), request.held_tasks().end()});
  site->pull = HeldCall<rpc::PulledTask>{call_id, std::move(done)};
  TakeResults(*site, poll);
  TellOfEndedRuns(*site, request);
  if (!site->connected) Connected(*site);
  site->broken = false;
  site_timers_.Set(site->number, PullHoldEnd(*site));
  MarkDirty(*site);
  if (!holds_calls_) DropHeldCalls(*site, ShuttingDown());
}

void Coordinator::Heartbeat(const std::string& name, uint64_t call_id,
                            const v1::HeartbeatRequest& request,
                            rpc::Callback<v1::HeartbeatReply> done) {
  Site* site = FindSite(name);
  if (Status status = CheckSession(site, request.epoch()); !status.ok()) {
    return Reply<v1::HeartbeatReply>(std::move(done), std::move(status));
  }
  DropHeldCalls(*site, Unavailable("a newer call has begun"));
  Confirm(*site, request.confirmed_verdicts());
  NoteProgress(*site, request.progress());
  site->holds = site->at_work;
  site->heartbeat = HeldCall<v1::HeartbeatReply>{call_id, std::move(done)};
  if (!site->connected) Connected(*site);
  site->broken = false;
  site_timers_.Set(site->number, HoldEnd());
  MarkDirty(*site);
  if (!holds_calls_) DropHeldCalls(*site, ShuttingDown());
}

void Coordinator::CallBroken(const std::string& name, uint64_t call_id) {
  Site* site = FindSite(name);
  if (site == nullptr) return;
  const bool pull = site->pull && site->pull->call_id == call_id;
  const bool heartbeat = site->heartbeat && site->heartbeat->call_id == call_id;
  if (!pull && !heartbeat) return;
  if (pull) site->pull.reset();
  if (heartbeat) site->heartbeat.reset();
  site->broken = true;
  site_timers_.Set(site->number, Now() + options_.grace);
}

void Coordinator::NoteProgress(Site& site,
                               const google::protobuf::RepeatedPtrField<v1::Progress>& all) {
  std::vector<int64_t> at_work;
  at_work.reserve(static_cast<std::size_t>(all.size()));
  for (const v1::Progress& progress : all) at_work.push_back(progress.task_id());
  site.at_work = IdSet(std::move(at_work));
  for (const v1::Progress& progress : all) {
    const OpenTask* task = FindTask(site.record.site, progress.task_id());
    if (task == nullptr) continue;
    task->run->OnTaken(task->place);
    task->run->OnProgress(task->place, progress);
  }
}

// Of the runs of which it keeps something for no use any more; the others with its later polls.
void Coordinator::TellOfEndedRuns(Site& site, const v1::PullTaskRequest& request) {
  constexpr int kMostRuns = 1000;
  constexpr std::size_t kMostNotices = 64;
  for (int i = 0; i < std::min(request.kept_runs_size(), kMostRuns); ++i) {
    if (site.notices.size() >= kMostNotices) return;
    const std::string& run_id = request.kept_runs(i);
    const auto named = [&](const auto& run) { return run->record().run_id == run_id; };
    const auto run = std::find_if(runs_.begin(), runs_.end(), named);
    const bool known = run != runs_.end() && (*run)->PlaceOf(site.record.site).has_value();
    const bool told = std::any_of(site.notices.begin(), site.notices.end(),
                                  [&](const auto& notice) { return notice.run_id() == run_id; });
    if ((known && !(*run)->ended()) || told) continue;
    v1::PullTaskReply::RunFinished& notice = site.notices.emplace_back();
    notice.set_run_id(run_id);
    notice.set_state(known ? std::string(Name((*run)->record().state)) : "unknown");
  }
}

// ---- Answers -----------------------------------------------------------------------------------

void Coordinator::MarkDirty(Site& site) {
  if (std::exchange(site.dirty, true)) return;
  dirty_.push_back(&site);
}

void Coordinator::AnswerAll() {
  // Answers may make further sites dirty.
  while (!dirty_.empty()) {
    std::vector<Site*> sites;
    sites.swap(dirty_);
    for (Site* site : sites) {
      site->dirty = false;
      AnswerPull(*site, false);
      AnswerHeartbeat(*site, false);
    }
  }
}

void Coordinator::AnswerPull(Site& site, bool hold_is_over) {
  if (!site.pull) return;
  rpc::PulledTask pulled;
  v1::PullTaskReply& reply = pulled.reply;
  AppendVerdicts(site, reply.mutable_verdicts());
  for (const int64_t task_id : TasksToAbandon(site)) reply.add_abandon_tasks(task_id);
  bool news = FillTask(site, pulled) || reply.verdicts_size() > 0 ||
              reply.abandon_tasks_size() > 0 || IsRefusalIn(site.answers);
  if (!news && !site.notices.empty()) {
    *reply.mutable_run_finished() = std::move(site.notices.front());
    site.notices.pop_front();
    news = true;
  }
  if (!news && !hold_is_over) return;
  const bool says_something =
      pulled.task != nullptr || reply.outcome_case() != v1::PullTaskReply::OUTCOME_NOT_SET;
  if (!says_something) reply.mutable_wait();
  const bool receipts = !site.answers.empty() && receipts_wait_;
  for (v1::PullTaskReply::Answer& answer : site.answers) *reply.add_answers() = std::move(answer);
  site.answers.clear();
  Send<rpc::PulledTask>(std::move(site.pull->done), std::move(pulled), receipts || MustCommit());
  site.pull.reset();
  site_timers_.Set(site.number, Now() + options_.grace);
}

void Coordinator::AnswerHeartbeat(Site& site, bool hold_is_over) {
  if (!site.heartbeat) return;
  v1::HeartbeatReply reply;
  AppendVerdicts(site, reply.mutable_verdicts());
  for (const int64_t task_id : TasksToAbandon(site)) reply.add_abandon_tasks(task_id);
  if (reply.verdicts_size() == 0 && reply.abandon_tasks_size() == 0 && !hold_is_over) return;
  Send<v1::HeartbeatReply>(std::move(site.heartbeat->done), std::move(reply), MustCommit());
  site.heartbeat.reset();
  site_timers_.Set(site.number, Now() + options_.grace);
}

// The next thing for an idle client: a result to send again, or the oldest waiting task, of another
// run than the last if there is one.
bool Coordinator::FillTask(Site& site, rpc::PulledTask& pulled) {
  for (const int64_t task_id : site.resend) {
    if (!site.holds.contains(task_id) || site.at_work.contains(task_id)) continue;
    // Asked again until the client is at it: this answer may be lost.
    pulled.reply.set_resend_task_id(task_id);
    site.at_work.insert(task_id);
    return true;
  }
  const auto working = std::count_if(site.open.begin(), site.open.end(),
                                     [&](int64_t task_id) { return site.holds.contains(task_id); });
  if (static_cast<std::size_t>(working) >= site.max_tasks) return false;
  const OpenTask* chosen = nullptr;
  for (const int64_t task_id : site.open) {
    if (site.holds.contains(task_id)) continue;
    const OpenTask& task = tasks_.at(task_id);
    const bool other_run = task.run->record().run_id != site.last_run;
    if (chosen == nullptr || (other_run && chosen->run->record().run_id == site.last_run)) {
      chosen = &task;
      pulled.task_id = task_id;
    }
  }
  if (chosen == nullptr) return false;
  pulled.task = chosen->run->SharedTask(chosen->place);
  if (pulled.task->has_model()) pulled.model = InlineModel(*chosen->run, pulled.task->model());
  SKERRY_FAILPOINT("coordinator/task-given");
  site.holds.insert(pulled.task_id);
  site.resend.erase(pulled.task_id);
  site.last_run = chosen->run->record().run_id;
  chosen->run->OnTaken(chosen->place);
  return true;
}

std::shared_ptr<const std::string> Coordinator::InlineModel(const Run& run,
                                                            const v1::ModelRef& model) {
  if (model.size_bytes() > options_.inline_bytes) return nullptr;
  ServedModel& served = Served(run.record().run_id, model.version());
  if (served.contents == nullptr) {
    const Result<std::unique_ptr<File>> file =
        checkpoints_.Open({model.run_id(), model.version(), storage::CheckpointPart::kModel});
    if (!file.ok()) return nullptr;  // the client then asks for it, and hears what is wrong
    std::string bytes(model.size_bytes(), '\0');
    const Result<std::size_t> n = (*file)->ReadAt(0, bytes);
    if (!n.ok() || *n != bytes.size()) return nullptr;
    served.contents = std::make_shared<const std::string>(std::move(bytes));
  }
  return served.contents;
}

Coordinator::ServedModel& Coordinator::Served(const std::string& run_id, int64_t version) {
  ServedModel& served = served_models_[run_id];
  if (served.version != version) served = {};
  served.version = version;
  return served;
}

void Coordinator::AppendVerdicts(const Site& site,
                                 google::protobuf::RepeatedPtrField<v1::Verdict>* out) const {
  for (const auto& [task_id, task] : site.verdicts) {
    const storage::TaskRecord& record = task->record;
    v1::Verdict& verdict = *out->Add();
    verdict.set_task_id(task_id);
    const bool counted = record.outcome == storage::Outcome::kCounted;
    verdict.set_outcome(counted ? v1::Verdict::COUNTED : v1::Verdict::DISCARDED);
    verdict.set_reason(record.outcome_reason);
  }
}

// Tasks in the client's hands that are no longer open and have no verdict on its way.
std::vector<int64_t> Coordinator::TasksToAbandon(const Site& site) const {
  std::vector<int64_t> abandoned;
  for (const int64_t task_id : site.holds) {
    if (site.verdicts.contains(task_id)) continue;
    const OpenTask* task = FindTask(site.record.site, task_id);
    const bool open = task != nullptr && task->run->FindSlot(task->place)->record().state !=
                                             storage::TaskState::kFailed;
    if (!open) abandoned.push_back(task_id);
  }
  return abandoned;
}

const Coordinator::OpenTask* Coordinator::FindTask(const std::string& site, int64_t task_id) const {
  const auto found = tasks_.find(task_id);
  if (found == tasks_.end()) return nullptr;
  const TaskSlot* slot = found->second.run->FindSlot(found->second.place);
  const bool current = slot != nullptr && slot->record().task_id == task_id;
  return current && slot->record().site == site ? &found->second : nullptr;
}

}  // namespace skerry::coordinator
