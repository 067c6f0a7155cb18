#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "base/executor.h"
#include "base/mutex.h"

namespace skerry {

// For work that costs less for two things together than for each of them. Things come from any
// thread and are taken in order, by one or by two, to be handled on `executor`, by at most
// `most_at_once` calls at the same time: when things come faster than that, two are there for the
// next. A call takes one turn of the executor, so that others have theirs. May be destroyed before
// its last call has returned.
template <class Thing>
class Pairs {
 public:
  using Handle = std::function<void(std::span<Thing>)>;

  Pairs(Executor& executor, int most_at_once, Handle handle)
      : queue_(std::make_shared<Queue>(executor, most_at_once, std::move(handle))) {}

  void Add(Thing thing) {
    if (queue_->Add(std::move(thing))) queue_->Schedule();
  }

 private:
  class Queue : public std::enable_shared_from_this<Queue> {
   public:
    Queue(Executor& executor, int most_at_once, Handle handle)
        : executor_(executor), most_at_once_(most_at_once), handle_(std::move(handle)) {}

    // Whether somebody has to begin to work.
    bool Add(Thing thing) {
      MutexLock lock(mutex_);
      waiting_.push_back(std::move(thing));
      if (num_working_ == most_at_once_) return false;
      ++num_working_;
      return true;
    }

    void Schedule() {
      executor_.Post([self = this->shared_from_this()] { self->WorkOnce(); });
    }

   private:
    void WorkOnce() {
      {
        std::array<Thing, 2> taken;
        const std::size_t n = Take(taken);
        if (n > 0) handle_(std::span(taken).first(n));
      }
      if (GoesOn()) Schedule();  // without the lock: an executor may run it at once
    }

    std::size_t Take(std::span<Thing> places) {
      MutexLock lock(mutex_);
      std::size_t n = 0;
      for (; n < places.size() && !waiting_.empty(); ++n) {
        places[n] = std::move(waiting_.front());
        waiting_.pop_front();
      }
      return n;
    }

    bool GoesOn() {
      MutexLock lock(mutex_);
      if (waiting_.empty()) --num_working_;
      return !waiting_.empty();
    }

    Executor& executor_;
    const int most_at_once_;
    const Handle handle_;
    Mutex mutex_;
    std::deque<Thing> waiting_ SKERRY_GUARDED_BY(mutex_);
    int num_working_ SKERRY_GUARDED_BY(mutex_) = 0;
  };

  const std::shared_ptr<Queue> queue_;
};

}  // namespace skerry
