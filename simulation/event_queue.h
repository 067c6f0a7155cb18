#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"

namespace skerry::simulation {

// Virtual time: events on one thread, in the order of their times; equal times in the order of
// posting. Time stands still while an event runs.
class EventQueue final : public Executor {
 public:
  explicit EventQueue(ManualClock& clock) : clock_(clock) {}

  void Post(std::function<void()> event) override { PostAt(clock_.Now(), std::move(event)); }
  // At `time`, or now if that has passed.
  void PostAt(Timestamp time, std::function<void()> event);
  // When nothing else is due any more, before time moves: to wait for threads that work meanwhile.
  void PostLast(std::function<void()> event) { last_.push_back(std::move(event)); }

  // Runs every event that is due now, also those that they post for now. False: there was none.
  bool RunDue();
  // When the next event is due; nullopt: there is none.
  std::optional<Timestamp> Next() const;

 private:
  bool RunLast();

  ManualClock& clock_;
  std::map<std::pair<Timestamp, uint64_t>, std::function<void()>> events_;
  std::vector<std::function<void()>> last_;
  uint64_t posted_ = 0;
};

}  // namespace skerry::simulation
