#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

namespace skerry {
namespace {

// Shared with helper tasks that may start only after the work is done.
struct Work {
  explicit Work(std::size_t n, const std::function<void(std::size_t)>& f) : count(n), body(f) {}

  void Run() {
    for (;;) {
      const std::size_t i = next.fetch_add(1);
      if (i >= count) return;
      body(i);  // the caller waits for `done`, so its function is alive
      if (done.fetch_add(1) + 1 < count) continue;
      const MutexLock lock(mutex);  // else the caller could look just before, and wait just after
      all_done.NotifyAll();
    }
  }

  const std::size_t count;
  const std::function<void(std::size_t)>& body;
  std::atomic<std::size_t> next{0};
  Mutex mutex;
  ConditionVariable all_done;
  std::atomic<std::size_t> done{0};
};

// Likewise. It is known of each body whether it has run.
class OrderedWork {
 public:
  OrderedWork(std::size_t n, std::size_t num_workers, const std::function<void(std::size_t)>& f)
      : count_(n), num_workers_(num_workers), body_(f), taken_(n), done_(n) {}

  // A worker's own bodies, and then what others have not come to, from the end on.
  void Help(std::size_t worker) {
    for (std::size_t i = worker; i < count_; i += num_workers_) RunUnlessTaken(i);
    for (std::size_t i = count_; i-- > 0;) RunUnlessTaken(i);
  }
  // By worker 0, for each body in order: until it is done, runs its own meanwhile, and then what
  // others have not come to, from there on.
  void Await(std::size_t i) {
    for (; own_ < count_ && !IsDone(i); own_ += num_workers_) RunUnlessTaken(own_);
    for (others_ = std::max(others_, i); others_ < count_ && !IsDone(i); ++others_) {
      RunUnlessTaken(others_);
    }
    MutexLock lock(mutex_);
    while (done_[i] == 0) one_done_.Wait(mutex_);
  }

 private:
  void RunUnlessTaken(std::size_t i) {
    std::atomic<bool>& taken = taken_[i];
    if (taken.load(std::memory_order_relaxed) || taken.exchange(true)) return;
    body_(i);
    const MutexLock lock(mutex_);
    done_[i] = 1;
    one_done_.NotifyAll();
  }

  bool IsDone(std::size_t i) {
    const MutexLock lock(mutex_);
    return done_[i] != 0;
  }

  const std::size_t count_;
  const std::size_t num_workers_;
  const std::function<void(std::size_t)>& body_;
  std::vector<std::atomic<bool>> taken_;
  std::size_t own_ = 0;     // worker 0's next one
  std::size_t others_ = 0;  // and the next of others that it looks at
  Mutex mutex_;
  ConditionVariable one_done_;
  std::vector<char> done_ SKERRY_GUARDED_BY(mutex_);  // not bits
};

}  // namespace

void ParallelInOrder(Executor& executor, int helpers, std::size_t count,
                     const std::function<void(std::size_t)>& body,
                     const std::function<void(std::size_t)>& then) {
  const auto useful = std::min<std::size_t>(static_cast<std::size_t>(std::max(helpers, 0)), count);
  auto work = std::make_shared<OrderedWork>(count, useful + 1, body);
  for (std::size_t worker = 1; worker <= useful; ++worker) {
    executor.Post([work, worker] { work->Help(worker); });
  }
  for (std::size_t i = 0; i < count; ++i) {
    work->Await(i);
    then(i);
  }
}

void ParallelFor(Executor& executor, int helpers, std::size_t count,
                 const std::function<void(std::size_t)>& body) {
  if (helpers <= 0 || count <= 1) {
    for (std::size_t i = 0; i < count; ++i) body(i);
    return;
  }
  auto work = std::make_shared<Work>(count, body);
  const auto useful = std::min<std::size_t>(static_cast<std::size_t>(helpers), count - 1);
  for (std::size_t i = 0; i < useful; ++i) executor.Post([work] { work->Run(); });
  work->Run();
  MutexLock lock(work->mutex);
  while (work->done < count) work->all_done.Wait(work->mutex);
}

}  // namespace skerry
