#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <set>
#include <string>

#include "base/executor.h"
#include "base/mutex.h"
#include "base/time.h"
#include "rpc/coordinator_api.h"
#include "rpc/grpc/call_thread.h"
#include "skerry/v1/coordinator.grpc.pb.h"

namespace grpc {
class ClientContext;
}

namespace skerry::rpc {

// The coordinator over gRPC. Control calls and transfers have a connection each, so that a large
// model does not hold up a heartbeat.
class GrpcCoordinatorApi final : public CoordinatorApi {
 public:
  // Callbacks come as tasks of `loop`, posted by `calls` or, at the end of a transfer, by `bulk`;
  // sinks and sources are used on `bulk`, but for the source of a small result, which is read
  // before SubmitResult returns. All three must outlive this, and `loop` what `bulk` has yet to do.
  // `insecure_site`: sent as the caller's name over plaintext channels, which carry no certificate.
  GrpcCoordinatorApi(const std::shared_ptr<grpc::Channel>& control,
                     const std::shared_ptr<grpc::Channel>& transfer, CallThread& calls,
                     Executor& loop, Executor& bulk, std::string insecure_site = "");
  // Cancels every call and waits until gRPC has let go of them.
  ~GrpcCoordinatorApi() override;

  void Join(v1::JoinRequest request, Callback<v1::JoinReply> done) override;
  void PullTask(v1::PullTaskRequest request, Callback<v1::PullTaskReply> done) override;
  void Heartbeat(v1::HeartbeatRequest request, Callback<v1::HeartbeatReply> done) override;
  void QueryUpload(v1::QueryUploadRequest request, Callback<v1::QueryUploadReply> done) override;
  void ReportFailure(v1::ReportFailureRequest request,
                     Callback<v1::ReportFailureReply> done) override;
  void PullModel(v1::PullModelRequest request, std::shared_ptr<ChunkSink> sink,
                 Callback<Done> done) override;
  void SubmitResult(v1::SubmitResultRequest::Start start, std::shared_ptr<ChunkSource> source,
                    Callback<v1::SubmitResultReply> done) override;

 private:
  template <class Request, class Reply>
  class UnaryCall;
  using RawStub = grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer>;
  class PullModelCall;
  class SubmitResultCall;

  void SubmitSmall(v1::SubmitResultRequest::Start start, ChunkSource& source,
                   Callback<v1::SubmitResultReply> done);
  void Prepare(grpc::ClientContext& context, Duration deadline) const;
  void Began(grpc::ClientContext& context);
  void Ended(grpc::ClientContext& context);
  // Tells the reply on `loop`, unless this is about to go.
  template <class Reply>
  void Deliver(Callback<Reply> done, Result<Reply> reply);
  // The same from a thread of gRPC's that must not be kept.
  template <class Reply>
  void DeliverByBulk(Callback<Reply> done, Result<Reply> reply);
  bool IsClosing();

  const std::unique_ptr<v1::Coordinator::Stub> control_;
  const std::unique_ptr<v1::Coordinator::Stub> transfer_;
  RawStub raw_transfer_;
  CallThread& call_thread_;
  Executor& loop_;
  Executor& bulk_;
  const std::string insecure_site_;
  Mutex mutex_;
  ConditionVariable idle_;
  std::set<grpc::ClientContext*> calls_ SKERRY_GUARDED_BY(mutex_);
  bool closing_ SKERRY_GUARDED_BY(mutex_) = false;
};

// The metadata key that names the site over plaintext.
constexpr const char* kInsecureSiteKey = "skerry-site";

}  // namespace skerry::rpc
