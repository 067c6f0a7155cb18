#pragma once

#include <atomic>
#include <utility>

#include "base/mutex.h"
#include "base/status.h"

namespace skerry {

// The first error of several threads that work on one thing. Thread-safe.
class FirstError {
 public:
  void Note(Status status) {
    if (status.ok()) return;
    MutexLock lock(mutex_);
    if (status_.ok()) status_ = std::move(status);
    failed_ = true;
  }
  bool failed() const { return failed_; }
  Status Take() {
    MutexLock lock(mutex_);
    return std::move(status_);
  }

 private:
  std::atomic<bool> failed_ = false;
  Mutex mutex_;
  Status status_ SKERRY_GUARDED_BY(mutex_);
};

}  // namespace skerry
