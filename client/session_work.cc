#include <algorithm>
#include <utility>

#include "base/failpoint.h"
#include "base/text.h"
#include "client/session.h"
#include "crypto/content_hash.h"
#include "rpc/parsed_layout.h"

namespace skerry::client {
namespace {

using rpc::Reaction;
using storage::ClientTask;
using Stage = Work::Stage;

// For the log of this site: the hint may name what operators must not see.
std::string InWords(const Status& status) {
  return status.message() + (status.hint().empty() ? "" : " (" + status.hint() + ")");
}

// A program of the site's own reads the model's file by its name.
ModelFiles::Reader ReaderOf(const Work& work) {
  const bool here = work.shared->spec != nullptr && work.shared->spec->model().kind() != "external";
  return here ? ModelFiles::Reader::kThisProcess : ModelFiles::Reader::kAnybody;
}

}  // namespace

void SessionObserver::TaskFailed(const std::string& task, const Status& reason) {
  Warn(task + ": failed: " + InWords(reason));
}

void Session::Accept(rpc::PulledTask& pulled) {
  const int64_t task_id = pulled.task_id;
  if (works_.contains(task_id)) return;  // given again, because an answer was lost
  SKERRY_FAILPOINT("client/task-received");
  Work& work = works_.emplace(task_id, Work(NewBackoff(++last_life_))).first->second;
  work.life = last_life_;
  work.task_id = task_id;
  work.shared = ShareTask(std::move(pulled.task), pulled.model);
  work.model = work.shared->model;
  work.base_state = BaseStateOf(work.task());
  // What has been fetched of a model outlives this process only with its task.
  const bool fetches = work.task().has_model() && work.model == nullptr;
  fetches ? Keep(Mark(work, ClientTask::State::kTaken))
          : KeepSoon(Mark(work, ClientTask::State::kTaken));
  lines_.Taken(work.task(), parts_.clock.Now());
  SKERRY_FAILPOINT("client/task-kept");
}

void Session::StepWork(Work& work, Timestamp now) {
  if (work.busy || now < work.not_before) return;
  switch (work.stage) {
    case Stage::kFetching:
      if (!work.task().has_model() || work.model != nullptr) return Train(work);
      return joined_ ? Fetch(work) : void();
    case Stage::kSubmitting:
      if (!joined_ || WaitsForRoom(work) || Rides(work, now)) return;
      return work.ask_first ? Query(work) : Submit(work, 0);
    case Stage::kFailing:
      return joined_ ? SendFailure(work) : void();
    default:
      return;
  }
}

// Whether the disk holds what the task needs, before gigabytes have been fetched for nothing.
// RESOURCE_EXHAUSTED, and the task is tried again: there may be room later.
Status Session::CheckRoom(const Work& work) {
  const v1::ModelRef& model = work.task().model();
  SKERRY_ASSIGN_OR_RETURN(const auto parsed, rpc::ParseLayout(work.task().result_layout()));
  const uint64_t there = std::min(models_.BytesOnDisk(model), model.size_bytes());
  const uint64_t needed =
      model.size_bytes() - there + static_cast<uint64_t>(parsed->layout.size_bytes());
  SKERRY_ASSIGN_OR_RETURN(uint64_t available, parts_.files.FreeBytes(options_.state_dir));
  if (needed > available && !spares_.empty()) {
    spares_.RemoveAll();
    SKERRY_ASSIGN_OR_RETURN(available, parts_.files.FreeBytes(options_.state_dir));
  }
  if (needed <= available) return OkStatus();
  return ResourceExhausted("the task needs " + FormatBytes(needed) +
                           " more on this site's disk for the model and its result; " +
                           FormatBytes(available) + " are free")
      .WithHint("make room in " + options_.state_dir + "; the task goes on by itself");
}

void Session::Fetch(Work& work) {
  const v1::ModelRef& model = work.task().model();
  if (model.size_bytes() == 0) {
    return ReportFailure(work, InvalidArgument("the task names a model of no bytes"));
  }
  if (Status room = CheckRoom(work); !room.ok()) return Retry(work, room);
  work.has_model_file = true;  // perhaps also if it cannot be opened
  const auto opened = models_.Open(model, ReaderOf(work));
  const Result<uint64_t> stored = opened.ok() ? (*opened)->Filled() : opened.status();
  if (!stored.ok()) return Retry(work, stored.status());
  const std::shared_ptr<FilledFile>& file = *opened;
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
      std::move(request), sink,
      [this, file, sink, task_id = work.task_id, life = work.life](Result<rpc::Done> done) {
        Work* found = Find(task_id, life);
        if (found == nullptr) return;
        found->busy = false;
        Status status = std::move(done).status();
        if (status.ok() && !sink->whole()) {
          status = DataLoss("the coordinator ended the model's transfer before its last byte");
        }
        // The file stays open while it is read.
        OnFetched(*found, std::shared_ptr<File>(file, file->file().get()), status);
      });
}

