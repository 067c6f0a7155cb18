#include "base/report.h"

#include <cstdio>

namespace skerry {

int ExitCode(const Status& status) {
  switch (status.code()) {
    case Code::kOk:
      return 0;
    case Code::kInvalidArgument:
    case Code::kOutOfRange:
      return 2;
    case Code::kNotFound:
      return 3;
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
      return 4;
    case Code::kUnauthenticated:
    case Code::kPermissionDenied:
      return status.detail() == "SUPERSEDED" ? 10 : 5;
    case Code::kFailedPrecondition:
    case Code::kAlreadyExists:
    case Code::kAborted:
      return 6;
    case Code::kResourceExhausted:
      return 7;
    case Code::kDataLoss:
      return 8;
    case Code::kUnimplemented:
      return 9;
    case Code::kCancelled:
      return 130;
    default:
      return 1;
  }
}

int ReportError(const Status& status) {
  std::fprintf(stderr, "error: %s\n", status.message().c_str());
  if (!status.hint().empty()) std::fprintf(stderr, "hint: %s\n", status.hint().c_str());
  return ExitCode(status);
}

}  // namespace skerry
