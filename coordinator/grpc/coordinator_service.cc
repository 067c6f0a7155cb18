#include "coordinator/grpc/coordinator_service.h"

#include <utility>

#include "base/failpoint.h"
#include "base/text.h"
#include "coordinator/grpc/calls.h"
#include "rpc/grpc/chunk_messages.h"
#include "rpc/logged_api.h"

namespace skerry::coordinator {
namespace {

// A request with a result in it, without a copy: gRPC keeps it for this one call, which reads it
// once.
template <class Request>
Request Take(const Request* request) {
  return std::move(*const_cast<Request*>(request));
}

}  // namespace

template <class Reply>
rpc::Callback<Reply> CoordinatorService::Log(const char* call, const std::string& site,
                                             int64_t task_id, const std::string& content_hash,
                                             rpc::Callback<Reply> done) const {
  if (call_log_ == nullptr) return done;
  rpc::CallEvent event;
  event.site = site;
  event.call = call;
  event.task_id = task_id;
  event.content_hash = HexEncode(content_hash);
  return rpc::Logged(*call_log_, std::move(event), std::move(done));
}

Result<std::string> CoordinatorService::SiteOf(const grpc::CallbackServerContext& context) const {
  SKERRY_RETURN_IF_ERROR(door_.Enter());
  return authenticator_.SiteOf(context);
}

grpc::ServerUnaryReactor* CoordinatorService::Join(grpc::CallbackServerContext* context,
                                                   const v1::JoinRequest* request,
                                                   v1::JoinReply* reply) {
  const Result<std::string> site = SiteOf(*context);
  if (!site.ok()) return FailWith(context, site.status());
  v1::JoinRequest join = *request;
  join.set_certificate_expires_unix(Authenticator::CertificateExpiresUnix(*context));
  return AnswerOn<v1::JoinReply>(loop_, context, reply, [this, site = *site, join](auto done) {
    coordinator_.Join(site, join, Log<v1::JoinReply>("Join", site, 0, "", std::move(done)));
  });
}

grpc::ServerUnaryReactor* CoordinatorService::PullTask(grpc::CallbackServerContext* context,
                                                       const v1::PullTaskRequest* request,
                                                       v1::PullTaskReply* reply) {
  const Result<std::string> site = SiteOf(*context);
  if (!site.ok()) return FailWith(context, site.status());
  const uint64_t call = ++last_call_;
  // Here, so that the loop hashes nothing.
  const bool logs = call_log_ != nullptr;
  const auto poll =
      std::make_shared<ReceivedPoll>(Receive(logs ? v1::PullTaskRequest(*request) : Take(request)));
  return HeldUnaryCall<v1::PullTaskReply>::Start(
      loop_, reply,
      [this, site = *site, call, request, poll](auto done) {
        if (call_log_ != nullptr)
          done = rpc::LoggedPull(*call_log_, site, *request, std::move(done));
        coordinator_.PullTask(site, call, std::move(*poll), std::move(done));
      },
      [this, site = *site, call] { coordinator_.CallBroken(site, call); });
}

grpc::ServerUnaryReactor* CoordinatorService::Heartbeat(grpc::CallbackServerContext* context,
                                                        const v1::HeartbeatRequest* request,
                                                        v1::HeartbeatReply* reply) {
  const Result<std::string> site = SiteOf(*context);
  if (!site.ok()) return FailWith(context, site.status());
  const uint64_t call = ++last_call_;
  return HeldUnaryCall<v1::HeartbeatReply>::Start(
      loop_, reply,
      [this, site = *site, call, request](auto done) {
        coordinator_.Heartbeat(site, call, *request,
                               Log<v1::HeartbeatReply>("Heartbeat", site, 0, "", std::move(done)));
      },
      [this, site = *site, call] { coordinator_.CallBroken(site, call); });
}

grpc::ServerUnaryReactor* CoordinatorService::SubmitSmallResult(
    grpc::CallbackServerContext* context, const v1::SubmitSmallResultRequest* request,
    v1::SubmitResultReply* reply) {
  const Result<std::string> site = SiteOf(*context);
  if (!site.ok()) return FailWith(context, site.status());
  const auto result = std::make_shared<ReceivedResult>(Receive(Take(request)));
  return AnswerOn<v1::SubmitResultReply>(
      loop_, context, reply, [this, site = *site, result](auto done) {
        const v1::ResultHeader& header = result->start.header();
        auto log = Log<v1::SubmitResultReply>("SubmitResult", site, header.task_id(),
                                              header.content_hash(), std::move(done));
        coordinator_.SubmitReceived(site, std::move(*result), std::move(log));
      });
}

grpc::ServerUnaryReactor* CoordinatorService::QueryUpload(grpc::CallbackServerContext* context,
                                                          const v1::QueryUploadRequest* request,
                                                          v1::QueryUploadReply* reply) {
  const Result<std::string> site = SiteOf(*context);
  if (!site.ok()) return FailWith(context, site.status());
  return AnswerOn<v1::QueryUploadReply>(
      loop_, context, reply, [this, site = *site, request](auto done) {
        coordinator_.QueryUpload(
            site, *request,
            Log<v1::QueryUploadReply>("QueryUpload", site, request->task_id(),
                                      request->content_hash(), std::move(done)));
      });
}

grpc::ServerUnaryReactor* CoordinatorService::ReportFailure(grpc::CallbackServerContext* context,
                                                            const v1::ReportFailureRequest* request,
                                                            v1::ReportFailureReply* reply) {
  const Result<std::string> site = SiteOf(*context);
  if (!site.ok()) return FailWith(context, site.status());
  return AnswerOn<v1::ReportFailureReply>(
      loop_, context, reply, [this, site = *site, request](auto done) {
        coordinator_.ReportFailure(
            site, *request,
            Log<v1::ReportFailureReply>("ReportFailure", site, request->task_id(), "",
                                        std::move(done)));
      });
}

std::optional<Timestamp> CoordinatorService::PassTheStalled() {
  std::optional<Timestamp> due;
  for (TransferGate* gate : {&downloads_, &uploads_}) {
    gate->PassTheStalled();
    const std::optional<Timestamp> next = gate->NextDue();
    if (next && (!due || *next < *due)) due = next;
  }
  return due;
}

// Sends chunk after chunk, each when it is its turn, read on the disk threads.
class CoordinatorService::PullModelCall final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  PullModelCall(CoordinatorService& service, const Result<std::string>& site,
                const grpc::ByteBuffer& bytes)
      : service_(service) {
    auto request = std::make_shared<v1::PullModelRequest>();
    const Status parsed = site.ok() ? rpc::ParseMessage(bytes, *request) : site.status();
    if (!parsed.ok()) {
      Finish(rpc::ToGrpc(parsed));
      return;
    }
    site_ = *site;
    end_ = request->model().size_bytes();
    service_.loop_.Post([this, request] {
      done_ = service_.Log<rpc::Done>(
          "PullModel", site_, 0, request->model().content_hash(),
          [this](const Result<rpc::Done>& end) { Finish(rpc::ToGrpc(end.status())); });
      service_.coordinator_.OpenModel(site_, *request,
                                      [this](Result<std::shared_ptr<rpc::ChunkSource>> source) {
                                        if (!source.ok()) return End(source.status());
                                        source_ = *std::move(source);
                                        Next();
                                      });
    });
  }

