#pragma once

#include <atomic>

#include "base/status.h"

namespace skerry::coordinator {

// Whether calls are let in. While the coordinator waits for room on its disk it answers nobody, and
// calls that wait for it would only pile up. Thread-safe.
class Door {
 public:
  void Open() { closed_ = false; }
  void CloseForFullDisk() { closed_ = true; }

  // UNAVAILABLE while it is closed: the caller comes again.
  Status Enter() const {
    if (!closed_) return OkStatus();
    return Unavailable("the coordinator's disk is full; it goes on when there is room");
  }

 private:
  std::atomic<bool> closed_{false};
};

}  // namespace skerry::coordinator
