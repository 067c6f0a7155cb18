#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "base/executor.h"
#include "base/mutex.h"

namespace skerry {

// For work that two things together cost less than each by itself. Things come from any thread and
// go to `handle`, in order, by one or by two, on `executor`. At most `most_at_once` calls of it run
// at the same time: when things come faster than that, two are there for the next. May be destroyed
// before its last call has returned.
template <class Thing>
class Pairs {
 public:
  using Handle = std::function<void(std::span<Thing>)>;

  Pairs(Executor& executor, int most_at_once, Handle handle)
      : executor_(executor), queue_(std::make_shared<Queue>(most_at_once, std::move(handle))) {}

  void Add(Thing thing) {
    if (queue_->Add(std::move(thing))) executor_.Post([queue = queue_] { queue->Work(); });
  }

 private:
  class Queue {
   public:
    Queue(int most_at_once, Handle handle)
        : most_at_once_(most_at_once), handle_(std::move(handle)) {}

    // Whether somebody has to begin to work.
    bool Add(Thing thing) {
      MutexLock lock(mutex_);
      waiting_.push_back(std::move(thing));
      if (num_working_ == most_at_once_) return false;
      ++num_working_;
      return true;
    }

    void Work() {
      std::array<Thing, 2> taken;
      while (const std::size_t n = Take(taken)) handle_(std::span(taken).first(n));
    }

   private:
    std::size_t Take(std::span<Thing> places) {
      MutexLock lock(mutex_);
      const std::size_t n = std::min(places.size(), waiting_.size());
      std::move(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(n),
                places.begin());
      waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(n));
      if (n == 0) --num_working_;
      return n;
    }

    const int most_at_once_;
    const Handle handle_;
    Mutex mutex_;
    std::deque<Thing> waiting_ SKERRY_GUARDED_BY(mutex_);
    int num_working_ SKERRY_GUARDED_BY(mutex_) = 0;
  };

  Executor& executor_;
  const std::shared_ptr<Queue> queue_;
};

}  // namespace skerry
