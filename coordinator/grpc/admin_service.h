#pragma once

#include "base/executor.h"
#include "coordinator/coordinator.h"
#include "coordinator/grpc/authenticator.h"
#include "coordinator/grpc/door.h"
#include "skerry/v1/admin.grpc.pb.h"

namespace skerry::coordinator {

// The coordinator to operators over gRPC.
class AdminService final : public v1::Admin::CallbackService {
 public:
  AdminService(Coordinator& coordinator, Executor& loop, Executor& disk,
               const Authenticator& authenticator, const Door& door)
      : coordinator_(coordinator),
        loop_(loop),
        disk_(disk),
        authenticator_(authenticator),
        door_(door) {}

  grpc::ServerUnaryReactor* SubmitRun(grpc::CallbackServerContext* context,
                                      const v1::SubmitRunRequest* request,
                                      v1::SubmitRunReply* reply) override;
  grpc::ServerUnaryReactor* ListRuns(grpc::CallbackServerContext* context,
                                     const v1::ListRunsRequest* request,
                                     v1::ListRunsReply* reply) override;
  grpc::ServerUnaryReactor* ShowRun(grpc::CallbackServerContext* context,
                                    const v1::ShowRunRequest* request,
                                    v1::ShowRunReply* reply) override;
  grpc::ServerUnaryReactor* WatchRun(grpc::CallbackServerContext* context,
                                     const v1::WatchRunRequest* request,
                                     v1::WatchRunReply* reply) override;
  grpc::ServerUnaryReactor* StopRun(grpc::CallbackServerContext* context,
                                    const v1::StopRunRequest* request,
                                    v1::StopRunReply* reply) override;
  grpc::ServerUnaryReactor* ResumeRun(grpc::CallbackServerContext* context,
                                      const v1::ResumeRunRequest* request,
                                      v1::ResumeRunReply* reply) override;
  grpc::ServerUnaryReactor* ExportHistory(grpc::CallbackServerContext* context,
                                          const v1::ExportHistoryRequest* request,
                                          v1::ExportHistoryReply* reply) override;
  grpc::ServerUnaryReactor* ListSites(grpc::CallbackServerContext* context,
                                      const v1::ListSitesRequest* request,
                                      v1::ListSitesReply* reply) override;
  grpc::ServerWriteReactor<v1::ExportModelReply>* ExportModel(
      grpc::CallbackServerContext* context, const v1::ExportModelRequest* request) override;

 private:
  class ExportModelCall;

  // Who calls, if calls are let in.
  Result<std::string> AdminOf(const grpc::CallbackServerContext& context) const;
  // Calls `handle` on the loop if the caller is an operator.
  template <class Reply>
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, Reply* reply,
                                   std::function<void(rpc::Callback<Reply>)> handle);

  Coordinator& coordinator_;
  Executor& loop_;
  Executor& disk_;
  const Authenticator& authenticator_;
  const Door& door_;
};

}  // namespace skerry::coordinator
