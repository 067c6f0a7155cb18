#include "cli/admin_client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "base/files.h"
#include "base/toml_reader.h"
#include "rpc/grpc/status_codec.h"
#include "rpc/grpc/transport.h"

namespace skerry::cli {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

struct AdminConfig {
  std::string coordinator;
  rpc::TlsFiles tls;
};

Result<AdminConfig> LoadAdminConfig(const std::string& path) {
  PosixFiles files;
  SKERRY_ASSIGN_OR_RETURN(TomlReader toml, TomlReader::Load(files, path));
  const std::string base = ParentDirectory(path);
  AdminConfig config;
  config.coordinator = toml.String("admin.coordinator");
  if (Status status = rpc::ParseHostPort(config.coordinator).status(); !status.ok()) {
    toml.Fail("admin.coordinator", status.message(), status.hint());
  }
  config.tls = {ResolvePath(base, toml.String("tls.ca")),
                ResolvePath(base, toml.String("tls.certificate")),
                ResolvePath(base, toml.String("tls.key"))};
  SKERRY_RETURN_IF_ERROR(toml.Finish());
  return config;
}

constexpr Duration kCallLimit = 60s;

// What the system says about a Unix socket; 0: one can connect to it.
int SocketError(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return ENAMETOOLONG;
  path.copy(address.sun_path, path.size());
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return errno;
  const bool connected =
      ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  const int error = connected ? 0 : errno;
  ::close(socket);
  return error;
}

Status ExplainSocket(const std::string& path, const std::string& otherwise) {
  constexpr const char* kHint =
      "is skerry-coordinator running there? Its log says on which port and socket";
  switch (const int error = SocketError(path)) {
    case 0:
      return Unavailable("no coordinator answers at " + path + " (" + otherwise + ")")
          .WithHint(kHint);
    case ENOENT:
      return Unavailable("no coordinator answers at " + path + ": there is no such socket")
          .WithHint(kHint);
    case ECONNREFUSED:
      return Unavailable("no coordinator answers at " + path + ": the one that made it has ended")
          .WithHint(kHint);
    case EACCES:
      return PermissionDenied("this user may not open " + path)
          .WithHint("the coordinator's own user may; others need --admin admin.toml");
    default:
      return Unavailable("no coordinator answers at " + path + ": " +
                         std::generic_category().message(error))
          .WithHint(kHint);
  }
}

}  // namespace

AdminClient::AdminClient(std::shared_ptr<grpc::Channel> channel, std::string where,
                         std::optional<rpc::TlsFiles> tls)
    : stub_(v1::Admin::NewStub(channel)), where_(std::move(where)), tls_(std::move(tls)) {}

Result<std::unique_ptr<AdminClient>> AdminClient::Connect(const AdminAddress& address) {
  std::string config = address.config;
  std::string socket = address.socket;
  if (config.empty() && socket.empty()) {
    config = Environment("SKERRY_ADMIN_CONFIG");
    socket = Environment("SKERRY_ADMIN_SOCKET");
  }
  if (!config.empty()) {
    SKERRY_ASSIGN_OR_RETURN(const AdminConfig admin, LoadAdminConfig(config));
    PosixFiles files;
    const int64_t now = SystemClock().WallNow().unix_millis / 1000;
    SKERRY_RETURN_IF_ERROR(rpc::CheckTlsFiles(files, admin.tls, now));
    return std::unique_ptr<AdminClient>(new AdminClient(
        rpc::OpenChannel(admin.coordinator, rpc::ChannelTls(admin.tls), rpc::Traffic::kOperator),
        admin.coordinator, admin.tls));
  }
  if (socket.empty()) {
    return InvalidArgument("where is the coordinator?")
        .WithHint(
            "on its own machine: --socket STATE_DIR/admin.sock; elsewhere: --admin admin.toml");
  }
  return std::unique_ptr<AdminClient>(
      new AdminClient(rpc::OpenChannel("unix:" + socket, grpc::InsecureChannelCredentials(),
                                       rpc::Traffic::kOperator),
                      socket, std::nullopt));
}

Status AdminClient::Explain(Status status) const {
  if (status.code() == Code::kDeadlineExceeded) {
    return DeadlineExceeded("the coordinator at " + where_ + " does not answer")
        .WithHint("its log may say why: a full disk holds everything up");
  }
  if (status.code() != Code::kUnavailable || !status.hint().empty()) return status;
  if (!tls_) return ExplainSocket(where_, status.message());
  const Status found = rpc::ProbeCoordinator(where_, *tls_, clock_);
  if (found.ok()) return Unavailable("the connection to " + where_ + " broke; try again");
  return found.WithContext("cannot reach the coordinator");
}

template <class Request, class Reply>
Result<Reply> AdminClient::Call(grpc::Status (v1::Admin::Stub::*method)(grpc::ClientContext*,
                                                                        const Request&, Reply*),
                                const Request& request) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallLimit);
  Reply reply;
  const grpc::Status status = (stub_.get()->*method)(&context, request, &reply);
  if (!status.ok()) return Explain(rpc::FromGrpc(status));
  return reply;
}

Result<v1::SubmitRunReply> AdminClient::SubmitRun(const v1::SubmitRunRequest& request) {
  return Call(&v1::Admin::Stub::SubmitRun, request);
}

Result<v1::ListRunsReply> AdminClient::ListRuns() {
  return Call(&v1::Admin::Stub::ListRuns, v1::ListRunsRequest());
}

Result<v1::ShowRunReply> AdminClient::ShowRun(const v1::ShowRunRequest& request) {
  return Call(&v1::Admin::Stub::ShowRun, request);
}

Result<v1::WatchRunReply> AdminClient::WatchRun(const v1::WatchRunRequest& request,
                                                Duration limit) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::min(limit, kCallLimit));
  v1::WatchRunReply reply;
  const grpc::Status status = stub_->WatchRun(&context, request, &reply);
  if (!status.ok()) return rpc::FromGrpc(status);
  return reply;
}

Result<v1::StopRunReply> AdminClient::StopRun(const std::string& run_id) {
  v1::StopRunRequest request;
  request.set_run_id(run_id);
  return Call(&v1::Admin::Stub::StopRun, request);
}

Result<v1::ResumeRunReply> AdminClient::ResumeRun(const std::string& run_id) {
  v1::ResumeRunRequest request;
  request.set_run_id(run_id);
  return Call(&v1::Admin::Stub::ResumeRun, request);
}

Result<v1::ExportHistoryReply> AdminClient::ExportHistory(const std::string& run_id) {
  v1::ExportHistoryRequest request;
  request.set_run_id(run_id);
  return Call(&v1::Admin::Stub::ExportHistory, request);
}

Result<v1::ListSitesReply> AdminClient::ListSites() {
  return Call(&v1::Admin::Stub::ListSites, v1::ListSitesRequest());
}

Status AdminClient::ExportModel(const v1::ExportModelRequest& request,
                                const std::function<Status(const v1::ExportModelReply&)>& take) {
  grpc::ClientContext context;
  const auto reader = stub_->ExportModel(&context, request);
  v1::ExportModelReply message;
  while (reader->Read(&message)) {
    const Status status = take(message);
    if (status.ok()) continue;
    context.TryCancel();
    static_cast<void>(reader->Finish().ok());
    return status;
  }
  return Explain(rpc::FromGrpc(reader->Finish()));
}

}  // namespace skerry::cli
