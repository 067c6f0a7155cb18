#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>

#include "base/clock.h"
#include "base/combining_loop.h"
#include "base/executor.h"
#include "coordinator/coordinator.h"
#include "coordinator/grpc/authenticator.h"
#include "coordinator/grpc/door.h"
#include "coordinator/transfer_gate.h"
#include "rpc/call_log.h"
#include "rpc/grpc/chunk_messages.h"
#include "skerry/v1/coordinator.grpc.pb.h"

namespace skerry::coordinator {

// Chunks travel as bytes, so that they need not be copied.
using RawCoordinatorService = v1::Coordinator::WithRawCallbackMethod_PullModel<
    v1::Coordinator::WithRawCallbackMethod_SubmitResult<v1::Coordinator::CallbackService>>;

// The coordinator to sites over gRPC: authenticates, hands over to the loop, answers. Chunks go
// straight to and from the disk threads, `transfers` of them at the same time in each direction;
// further transfers wait for their turn. With a `call_log`, the beginning and end of every call are
// written to it. Everything given must outlive the service, and the server that has it.
class CoordinatorService final : public RawCoordinatorService {
 public:
  CoordinatorService(Coordinator& coordinator, CombiningLoop& loop, Executor& disk,
                     const Clock& clock, const Authenticator& authenticator, const Door& door,
                     std::size_t transfers, rpc::CallLog* call_log)
      : coordinator_(coordinator),
        loop_(loop),
        disk_(disk),
        authenticator_(authenticator),
        door_(door),
        call_log_(call_log),
        downloads_(transfers, PlacesOfASite(transfers), kPatience, clock),
        uploads_(transfers, PlacesOfASite(transfers), kPatience, clock) {}

  // Transfers that stand still let others in beside them. To be called at the time that it returns,
  // if any, or before; on the loop.
  std::optional<Timestamp> PassTheStalled();

  grpc::ServerUnaryReactor* Join(grpc::CallbackServerContext* context,
                                 const v1::JoinRequest* request, v1::JoinReply* reply) override;
  grpc::ServerUnaryReactor* PullTask(grpc::CallbackServerContext* context,
                                     const v1::PullTaskRequest* request,
                                     v1::PullTaskReply* reply) override;
  grpc::ServerUnaryReactor* Heartbeat(grpc::CallbackServerContext* context,
                                      const v1::HeartbeatRequest* request,
                                      v1::HeartbeatReply* reply) override;
  grpc::ServerUnaryReactor* SubmitSmallResult(grpc::CallbackServerContext* context,
                                              const v1::SubmitSmallResultRequest* request,
                                              v1::SubmitResultReply* reply) override;
  grpc::ServerUnaryReactor* QueryUpload(grpc::CallbackServerContext* context,
                                        const v1::QueryUploadRequest* request,
                                        v1::QueryUploadReply* reply) override;
  grpc::ServerUnaryReactor* ReportFailure(grpc::CallbackServerContext* context,
                                          const v1::ReportFailureRequest* request,
                                          v1::ReportFailureReply* reply) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* PullModel(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request) override;
  grpc::ServerReadReactor<grpc::ByteBuffer>* SubmitResult(grpc::CallbackServerContext* context,
                                                          grpc::ByteBuffer* reply) override;

 private:
  // Who calls, if calls are let in.
  Result<std::string> SiteOf(const grpc::CallbackServerContext& context) const;
  template <class Reply>
  rpc::Callback<Reply> Log(const char* call, const std::string& site, int64_t task_id,
                           const std::string& content_hash, rpc::Callback<Reply> done) const;

  class PullModelCall;
  class SubmitResultCall;

  // A stream that broke without a word still holds one while its site begins anew.
  static std::size_t PlacesOfASite(std::size_t transfers) {
    return std::clamp<std::size_t>(transfers / 4, 1, 4);
  }
  // In which 100 kB/s carry a chunk.
  static constexpr Duration kPatience = std::chrono::seconds(10);
  static constexpr std::size_t kIdleChunks = 8;

  Coordinator& coordinator_;
  CombiningLoop& loop_;
  Executor& disk_;
  const Authenticator& authenticator_;
  const Door& door_;
  rpc::CallLog* const call_log_;  // null: calls are not logged
  std::atomic<uint64_t> last_call_{0};
  TransferGate downloads_;
  TransferGate uploads_;
  rpc::ChunkMessages chunks_{kIdleChunks};
};

}  // namespace skerry::coordinator
