#include "in_process_api.h"

#include <utility>

namespace skerry::simulation {
namespace {

// All chunks of a result into an upload.
Status AppendAll(rpc::ChunkSource& source, coordinator::Upload& upload) {
  for (;;) {
    SKERRY_ASSIGN_OR_RETURN(const std::optional<v1::Chunk> chunk, source.Next());
    if (!chunk) return OkStatus();
    SKERRY_RETURN_IF_ERROR(upload.Append(*chunk));
  }
}

Status PutAll(rpc::ChunkSource& source, rpc::ChunkSink& sink) {
  for (;;) {
    SKERRY_ASSIGN_OR_RETURN(const std::optional<v1::Chunk> chunk, source.Next());
    if (!chunk) return OkStatus();
    SKERRY_RETURN_IF_ERROR(sink.Put(*chunk));
  }
}

}  // namespace

InProcessApi::InProcessApi(EventQueue& queue, coordinator::Coordinator& coordinator,
                           std::string site, std::function<void()> after)
    : queue_(queue), coordinator_(coordinator), site_(std::move(site)), after_(std::move(after)) {}

template <class Reply>
rpc::Callback<Reply> InProcessApi::Answer(rpc::Callback<Reply> done) {
  return [this, done = std::move(done)](Result<Reply> reply) {
    queue_.Post([this, done, shared = std::make_shared<Result<Reply>>(std::move(reply))] {
      done(std::move(*shared));
      after_();
    });
  };
}

void InProcessApi::Join(v1::JoinRequest request, rpc::Callback<v1::JoinReply> done) {
  queue_.Post([this, request = std::move(request), done = Answer(std::move(done))]() mutable {
    coordinator_.Join(site_, std::move(request), std::move(done));
  });
}

void InProcessApi::PullTask(v1::PullTaskRequest request, rpc::Callback<v1::PullTaskReply> done) {
  queue_.Post([this, call = ++last_call_, request = std::move(request),
               done = Answer(std::move(done))]() mutable {
    coordinator_.PullTask(site_, call, request, std::move(done));
  });
}

void InProcessApi::Heartbeat(v1::HeartbeatRequest request, rpc::Callback<v1::HeartbeatReply> done) {
  queue_.Post([this, call = ++last_call_, request = std::move(request),
               done = Answer(std::move(done))]() mutable {
    coordinator_.Heartbeat(site_, call, request, std::move(done));
  });
}

void InProcessApi::QueryUpload(v1::QueryUploadRequest request,
                               rpc::Callback<v1::QueryUploadReply> done) {
  queue_.Post([this, request = std::move(request), done = Answer(std::move(done))]() mutable {
    coordinator_.QueryUpload(site_, request, std::move(done));
  });
}

void InProcessApi::ReportFailure(v1::ReportFailureRequest request,
                                 rpc::Callback<v1::ReportFailureReply> done) {
  queue_.Post([this, request = std::move(request), done = Answer(std::move(done))]() mutable {
    coordinator_.ReportFailure(site_, request, std::move(done));
  });
}

void InProcessApi::PullModel(v1::PullModelRequest request, std::shared_ptr<rpc::ChunkSink> sink,
                             rpc::Callback<rpc::Done> done) {
  queue_.Post([this, request = std::move(request), sink = std::move(sink),
               done = Answer(std::move(done))]() mutable {
    coordinator_.OpenModel(site_, request,
                           [sink, done](Result<std::shared_ptr<rpc::ChunkSource>> source) {
                             if (!source.ok()) return done(std::move(source).status());
                             const Status status = PutAll(**source, *sink);
                             done(status.ok() ? Result<rpc::Done>(rpc::Done{}) : status);
                           });
  });
}

void InProcessApi::SubmitResult(v1::SubmitResultRequest::Start start,
                                std::shared_ptr<rpc::ChunkSource> source,
                                rpc::Callback<v1::SubmitResultReply> done) {
  queue_.Post([this, start = std::move(start), source = std::move(source),
               done = Answer(std::move(done))]() mutable {
    v1::SubmitResultReply receipt;
    receipt.set_task_id(start.header().task_id());
    receipt.set_content_hash(start.header().content_hash());
    coordinator_.BeginUpload(
        site_, start,
        [this, source, done, receipt](Result<std::shared_ptr<coordinator::Upload>> upload) {
          if (!upload.ok()) return done(std::move(upload).status());
          if (*upload == nullptr) return done(receipt);  // it was here already
          if (Status status = AppendAll(*source, **upload); !status.ok()) {
            return done(std::move(status));
          }
          queue_.Post([this, upload = *upload, done] { coordinator_.FinishUpload(upload, done); });
        });
  });
}

}  // namespace skerry::simulation
