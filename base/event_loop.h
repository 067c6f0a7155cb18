#pragma once

#include <deque>
#include <functional>
#include <optional>

#include "base/clock.h"
#include "base/executor.h"
#include "base/mutex.h"

namespace skerry {

// One thread that owns some state: it runs what is posted, in order and in batches, and after each
// batch a step that says when it wants to be called again.
class EventLoop final : public Executor {
 public:
  explicit EventLoop(const Clock& clock) : clock_(clock) {}

  // From any thread; also from a task of this loop, which then belongs to the next batch.
  void Post(std::function<void()> task) override;

  // Runs on the calling thread until Quit(). `step` returns the time of its next call, if nothing
  // is posted before. `clock` must be one that moves by itself.
  void Run(const std::function<std::optional<Timestamp>()>& step);
  // Makes Run return after the batch and step under way; it may be called again. From any thread.
  void Quit();

 private:
  // The tasks posted so far, after waiting for one, for `due`, or for Quit.
  std::deque<std::function<void()>> NextBatch(std::optional<Timestamp> due);

  const Clock& clock_;
  Mutex mutex_;
  ConditionVariable wake_;
  std::deque<std::function<void()>> queue_ SKERRY_GUARDED_BY(mutex_);
  bool quit_ SKERRY_GUARDED_BY(mutex_) = false;
};

}  // namespace skerry
