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
  OrderedWork(std::size_t n, const std::function<void(std::size_t)>& f)
      : count_(n), body_(f), done_(n) {}

  // False: every body has begun.
  bool RunOne() {
    const std::size_t i = next_.fetch_add(1);
    if (i >= count_) return false;
    body_(i);
    const MutexLock lock(mutex_);
    done_[i] = 1;
    one_done_.NotifyAll();
    return true;
  }
  // Runs others meanwhile, if there are any.
  void Await(std::size_t i) {
    while (!IsDone(i)) {
      if (!RunOne()) break;
    }
    MutexLock lock(mutex_);
    while (done_[i] == 0) one_done_.Wait(mutex_);
  }

 private:
  bool IsDone(std::size_t i) {
    const MutexLock lock(mutex_);
    return done_[i] != 0;
  }

  const std::size_t count_;
  const std::function<void(std::size_t)>& body_;
  std::atomic<std::size_t> next_{0};
  Mutex mutex_;
  ConditionVariable one_done_;
  std::vector<char> done_ SKERRY_GUARDED_BY(mutex_);  // not bits
};

}  // namespace

void ParallelInOrder(Executor& executor, int helpers, std::size_t count,
                     const std::function<void(std::size_t)>& body,
                     const std::function<void(std::size_t)>& then) {
  auto work = std::make_shared<OrderedWork>(count, body);
  const auto useful = std::min<std::size_t>(static_cast<std::size_t>(std::max(helpers, 0)), count);
  for (std::size_t i = 0; i < useful; ++i) {
    executor.Post([work] {
      while (work->RunOne()) {
      }
    });
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
