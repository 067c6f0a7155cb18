#include "client/session.h"

#include <algorithm>
#include <utility>

#include "base/bytes_file.h"
#include "base/text.h"
#include "crypto/content_hash.h"
#include "rpc/chunks.h"

namespace skerry::client {
namespace {

using rpc::Reaction;
using storage::ClientTask;
using Stage = Work::Stage;

constexpr Duration kRetryBase = 200ms;
// An upload that has to be taken up again so often is given up and reported.
constexpr int kMaxResumes = 3;

rpc::Backoff NewBackoff(const SessionOptions& options, uint64_t step) {
  return {kRetryBase, options.retry_cap,
          RandomStream(options.jitter_seed, Purpose::kJitter, 0, options.site, step)};
}

v1::HeldTask::State HeldState(Stage stage) {
  if (stage == Stage::kSubmitting) return v1::HeldTask::FINISHED;
  if (stage == Stage::kSubmitted) return v1::HeldTask::SUBMITTED;
  return v1::HeldTask::WORKING;
}

}  // namespace

Session::Session(const SessionParts& parts, SessionOptions options)
    : parts_(parts), options_(std::move(options)), backoff_(NewBackoff(options_, 0)) {}

Status Session::Open() {
  for (const char* folder : {"/results", "/models"}) {
    SKERRY_RETURN_IF_ERROR(parts_.files.MakeDirectories(options_.state_dir + folder));
  }
  SKERRY_ASSIGN_OR_RETURN(const storage::ClientSnapshot snapshot, parts_.store.Load());
  coordinator_id_ = snapshot.coordinator_id;
  for (const ClientTask& held : snapshot.tasks) {
    Work work(NewBackoff(options_, ++last_life_));
    work.life = last_life_;
    const bool readable =
        work.task.ParseFromString(held.task) && work.header.ParseFromString(held.header);
    if (!readable) {
      return DataLoss("task " + std::to_string(held.task_id) + " in the client's store is damaged")
          .WithHint("move " + options_.state_dir + " away to start afresh; no data is in it");
    }
    if (held.state == ClientTask::State::kFinished) work.stage = Stage::kSubmitting;
    if (held.state == ClientTask::State::kSubmitted) work.stage = Stage::kSubmitted;
    work.ask_first = true;
    works_.emplace(held.task_id, std::move(work));
  }
  RemoveUnusedResults();
  RemoveUnusedModels();
  return OkStatus();
}

std::optional<Timestamp> Session::Step() {
  if (!ended_.ok()) return std::nullopt;
  const Timestamp now = parts_.clock.Now();
  StepControl(now);
  // By id: a step may end its own task.
  std::vector<int64_t> ids;
  for (const auto& [task_id, work] : works_) ids.push_back(task_id);
  for (const int64_t task_id : ids) {
    const auto found = works_.find(task_id);
    if (found != works_.end()) StepWork(found->second, now);
  }
  StepControl(now);  // a task that finished frees the client for another
  if (!ended_.ok()) return std::nullopt;

  std::optional<Timestamp> next;
  const auto consider = [&](Timestamp t) { next = next ? std::min(*next, t) : t; };
  if (control_ == Control::kNone) consider(control_not_before_);
  // Progress is looked at once in a heartbeat; without news nothing is sent.
  if (control_ == Control::kHeartbeat) consider(std::max(heartbeat_sent_, now) + heartbeat_);
  for (const auto& [task_id, work] : works_) {
    if (!work.busy && work.stage != Stage::kSubmitted && joined_) consider(work.not_before);
  }
  return next;
}

// ---- Control calls ----------------------------------------------------------------------------------

void Session::StepControl(Timestamp now) {
  if (control_ == Control::kNone) {
    if (now < control_not_before_) return;
    if (!joined_) return CallJoin();
    return HasCapacity() ? CallPull() : CallHeartbeat(now);
  }
  if (control_ == Control::kHeartbeat) {
    if (HasCapacity()) return CallPull();  // the coordinator ends the older call
    const bool news = ProgressMark() != heartbeat_mark_;
    if (news && now - heartbeat_sent_ >= heartbeat_) CallHeartbeat(now);
  }
}

template <class Reply>
rpc::Callback<Reply> Session::ControlCallback(void (Session::*handle)(Reply)) {
  return [this, handle, call = ++control_call_](Result<Reply> reply) {
    if (call != control_call_ || !ended_.ok()) return;
    control_ = Control::kNone;
    if (!reply.ok()) return OnControlFailed(reply.status());
    Healthy();
    for (const int64_t task_id : confirming_) unconfirmed_.erase(task_id);
    confirming_.clear();
    (this->*handle)(*std::move(reply));
  };
}

void Session::CallJoin() {
  control_ = Control::kJoin;
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
  }
  for (const int64_t task_id : confirming_) request.add_confirmed_verdicts(task_id);
  for (const std::string& source : options_.data_sources) request.add_data_sources(source);
  request.set_max_concurrent_tasks(options_.max_concurrent_tasks);
  request.set_certificate_expires_unix(options_.certificate_expires_unix);
  parts_.api.Join(std::move(request), ControlCallback(&Session::OnJoined));
}

