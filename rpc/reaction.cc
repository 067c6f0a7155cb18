#include "rpc/reaction.h"

#include <algorithm>
#include <utility>

#include "rpc/coordinator_api.h"

namespace skerry::rpc {

Reaction ReactionTo(const Status& status) {
  switch (status.code()) {
    case Code::kAborted:
    case Code::kNotFound:
    case Code::kAlreadyExists:
      return Reaction::kDropTask;
    case Code::kFailedPrecondition:
      return Reaction::kRejoin;
    case Code::kPermissionDenied:
      return status.detail() == kSuperseded ? Reaction::kExitSuperseded : Reaction::kStayUnhealthy;
    case Code::kUnauthenticated:
      return Reaction::kStayUnhealthy;
    case Code::kOutOfRange:
    case Code::kDataLoss:
      return Reaction::kResume;
    case Code::kInvalidArgument:
      return Reaction::kReportFailure;
    case Code::kUnimplemented:
      return Reaction::kStop;
    default:
      return Reaction::kRetry;
  }
}

Backoff::Backoff(Duration base, Duration cap, RandomStream random)
    : base_(base), cap_(cap), random_(std::move(random)) {}

Duration LongestPause(const Status& status) {
  constexpr Duration kWhileRestarting = 10s;
  return status.detail() == kRefused ? kWhileRestarting : Duration::max();
}

Duration Backoff::Next(Duration at_most) {
  const int doublings = std::min(attempts_++, 20);
  const Duration ceiling = std::min(std::min(cap_, at_most), base_ * (int64_t{1} << doublings));
  return Duration(static_cast<int64_t>(random_.Uniform() * static_cast<double>(ceiling.count())));
}

}  // namespace skerry::rpc
