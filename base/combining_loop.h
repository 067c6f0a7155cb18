#pragma once

#include <deque>
#include <functional>
#include <optional>

#include "base/clock.h"
#include "base/executor.h"
#include "base/mutex.h"

namespace skerry {

// State that any thread may work on, one at a time: who posts a task while nobody is at it runs it,
// and what others post meanwhile, and after each batch a step that says when it wants to be called
// again. So no task is handed to another thread, which would have to wake up. A thread that posts
// is held up by a few batches at most, the thread in Run() does the rest; and it holds no lock that
// tasks or the step may want.
class CombiningLoop final : public Executor {
 public:
  explicit CombiningLoop(const Clock& clock) : clock_(clock) {}

  // From any thread. A task of a task belongs to the next batch. What is posted while nobody is in
  // Run() waits for the next Run().
  void Post(std::function<void()> task) override;
  // The same for a thread that must not be held up: the one in Run() does it.
  void Leave(std::function<void()> task);

  // Until Quit(): the calling thread, of which there is one at a time, does what is due without a
  // post. `step` returns the time of its next call. `clock` must be one that moves by itself. Once
  // it has returned no task runs.
  void Run(const std::function<std::optional<Timestamp>()>& step);
  // Makes Run return after the batch and step under way. From any thread, also before Run().
  void Quit();

 private:
  // By the thread that has made the state busy: until nothing is left to do, or enough is done. An
  // exception is a bug and ends the process, also on threads of libraries that would swallow it.
  void Work() noexcept;
  std::optional<Timestamp> WorkOnBatch();
  // Waits until this thread is to work, or, with false, to leave.
  bool WaitForTurn();

  const Clock& clock_;
  Mutex mutex_;
  ConditionVariable wake_;  // for the thread in Run()
  std::deque<std::function<void()>> queue_ SKERRY_GUARDED_BY(mutex_);
  const std::function<std::optional<Timestamp>()>* step_ SKERRY_GUARDED_BY(mutex_) = nullptr;
  bool busy_ SKERRY_GUARDED_BY(mutex_) = false;
  bool quit_ SKERRY_GUARDED_BY(mutex_) = false;
  std::optional<Timestamp> due_ SKERRY_GUARDED_BY(mutex_);
  std::optional<Timestamp> sleeps_until_ SKERRY_GUARDED_BY(mutex_);
};

}  // namespace skerry