  void OnWriteDone(bool ok) override {
    message_.Clear();  // else it would keep its chunk while this call waits for its next turn
    place_.Reset();
    if (!ok) return End(Cancelled("the line broke, or the site wanted no more"));
    Next();
  }
  void OnDone() override { delete this; }

 private:
  void Next() {
    if (sent_ > 0 && sent_ == end_) return End(rpc::Done());
    const Status entered = service_.downloads_.Enter(site_, [this](TransferGate::Place place) {
      place_ = std::move(place);
      service_.disk_.Post([this] { Send(); });
    });
    if (!entered.ok()) End(entered);
  }

  void Send() {
    Result<std::shared_ptr<const v1::Chunk>> chunk =
        source_->Share([this] { return service_.chunks_.Take(); });
    if (!chunk.ok() || *chunk == nullptr) {
      place_.Reset();
      return End(chunk.ok() ? Result<rpc::Done>(rpc::Done()) : chunk.status());
    }
    SKERRY_FAILPOINT("coordinator/model-chunk-sends");
    sent_ = (*chunk)->offset() + (*chunk)->data().size();
    message_ = rpc::ChunkMessages::Message(*std::move(chunk));
    // Done when it has been handed to the kernel: gRPC holds no more of it for a site that waits.
    StartWrite(&message_, grpc::WriteOptions().set_write_through());
  }

  // This object may be gone when it returns.
  void End(Result<rpc::Done> end) {
    const auto done = std::move(done_);
    done(std::move(end));
  }

  CoordinatorService& service_;
  std::string site_;
  rpc::Callback<rpc::Done> done_;
  std::shared_ptr<rpc::ChunkSource> source_;  // as the coordinator hands it out
  uint64_t sent_ = 0;
  uint64_t end_ = 0;
  TransferGate::Place place_;
  grpc::ByteBuffer message_;
};

grpc::ServerWriteReactor<grpc::ByteBuffer>* CoordinatorService::PullModel(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return new PullModelCall(*this, SiteOf(*context), *request);
}

