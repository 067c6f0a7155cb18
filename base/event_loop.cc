#include "base/event_loop.h"

#include <algorithm>
#include <utility>

namespace skerry {

void EventLoop::Post(std::function<void()> task) {
  {
    MutexLock lock(mutex_);
    queue_.push_back(std::move(task));
  }
  wake_.NotifyOne();
}

void EventLoop::Quit() {
  {
    MutexLock lock(mutex_);
    quit_ = true;
  }
  wake_.NotifyOne();
}

std::deque<std::function<void()>> EventLoop::NextBatch(std::optional<Timestamp> due) {
  std::deque<std::function<void()>> batch;
  MutexLock lock(mutex_);
  while (queue_.empty() && !quit_) {
    if (!due) {
      wake_.Wait(mutex_);
      continue;
    }
    const Duration rest = *due - clock_.Now();
    if (rest <= Duration{0}) break;
    // A cap, because the clock of the wait may be another than ours.
    wake_.WaitFor(mutex_, std::min<Duration>(rest, 1s));
  }
  batch.swap(queue_);
  return batch;
}

void EventLoop::Run(const std::function<std::optional<Timestamp>()>& step) {
  std::optional<Timestamp> due = step();
  for (;;) {
    std::deque<std::function<void()>> batch = NextBatch(due);
    for (const auto& task : batch) task();
    due = step();
    MutexLock lock(mutex_);
    if (std::exchange(quit_, false)) return;
  }
}

}  // namespace skerry
