#pragma once

#include <deque>
#include <functional>
#include <utility>

#include "base/executor.h"

namespace skerry::testing {

// Keeps tasks until the test runs them.
class ManualExecutor final : public Executor {
 public:
  void Post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  std::size_t waiting() const { return tasks_.size(); }
  bool RunOne() {
    if (tasks_.empty()) return false;
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
    return true;
  }
  void RunAll() {
    while (RunOne()) {
    }
  }

 private:
  std::deque<std::function<void()>> tasks_;
};

}  // namespace skerry::testing
