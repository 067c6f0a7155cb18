#include "client/session.h"

#include <algorithm>
#include <utility>

#include "base/failpoint.h"
#include "base/text.h"

namespace skerry::client {
namespace {

using storage::ClientTask;
using Stage = Work::Stage;

// A run's next round comes sooner, or takes so long that it does not matter.
constexpr Duration kSparesKept = 10min;

std::string SparesFolder(const SessionOptions& options) { return options.state_dir + "/spares"; }

}  // namespace

Session::Session(const SessionParts& parts, SessionOptions options)
    : parts_(parts),
      options_(std::move(options)),
      backoff_(NewBackoff(0)),
      lines_(parts_.observer),
      spares_(parts_.files, SparesFolder(options_) + "/", options_.most_spares),
      models_(parts_.files, options_.state_dir + "/models", spares_),
      results_(parts_.files, options_.state_dir + "/results", spares_),
      process_(
          RandomStream(options_.jitter_seed, Purpose::kJitter, 1, options_.site, 0).NextWord() |
          1U) {}

rpc::Backoff Session::NewBackoff(uint64_t step) const {
  constexpr Duration kRetryBase = 200ms;
  return {kRetryBase, options_.retry_cap,
          RandomStream(options_.jitter_seed, Purpose::kJitter, 0, options_.site, step)};
}

Status Session::Open() {
  for (const char* folder : {"/results", "/models", "/site-state", "/personal"}) {
    SKERRY_RETURN_IF_ERROR(parts_.files.MakeDirectories(options_.state_dir + folder));
  }
  if (options_.most_spares > 0) {
    SKERRY_RETURN_IF_ERROR(parts_.files.MakeDirectories(SparesFolder(options_)));
  }
  SKERRY_ASSIGN_OR_RETURN(const storage::ClientSnapshot snapshot, parts_.store.Load());
  coordinator_id_ = snapshot.coordinator_id;
  for (const ClientTask& held : snapshot.tasks) {
    Work work(NewBackoff(++last_life_));
    work.life = last_life_;
    work.task_id = held.task_id;
    auto task = std::make_shared<v1::Task>();
    const bool readable = task->ParseFromString(held.task.str()) && work.ReadHeader(held.header);
    if (!readable) {
      return DataLoss("task " + std::to_string(held.task_id) + " in the client's store is damaged")
          .WithHint("move " + options_.state_dir + " away to start afresh; no data is in it");
    }
    work.shared = ShareTask(std::move(task), nullptr);
    if (!held.contents.empty()) work.small_result = std::make_shared<BytesFile>(held.contents);
    if (held.state == ClientTask::State::kFinished) work.stage = Stage::kSubmitting;
    if (held.state == ClientTask::State::kSubmitted) work.stage = Stage::kSubmitted;
    work.ask_first = true;
    work.has_model_file = work.task().has_model();
    work.base_state = held.base_state;
    work.next_state = held.next_state;
    works_.emplace(held.task_id, std::move(work));
  }
  for (const storage::SiteState& state : snapshot.states) site_states_[state.run_id] = state;
  RemoveUnusedResults();
  RemoveUnusedStates();
  RemoveUnfinishedPersonal();
  RemoveUnusedModels();
  RemoveOldSpares();
  return OkStatus();
}

std::optional<Timestamp> Session::Step() {
  if (!ended_.ok()) return std::nullopt;
  const Timestamp now = parts_.clock.Now();
  if (const auto due = KeepDue(); due && now >= *due) KeepRest();
  lines_.Step(now);
  if (now >= spares_until_) spares_.RemoveAll();
  StepControl(now);
  // By id: a step may end its own task.
  for (auto work = works_.begin(); work != works_.end();) {
    const int64_t task_id = work->first;
    StepWork(work->second, now);
    work = works_.upper_bound(task_id);
  }
  StepControl(now);  // a task that finished frees the client for another
  if (!ended_.ok()) return std::nullopt;

  std::optional<Timestamp> next;
  const auto consider = [&](Timestamp t) { next = next ? std::min(*next, t) : t; };
  if (const auto due = KeepDue()) consider(*due);
  if (const auto due = lines_.Due()) consider(*due);
  if (!spares_.empty()) consider(spares_until_);
  if (control_ == Control::kNone) consider(ControlDue());
  // Progress is looked at once in an interval; without news nothing is sent.
  if (control_ == Control::kHeartbeat) {
    consider(std::max(heartbeat_sent_, now) + ProgressInterval());
  }
  for (const auto& [task_id, work] : works_) {
    if (!work.busy && work.stage != Stage::kSubmitted && joined_) consider(work.not_before);
  }
  return next;
}

void Session::OnVerdicts(const google::protobuf::RepeatedPtrField<v1::Verdict>& verdicts) {
  for (const v1::Verdict& verdict : verdicts) {
    if (!unkept_verdicts_.contains(verdict.task_id())) unconfirmed_.insert(verdict.task_id());
    const auto found = works_.find(verdict.task_id());
    if (found == works_.end()) continue;
    const bool counted = verdict.outcome() == v1::Verdict::COUNTED;
    if (counted) {
      lines_.Counted(found->second.task(), parts_.clock.Now());
    } else {
      Say([&] { return Describe(found->second.task()) + ": discarded, " + verdict.reason(); });
    }
    SKERRY_FAILPOINT("client/verdict-heard");
    found->second.stop.request_stop();
    if (counted) {
      AdoptState(found->second);
    } else {
      Drop(verdict.task_id());
    }
  }
}

void Session::Abandon(int64_t task_id, const std::string& why) {
  const auto found = works_.find(task_id);
  if (found == works_.end()) return;
  parts_.observer.Say(Describe(found->second.task()) + ": dropped, " + why);
  found->second.stop.request_stop();
  Drop(task_id);
}

void Session::Drop(int64_t task_id) {
  const auto found = works_.find(task_id);
  const bool has_file = found != works_.end() && found->second.small_result == nullptr;
  const bool has_model = found != works_.end() && found->second.has_model_file;
  const bool has_state = found != works_.end() && found->second.task().site_state();
  const bool has_personal = found != works_.end() && found->second.has_personal_file;
  const bool busy = found != works_.end() && found->second.busy;
  const uint64_t spare_bytes = spares_.size_bytes();
  if (found != works_.end()) works_.erase(found);
  KeepSoon(storage::RemoveClientTask{task_id});
  SKERRY_FAILPOINT("client/task-forgotten");
  // A file that stays behind is removed at the next start.
  if (has_file) results_.Remove(task_id, busy);
  if (has_model) RemoveUnusedModels();
  if (spares_.size_bytes() > spare_bytes) spares_until_ = parts_.clock.Now() + kSparesKept;
  if (has_personal) {
    static_cast<void>(parts_.files.Remove(UnfinishedPersonalPath(task_id)).ok());
  }
  if (has_state) {
    RemoveUnfinishedState(task_id);
    RemoveUnusedStates();
  }
  SKERRY_FAILPOINT("client/result-removed");
}

void Session::End(Status status) {
  if (!ended_.ok()) return;
  ended_ = std::move(status);
  StopWork();
  parts_.observer.HealthChanged(ended_);
}

void Session::StopWork() {
  lines_.Flush();
  spares_.RemoveAll();  // the next process would
  for (auto& [task_id, work] : works_) work.stop.request_stop();
}

Work* Session::Find(int64_t task_id, uint64_t life) {
  const auto found = works_.find(task_id);
  if (found == works_.end() || found->second.life != life || !ended_.ok()) return nullptr;
  return &found->second;
}

bool Session::HasCapacity() const {
  const auto at_work = std::count_if(works_.begin(), works_.end(), [this](const auto& entry) {
    return entry.second.stage != Stage::kSubmitted && !MayRide(entry.second);
  });
  return at_work < options_.max_concurrent_tasks;
}

// What a kill between the store and the file left behind.
void Session::RemoveUnusedResults() {
  std::set<int64_t> used;
  for (const auto& [task_id, work] : works_) used.insert(task_id);
  results_.RemoveAllBut(used);
}

void Session::RemoveUnusedModels() {
  std::set<std::string> used;
  for (const auto& [task_id, work] : works_) used.insert(work.task().model().content_hash());
  models_.RemoveAllBut(used);
}

void Session::RemoveOldSpares() {
  const Result<std::vector<std::string>> names = parts_.files.List(SparesFolder(options_));
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    static_cast<void>(parts_.files.Remove(SparesFolder(options_) + "/" + name).ok());
  }
}

std::string Session::ForTheWire(std::string text) const {
  const std::string folder = options_.state_dir + "/";
  for (std::size_t at = 0; (at = text.find(folder, at)) != std::string::npos;) {
    text.erase(at, folder.size());
  }
  return text;
}

}  // namespace skerry::client