void Session::CallPull() {
  control_ = Control::kPull;
  confirming_ = unconfirmed_;
  v1::PullTaskRequest request;
  request.set_epoch(epoch_);
  for (const auto& [task_id, work] : works_) request.add_held_tasks(task_id);
  for (const int64_t task_id : confirming_) request.add_confirmed_verdicts(task_id);
  for (v1::Progress& progress : ProgressNow()) *request.add_progress() = std::move(progress);
  parts_.api.PullTask(std::move(request), ControlCallback(&Session::OnPulled));
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
                       [this, call = ++control_call_](Result<v1::HeartbeatReply> reply) {
                         if (call != control_call_ || !ended_.ok()) return;
                         control_ = Control::kNone;
                         if (!reply.ok()) return OnControlFailed(reply.status());
                         Healthy();
                         for (const int64_t task_id : confirming_) unconfirmed_.erase(task_id);
                         confirming_.clear();
                         OnVerdicts(reply->verdicts());
                         for (const int64_t task_id : reply->abandon_tasks()) {
                           Abandon(task_id, "the coordinator no longer wants it");
                         }
                       });
}

void Session::OnJoined(v1::JoinReply reply) {
  joined_ = true;
  epoch_ = reply.epoch();
  heartbeat_ = std::chrono::milliseconds(std::clamp<int64_t>(reply.heartbeat_ms(), 100, 60000));
  parts_.observer.Say("joined as site \"" + options_.site + "\", session " +
                      std::to_string(epoch_) + " (coordinator " + reply.version() + ")");
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
    parts_.observer.Say(Describe(work.task) + ": going on with it after the interruption");
  }
  if (coordinator_id_ != reply.coordinator_id()) {
    coordinator_id_ = reply.coordinator_id();
    Keep({storage::CoordinatorId{coordinator_id_}});
  }
  OnVerdicts(reply.verdicts());
}

void Session::OnPulled(v1::PullTaskReply reply) {
  OnVerdicts(reply.verdicts());
  for (const int64_t task_id : reply.abandon_tasks()) {
    Abandon(task_id, "the coordinator no longer wants it");
  }
  switch (reply.outcome_case()) {
    case v1::PullTaskReply::kTask:
      return Accept(reply.task());
    case v1::PullTaskReply::kResendTaskId: {
      const auto found = works_.find(reply.resend_task_id());
      if (found == works_.end() || found->second.stage != Stage::kSubmitted) return;
      found->second.stage = Stage::kSubmitting;
      found->second.ask_first = true;
      parts_.observer.Say(Describe(found->second.task) + ": the coordinator asks for it again");
      return;
    }
    case v1::PullTaskReply::kWait:
      control_not_before_ = parts_.clock.Now() + std::chrono::milliseconds(std::clamp<int64_t>(
                                                     reply.wait().retry_after_ms(), 0, 600000));
      return;
    case v1::PullTaskReply::kRunFinished:
      parts_.observer.Say("run " + reply.run_finished().run_id() + " is " +
                          reply.run_finished().state());
      return;
    default:
      return;
  }
}

