#include "base/status.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace skerry {
namespace {

const std::string& Empty() {
  static const std::string empty;
  return empty;
}

}  // namespace

void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr,
               "%s:%d: broken invariant: %s. This is a fault of Skerry; please report it.\n", file,
               line, condition);
  std::abort();
}

std::string_view CodeName(Code code) {
  static constexpr std::string_view kNames[] = {"OK",
                                                "CANCELLED",
                                                "UNKNOWN",
                                                "INVALID_ARGUMENT",
                                                "DEADLINE_EXCEEDED",
                                                "NOT_FOUND",
                                                "ALREADY_EXISTS",
                                                "PERMISSION_DENIED",
                                                "RESOURCE_EXHAUSTED",
                                                "FAILED_PRECONDITION",
                                                "ABORTED",
                                                "OUT_OF_RANGE",
                                                "UNIMPLEMENTED",
                                                "INTERNAL",
                                                "UNAVAILABLE",
                                                "DATA_LOSS",
                                                "UNAUTHENTICATED"};
  return kNames[static_cast<std::size_t>(code)];
}

Status::Status(Code code, std::string message) {
  if (code != Code::kOk) rep_ = std::make_unique<Rep>(Rep{code, std::move(message), {}, {}});
}

Status::Status(const Status& other)
    : rep_(other.rep_ ? std::make_unique<Rep>(*other.rep_) : nullptr) {}

Status& Status::operator=(const Status& other) {
  if (this != &other) rep_ = other.rep_ ? std::make_unique<Rep>(*other.rep_) : nullptr;
  return *this;
}

const std::string& Status::message() const { return rep_ ? rep_->message : Empty(); }
const std::string& Status::hint() const { return rep_ ? rep_->hint : Empty(); }
const std::string& Status::detail() const { return rep_ ? rep_->detail : Empty(); }

Status Status::WithContext(std::string_view context) && {
  if (rep_) rep_->message = std::string(context) + ": " + rep_->message;
  return std::move(*this);
}

Status Status::WithContext(std::string_view context) const& {
  return Status(*this).WithContext(context);
}

Status Status::WithHint(std::string hint) && {
  if (rep_) rep_->hint = std::move(hint);
  return std::move(*this);
}

Status Status::WithDetail(std::string detail) && {
  if (rep_) rep_->detail = std::move(detail);
  return std::move(*this);
}

std::string Status::ToString() const {
  if (ok()) return "OK";
  std::string text = std::string(CodeName(code())) + ": " + message();
  if (!hint().empty()) text += " (" + hint() + ")";
  return text;
}

Status Cancelled(std::string message) { return {Code::kCancelled, std::move(message)}; }
Status Unknown(std::string message) { return {Code::kUnknown, std::move(message)}; }
Status InvalidArgument(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }
Status DeadlineExceeded(std::string message) {
  return {Code::kDeadlineExceeded, std::move(message)};
}
Status NotFound(std::string message) { return {Code::kNotFound, std::move(message)}; }
Status AlreadyExists(std::string message) { return {Code::kAlreadyExists, std::move(message)}; }
Status PermissionDenied(std::string message) {
  return {Code::kPermissionDenied, std::move(message)};
}
Status ResourceExhausted(std::string message) {
  return {Code::kResourceExhausted, std::move(message)};
}
Status FailedPrecondition(std::string message) {
  return {Code::kFailedPrecondition, std::move(message)};
}
Status Aborted(std::string message) { return {Code::kAborted, std::move(message)}; }
Status OutOfRange(std::string message) { return {Code::kOutOfRange, std::move(message)}; }
Status Unimplemented(std::string message) { return {Code::kUnimplemented, std::move(message)}; }
Status Internal(std::string message) { return {Code::kInternal, std::move(message)}; }
Status Unavailable(std::string message) { return {Code::kUnavailable, std::move(message)}; }
Status DataLoss(std::string message) { return {Code::kDataLoss, std::move(message)}; }
Status Unauthenticated(std::string message) { return {Code::kUnauthenticated, std::move(message)}; }

Status FromErrno(int error_number, std::string_view what) {
  std::string message = std::string(what) + ": " + std::generic_category().message(error_number);
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return ResourceExhausted(std::move(message))
          .WithHint("free some disk space; nothing is lost");
    case EMFILE:
    case ENFILE:
      return ResourceExhausted(std::move(message))
          .WithHint("let it open more files: LimitNOFILE of its service, or ulimit -n");
    case ENOENT:
    case ENOTDIR:
      return NotFound(std::move(message));
    case EISDIR:
      return InvalidArgument(std::move(message));
    case EACCES:
    case EPERM:
    case EROFS:
      return PermissionDenied(std::move(message));
    default:
      return Internal(std::move(message));
  }
}

}  // namespace skerry
