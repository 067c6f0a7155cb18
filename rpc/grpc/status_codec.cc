#include "rpc/grpc/status_codec.h"

namespace skerry::rpc {

grpc::Status ToGrpc(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  std::string details;
  if (!status.detail().empty() || !status.hint().empty()) {
    details = status.detail() + '\n' + status.hint();
  }
  return {static_cast<grpc::StatusCode>(status.code()), status.message(), details};
}

Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return OkStatus();
  const int code = status.error_code();
  const bool known = code > 0 && code <= static_cast<int>(Code::kUnauthenticated);
  Status result(known ? static_cast<Code>(code) : Code::kUnknown, status.error_message());
  const std::string details = status.error_details();
  const std::size_t line_end = details.find('\n');
  if (line_end == std::string::npos) return result;
  return std::move(result)
      .WithDetail(details.substr(0, line_end))
      .WithHint(details.substr(line_end + 1));
}

}  // namespace skerry::rpc
