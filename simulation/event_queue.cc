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
  return ran || RunLast();
}

bool EventQueue::RunLast() {
  if (last_.empty()) return false;
  std::vector<std::function<void()>> events;
  events.swap(last_);
  for (const auto& event : events) event();
  return true;
}

std::optional<Timestamp> EventQueue::Next() const {
  if (events_.empty()) return std::nullopt;
  return events_.begin()->first.first;
}

}  // namespace skerry::simulation