void Session::OnFetched(Work& work, std::shared_ptr<File> file, const Status& status) {
  if (status.ok()) {
    SKERRY_FAILPOINT("client/model-fetched");
    work.model = std::move(file);
    return Unhindered(work);
  }
  const Reaction reaction = rpc::ReactionTo(status);
  if (reaction == Reaction::kDropTask) return Unwanted(work, status.message());
  const bool hopeless = reaction == Reaction::kResume && ++work.resumes > kMaxResumes;
  if (hopeless || reaction == Reaction::kReportFailure) return ReportFailure(work, status);
  Retry(work, status);
}

// Where the trainer writes: to memory, if it is little.
Result<std::shared_ptr<File>> Session::NewResult(Work& work) {
  work.small_result.reset();
  const rpc::ParsedLayout* const parsed = work.shared->layout.get();
  const bool small = parsed != nullptr &&
                     parsed->layout.size_bytes() <= static_cast<int64_t>(rpc::kSmallResultBytes);
  if (small) return std::shared_ptr<File>(work.small_result = std::make_shared<BytesFile>());
  const bool known = parsed != nullptr;
  return results_.Create(work.task_id,
                         known ? static_cast<uint64_t>(parsed->layout.size_bytes()) : 0);
}

// What it wrote, for reading.
Result<std::shared_ptr<const File>> Session::OpenResult(const Work& work) const {
  if (work.small_result != nullptr) return std::shared_ptr<const File>(work.small_result);
  return results_.Open(work.task_id);
}

void Session::Train(Work& work) {
  auto order = std::make_shared<WorkOrder>();
  order->task_id = work.task_id;
  order->task = work.shared->task;
  order->coordinator_id = coordinator_id_;
  if (work.shared->spec == nullptr) {
    return ReportFailure(work, InvalidArgument("the task's description of the run is unreadable"));
  }
  order->spec = work.shared->spec;
  order->model = work.model;
  Result<std::shared_ptr<File>> result = NewResult(work);
  if (!result.ok()) return Retry(work, result.status());
  order->result = *std::move(result);
  order->layout = work.shared->layout;
  if (Status opened = OpenStates(work, *order); !opened.ok()) return Retry(work, opened);
  if (Status opened = OpenPersonal(work, *order); !opened.ok()) return Retry(work, opened);
  SKERRY_FAILPOINT("client/training-begins");
  order->stop = work.stop.get_token();
  work.NewProgress();
  order->progress = work.progress;
  work.stage = Stage::kTraining;
  work.busy = true;
  work.training_since = parts_.clock.Now();
  parts_.runner.Start(std::move(order),
                      [this, task_id = work.task_id, life = work.life](Result<WorkDone> done) {
                        OnTrained(task_id, life, std::move(done));
                      });
}

