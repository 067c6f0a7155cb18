#pragma once

#include "base/random.h"
#include "base/status.h"
#include "base/time.h"

namespace skerry::rpc {

// What a client does about a failed call (docs/wire.md, "Statuses").
enum class Reaction {
  kRetry,           // back off, then the same call again, for ever
  kDropTask,        // the coordinator no longer wants it: forget the task, PullTask
  kRejoin,          // Join, then go on
  kExitSuperseded,  // a newer process of this site is at work: end
  kResume,          // an upload: ask what has arrived and go on from there
  kReportFailure,   // the task cannot be done like this: report it, drop it, stay
  kStayUnhealthy,   // keep trying at the longest delay: a renewed certificate heals it
  kStop,            // the versions do not fit: end
};
Reaction ReactionTo(const Status& status);

// The detail of UNAVAILABLE when the machine is there and nobody listens: the coordinator is being
// restarted, most likely.
inline constexpr char kRefused[] = "CONNECTION_REFUSED";
// The longest pause after this error, whatever the backoff's own limit is.
Duration LongestPause(const Status& status);

// Delays between attempts: full jitter (uniform over [0, base 2^n], at most `cap`), so that sites
// which lost the same coordinator do not come back at the same instant.
class Backoff {
 public:
  Backoff(Duration base, Duration cap, RandomStream random);
  Duration Next(Duration at_most = Duration::max());
  void Reset() { attempts_ = 0; }
  int attempts() const { return attempts_; }

 private:
  const Duration base_;
  const Duration cap_;
  RandomStream random_;
  int attempts_ = 0;
};

}  // namespace skerry::rpc
