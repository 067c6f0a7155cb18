#include "base/executor.h"

#include <utility>

#include "base/check.h"

namespace skerry {

ThreadPool::ThreadPool(int num_threads) {
  SKERRY_CHECK(num_threads > 0);
  threads_.reserve(static_cast<std::size_t>(num_threads));
  for (int i = 0; i < num_threads; ++i) threads_.emplace_back([this] { Work(); });
}

ThreadPool::~ThreadPool() {
  {
    MutexLock lock(mutex_);
    closing_ = true;
  }
  wake_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::Post(std::function<void()> task) {
  {
    MutexLock lock(mutex_);
    queue_.push_back(std::move(task));
  }
  wake_.NotifyOne();
}

void ThreadPool::Work() {
  for (;;) {
    std::function<void()> task;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !closing_) wake_.Wait(mutex_);
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

struct Strand::Queue : std::enable_shared_from_this<Strand::Queue> {
  explicit Queue(Executor& target) : executor(target) {}

  void Schedule() {
    executor.Post([self = shared_from_this()] { self->RunOne(); });
  }

  // One task per turn, so that a busy strand does not keep the others of a pool waiting.
  void RunOne() {
    std::function<void()> task;
    {
      MutexLock lock(mutex);
      task = std::move(tasks.front());
    }
    task();
    task = nullptr;  // what it holds is let go of before the next task runs
    bool more = false;
    {
      MutexLock lock(mutex);
      tasks.pop_front();
      more = !tasks.empty();
    }
    if (more) Schedule();  // without the lock: an executor may run the task at once
  }

  Executor& executor;
  Mutex mutex;
  std::deque<std::function<void()>> tasks SKERRY_GUARDED_BY(mutex);
};

Strand::Strand(Executor& executor) : queue_(std::make_shared<Queue>(executor)) {}
Strand::~Strand() = default;

void Strand::Post(std::function<void()> task) {
  bool idle = false;
  {
    MutexLock lock(queue_->mutex);
    idle = queue_->tasks.empty();
    queue_->tasks.push_back(std::move(task));
  }
  if (idle) queue_->Schedule();
}

}  // namespace skerry
