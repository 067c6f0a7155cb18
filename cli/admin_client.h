#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "rpc/grpc/transport.h"
#include "skerry/v1/admin.grpc.pb.h"

namespace skerry::cli {

// How to reach a coordinator as an operator.
struct AdminAddress {
  std::string config;  // admin.toml of an admin kit: over the network, by mutual TLS
  std::string socket;  // else the Unix socket of a coordinator on this machine
};

// The Admin service, one blocking call after the other. An error says why there was no answer: of a
// socket that it is not there or not this user's, of a network address what a look at the
// connection found (rpc::ProbeCoordinator). Not thread-safe.
class AdminClient {
 public:
  // Looks at config, then socket, then the environment (SKERRY_ADMIN_CONFIG, SKERRY_ADMIN_SOCKET).
  // INVALID_ARGUMENT when none says where the coordinator is; FAILED_PRECONDITION when the kit's
  // files cannot be used: expired, or a key that others may read.
  static Result<std::unique_ptr<AdminClient>> Connect(const AdminAddress& address);

  Result<v1::SubmitRunReply> SubmitRun(const v1::SubmitRunRequest& request);
  Result<v1::ListRunsReply> ListRuns();
  Result<v1::ShowRunReply> ShowRun(const v1::ShowRunRequest& request);
  // Waits no longer than `limit`: then DEADLINE_EXCEEDED. For calls that are made again and again,
  // its errors are gRPC's own; Explain() finds out more.
  Result<v1::WatchRunReply> WatchRun(const v1::WatchRunRequest& request, Duration limit);
  // What it is that UNAVAILABLE means here. Other errors are left as they are.
  Status Explain(Status status) const;
  Result<v1::StopRunReply> StopRun(const std::string& run_id);
  Result<v1::ResumeRunReply> ResumeRun(const std::string& run_id);
  Result<v1::ExportHistoryReply> ExportHistory(const std::string& run_id);
  Result<v1::ListSitesReply> ListSites();
  // Calls `take` with every message of the stream; its error ends the call.
  Status ExportModel(const v1::ExportModelRequest& request,
                     const std::function<Status(const v1::ExportModelReply&)>& take);

 private:
  AdminClient(std::shared_ptr<grpc::Channel> channel, std::string where,
              std::optional<rpc::TlsFiles> tls);
  template <class Request, class Reply>
  Result<Reply> Call(grpc::Status (v1::Admin::Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Reply*),
                     const Request& request);

  const std::unique_ptr<v1::Admin::Stub> stub_;
  const std::string where_;
  const std::optional<rpc::TlsFiles> tls_;  // none: `where_` is a socket
  SystemClock clock_;
};

}  // namespace skerry::cli
