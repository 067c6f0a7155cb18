#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "base/time.h"

namespace skerry {

// Calls `on_signal` once, on a thread of its own, when SIGINT, SIGTERM or SIGHUP comes; a second
// SIGINT or SIGTERM ends the process at once with exit code 130 (a second SIGHUP does not: a
// terminal that closes may send two). SIGHUP stays ignored where it is, as under nohup. Made in
// main before any other thread, so that all of them leave these signals to it.
class ShutdownSignal {
 public:
  ShutdownSignal();
  ~ShutdownSignal();
  ShutdownSignal(const ShutdownSignal&) = delete;
  ShutdownSignal& operator=(const ShutdownSignal&) = delete;

  // Begins to listen.
  void Listen(std::function<void()> on_signal);

 private:
  enum class HangUp { kCounts, kIsNothing };
  bool Await(HangUp hang_up) const;

  const bool hang_up_;  // SIGHUP is not ignored
  std::atomic<bool> closing_{false};
  std::thread thread_;
};

// Ends the process with this code after `limit`, unless it has ended by itself by then: one of its
// threads may be in a read that never returns. Says so on standard error. For programs whose state
// is good at any instant.
void ExitAfter(Duration limit, int exit_code);

// Last in main() of a program whose libraries have threads that never end, as gRPC's: what is
// printed is flushed, and nothing else is taken down. std::exit would destroy under those threads
// what they use, which now and then ends an orderly end with a crash.
[[noreturn]] void EndProcess(int exit_code);

}  // namespace skerry
