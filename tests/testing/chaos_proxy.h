#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "testing/link_fault.h"
#include "testing/proxied_connection.h"

namespace skerry::testing {

struct ChaosProxyOptions {
  std::string listen = "127.0.0.1:0";   // IPv4 address and port; port 0: any
  std::string to;                       // where the coordinator listens
  uint64_t seed = 0;                    // of random faults
  std::vector<PlannedFault> plan = {};  // from the start on
};

// What one connection has carried: `sent` came in from the sender, `passed` was given on.
struct ConnectionTraffic {
  uint64_t up_sent = 0;
  uint64_t up_passed = 0;
  uint64_t down_sent = 0;
  uint64_t down_passed = 0;
  bool open = false;
};

// The link between one site and its coordinator: takes TCP connections and passes their bytes on,
// unread, over a connection each. Everything that a real link does to TCP it does when told to. A
// thread of its own; its methods may be called from any and have taken effect when they return.
class ChaosProxy {
 public:
  explicit ChaosProxy(ChaosProxyOptions options);
  // Ends every connection.
  ~ChaosProxy();
  ChaosProxy(const ChaosProxy&) = delete;
  ChaosProxy& operator=(const ChaosProxy&) = delete;

  int port() const;

  void Do(const LinkFault& fault);
  void Delay(Duration one_way) { Do({LinkFault::Kind::kDelay, 0, one_way}); }
  void Throttle(int64_t bytes_per_second) { Do({LinkFault::Kind::kThrottle, bytes_per_second}); }
  void Reset() { Do({LinkFault::Kind::kReset}); }
  void HalfOpen() { Do({LinkFault::Kind::kHalfOpen}); }
  void Partition() { Do({LinkFault::Kind::kPartition}); }
  // What is sent this way is swallowed, as if it had been sent, until Heal().
  void Lose(Way way) {
    Do({way == Way::kUp ? LinkFault::Kind::kLoseUp : LinkFault::Kind::kLoseDown});
  }
  void Heal() { Do({LinkFault::Kind::kHeal}); }
  void Calm() { Do({LinkFault::Kind::kCalm}); }
  // A random fault about every `pause`, until Calm().
  void Chaos(Duration pause) { Do({LinkFault::Kind::kChaos, 0, pause}); }
  // Resets every connection when the link has taken `bytes` more from the senders of one way.
  void CutAfter(Way way, uint64_t bytes);
  // How often CutAfter has come true.
  int num_cuts() const;

  // All connections there have been, oldest first.
  std::vector<ConnectionTraffic> connections() const;
  // Their sum; open if one is.
  ConnectionTraffic total() const;
  // What the random faults were, one a line.
  std::string diary() const;

 private:
  class Link;
  const std::unique_ptr<Link> link_;
};

}  // namespace skerry::testing
