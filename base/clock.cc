#include "base/clock.h"

#include <chrono>

namespace skerry {

Timestamp SystemClock::Now() const {
  return {
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

WallTime SystemClock::WallNow() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
}

WallTime ManualClock::WallNow() const {
  return {wall_at_origin_.unix_millis +
          std::chrono::duration_cast<std::chrono::milliseconds>(Now().since_origin).count()};
}

void ManualClock::AdvanceTo(Timestamp t) {
  if (t > Now()) now_.store(t.since_origin.count(), std::memory_order_relaxed);
}

}  // namespace skerry