void Session::OnTrained(int64_t task_id, uint64_t life, Result<WorkDone> done) {
  Work* work = Find(task_id, life);
  if (work == nullptr) return;
  work->busy = false;
  SKERRY_FAILPOINT("client/trained");
  const Code code = done.status().code();
  if (code == Code::kResourceExhausted || code == Code::kUnavailable) {
    // The disk is full, or somebody else writes to the data: train again later, to the same bits.
    work->stage = Stage::kFetching;
    return Retry(*work, done.status());
  }
  if (done.status().code() == Code::kDataLoss && ++work->resumes <= kMaxResumes) {
    // The model's file, most likely: fetching looks at all of it again.
    work->model.reset();
    work->stage = Stage::kFetching;
    return Retry(*work, done.status());
  }
  if (!done.ok()) {
    parts_.observer.TaskFailed(Describe(work->task()), done.status());
    return ReportFailure(*work, done.status());
  }
  const Status sealed = Seal(*work, *done);
  if (!sealed.ok()) {
    // The result cannot be read back: train again later, to the same bits.
    work->stage = Stage::kFetching;
    return Retry(*work, sealed);
  }
  Unhindered(*work);
  for (const std::string& remark : done->remarks) {
    parts_.observer.Say(Describe(work->task()) + ": " + remark);
  }
  lines_.Done(work->task(), done->num_examples, parts_.clock.Now());
}

// From here on the result exists: its header and hash are fixed and, if it is worth it, stored.
Status Session::Seal(Work& work, WorkDone& done) {
  if (done.header.content_hash().empty()) {
    SKERRY_ASSIGN_OR_RETURN(const auto file, OpenResult(work));
    SKERRY_ASSIGN_OR_RETURN(const auto parsed, rpc::ParseLayout(work.task().result_layout()));
    SKERRY_RETURN_IF_ERROR(client::Seal(work.task_id, *parsed, *file, done));
  }
  SKERRY_RETURN_IF_ERROR(SealState(work, done));
  SKERRY_RETURN_IF_ERROR(SealPersonal(work, done));
  work.SetHeader(std::move(done.header));
  work.known_chunks = std::move(done.known_chunks);
  work.stage = Stage::kSubmitting;
  work.ask_first = false;
  work.model.reset();
  quiet_from_ = parts_.clock.Now();
  SKERRY_FAILPOINT("client/result-hashed");
  storage::ClientRecord record = Mark(work, ClientTask::State::kFinished);
  IsMadeAgainSoon(work) ? KeepSoon(std::move(record)) : Keep(std::move(record));
  SKERRY_FAILPOINT("client/result-kept");
  return OkStatus();
}

// A result that costs less to make again, to the same bits, than to write down each time (N80).
// Nothing that the store names goes with it.
bool Session::IsMadeAgainSoon(const Work& work) const {
  constexpr Duration kSoon = 1s;
  return work.small_result != nullptr && !work.next_state &&
         parts_.clock.Now() - work.training_since < kSoon;
}

void Session::Retry(Work& work, const Status& status) {
  // Not at every attempt; that the coordinator was restarted is said once for all tasks.
  const bool restarted = status.detail() == rpc::kEpochUnknown;
  if (!restarted && work.trouble != status.message()) {
    work.trouble = status.message();
    parts_.observer.Warn(Describe(work.task()) + ": " + InWords(status) + "; trying again");
  }
  const Reaction reaction = rpc::ReactionTo(status);
  if (reaction == Reaction::kExitSuperseded || reaction == Reaction::kStop) return End(status);
  if (status.code() == Code::kResourceExhausted) spares_.RemoveAll();
  if (reaction == Reaction::kRejoin && control_ != Control::kJoin) {
    if (joined_) SayRestarted(status);
    joined_ = false;
    ++control_call_;
    control_ = Control::kNone;
    control_not_before_ = parts_.clock.Now();
  }
  const bool refused = reaction == Reaction::kStayUnhealthy;
  const Duration delay = work.backoff.Next(rpc::LongestPause(status));
  work.not_before = parts_.clock.Now() + (refused ? options_.retry_cap : delay);
}

}  // namespace skerry::client
