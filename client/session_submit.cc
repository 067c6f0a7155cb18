#include <algorithm>
#include <utility>

#include "base/failpoint.h"
#include "client/session.h"
#include "rpc/answer.h"
#include "rpc/chunks.h"

namespace skerry::client {
namespace {

using rpc::Reaction;
using storage::ClientTask;
using Stage = Work::Stage;

}  // namespace

void Session::Query(Work& work) {
  work.busy = true;
  v1::QueryUploadRequest request;
  request.set_epoch(epoch_);
  request.set_task_id(work.task_id);
  request.set_content_hash(work.Header().content_hash());
  parts_.api.QueryUpload(std::move(request), [this, task_id = work.task_id, life = work.life](
                                                 Result<v1::QueryUploadReply> reply) {
    Work* found = Find(task_id, life);
    if (found == nullptr) return;
    found->busy = false;
    if (!reply.ok()) return OnSubmitFailed(*found, reply.status());
    found->ask_first = false;
    Submit(*found, reply->offset());
  });
}

void Session::Submit(Work& work, uint64_t offset) {
  Result<std::shared_ptr<const File>> file = OpenResult(work);
  if (!file.ok()) {
    return TrainAgain(work, file.status());
  }
  // So little is sent as a whole.
  if (work.Header().size_bytes() <= rpc::kSmallResultBytes) offset = 0;
  v1::SubmitResultRequest::Start start = BeginSubmit(work, offset);
  parts_.api.SubmitResult(
      std::move(start), ResultSource(*std::move(file), offset, work.known_chunks, work.progress),
      [this, task_id = work.task_id, life = work.life](Result<v1::SubmitResultReply> reply) {
        Work* found = Find(task_id, life);
        if (found == nullptr) return;
        found->busy = false;
        if (!reply.ok()) return OnSubmitFailed(*found, reply.status());
        OnSubmitted(*found, false);
      });
}

v1::SubmitResultRequest::Start Session::BeginSubmit(Work& work, uint64_t offset) {
  work.busy = true;
  work.NewProgress();
  work.progress->total = static_cast<int64_t>(work.Header().size_bytes());
  v1::SubmitResultRequest::Start start;
  start.set_epoch(epoch_);
  *start.mutable_header() = std::move(work.Header());
  start.set_offset(offset);
  SKERRY_FAILPOINT("client/upload-begins");
  return start;
}

// `over`: its verdict is here too, and nothing of it has to be kept.
void Session::OnSubmitted(Work& work, bool over) {
  SKERRY_FAILPOINT("client/receipt-heard");
  work.stage = Stage::kSubmitted;
  Unhindered(work);
  if (!over) KeepSoon(Mark(work, ClientTask::State::kSubmitted));
  SKERRY_FAILPOINT("client/receipt-kept");
}

// ---- With the next PullTask --------------------------------------------------------------------

// A small result that nothing is known to be wrong with. One of which something may have arrived
// goes by itself.
bool Session::MayRide(const Work& work) const {
  return work.stage == Stage::kSubmitting && work.small_result != nullptr && !work.ask_first &&
         !work.busy && (!work.next_state || disk_full_.empty());
}

// Whether this step will make the call that takes it along.
bool Session::Rides(const Work& work, Timestamp now) const {
  if (!MayRide(work) || !joined_ || !HasCapacity()) return false;
  return control_ == Control::kHeartbeat || (control_ == Control::kNone && now >= ControlDue());
}

void Session::TakeAlong(v1::PullTaskRequest& request) {
  for (auto& [task_id, work] : works_) {
    if (!MayRide(work)) continue;
    v1::SubmitSmallResultRequest& result = *request.add_results();
    *result.mutable_start() = BeginSubmit(work, 0);
    result.set_contents(work.small_result->bytes());
    riding_.emplace_back(task_id, work.life);
  }
}

void Session::OnAnswers(const v1::PullTaskReply& reply) {
  const auto is_over = [&reply](int64_t task_id) {
    return std::any_of(reply.verdicts().begin(), reply.verdicts().end(),
                       [task_id](const auto& verdict) { return verdict.task_id() == task_id; });
  };
  for (const auto& [task_id, life] : std::exchange(riding_, {})) {
    Work* work = Find(task_id, life);
    if (work == nullptr) continue;
    work->busy = false;
    const Status answer = rpc::AnswerIn(reply, task_id);
    answer.ok() ? OnSubmitted(*work, is_over(task_id)) : OnSubmitFailed(*work, answer);
  }
}

// Their PullTask came to nothing: they may have arrived.
void Session::LetOff() {
  for (const auto& [task_id, life] : std::exchange(riding_, {})) {
    Work* work = Find(task_id, life);
    if (work == nullptr) continue;
    work->busy = false;
    work->ask_first = true;
  }
}

void Session::OnSubmitFailed(Work& work, const Status& status) {
  const Reaction reaction = rpc::ReactionTo(status);
  const bool refused = reaction == Reaction::kReportFailure || reaction == Reaction::kResume;
  if (const Status kept = refused ? CheckKeptResult(work) : OkStatus(); !kept.ok()) {
    return TrainAgain(work, kept);
  }
  switch (reaction) {
    case Reaction::kDropTask:
      // A newer stream of the same result, perhaps a copy of this one, says nothing of the task:
      // what is said when it is asked for does.
      if (work.next_state && status.code() == Code::kAborted) {
        work.ask_first = true;
        return Retry(work, status);
      }
      return Unwanted(work, status.message());
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

void Session::ReportFailure(Work& work, const Status& reason) {
  if (reason.code() == Code::kCancelled) return Abandon(work.task_id, "it was cancelled");
  work.stage = Stage::kFailing;
  work.failure = reason;
  work.not_before = Timestamp();
}

void Session::SendFailure(Work& work) {
  work.busy = true;
  v1::ReportFailureRequest request;
  request.set_epoch(epoch_);
  request.set_task_id(work.task_id);
  request.set_code(static_cast<uint32_t>(work.failure.code()));
  // The hint may quote cells, paths and column names of this site: it stays here, in the log.
  request.set_message(ForTheWire(work.failure.message()));
  parts_.api.ReportFailure(std::move(request), [this, task_id = work.task_id, life = work.life](
                                                   Result<v1::ReportFailureReply> reply) {
    Work* found = Find(task_id, life);
    if (found == nullptr) return;
    found->busy = false;
    const Reaction reaction = rpc::ReactionTo(reply.status());
    const bool unwanted = reaction == Reaction::kDropTask || reaction == Reaction::kReportFailure;
    if (unwanted) return Unwanted(*found, reply.status().message());
    if (reply.ok()) return Drop(task_id);
    Retry(*found, reply.status());
  });
}

}  // namespace skerry::client
