#include "coordinator/coordinator.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/failpoint.h"
#include "base/random.h"
#include "coordinator/views.h"

namespace skerry::coordinator {
namespace {

bool IsSmallVersion(const std::optional<ModelVersion>& version, uint64_t small_bytes) {
  return version && version->model_size_bytes + version->state_size_bytes <= small_bytes;
}

// Whether to make a round takes less time than to hand it to another thread, and to commit twice.
bool IsSmall(const FinalizeInput& input, uint64_t small_version_bytes) {
  constexpr uint64_t kFewBytes = uint64_t{1} << 20;     // of all results
  constexpr int64_t kFewElements = int64_t{64} * 1024;  // few bytes may stand for many
  if (input.spec.makes_model && !IsSmallVersion(input.base, small_version_bytes)) return false;
  if (input.program->parameters().num_elements() > kFewElements) return false;
  uint64_t bytes = 0;
  for (const CountedResult& result : input.results) bytes += result.header->size_bytes();
  return bytes <= kFewBytes;
}

}  // namespace

Coordinator::Coordinator(const CoordinatorParts& parts, CoordinatorOptions options)
    : parts_(parts),
      options_(std::move(options)),
      checkpoints_(parts.files, options_.state_dir + "/runs"),
      uploads_(parts.files, options_.state_dir + "/spool", options_.spool_bytes),
      finalizer_(checkpoints_, parts.compute, options_.num_threads, options_.small_version_bytes),
      small_finalizer_(checkpoints_, parts.compute, 1, options_.small_version_bytes),
      jitter_(static_cast<uint64_t>(parts.clock.WallNow().unix_millis), Purpose::kJitter, 0, "", 0),
      receipt_window_(options_.receipt_window) {}

Coordinator::~Coordinator() = default;

// ---- Start

Result<std::unique_ptr<Coordinator>> Coordinator::Open(const CoordinatorParts& parts,
                                                       CoordinatorOptions options) {
  auto coordinator = std::unique_ptr<Coordinator>(new Coordinator(parts, std::move(options)));
  SKERRY_RETURN_IF_ERROR(coordinator->Restore());
  return coordinator;
}

Status Coordinator::Restore() {
  SKERRY_RETURN_IF_ERROR(uploads_.Prepare());
  storage::JournalReader& reader = parts_.reader;
  SKERRY_ASSIGN_OR_RETURN(coordinator_id_, reader.CoordinatorId());
  SKERRY_ASSIGN_OR_RETURN(last_task_id_, reader.LargestTaskId());
  SKERRY_ASSIGN_OR_RETURN(const std::vector<storage::SiteRecord> sites, reader.Sites());
  for (const storage::SiteRecord& record : sites) {
    Site& site = GetSite(record.site);
    site.record = record;
    site.epoch_at_start = record.epoch;
  }
  SKERRY_ASSIGN_OR_RETURN(const std::vector<storage::TaskRecord> unconfirmed,
                          reader.UnconfirmedOutcomes());
  for (const storage::TaskRecord& task : unconfirmed) {
    GetSite(task.site).verdicts[task.task_id] = std::make_shared<TaskRow>(TaskRow{task});
  }
  SKERRY_ASSIGN_OR_RETURN(const std::vector<storage::RunRecord> runs, reader.Runs());
  for (const storage::RunRecord& record : runs) {
    SKERRY_RETURN_IF_ERROR(ExpectSitesAtWork(record, reader));
  }
  for (const storage::RunRecord& record : runs) {
    const Status status = RestoreRun(record, reader);
    if (!status.ok()) return status.WithContext("run " + record.run_id);
  }
  std::vector<int64_t> results_in_use;
  for (const auto& [task_id, task] : tasks_) results_in_use.push_back(task_id);
  for (const auto& run : runs_) {
    const std::vector<int64_t> kept = run->kept_updates();
    results_in_use.insert(results_in_use.end(), kept.begin(), kept.end());
  }
  SKERRY_FAILPOINT("coordinator/restored");
  uploads_.RemoveAllBut(results_in_use);
  return OkStatus();
}

// While a run goes on the newest need no files. Those of the others a power loss may have taken,
// and where there is no room for them, memory has to do.
Status Coordinator::RestoreSmallVersions(const storage::RunRecord& record,
                                         storage::JournalReader& reader) {
  using storage::CheckpointPart;
  std::size_t in_memory = storage::IsFinal(record.state) ? kMostInMemory : 0;
  const auto restore = [&](const storage::CheckpointRef& ref, const std::string& contents) {
    if (in_memory++ < kMostInMemory) return checkpoints_.Keep(ref, contents);
    Status restored = checkpoints_.Restore(ref, contents);
    return restored.code() == Code::kResourceExhausted ? checkpoints_.Keep(ref, contents)
                                                       : restored;
  };
  SKERRY_ASSIGN_OR_RETURN(auto versions, reader.SmallVersions(record.run_id));
  std::reverse(versions.begin(), versions.end());  // the newest first
  for (const storage::SmallVersion& small : versions) {
    const int64_t version = small.version;
    SKERRY_RETURN_IF_ERROR(restore({record.run_id, version, CheckpointPart::kModel}, small.model));
    if (small.state.empty()) continue;
    SKERRY_RETURN_IF_ERROR(restore({record.run_id, version, CheckpointPart::kState}, small.state));
  }
  return OkStatus();
}

// Before any run looks who is connected.
Status Coordinator::ExpectSitesAtWork(const storage::RunRecord& record,
                                      storage::JournalReader& reader) {
  if (storage::IsFinal(record.state)) return OkStatus();
  SKERRY_ASSIGN_OR_RETURN(const std::vector<storage::TaskRecord> tasks,
                          reader.Tasks(record.run_id, record.rounds_committed, INT64_MAX));
  for (const storage::TaskRecord& task : tasks) {
    if (task.outcome != storage::Outcome::kNone) continue;
    Site& site = GetSite(task.site);
    if (!std::exchange(site.connected, true)) ++num_connected_;
    site.broken = true;
    site_timers_.Set(site.number, Now() + options_.grace_after_restart);
  }
  return OkStatus();
}

Status Coordinator::RestoreRun(const storage::RunRecord& record, storage::JournalReader& reader) {
  SKERRY_ASSIGN_OR_RETURN(RunPlan plan, ParseRunFile(record.run_file, "run file"));
  SKERRY_RETURN_IF_ERROR(RestoreSmallVersions(record, reader));
  SKERRY_ASSIGN_OR_RETURN(auto run, Run::Create(*this, std::move(plan), record, nullptr));
  runs_.push_back(std::move(run));
  Run& restored = *runs_.back();
  SKERRY_RETURN_IF_ERROR(restored.Restore(reader));
  // A reported result is not offered to its site again, but must still be found by its id.
  for (const auto& [place, slot] : restored.slots()) {
    tasks_.try_emplace(slot.record().task_id, OpenTask{&restored, place});
  }
  WatchHistory(restored);
  return RemoveLeftovers(restored, reader);
}

// ---- The loop ----------------------------------------------------------------------------------

std::optional<Timestamp> Coordinator::NextDue() const {
  std::optional<Timestamp> due = site_timers_.Next();
  const auto consider = [&](Timestamp t) { due = due ? std::min(*due, t) : t; };
  for (const auto& run : runs_) {
    if (const auto t = run->NextDue()) consider(*t);
  }
  if (const auto t = NextHistoryEnd()) consider(*t);
  if (commit_by_) consider(*commit_by_);
  for (const auto& [run_id, watchers] : watchers_) {
    for (const Watcher& watcher : watchers) consider(watcher.until);
  }
  return due;
}

void Coordinator::StageWithin(Duration time, const std::shared_ptr<TaskRow>& task) {
  if (!std::exchange(task->staged, true)) {
    batch_.emplace_back(storage::LiveTask(task, &task->record));
    staged_tasks_.push_back(task);
  }
  const Timestamp due = Now() + time;
  commit_by_ = commit_by_ ? std::min(*commit_by_, due) : due;
}

void Coordinator::StageTask(const std::shared_ptr<TaskRow>& task) {
  StageWithin(Duration{0}, task);
}

void Coordinator::StageReceipt(const std::shared_ptr<TaskRow>& task) {
  StageWithin(receipt_window_, task);
  receipts_wait_ = true;
}

void Coordinator::StageSoon(const std::shared_ptr<TaskRow>& task) {
  StageWithin(options_.soon_window, task);
}

void Coordinator::Committed() {
  batch_.clear();
  for (const std::shared_ptr<TaskRow>& task : staged_tasks_) task->staged = false;
  staged_tasks_.clear();
  commit_by_.reset();
  receipts_wait_ = false;
}

Status Coordinator::Flush() {
  while (const auto number = site_timers_.PopDue(Now())) {
    Site& site = *sites_by_number_[*number];
    if (site.pull || site.heartbeat) {
      AnswerPull(site, true);
      AnswerHeartbeat(site, true);
    } else {
      Lost(site);
    }
  }
  // By index: a run that ends may begin another's turn, never a new run.
  for (const auto& run : runs_) {
    if (const auto due = run->NextDue(); due && *due <= Now()) run->OnTime();
  }
  FinishSmallRounds();
  RemoveOldHistories();
  AnswerAll();
  AnswerWatchers();
  if (MustCommit()) {
    SKERRY_FAILPOINT("coordinator/commit-begins");
    batch_ = storage::WithoutReplacedRows(std::move(batch_));
    if (Status committed = parts_.journal.Commit(batch_); !committed.ok()) {
      uploads_.RemoveSpares();  // they may be what is in the way
      return committed;
    }
    Committed();
    SKERRY_FAILPOINT("coordinator/committed");
  }
  const bool all_committed = batch_.empty();
  if (all_committed) WriteOutEndedRuns();
  std::vector<std::function<void()>> actions;
  actions.swap(replies_);
  if (all_committed) {
    std::move(after_commit_.begin(), after_commit_.end(), std::back_inserter(actions));
    after_commit_.clear();
    std::move(removals_.begin(), removals_.end(), std::back_inserter(actions));
    removals_.clear();
  }
  for (const auto& action : actions) action();
  if (!actions.empty()) SKERRY_FAILPOINT("coordinator/replies-released");
  return OkStatus();
}

void Coordinator::EndHeldCalls() {
  holds_calls_ = false;
  if (!batch_.empty()) commit_by_ = Now();
  for (Site* site : sites_by_number_) {
    if (site != nullptr) DropHeldCalls(*site, ShuttingDown());
  }
  for (auto& [run_id, watchers] : watchers_) {
    for (Watcher& watcher : watchers) {
      Reply<v1::WatchRunReply>(std::move(watcher.done), ShuttingDown());
    }
  }
  watchers_.clear();
}

// ---- RunHost

bool Coordinator::IsConnected(const std::string& site) const {
  const Site* found = FindSite(site);
  return (found != nullptr && found->connected) || IsOnCall(site);
}

void Coordinator::OfferTask(Run& run, int32_t place, int64_t task_id) {
  Site& site = GetSite(run.record().sites[static_cast<std::size_t>(place)]);
  tasks_[task_id] = {&run, place};
  if (std::find(site.open.begin(), site.open.end(), task_id) == site.open.end()) {
    site.open.push_back(task_id);
  }
  if (!site.has_session && IsOnCall(site.record.site)) {
    after_commit_.emplace_back([this, name = site.record.site] { options_.on_call->Call(name); });
  }
  MarkDirty(site);
}

void Coordinator::WithdrawTask(const std::string& name, int64_t task_id) {
  Site& site = GetSite(name);
  std::erase(site.open, task_id);
  site.resend.erase(task_id);
  MarkDirty(site);
}

void Coordinator::AskResend(const std::string& name, int64_t task_id) {
  Site& site = GetSite(name);
  site.resend.insert(task_id);
  uploads_.Discard(task_id);  // not good enough to build on
  MarkDirty(site);
}

void Coordinator::ForgetTask(int64_t task_id) { tasks_.erase(task_id); }

void Coordinator::TellOutcome(const std::shared_ptr<TaskRow>& task) {
  Site& site = GetSite(task->record.site);
  tasks_.erase(task->record.task_id);
  site.verdicts[task->record.task_id] = task;
  MarkDirty(site);
}

void Coordinator::StartFinalize(Run& run, int64_t ticket, FinalizeInput input) {
  for (CountedResult& result : input.results) {
    Result<StoredResult> stored = uploads_.Open(result.task_id);
    if (!stored.ok()) continue;
    result.file = std::move(stored->file);
    result.chunk_checksums = std::move(stored->chunk_checksums);
  }
  if (IsSmall(input, options_.small_version_bytes)) {
    small_finalizes_.push_back({&run, ticket, std::move(input)});
    return;
  }
  auto shared = std::make_shared<FinalizeInput>(std::move(input));
  // After the commit: that these results count must be known before the model shows it.
  after_commit_.emplace_back([this, shared, ticket, run = &run] {
    parts_.compute.Post([this, shared, ticket, run] {
      auto output = std::make_shared<Result<FinalizeOutput>>(finalizer_.Run(*shared));
      shared->results.clear();  // lets go of their files
      parts_.loop.Post(
          [this, output, ticket, run] { Finalized(*run, ticket, std::move(*output)); });
    });
  });
}

// Its version stands in the journal, not in a synced file. So nothing of it is there before the
// commit that says what counted, and both are in one.
void Coordinator::FinishSmallRounds() {
  while (!small_finalizes_.empty()) {
    for (const SmallFinalize& due : std::exchange(small_finalizes_, {})) {
      Finalized(*due.run, due.ticket, small_finalizer_.Run(due.input));
    }
  }
}

void Coordinator::Finalized(Run& run, int64_t ticket, Result<FinalizeOutput> output) {
  if (output.status().code() == Code::kInternal && options_.on_fatal) {
    return options_.on_fatal(output.status());
  }
  if (output.status().code() == Code::kResourceExhausted) uploads_.RemoveSpares();
  const std::optional<ModelVersion> made = output.ok() ? output->model : std::nullopt;
  std::vector<crypto::Digest> chunks;
  if (made) chunks = std::move(output->model_chunks);
  run.OnFinalized(ticket, std::move(output));
  const std::string& run_id = run.record().run_id;
  const bool is_base = made && run.base() && run.base()->version == made->version &&
                       run.base()->model_hash == made->model_hash;
  if (is_base && !run.ended()) {
    // Sites come for it now, and it is not hashed again for them.
    Served(run_id, made->version).known_chunks =
        std::make_shared<rpc::KnownChunks>(std::move(chunks));
  }
  if (made && !is_base && run.ended()) {
    // Nobody wants it: the run was stopped meanwhile. What stays is removed at the next start.
    for (const auto part : {storage::CheckpointPart::kModel, storage::CheckpointPart::kState}) {
      static_cast<void>(checkpoints_.Remove({run_id, made->version, part}).ok());
    }
  }
  // Not on another thread, where it would meet removals. What there is no room for stays in memory.
  const Status written = checkpoints_.WriteOut(run_id, kMostInMemory);
  if (written.code() == Code::kInternal && options_.on_fatal) options_.on_fatal(written);
}

// Before anybody hears of the end, so that who does finds the files.
void Coordinator::WriteOutEndedRuns() {
  for (const std::string& run_id : std::exchange(ended_runs_, {})) {
    const Status written = checkpoints_.WriteOut(run_id, 0);
    if (written.ok()) continue;
    if (written.code() == Code::kInternal && options_.on_fatal) return options_.on_fatal(written);
    Stage(storage::EventRecord{
        WallNow(), run_id, -1, "", "step_failed",
        "its versions are in the journal alone until the next start: " + written.message()});
  }
}

Status Coordinator::VerifyVersion(const std::string& run_id, const ModelVersion& version) {
  using storage::CheckpointPart;
  served_models_.erase(run_id);  // what was read of it before says nothing now
  const auto verify = [&](CheckpointPart part, const crypto::Digest& hash) {
    return checkpoints_
        .OpenVerified({run_id, version.version, part}, hash, parts_.compute,
                      options_.num_threads - 1)
        .status();
  };
  SKERRY_RETURN_IF_ERROR(verify(CheckpointPart::kModel, version.model_hash));
  if (version.state_size_bytes == 0) return OkStatus();
  return verify(CheckpointPart::kState, version.state_hash);
}

void Coordinator::RunEnded(Run& run) {
  WatchHistory(run);
  served_models_.erase(run.record().run_id);
  const bool idle =
      std::all_of(runs_.begin(), runs_.end(), [](const auto& other) { return other->ended(); });
  if (idle) removals_.emplace_back([this] { uploads_.RemoveSpares(); });
  ended_runs_.push_back(run.record().run_id);
  v1::PullTaskReply::RunFinished notice;
  notice.set_run_id(run.record().run_id);
  notice.set_state(std::string(Name(run.record().state)));
  for (Site* site : sites_by_number_) {
    // Others hear of it with a poll, if they keep something of it.
    if (site == nullptr || !site->has_session || !run.PlaceOf(site->record.site)) continue;
    site->notices.push_back(notice);
    MarkDirty(*site);
  }
}

}  // namespace skerry::coordinator
