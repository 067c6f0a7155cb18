#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace skerry {

// Somewhere to send work: threads in production, the caller's own stack in tests.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void Post(std::function<void()> task) = 0;
};

// Runs each task before Post returns.
class InlineExecutor final : public Executor {
 public:
  void Post(std::function<void()> task) override { task(); }
};

// `num_threads` threads take tasks in the order of posting. The destructor finishes what was
// posted.
class ThreadPool final : public Executor {
 public:
  explicit ThreadPool(int num_threads);
  ~ThreadPool() override;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  void Post(std::function<void()> task) override;
  int num_threads() const { return static_cast<int>(threads_.size()); }

 private:
  void Work();

  Mutex mutex_;
  ConditionVariable wake_;
  std::deque<std::function<void()>> queue_ SKERRY_GUARDED_BY(mutex_);
  bool closing_ SKERRY_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

// Tasks of one strand run one after the other, in order, on the threads of `executor`; strands of
// the same executor run beside each other. A strand may be destroyed before its tasks have run.
class Strand final : public Executor {
 public:
  explicit Strand(Executor& executor);
  ~Strand() override;
  void Post(std::function<void()> task) override;

 private:
  struct Queue;
  // Shared with the task that is draining it, which may outlive the strand.
  std::shared_ptr<Queue> queue_;
};

}  // namespace skerry
