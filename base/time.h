#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace skerry {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;  // 10s, 300ms

// An instant of a clock that never jumps. Its origin has no meaning; only differences do. Never
// stored: what must survive a restart is kept as a Duration already elapsed (docs/decisions.md,
// D20).
struct Timestamp {
  Duration since_origin{0};
  friend auto operator<=>(Timestamp, Timestamp) = default;
  friend Timestamp operator+(Timestamp t, Duration d) { return {t.since_origin + d}; }
  friend Timestamp operator-(Timestamp t, Duration d) { return {t.since_origin - d}; }
  friend Duration operator-(Timestamp a, Timestamp b) { return a.since_origin - b.since_origin; }
};

// Civil time for people and logs. It may jump; nothing is decided by it.
struct WallTime {
  int64_t unix_millis = 0;
  friend auto operator<=>(WallTime, WallTime) = default;
};

inline double ToSeconds(Duration d) { return std::chrono::duration<double>(d).count(); }
inline Duration FromSeconds(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

// "300ms", "20s", "15m", "2h", "1h30m". INVALID_ARGUMENT names the text and shows the form.
Result<Duration> ParseDuration(std::string_view text);
// The same form, at most two units: "1h30m", "20s", "300ms", "0s".
std::string FormatDuration(Duration duration);
// "2026-11-22T17:24:03Z".
std::string FormatWallTime(WallTime time);

}  // namespace skerry