void Session::OnControlFailed(const Status& status) {
  const Reaction reaction = rpc::ReactionTo(status);
  if (reaction == Reaction::kExitSuperseded || reaction == Reaction::kStop) return End(status);
  if (reaction == Reaction::kRejoin || reaction == Reaction::kDropTask) {
    const bool had_session = std::exchange(joined_, false);
    if (had_session) {  // the coordinator is there: Join at once, however long it was away
      control_not_before_ = parts_.clock.Now();
      return;
    }
  }
  if (health_.code() != status.code() || health_.message() != status.message()) {
    health_ = status;
    parts_.observer.HealthChanged(health_);
  }
  const Duration delay =
      reaction == Reaction::kStayUnhealthy ? options_.retry_cap : backoff_.Next();
  control_not_before_ = parts_.clock.Now() + delay;
}

void Session::Healthy() {
  backoff_.Reset();
  if (health_.ok()) return;
  health_ = OkStatus();
  parts_.observer.HealthChanged(health_);
}

void Session::OnVerdicts(const google::protobuf::RepeatedPtrField<v1::Verdict>& verdicts) {
  for (const v1::Verdict& verdict : verdicts) {
    unconfirmed_.insert(verdict.task_id());
    const auto found = works_.find(verdict.task_id());
    if (found == works_.end()) continue;
    const bool counted = verdict.outcome() == v1::Verdict::COUNTED;
    parts_.observer.Say(Describe(found->second.task) +
                        (counted ? ": counted" : ": discarded, " + verdict.reason()));
    found->second.stop.request_stop();
    Drop(verdict.task_id());
  }
}

// ---- Work -------------------------------------------------------------------------------------------

void Session::Accept(const v1::Task& task) {
  if (works_.contains(task.task_id())) return;  // given again, because an answer was lost
  Work work(NewBackoff(options_, ++last_life_));
  work.life = last_life_;
  work.task = task;
  if (task.has_model() && !task.model().contents().empty()) {
    auto contents = std::make_shared<BytesFile>(task.model().contents());
    const Result<crypto::Digest> hash = crypto::ContentHashOf(crypto::kFileHeader, *contents);
    if (hash.ok() && hash->view() == task.model().content_hash()) work.model = std::move(contents);
    work.task.mutable_model()->clear_contents();
  }
  Keep({ClientTask{task.task_id(), ClientTask::State::kTaken, work.task.SerializeAsString(), ""}});
  parts_.observer.Say(Describe(task) + ": taken");
  works_.emplace(task.task_id(), std::move(work));
}

void Session::StepWork(Work& work, Timestamp now) {
  if (work.busy || now < work.not_before) return;
  switch (work.stage) {
    case Stage::kFetching:
      if (!work.task.has_model() || work.model != nullptr) return Train(work);
      return joined_ ? Fetch(work) : void();
    case Stage::kSubmitting:
      if (!joined_) return;
      return work.ask_first ? Query(work) : Submit(work, 0);
    case Stage::kFailing:
      return joined_ ? SendFailure(work) : void();
    default:
      return;
  }
}

void Session::Fetch(Work& work) {
  const v1::ModelRef& model = work.task.model();
  const std::string path = ModelPath(model.content_hash());
  Result<std::unique_ptr<File>> opened = parts_.files.Open(path, OpenMode::kReadWrite);
  const Result<uint64_t> stored = opened.ok() ? (*opened)->Size() : opened.status();
  if (!stored.ok()) return Retry(work, stored.status());
  std::shared_ptr<File> file = *std::move(opened);
  // Whole chunks are kept; the last is fetched again, and with it all are checked.
  uint64_t offset = std::min(*stored, model.size_bytes());
  offset -= offset % crypto::kChunkBytes;
  if (offset == model.size_bytes()) offset -= crypto::kChunkBytes;
  work.busy = true;
  work.progress->total = static_cast<int64_t>(model.size_bytes());
  auto sink = std::make_shared<ModelSink>(file, model, offset, work.progress);
  v1::PullModelRequest request;
  request.set_epoch(epoch_);
  *request.mutable_model() = model;
  request.set_offset(offset);
  parts_.api.PullModel(
      std::move(request), std::move(sink),
      [this, file, task_id = work.task.task_id(), life = work.life](Result<rpc::Done> done) {
        Work* found = Find(task_id, life);
        if (found == nullptr) return;
        found->busy = false;
        if (done.ok()) {
          found->model = file;
          found->backoff.Reset();
          return;
        }
        const Reaction reaction = rpc::ReactionTo(done.status());
        if (reaction == Reaction::kDropTask) return Abandon(task_id, done.status().message());
        if (reaction == Reaction::kReportFailure) return ReportFailure(*found, done.status());
        Retry(*found, done.status());
      });
}

