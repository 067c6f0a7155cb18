#pragma once

#include <condition_variable>
#include <mutex>

// Clang's thread-safety annotations; nothing under other compilers.
#if defined(__clang__)
#define SKERRY_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define SKERRY_THREAD_ANNOTATION(x)
#endif
#define SKERRY_GUARDED_BY(mutex) SKERRY_THREAD_ANNOTATION(guarded_by(mutex))
#define SKERRY_REQUIRES(mutex) SKERRY_THREAD_ANNOTATION(requires_capability(mutex))
#define SKERRY_EXCLUDES(mutex) SKERRY_THREAD_ANNOTATION(locks_excluded(mutex))

namespace skerry {

// std::mutex that clang can reason about.
class SKERRY_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void Lock() SKERRY_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void Unlock() SKERRY_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  friend class ConditionVariable;
  std::mutex mutex_;
};

class SKERRY_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) SKERRY_THREAD_ANNOTATION(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() SKERRY_THREAD_ANNOTATION(release_capability()) { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

class ConditionVariable {
 public:
  void Wait(Mutex& mutex) SKERRY_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // False when `timeout` passed first.
  template <class Rep, class Period>
  bool WaitFor(Mutex& mutex, std::chrono::duration<Rep, Period> timeout) SKERRY_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool woken = condition_.wait_for(lock, timeout) == std::cv_status::no_timeout;
    lock.release();
    return woken;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace skerry
