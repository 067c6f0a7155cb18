#include "base/report.h"

#include <cstdio>
#include <string>

#include "base/text.h"

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
  // Several errors stand on several lines; whatever else is in them was perhaps not ours.
  std::string text;
  for (const std::string& line : Split(status.message(), '\n')) {
    text += (text.empty() ? "error: " : "\n") + Printable(line);
  }
  if (!status.hint().empty()) text += "\nhint: " + Printable(status.hint());
  std::fprintf(stderr, "%s\n", text.c_str());
  return ExitCode(status);
}

}  // namespace skerry
