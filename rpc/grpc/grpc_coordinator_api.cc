#include "rpc/grpc/grpc_coordinator_api.h"

#include <grpcpp/client_context.h>

#include <chrono>
#include <utility>
#include <vector>

#include "rpc/grpc/chunk_messages.h"
#include "rpc/grpc/status_codec.h"

namespace skerry::rpc {
namespace {

// A call that is not held is answered within a commit or two.
constexpr Duration kCallDeadline = 60s;
// A held call is answered after two minutes at most; a dead connection is seen by keepalive.
constexpr Duration kHeldDeadline = 300s;

// gRPC 1.51 aborts now and then (ref_counted.h, "prior > 0", in the thread behind its callbacks)
// when the last channel goes that had callbacks. So channels stay until their process ends.
void KeepForEver(const std::shared_ptr<grpc::Channel>& channel) {
  static auto* const mutex = new Mutex();
  static auto* const kept = new std::vector<std::shared_ptr<grpc::Channel>>();
  MutexLock lock(*mutex);
  kept->push_back(channel);
}

template <class Reply>
std::function<void()> Telling(Callback<Reply> done, Result<Reply> reply) {
  return [done = std::move(done), shared = std::make_shared<Result<Reply>>(std::move(reply))] {
    done(std::move(*shared));
  };
}

}  // namespace

GrpcCoordinatorApi::GrpcCoordinatorApi(const std::shared_ptr<grpc::Channel>& control,
                                       const std::shared_ptr<grpc::Channel>& transfer,
                                       CallThread& calls, Executor& loop, Executor& bulk,
                                       std::string insecure_site)
    : control_(v1::Coordinator::NewStub(control)),
      transfer_(v1::Coordinator::NewStub(transfer)),
      raw_transfer_(transfer),
      call_thread_(calls),
      loop_(loop),
      bulk_(bulk),
      insecure_site_(std::move(insecure_site)) {
  KeepForEver(control);
  KeepForEver(transfer);
}

GrpcCoordinatorApi::~GrpcCoordinatorApi() {
  MutexLock lock(mutex_);
  closing_ = true;
  for (grpc::ClientContext* context : calls_) context->TryCancel();
  while (!calls_.empty()) idle_.Wait(mutex_);
}

void GrpcCoordinatorApi::Prepare(grpc::ClientContext& context, Duration deadline) const {
  if (deadline > Duration{0}) {
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::duration_cast<std::chrono::milliseconds>(deadline));
  }
  if (!insecure_site_.empty()) context.AddMetadata(kInsecureSiteKey, insecure_site_);
}

void GrpcCoordinatorApi::Began(grpc::ClientContext& context) {
  MutexLock lock(mutex_);
  calls_.insert(&context);
  if (closing_) context.TryCancel();
}

void GrpcCoordinatorApi::Ended(grpc::ClientContext& context) {
  MutexLock lock(mutex_);
  calls_.erase(&context);
  if (calls_.empty()) idle_.NotifyAll();
}

bool GrpcCoordinatorApi::IsClosing() {
  MutexLock lock(mutex_);
  return closing_;
}

template <class Reply>
void GrpcCoordinatorApi::Deliver(Callback<Reply> done, Result<Reply> reply) {
  if (!IsClosing()) loop_.Post(Telling(std::move(done), std::move(reply)));
}

// What follows from a reply may wait for a disk. gRPC 1.51 ends streams on threads that also work
// for its connections: for that time the others of this process would be deaf.
template <class Reply>
void GrpcCoordinatorApi::DeliverByBulk(Callback<Reply> done, Result<Reply> reply) {
  if (IsClosing()) return;
  bulk_.Post([&loop = loop_, tell = Telling(std::move(done), std::move(reply))]() mutable {
    loop.Post(std::move(tell));
  });
}

// One unary call; deletes itself when it has ended.
template <class Request, class Reply>
class GrpcCoordinatorApi::UnaryCall final : public CallThread::Waiter {
 public:
  using Reader = std::unique_ptr<grpc::ClientAsyncResponseReader<Reply>>;
  using Method = Reader (v1::Coordinator::Stub::*)(grpc::ClientContext*, const Request&,
                                                   grpc::CompletionQueue*);

