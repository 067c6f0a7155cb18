#pragma once

#include <memory>
#include <string>

#include "rpc/call_log.h"
#include "rpc/coordinator_api.h"

namespace skerry::rpc {

// A coordinator of which every call is written to a log. `api` and `log` must outlive it.
class LoggedApi final : public CoordinatorApi {
 public:
  LoggedApi(CoordinatorApi& api, CallLog& log, std::string site);

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
  CoordinatorApi& api_;
  CallLog& log_;
  const std::string site_;
};

// Writes the beginning of a call, and, when the callback that it returns is called, the end.
template <class Reply>
Callback<Reply> Logged(CallLog& log, CallEvent event, Callback<Reply> done) {
  event.type = CallEvent::Type::kInvoke;
  event.id = log.NewId();
  log.Write(event);
  return [&log, event = std::move(event), done = std::move(done)](Result<Reply> reply) mutable {
    event.type = TypeOf(reply.status());
    if (reply.ok()) {
      event.verdicts = VerdictsIn(*reply);
      NoteTaskIn(*reply, event);
    } else {
      event.detail = reply.status().ToString();
    }
    log.Write(event);
    done(std::move(reply));
  };
}

// The same for a poll; each result that it carries stands there as if it came in a call of its own.
Callback<v1::PullTaskReply> LoggedPull(CallLog& log, const std::string& site,
                                       const v1::PullTaskRequest& request,
                                       Callback<v1::PullTaskReply> done);

}  // namespace skerry::rpc