// Takes a header, then chunks, each when it is its turn and written by a disk thread before the
// next is read: the back-pressure.
class CoordinatorService::SubmitResultCall final
    : public grpc::ServerReadReactor<grpc::ByteBuffer> {
 public:
  SubmitResultCall(CoordinatorService& service, Result<std::string> site, grpc::ByteBuffer* reply)
      : service_(service), reply_(reply) {
    if (!site.ok()) {
      Finish(rpc::ToGrpc(site.status()));
      return;
    }
    site_ = *std::move(site);
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) place_.Reset();
    if (!ok && upload_ != nullptr) return End();
    if (!ok) return Finish(rpc::ToGrpc(InvalidArgument("an upload begins with a header")));
    if (upload_ == nullptr) return Begin();
    service_.disk_.Post([this] { Store(); });
  }
  void OnDone() override { delete this; }

 private:
  // On a disk thread, few of which are here at the same time: so there are few chunks, not one for
  // each stream, and they are in a cache. This object may be gone when it returns.
  void Store() {
    const Status status = StoreChunk();
    place_.Reset();
    if (!status.ok()) return Answer(status);
    SKERRY_FAILPOINT("coordinator/chunk-stored");
    ReadNext();
  }

  Status StoreChunk() {
    const std::shared_ptr<v1::Chunk> chunk = service_.chunks_.Take();
    SKERRY_ASSIGN_OR_RETURN(const bool is_start, TakeMessage(*chunk));
    if (is_start) return InvalidArgument("after the header come chunks");
    return upload_->Append(*chunk);
  }

  // Of what has been stored as a whole only the end of the stream is left.
  void ReadNext() {
    const SpoolFile& spool = upload_->spool();
    if (spool.stored_bytes() == spool.size_bytes()) return StartRead(&message_);
    const Status entered = service_.uploads_.Enter(site_, [this](TransferGate::Place place) {
      place_ = std::move(place);
      StartRead(&message_);
    });
    if (!entered.ok()) Answer(entered);
  }

  Result<bool> TakeMessage(v1::Chunk& chunk) {
    Result<bool> is_start = rpc::ParseUploadMessage(message_, start_, chunk);
    message_.Clear();
    return is_start;
  }

  void Begin() {
    v1::Chunk none;
    const Result<bool> is_start = TakeMessage(none);
    if (!is_start.ok()) return Finish(rpc::ToGrpc(is_start.status()));
    if (!*is_start) {
      return Finish(rpc::ToGrpc(InvalidArgument("an upload begins with a header")));
    }
    service_.loop_.Post([this] {
      const v1::ResultHeader& header = start_.header();
      done_ = service_.Log<v1::SubmitResultReply>(
          "SubmitResult", site_, header.task_id(), header.content_hash(),
          [this](const Result<v1::SubmitResultReply>& reply) { Conclude(reply); });
      service_.coordinator_.BeginUpload(site_, start_,
                                        [this](Result<std::shared_ptr<Upload>> upload) {
                                          if (!upload.ok()) return Answer(upload.status());
                                          upload_ = *std::move(upload);
                                          if (upload_ != nullptr) return ReadNext();
                                          v1::SubmitResultReply receipt;  // it was here already
                                          receipt.set_task_id(start_.header().task_id());
                                          receipt.set_content_hash(start_.header().content_hash());
                                          Answer(std::move(receipt));
                                        });
    });
  }

  void End() {
    service_.loop_.Post([this] { service_.coordinator_.FinishUpload(upload_, std::move(done_)); });
  }

  // This object may be gone when it returns.
  void Answer(Result<v1::SubmitResultReply> reply) {
    const auto done = std::move(done_);
    done(std::move(reply));
  }

  void Conclude(const Result<v1::SubmitResultReply>& reply) {
    if (reply.ok()) {
      const grpc::Slice bytes(reply->SerializeAsString());
      *reply_ = grpc::ByteBuffer(&bytes, 1);
    }
    Finish(rpc::ToGrpc(reply.status()));
  }

  CoordinatorService& service_;
  grpc::ByteBuffer* const reply_;
  std::string site_;
  rpc::Callback<v1::SubmitResultReply> done_;  // from the header on
  std::shared_ptr<Upload> upload_;             // as the coordinator hands it out
  TransferGate::Place place_;
  grpc::ByteBuffer message_;
  v1::SubmitResultRequest::Start start_;
};

grpc::ServerReadReactor<grpc::ByteBuffer>* CoordinatorService::SubmitResult(
    grpc::CallbackServerContext* context, grpc::ByteBuffer* reply) {
  return new SubmitResultCall(*this, SiteOf(*context), reply);
}

}  // namespace skerry::coordinator