  static void Start(GrpcCoordinatorApi& api, Method method, Duration deadline,
                    const Request& request, Callback<Reply> done) {
    auto* call = new UnaryCall(api, std::move(done));
    api.Prepare(call->context_, deadline);
    api.Began(call->context_);
    call->reader_ =
        (api.control_.get()->*method)(&call->context_, request, &api.call_thread_.queue());
    CallThread::Waiter* const waiter = call;
    call->reader_->Finish(&call->reply_, &call->status_, waiter);
  }

 private:
  UnaryCall(GrpcCoordinatorApi& api, Callback<Reply> done) : api_(api), done_(std::move(done)) {}

  void OnEvent() override {
    api_.Deliver<Reply>(std::move(done_), status_.ok() ? Result<Reply>(std::move(reply_))
                                                       : Result<Reply>(FromGrpc(status_)));
    GrpcCoordinatorApi& api = api_;
    api.Ended(context_);
    delete this;
  }

  GrpcCoordinatorApi& api_;
  grpc::ClientContext context_;  // owns the memory that reader_ lies in
  Reply reply_;
  grpc::Status status_;
  Callback<Reply> done_;
  Reader reader_;
};

void GrpcCoordinatorApi::Join(v1::JoinRequest request, Callback<v1::JoinReply> done) {
  UnaryCall<v1::JoinRequest, v1::JoinReply>::Start(*this, &v1::Coordinator::Stub::AsyncJoin,
                                                   kCallDeadline, request, std::move(done));
}

void GrpcCoordinatorApi::PullTask(v1::PullTaskRequest request, Callback<v1::PullTaskReply> done) {
  UnaryCall<v1::PullTaskRequest, v1::PullTaskReply>::Start(
      *this, &v1::Coordinator::Stub::AsyncPullTask, kHeldDeadline, request, std::move(done));
}

void GrpcCoordinatorApi::Heartbeat(v1::HeartbeatRequest request,
                                   Callback<v1::HeartbeatReply> done) {
  UnaryCall<v1::HeartbeatRequest, v1::HeartbeatReply>::Start(
      *this, &v1::Coordinator::Stub::AsyncHeartbeat, kHeldDeadline, request, std::move(done));
}

void GrpcCoordinatorApi::QueryUpload(v1::QueryUploadRequest request,
                                     Callback<v1::QueryUploadReply> done) {
  UnaryCall<v1::QueryUploadRequest, v1::QueryUploadReply>::Start(
      *this, &v1::Coordinator::Stub::AsyncQueryUpload, kCallDeadline, request, std::move(done));
}

void GrpcCoordinatorApi::ReportFailure(v1::ReportFailureRequest request,
                                       Callback<v1::ReportFailureReply> done) {
  UnaryCall<v1::ReportFailureRequest, v1::ReportFailureReply>::Start(
      *this, &v1::Coordinator::Stub::AsyncReportFailure, kCallDeadline, request, std::move(done));
}

// Reads chunks into a sink, one at a time: the next read starts when the sink has taken the last.
class GrpcCoordinatorApi::PullModelCall final : public grpc::ClientReadReactor<v1::Chunk> {
 public:
  PullModelCall(GrpcCoordinatorApi& api, v1::PullModelRequest request,
                std::shared_ptr<ChunkSink> sink, Callback<rpc::Done> done)
      : api_(api), request_(std::move(request)), sink_(std::move(sink)), done_(std::move(done)) {
    api_.Prepare(context_, Duration{0});
    api_.Began(context_);
    api_.transfer_->async()->PullModel(&context_, &request_, this);
    AddHold();  // reads are started from threads of `bulk`
    StartRead(&chunk_);
    StartCall();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return RemoveHold();  // the end, or an error: OnDone knows
    api_.bulk_.Post([this] {
      if (local_.ok()) local_ = sink_->Put(chunk_);
      // After a cancellation one more read is needed to come to the end.
      if (!local_.ok()) context_.TryCancel();
      StartRead(&chunk_);
    });
  }

  void OnDone(const grpc::Status& status) override {
    const Status result = local_.ok() ? FromGrpc(status) : local_;
    api_.DeliverByBulk<rpc::Done>(
        std::move(done_), result.ok() ? Result<rpc::Done>(rpc::Done{}) : Result<rpc::Done>(result));
    GrpcCoordinatorApi& api = api_;
    api.Ended(context_);
    delete this;
  }

