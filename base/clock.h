#pragma once

#include <atomic>

#include "base/time.h"

namespace skerry {

// Where time comes from. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp Now() const = 0;     // never goes back
  virtual WallTime WallNow() const = 0;  // for people
};

// The machine's clocks: CLOCK_MONOTONIC and CLOCK_REALTIME.
class SystemClock final : public Clock {
 public:
  Timestamp Now() const override;
  WallTime WallNow() const override;
};

// Time that stands still until it is moved: for tests and simulation.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime wall_at_origin = {}) : wall_at_origin_(wall_at_origin) {}
  Timestamp Now() const override { return {Duration(now_.load(std::memory_order_relaxed))}; }
  WallTime WallNow() const override;
  // Moves to `t`; a time that has passed changes nothing.
  void AdvanceTo(Timestamp t);
  void Advance(Duration d) { AdvanceTo(Now() + d); }

 private:
  const WallTime wall_at_origin_;
  std::atomic<int64_t> now_{0};
};

}  // namespace skerry
