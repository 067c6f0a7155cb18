#include "base/combining_loop.h"

#include <algorithm>
#include <utility>

namespace skerry {

void CombiningLoop::Post(std::function<void()> task) {
  {
    MutexLock lock(mutex_);
    queue_.push_back(std::move(task));
    if (busy_ || step_ == nullptr || quit_) return;
    busy_ = true;
  }
  Work();
}

void CombiningLoop::Leave(std::function<void()> task) {
  MutexLock lock(mutex_);
  queue_.push_back(std::move(task));
  if (!busy_) wake_.NotifyOne();
}

void CombiningLoop::Quit() {
  MutexLock lock(mutex_);
  quit_ = true;
  wake_.NotifyOne();
}

std::optional<Timestamp> CombiningLoop::WorkOnBatch() {
  std::deque<std::function<void()>> batch;
  const std::function<std::optional<Timestamp>()>* step = nullptr;
  {
    MutexLock lock(mutex_);
    batch.swap(queue_);
    step = step_;
  }
  for (const auto& task : batch) task();
  batch.clear();
  return (*step)();
}

void CombiningLoop::Work() noexcept {
  constexpr int kMostBatches = 8;
  for (int batches = 1;; ++batches) {
    const std::optional<Timestamp> due = WorkOnBatch();
    MutexLock lock(mutex_);
    if (!quit_ && !queue_.empty() && batches < kMostBatches) continue;
    due_ = due;
    busy_ = false;
    // It looks again by itself when the time has come that it knew of.
    const bool sooner = due_ && (!sleeps_until_ || *due_ < *sleeps_until_);
    if (quit_ || sooner || !queue_.empty()) wake_.NotifyOne();
    return;
  }
}

bool CombiningLoop::WaitForTurn() {
  MutexLock lock(mutex_);
  for (;;) {
    sleeps_until_.reset();
    if (busy_) {
      wake_.Wait(mutex_);
      continue;
    }
    if (quit_ || !queue_.empty()) break;
    if (!due_) {
      wake_.Wait(mutex_);
      continue;
    }
    const Duration rest = *due_ - clock_.Now();
    if (rest <= Duration{0}) break;
    sleeps_until_ = due_;
    // A cap, because the clock of the wait may be another than ours.
    wake_.WaitFor(mutex_, std::min<Duration>(rest, 1s));
  }
  busy_ = !quit_;
  return busy_;
}

void CombiningLoop::Run(const std::function<std::optional<Timestamp>()>& step) {
  {
    MutexLock lock(mutex_);
    step_ = &step;
    busy_ = true;
  }
  do {
    Work();
  } while (WaitForTurn());
  MutexLock lock(mutex_);
  step_ = nullptr;
  quit_ = false;
}

}  // namespace skerry