 private:
  GrpcCoordinatorApi& api_;
  grpc::ClientContext context_;
  const v1::PullModelRequest request_;
  const std::shared_ptr<ChunkSink> sink_;
  Callback<rpc::Done> done_;
  v1::Chunk chunk_;
  Status local_;
};

void GrpcCoordinatorApi::PullModel(v1::PullModelRequest request, std::shared_ptr<ChunkSink> sink,
                                   Callback<rpc::Done> done) {
  new PullModelCall(*this, std::move(request), std::move(sink), std::move(done));
}

// Writes a header and the chunks of a source, one at a time, as bytes that are not copied; reads
// the receipt.
class GrpcCoordinatorApi::SubmitResultCall final
    : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  SubmitResultCall(GrpcCoordinatorApi& api, v1::SubmitResultRequest::Start start,
                   std::shared_ptr<ChunkSource> source, Callback<v1::SubmitResultReply> done)
      : api_(api), source_(std::move(source)), done_(std::move(done)) {
    v1::SubmitResultRequest first;
    *first.mutable_start() = std::move(start);
    const grpc::Slice bytes(first.SerializeAsString());
    message_ = grpc::ByteBuffer(&bytes, 1);
    api_.Prepare(context_, Duration{0});
    api_.Began(context_);
    api_.raw_transfer_.PrepareBidiStreamingCall(&context_, kMethod, grpc::StubOptions(), this);
    AddHold();  // writes are started from threads of `bulk`
    StartRead(&reply_);
    StartWrite(&message_);
    StartCall();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return RemoveHold();  // the coordinator has ended the call: OnDone knows why
    api_.bulk_.Post([this] { WriteNext(); });
  }

  void OnDone(const grpc::Status& status) override {
    using Reply = v1::SubmitResultReply;
    Reply reply;
    Status result = local_.ok() ? FromGrpc(status) : local_;
    if (result.ok()) result = ParseMessage(reply_, reply);
    api_.DeliverByBulk<Reply>(
        std::move(done_), result.ok() ? Result<Reply>(std::move(reply)) : Result<Reply>(result));
    GrpcCoordinatorApi& api = api_;
    api.Ended(context_);
    delete this;
  }

 private:
  static constexpr const char* kMethod = "/skerry.v1.Coordinator/SubmitResult";

  void WriteNext() {
    Result<std::shared_ptr<const v1::Chunk>> chunk =
        source_->Share([this] { return chunks_.Take(); });
    if (!chunk.ok()) {
      local_ = chunk.status();
      context_.TryCancel();
      return RemoveHold();
    }
    if (*chunk == nullptr) {
      StartWritesDone();
      return RemoveHold();
    }
    message_ = ChunkMessages::UploadMessage(*std::move(chunk));
    StartWrite(&message_);
  }

  GrpcCoordinatorApi& api_;
  grpc::ClientContext context_;
  const std::shared_ptr<ChunkSource> source_;
  Callback<v1::SubmitResultReply> done_;
  ChunkMessages chunks_;
  grpc::ByteBuffer message_;
  grpc::ByteBuffer reply_;
  Status local_;
};

void GrpcCoordinatorApi::SubmitResult(v1::SubmitResultRequest::Start start,
                                      std::shared_ptr<ChunkSource> source,
                                      Callback<v1::SubmitResultReply> done) {
  if (start.header().size_bytes() <= kSmallResultBytes) {
    return SubmitSmall(std::move(start), *source, std::move(done));
  }
  new SubmitResultCall(*this, std::move(start), std::move(source), std::move(done));
}

// Read at once: it costs less than to hand it over. It goes with the control calls, which it does
// not hold up, and spares the site a second connection.
void GrpcCoordinatorApi::SubmitSmall(v1::SubmitResultRequest::Start start, ChunkSource& source,
                                     Callback<v1::SubmitResultReply> done) {
  v1::SubmitSmallResultRequest request;
  Result<std::optional<v1::Chunk>> chunk = source.Next();
  if (!chunk.ok()) return Deliver<v1::SubmitResultReply>(std::move(done), chunk.status());
  if (chunk->has_value()) request.set_allocated_contents((*chunk)->release_data());
  *request.mutable_start() = std::move(start);
  UnaryCall<v1::SubmitSmallResultRequest, v1::SubmitResultReply>::Start(
      *this, &v1::Coordinator::Stub::AsyncSubmitSmallResult, kCallDeadline, request,
      std::move(done));
}

}  // namespace skerry::rpc
