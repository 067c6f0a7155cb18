#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace skerry {

// Calls `on_signal` once, on a thread of its own, when SIGINT or SIGTERM comes; a second signal
// ends the process at once with exit code 130. Made in main before any other thread, so that all of
// them leave these signals to it.
class ShutdownSignal {
 public:
  ShutdownSignal();
  ~ShutdownSignal();
  ShutdownSignal(const ShutdownSignal&) = delete;
  ShutdownSignal& operator=(const ShutdownSignal&) = delete;

  // Begins to listen.
  void Listen(std::function<void()> on_signal);

 private:
  bool Await() const;

  std::atomic<bool> closing_{false};
  std::thread thread_;
};

}  // namespace skerry
