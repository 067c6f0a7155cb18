#include "simulation/event_queue.h"

#include <algorithm>

namespace skerry::simulation {

void EventQueue::PostAt(Timestamp time, std::function<void()> event) {
  events_.emplace(std::pair(std::max(time, clock_.Now()), posted_++), std::move(event));
}

bool EventQueue::RunDue() {
  bool ran = false;
  while (!events_.empty() && events_.begin()->first.first <= clock_.Now()) {
    const std::function<void()> event = std::move(events_.begin()->second);
    events_.erase(events_.begin());
    event();
    ran = true;
  }
  return ran;
}

bool EventQueue::Advance() {
  if (events_.empty()) return false;
  clock_.AdvanceTo(events_.begin()->first.first);
  return true;
}

}  // namespace skerry::simulation