void Session::Train(Work& work) {
  auto order = std::make_shared<WorkOrder>();
  order->task = work.task;
  if (spec_.first != work.task.run_spec_sha256() || spec_.second == nullptr) {
    auto spec = std::make_shared<v1::RunSpec>();
    if (!spec->ParseFromString(work.task.run_spec())) {
      return ReportFailure(work, InvalidArgument("the task's description of the run is unreadable"));
    }
    spec_ = {work.task.run_spec_sha256(), std::move(spec)};
  }
  order->spec = spec_.second;
  order->model = work.model;
  Result<std::unique_ptr<File>> result =
      parts_.files.Open(ResultPath(work.task.task_id()), OpenMode::kCreate);
  if (!result.ok()) return Retry(work, result.status());
  order->result = *std::move(result);
  order->stop = work.stop.get_token();
  work.progress = std::make_shared<WorkProgress>();
  order->progress = work.progress;
  work.stage = Stage::kTraining;
  work.busy = true;
  parts_.runner.Start(std::move(order), [this, task_id = work.task.task_id(),
                                         life = work.life](Result<WorkDone> done) {
    OnTrained(task_id, life, std::move(done));
  });
}

void Session::OnTrained(int64_t task_id, uint64_t life, Result<WorkDone> done) {
  Work* work = Find(task_id, life);
  if (work == nullptr) return;
  work->busy = false;
  const bool disk_full = done.status().code() == Code::kResourceExhausted;
  if (!done.ok() && !disk_full) {
    parts_.observer.Say(Describe(work->task) + ": failed: " + done.status().ToString());
    return ReportFailure(*work, done.status());
  }
  const Status sealed = done.ok() ? Seal(*work, *done) : done.status();
  if (!sealed.ok()) {
    // The disk, most likely full: train again later, to the same bits.
    work->stage = Stage::kFetching;
    return Retry(*work, sealed);
  }
  parts_.observer.Say(Describe(work->task) + ": done, " + FormatCount(done->num_examples) +
                      " examples");
}

// From here on the result exists: its header and hash are fixed and in the store.
Status Session::Seal(Work& work, const WorkDone& done) {
  v1::ResultHeader& header = work.header;
  header.Clear();
  header.set_task_id(work.task.task_id());
  SKERRY_ASSIGN_OR_RETURN(const learning::ResultLayout layout,
                          learning::ResultLayout::FromProto(work.task.result_layout()));
  header.set_layout_hash(std::string(rpc::LayoutHash(layout).view()));
  header.set_size_bytes(static_cast<uint64_t>(layout.size_bytes()));
  header.set_num_examples(done.num_examples);
  for (const auto& [name, value] : done.scalars) (*header.mutable_scalars())[name] = value;
  SKERRY_ASSIGN_OR_RETURN(const auto file,
                          parts_.files.Open(ResultPath(work.task.task_id()), OpenMode::kRead));
  SKERRY_ASSIGN_OR_RETURN(const crypto::Digest hash, rpc::ResultHash(header, *file));
  header.set_content_hash(std::string(hash.view()));
  work.stage = Stage::kSubmitting;
  work.ask_first = false;
  work.model.reset();
  return parts_.store.Commit({ClientTask{work.task.task_id(), ClientTask::State::kFinished,
                                         work.task.SerializeAsString(),
                                         header.SerializeAsString()}});
}

