#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "coordinator/coordinator.h"
#include "rpc/coordinator_api.h"
#include "simulation/event_queue.h"

namespace skerry::simulation {

// The coordinator as one site reaches it without a network: every call and every answer is an event
// of the queue. `after` runs after each callback, so that the caller's session can take its step.
class InProcessApi final : public rpc::CoordinatorApi {
 public:
  InProcessApi(EventQueue& queue, coordinator::Coordinator& coordinator, std::string site,
               std::function<void()> after);

  void Join(v1::JoinRequest request, rpc::Callback<v1::JoinReply> done) override;
  void PullTask(v1::PullTaskRequest request, rpc::Callback<v1::PullTaskReply> done) override;
  void Heartbeat(v1::HeartbeatRequest request, rpc::Callback<v1::HeartbeatReply> done) override;
  void QueryUpload(v1::QueryUploadRequest request,
                   rpc::Callback<v1::QueryUploadReply> done) override;
  void ReportFailure(v1::ReportFailureRequest request,
                     rpc::Callback<v1::ReportFailureReply> done) override;
  void PullModel(v1::PullModelRequest request, std::shared_ptr<rpc::ChunkSink> sink,
                 rpc::Callback<rpc::Done> done) override;
  void SubmitResult(v1::SubmitResultRequest::Start start, std::shared_ptr<rpc::ChunkSource> source,
                    rpc::Callback<v1::SubmitResultReply> done) override;

 private:
  // Calls `done` with the answer as an event of its own.
  template <class Reply>
  rpc::Callback<Reply> Answer(rpc::Callback<Reply> done);

  EventQueue& queue_;
  coordinator::Coordinator& coordinator_;
  const std::string site_;
  const std::function<void()> after_;
  uint64_t last_call_ = 0;
};

}  // namespace skerry::simulation
