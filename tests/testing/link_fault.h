#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/status.h"
#include "base/time.h"

namespace skerry::testing {

// Something that happens to a link (chaos_proxy.h). What it means, by kind:
struct LinkFault {
  enum class Kind {
    kDelay,         // every byte arrives `time` later, each way
    kThrottle,      // the whole link carries `amount` bytes a second each way; 0: no limit
    kThrottleEach,  // every connection does
    kReset,         // every connection is reset (RST to both sides), but for those half open
    kHalfOpen,      // the connections of now carry nothing any more, for ever, and stay open
    kPartition,     // no connection carries anything and new ones get no answer, until kHeal
    kLoseUp,        // what clients send is swallowed, until kHeal; they get all that is for them
    kLoseDown,      // the other way
    kHeal,          // the partition or the loss is over: what waited goes on; what was swallowed is
                    // missing, so that the connections that lost bytes are reset
    kTruncate,      // the next connection is closed when `amount` bytes have come from the client
    kDuplicate,     // the next connection's first `amount` bytes are sent again on a second one
    kChaos,         // from now on a random fault about every `time`
    kCalm,          // no more random faults; no delay, no limit, no partition
  };
  Kind kind = Kind::kCalm;
  int64_t amount = 0;
  Duration time{0};
};

// "reset", "delay 50ms", "throttle 100000". INVALID_ARGUMENT names the word that is wrong.
Result<LinkFault> ParseLinkFault(std::string_view text);
std::string ToString(const LinkFault& fault);

struct PlannedFault {
  Duration at{0};
  LinkFault fault;
};
// "0s delay 20ms; 5s partition; 15s heal": faults in the order of their times.
Result<std::vector<PlannedFault>> ParseLinkPlan(std::string_view text);

// The next fault of a chaos: mostly resets, truncations and duplicated connections, now and then a
// delay, a narrow link or a short partition. `lasts` is for a partition: until it heals by itself.
struct RandomFault {
  LinkFault fault;
  Duration lasts{0};
};
RandomFault DrawLinkFault(RandomStream& random);

}  // namespace skerry::testing
