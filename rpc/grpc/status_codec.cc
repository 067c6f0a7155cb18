#include "rpc/grpc/status_codec.h"

#include "rpc/reaction.h"

namespace skerry::rpc {
namespace {

// A peer takes 8 KiB of headers, and a byte beyond ASCII travels as three. What is longer would
// arrive as RESOURCE_EXHAUSTED, whatever it was.
constexpr std::size_t kMostMessageBytes = 2000;
constexpr std::size_t kMostHintBytes = 400;

std::string Cut(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (text[most] & 0xC0) == 0x80) --most;  // not inside a UTF-8 character
  return text.substr(0, most) + " ...";
}

}  // namespace

grpc::Status ToGrpc(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  std::string details;
  if (!status.detail().empty() || !status.hint().empty()) {
    details = status.detail() + '\n' + Cut(status.hint(), kMostHintBytes);
  }
  return {static_cast<grpc::StatusCode>(status.code()), Cut(status.message(), kMostMessageBytes),
          details};
}

Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return OkStatus();
  const int code = status.error_code();
  const bool known = code > 0 && code <= static_cast<int>(Code::kUnauthenticated);
  Status result(known ? static_cast<Code>(code) : Code::kUnknown, status.error_message());
  const std::string details = status.error_details();
  const std::size_t line_end = details.find('\n');
  const bool refused = result.code() == Code::kUnavailable && details.empty() &&
                       result.message().find("Connection refused") != std::string::npos;
  if (refused) return std::move(result).WithDetail(kRefused);
  if (line_end == std::string::npos) return result;
  return std::move(result)
      .WithDetail(details.substr(0, line_end))
      .WithHint(details.substr(line_end + 1));
}

}  // namespace skerry::rpc