void Session::Query(Work& work) {
  work.busy = true;
  v1::QueryUploadRequest request;
  request.set_epoch(epoch_);
  request.set_task_id(work.task.task_id());
  request.set_content_hash(work.header.content_hash());
  parts_.api.QueryUpload(
      std::move(request), [this, task_id = work.task.task_id(),
                           life = work.life](Result<v1::QueryUploadReply> reply) {
        Work* found = Find(task_id, life);
        if (found == nullptr) return;
        found->busy = false;
        if (!reply.ok()) return OnSubmitFailed(*found, reply.status());
        found->ask_first = false;
        Submit(*found, reply->offset());
      });
}

void Session::Submit(Work& work, uint64_t offset) {
  Result<std::unique_ptr<File>> file =
      parts_.files.Open(ResultPath(work.task.task_id()), OpenMode::kRead);
  if (!file.ok()) {
    // The store says it is finished, the disk does not have it: work again, to the same bits.
    work.stage = Stage::kFetching;
    return;
  }
  work.busy = true;
  work.progress = std::make_shared<WorkProgress>();
  work.progress->total = static_cast<int64_t>(work.header.size_bytes());
  v1::SubmitResultRequest::Start start;
  start.set_epoch(epoch_);
  *start.mutable_header() = work.header;
  start.set_offset(offset);
  parts_.api.SubmitResult(
      std::move(start), ResultSource(*std::move(file), offset, work.progress),
      [this, task_id = work.task.task_id(), life = work.life](Result<v1::SubmitResultReply> reply) {
        Work* found = Find(task_id, life);
        if (found == nullptr) return;
        found->busy = false;
        if (!reply.ok()) return OnSubmitFailed(*found, reply.status());
        found->stage = Stage::kSubmitted;
        found->resumes = 0;
        Keep({ClientTask{task_id, ClientTask::State::kSubmitted, found->task.SerializeAsString(),
                         found->header.SerializeAsString()}});
      });
}

void Session::OnSubmitFailed(Work& work, const Status& status) {
  const int64_t task_id = work.task.task_id();
  const Reaction reaction = rpc::ReactionTo(status);
  const bool refused = reaction == Reaction::kReportFailure || reaction == Reaction::kResume;
  if (refused && !HasResult(work)) {
    // A power loss, most likely, after it was hashed: work again, to the same bits.
    work.stage = Stage::kFetching;
    return Retry(work, status);
  }
  switch (reaction) {
    case Reaction::kDropTask:
      return Abandon(task_id, status.message());
    case Reaction::kReportFailure:
      return ReportFailure(work, status);
    case Reaction::kResume:
      if (++work.resumes > kMaxResumes) return ReportFailure(work, status);
      work.ask_first = true;
      return;
    default:
      work.ask_first = true;
      return Retry(work, status);
  }
}

// Whether the result on disk is still the one that was hashed.
bool Session::HasResult(const Work& work) const {
  const auto file = parts_.files.Open(ResultPath(work.task.task_id()), OpenMode::kRead);
  if (!file.ok()) return false;
  const Result<crypto::Digest> hash = rpc::ResultHash(work.header, **file);
  return hash.ok() && hash->view() == work.header.content_hash();
}

void Session::ReportFailure(Work& work, const Status& reason) {
  if (reason.code() == Code::kCancelled) return Abandon(work.task.task_id(), "it was cancelled");
  work.stage = Stage::kFailing;
  work.failure = reason;
  work.not_before = Timestamp();
}

void Session::SendFailure(Work& work) {
  work.busy = true;
  v1::ReportFailureRequest request;
  request.set_epoch(epoch_);
  request.set_task_id(work.task.task_id());
  request.set_code(static_cast<uint32_t>(work.failure.code()));
  // The hint may quote cells and column names of this site: it stays here, in the log.
  request.set_message(work.failure.message());
  parts_.api.ReportFailure(
      std::move(request), [this, task_id = work.task.task_id(),
                           life = work.life](Result<v1::ReportFailureReply> reply) {
        Work* found = Find(task_id, life);
        if (found == nullptr) return;
        found->busy = false;
        const Reaction reaction = rpc::ReactionTo(reply.status());
        const bool unwanted =
            reaction == Reaction::kDropTask || reaction == Reaction::kReportFailure;
        if (reply.ok() || unwanted) return Drop(task_id);
        Retry(*found, reply.status());
      });
}

