// Models on their way out, results on their way in.

#include <utility>

#include "base/failpoint.h"
#include "base/text.h"
#include "coordinator/coordinator.h"
#include "coordinator/result_check.h"
#include "rpc/answer.h"
#include "rpc/chunks.h"

namespace skerry::coordinator {
namespace {

v1::SubmitResultReply ReceiptFor(const v1::ResultHeader& header) {
  v1::SubmitResultReply receipt;
  receipt.set_task_id(header.task_id());
  receipt.set_content_hash(header.content_hash());
  return receipt;
}

Status NotWanted(int64_t task_id) {
  return NotFound("task " + std::to_string(task_id) + " is not open for this site");
}

Status AnotherIsHere(int64_t task_id) {
  return AlreadyExists("another result of task " + std::to_string(task_id) +
                       " has been received; the first one counts");
}

// What a complete upload says, if its bytes are those that its header names, and good.
Result<std::vector<learning::Metric>> CheckWhole(Upload& upload, const learning::RoundSpec& spec,
                                                 const learning::Program& program) {
  const v1::ResultHeader& header = upload.header();
  SKERRY_RETURN_IF_ERROR(
      upload.spool().Complete(upload.generation(), rpc::CanonicalHeader(header)));
  return CheckResult(*upload.spool().file(), header, spec, program, upload.spool().good_chunks());
}

// What a site says about itself is kept and shown to many: no more of it than a person reads.
constexpr std::size_t kMostOfMessage = 1000;
constexpr std::size_t kMostOfHint = 300;

}  // namespace

void Coordinator::OpenModel(const std::string& name, const v1::PullModelRequest& request,
                            rpc::Callback<std::shared_ptr<rpc::ChunkSource>> done) {
  using Source = std::shared_ptr<rpc::ChunkSource>;
  const Site* site = FindSite(name);
  if (Status status = CheckSession(site, request.epoch()); !status.ok()) {
    return Reply<Source>(std::move(done), std::move(status));
  }
  const Result<Run*> run = ResolveRun(request.model().run_id());
  const ModelVersion* version =
      run.ok() && (*run)->PlaceOf(name) ? (*run)->FindServed(request.model().version()) : nullptr;
  if (version == nullptr || version->model_hash.view() != request.model().content_hash()) {
    return Reply<Source>(
        std::move(done),
        NotFound("version " + std::to_string(request.model().version()) + " of run " +
                 request.model().run_id() + " is not the one that its sites work from"));
  }
  Result<std::unique_ptr<File>> file = checkpoints_.Open(
      {request.model().run_id(), request.model().version(), storage::CheckpointPart::kModel});
  if (!file.ok()) return Reply<Source>(std::move(done), std::move(file).status());
  const ServedModel& served = Served(request.model().run_id(), request.model().version());
  Reply<Source>(std::move(done),
                Source(rpc::ReadChunks(*std::move(file), request.offset(), served.known_chunks)));
}

void Coordinator::QueryUpload(const std::string& name, const v1::QueryUploadRequest& request,
                              rpc::Callback<v1::QueryUploadReply> done) {
  if (Status status = CheckSession(FindSite(name), request.epoch()); !status.ok()) {
    return Reply<v1::QueryUploadReply>(std::move(done), std::move(status));
  }
  const OpenTask* task = FindTask(name, request.task_id());
  const Result<crypto::Digest> hash = crypto::Digest::FromBytes(request.content_hash());
  if (!hash.ok()) return Reply<v1::QueryUploadReply>(std::move(done), hash.status());
  if (task == nullptr) {
    return Reply<v1::QueryUploadReply>(std::move(done), NotWanted(request.task_id()));
  }
  const TaskSlot& slot = *task->run->FindSlot(task->place);
  if (slot.record().state == storage::TaskState::kFailed) {
    return Reply<v1::QueryUploadReply>(std::move(done), NotWanted(request.task_id()));
  }
  v1::QueryUploadReply reply;
  if (slot.record().state == storage::TaskState::kReported) {
    if (slot.record().content_hash != *hash) {
      return Reply<v1::QueryUploadReply>(std::move(done), AnotherIsHere(request.task_id()));
    }
    reply.set_complete(true);
    reply.set_offset(slot.record().size_bytes);
    return Reply<v1::QueryUploadReply>(std::move(done), std::move(reply));
  }
  const auto size = static_cast<uint64_t>(task->run->round_spec()->result_layout.size_bytes());
  const Result<uint64_t> stored =
      uploads_.Stored(request.task_id(), *hash, size, RoomFor(*task->run));
  if (!stored.ok()) return Reply<v1::QueryUploadReply>(std::move(done), stored.status());
  reply.set_offset(*stored);
  Reply<v1::QueryUploadReply>(std::move(done), std::move(reply));
}

void Coordinator::ReportFailure(const std::string& name, const v1::ReportFailureRequest& request,
                                rpc::Callback<v1::ReportFailureReply> done) {
  if (Status status = CheckSession(FindSite(name), request.epoch()); !status.ok()) {
    return Reply<v1::ReportFailureReply>(std::move(done), std::move(status));
  }
  if (const OpenTask* task = FindTask(name, request.task_id())) {
    const auto code = request.code() <= static_cast<uint32_t>(Code::kUnauthenticated)
                          ? static_cast<Code>(request.code())
                          : Code::kUnknown;
    const Status reason = Status(code == Code::kOk ? Code::kUnknown : code,
                                 std::string(FirstCharacters(request.message(), kMostOfMessage)))
                              .WithHint(std::string(FirstCharacters(request.hint(), kMostOfHint)));
    Run& run = *task->run;
    if (code == Code::kDataLoss) {
      run.OnDataLost(task->place, reason);
    } else {
      run.OnFailed(task->place, reason);
    }
  }
  Reply<v1::ReportFailureReply>(std::move(done), v1::ReportFailureReply());
}

// The oldest run at work gets what it needs (no more than the budget: CheckSpoolFits), so that it
// ends, and then the next is the oldest.
UploadDesk::Room Coordinator::RoomFor(const Run& run) const {
  for (const auto& other : runs_) {
    if (other->ended() || other->paused()) continue;
    return other.get() == &run ? UploadDesk::Room::kAlways : UploadDesk::Room::kWithinBudget;
  }
  return UploadDesk::Room::kWithinBudget;
}

// ---- Uploads -----------------------------------------------------------------------------------

// False: the result is here already.
Result<bool> Coordinator::WantsResult(const std::string& name,
                                      const v1::SubmitResultRequest::Start& start) const {
  SKERRY_RETURN_IF_ERROR(CheckSession(FindSite(name), start.epoch()));
  SKERRY_FAILPOINT("coordinator/upload-begins");
  const v1::ResultHeader& header = start.header();
  const OpenTask* task = FindTask(name, header.task_id());
  if (task == nullptr) return NotWanted(header.task_id());
  const TaskSlot& slot = *task->run->FindSlot(task->place);
  if (slot.record().state == storage::TaskState::kReported) {
    if (slot.record().content_hash.view() == header.content_hash()) return false;
    return AnotherIsHere(header.task_id());
  }
  if (slot.record().state == storage::TaskState::kFailed) return NotWanted(header.task_id());
  SKERRY_RETURN_IF_ERROR(
      CheckHeader(header, task->run->round_spec()->result_layout, task->run->layout_hash()));
  return true;
}

Result<std::shared_ptr<Upload>> Coordinator::AdmitUpload(
    const std::string& name, const v1::SubmitResultRequest::Start& start) {
  SKERRY_ASSIGN_OR_RETURN(const bool wanted, WantsResult(name, start));
  if (!wanted) return std::shared_ptr<Upload>();
  const Run& run = *FindTask(name, start.header().task_id())->run;
  return uploads_.Begin(name, start.header(), start.offset(), RoomFor(run),
                        PlainFloatsIn(run.round_spec()->result_layout));
}

void Coordinator::BeginUpload(const std::string& name, const v1::SubmitResultRequest::Start& start,
                              rpc::Callback<std::shared_ptr<Upload>> done) {
  Reply<std::shared_ptr<Upload>>(std::move(done), AdmitUpload(name, start));
}

void Coordinator::FinishUpload(std::shared_ptr<Upload> upload,
                               rpc::Callback<v1::SubmitResultReply> done) {
  const OpenTask* task = FindTask(upload->site(), upload->header().task_id());
  if (task == nullptr) {
    return Reply<v1::SubmitResultReply>(std::move(done), NotWanted(upload->header().task_id()));
  }
  SKERRY_FAILPOINT("coordinator/upload-received");
  const auto spec = std::make_shared<learning::RoundSpec>(*task->run->round_spec());
  parts_.compute.Post([this, upload = std::move(upload), spec,
                       program = task->run->shared_program(), done = std::move(done)]() mutable {
    auto checked = std::make_shared<Result<std::vector<learning::Metric>>>(
        CheckWhole(*upload, *spec, *program));
    parts_.loop.Post([this, upload, checked, done = std::move(done)]() mutable {
      UploadChecked(upload, std::move(*checked), std::move(done));
    });
  });
}

// Few bytes may be many elements.
bool Coordinator::StandsForMany(const std::string& site, int64_t task_id) const {
  constexpr int64_t kFew = 64 * 1024;
  const OpenTask* task = FindTask(site, task_id);
  return task != nullptr && task->run->program().parameters().num_elements() > kFew;
}

void Coordinator::SubmitSmallResult(const std::string& name, v1::SubmitSmallResultRequest request,
                                    rpc::Callback<v1::SubmitResultReply> done) {
  SubmitReceived(name, Receive(std::move(request)), std::move(done));
}

void Coordinator::SubmitReceived(const std::string& name, ReceivedResult result,
                                 rpc::Callback<v1::SubmitResultReply> done) {
  if (!result.size.ok()) return Reply<v1::SubmitResultReply>(std::move(done), result.size);
  if (!StandsForMany(name, result.start.header().task_id())) {
    const v1::SubmitResultReply receipt = ReceiptFor(result.start.header());
    Status taken = TakeSmallResult(name, result);
    return Reply<v1::SubmitResultReply>(
        std::move(done), taken.ok() ? Result<v1::SubmitResultReply>(receipt) : std::move(taken));
  }
  const Result<std::shared_ptr<Upload>> upload = AdmitUpload(name, result.start);
  if (!upload.ok()) return Reply<v1::SubmitResultReply>(std::move(done), upload.status());
  if (*upload == nullptr) {
    return Reply<v1::SubmitResultReply>(std::move(done), ReceiptFor(result.start.header()));
  }
  const Status appended = (*upload)->Append(rpc::MakeChunk(0, result.contents->bytes()));
  if (!appended.ok()) return Reply<v1::SubmitResultReply>(std::move(done), appended);
  FinishUpload(*upload, std::move(done));
}

// A call that is held for the next task waits for no receipt.
void Coordinator::TakeResults(Site& site, ReceivedPoll& poll) {
  site.answers.clear();
  const Duration awaited = std::exchange(receipt_window_, options_.soon_window);
  for (ReceivedResult& result : poll.results) TakeResult(site, result);
  receipt_window_ = awaited;
}

void Coordinator::TakeResult(Site& site, ReceivedResult& result) {
  const int64_t task_id = result.start.header().task_id();
  if (!StandsForMany(site.record.site, task_id)) {
    v1::PullTaskReply::Answer receipt;
    receipt.set_task_id(task_id);
    receipt.set_content_hash(result.start.header().content_hash());
    Status taken = TakeSmallResult(site.record.site, result);
    site.answers.push_back(taken.ok() ? std::move(receipt)
                                      : rpc::AnswerTo(task_id, std::move(taken)));
    return;
  }
  // Which has been committed when it comes; the poll may have ended meanwhile.
  SubmitReceived(site.record.site, std::move(result),
                 [this, name = site.record.site, call_id = site.pull->call_id,
                  task_id](const Result<v1::SubmitResultReply>& reply) {
                   parts_.loop.Post([this, name, call_id, answer = rpc::AnswerTo(task_id, reply)] {
                     Site* found = FindSite(name);
                     if (found == nullptr || !found->pull || found->pull->call_id != call_id)
                       return;
                     found->answers.push_back(answer);
                     MarkDirty(*found);
                   });
                 });
}

// So little is checked here: to hand it to another thread would take longer. Takes what `result`
// holds, if it wants it. OK: it is here.
Status Coordinator::TakeSmallResult(const std::string& name, ReceivedResult& result) {
  v1::ResultHeader& header = *result.start.mutable_header();
  SKERRY_RETURN_IF_ERROR(result.size);
  SKERRY_ASSIGN_OR_RETURN(const bool wanted, WantsResult(name, result.start));
  if (!wanted) return OkStatus();
  SKERRY_FAILPOINT("coordinator/upload-received");
  const OpenTask& task = *FindTask(name, header.task_id());
  SKERRY_RETURN_IF_ERROR(result.hash);
  SKERRY_ASSIGN_OR_RETURN(
      const std::vector<learning::Metric> metrics,
      CheckResult(*result.contents, header, *task.run->round_spec(), *task.run->shared_program()));
  SKERRY_RETURN_IF_ERROR(uploads_.TakeSmall(header.task_id(), std::move(result.contents),
                                            result.checksum, RoomFor(*task.run)));
  SKERRY_FAILPOINT("coordinator/upload-checked");
  task.run->OnReported(task.place, std::move(header), std::move(result.header_bytes), metrics);
  return OkStatus();
}

void Coordinator::UploadChecked(const std::shared_ptr<Upload>& upload,
                                Result<std::vector<learning::Metric>> checked,
                                rpc::Callback<v1::SubmitResultReply> done) {
  const v1::ResultHeader& header = upload->header();
  const OpenTask* task = FindTask(upload->site(), header.task_id());
  if (!checked.ok()) {
    if (checked.status().code() == Code::kInvalidArgument) uploads_.Remove(*upload);
    return Reply<v1::SubmitResultReply>(std::move(done), std::move(checked).status());
  }
  if (task == nullptr) {
    return Reply<v1::SubmitResultReply>(std::move(done), NotWanted(header.task_id()));
  }
  SKERRY_FAILPOINT("coordinator/upload-checked");
  const storage::TaskRecord& record = task->run->FindSlot(task->place)->record();
  if (record.state == storage::TaskState::kFailed) {
    return Reply<v1::SubmitResultReply>(std::move(done), NotWanted(header.task_id()));
  }
  if (record.state == storage::TaskState::kReported) {
    const bool same = record.content_hash.view() == header.content_hash();
    return Reply<v1::SubmitResultReply>(
        std::move(done), same ? Result<v1::SubmitResultReply>(ReceiptFor(header))
                              : Result<v1::SubmitResultReply>(AnotherIsHere(header.task_id())));
  }
  // What counts must be the bytes that were checked.
  if (Status sealed = uploads_.Seal(*upload); !sealed.ok()) {
    return Reply<v1::SubmitResultReply>(std::move(done), std::move(sealed));
  }
  task->run->OnReported(task->place, header, header.SerializeAsString(), *checked);
  Reply<v1::SubmitResultReply>(std::move(done), ReceiptFor(header));
}

}  // namespace skerry::coordinator