void Session::Abandon(int64_t task_id, const std::string& why) {
  const auto found = works_.find(task_id);
  if (found == works_.end()) return;
  parts_.observer.Say(Describe(found->second.task) + ": dropped, " + why);
  found->second.stop.request_stop();
  Drop(task_id);
}

void Session::Drop(int64_t task_id) {
  works_.erase(task_id);
  Keep({storage::RemoveClientTask{task_id}});
  // A file that stays behind is removed at the next start.
  static_cast<void>(parts_.files.Remove(ResultPath(task_id)).ok());
  RemoveUnusedModels();
}

void Session::Retry(Work& work, const Status& status) {
  const Reaction reaction = rpc::ReactionTo(status);
  if (reaction == Reaction::kExitSuperseded || reaction == Reaction::kStop) return End(status);
  if (reaction == Reaction::kRejoin && control_ != Control::kJoin) {
    joined_ = false;
    ++control_call_;
    control_ = Control::kNone;
    control_not_before_ = parts_.clock.Now();
  }
  const bool refused = reaction == Reaction::kStayUnhealthy;
  if (refused || work.backoff.attempts() == 0) {  // not at every attempt
    parts_.observer.Say(Describe(work.task) + ": " + status.ToString() + "; trying again");
  }
  const Duration delay = work.backoff.Next();
  work.not_before = parts_.clock.Now() + (refused ? options_.retry_cap : delay);
}

Work* Session::Find(int64_t task_id, uint64_t life) {
  const auto found = works_.find(task_id);
  if (found == works_.end() || found->second.life != life || !ended_.ok()) return nullptr;
  return &found->second;
}

// ---- Small things -----------------------------------------------------------------------------------

bool Session::HasCapacity() const {
  const auto at_work = std::count_if(works_.begin(), works_.end(), [](const auto& entry) {
    return entry.second.stage != Stage::kSubmitted;
  });
  return at_work < options_.max_concurrent_tasks;
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
    all.push_back(std::move(progress));
  }
  return all;
}

int64_t Session::ProgressMark() const {
  int64_t mark = 0;
  for (const auto& [task_id, work] : works_) {
    mark += work.progress->done + (static_cast<int64_t>(work.stage) << 40) + task_id;
  }
  return mark;
}

std::string Session::ResultPath(int64_t task_id) const {
  return options_.state_dir + "/results/" + std::to_string(task_id) + ".result";
}

std::string Session::ModelPath(const std::string& content_hash) const {
  return options_.state_dir + "/models/" + HexEncode(content_hash) + ".safetensors";
}

// What a kill between the store and the file left behind.
void Session::RemoveUnusedResults() {
  const std::string folder = options_.state_dir + "/results/";
  std::set<std::string> used;
  for (const auto& [task_id, work] : works_) used.insert(ResultPath(task_id));
  const Result<std::vector<std::string>> names =
      parts_.files.List(options_.state_dir + "/results");
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    std::string path = folder;
    path += name;
    if (!used.contains(path)) static_cast<void>(parts_.files.Remove(path).ok());
  }
}

void Session::RemoveUnusedModels() {
  const Result<std::vector<std::string>> names =
      parts_.files.List(options_.state_dir + "/models");
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    const std::string path = options_.state_dir + "/models/" + name;
    const bool used = std::any_of(works_.begin(), works_.end(), [&](const auto& entry) {
      return ModelPath(entry.second.task.model().content_hash()) == path;
    });
    if (!used) static_cast<void>(parts_.files.Remove(path).ok());
  }
}

void Session::Keep(std::vector<storage::ClientRecord> records) {
  const Status status = parts_.store.Commit(records);
  if (!status.ok()) End(status);
}

void Session::End(Status status) {
  if (!ended_.ok()) return;
  ended_ = std::move(status);
  for (auto& [task_id, work] : works_) work.stop.request_stop();
  parts_.observer.HealthChanged(ended_);
}

std::string Session::Describe(const v1::Task& task) const {
  return "run " + task.run_id() + " round " + std::to_string(task.round()) + " " +
         (task.kind() == v1::STATISTICS ? "statistics"
          : task.kind() == v1::EVALUATE ? "evaluation"
                                        : "training");
}

}  // namespace skerry::client
