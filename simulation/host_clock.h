#pragma once

#include "base/clock.h"

namespace skerry::simulation {

// The clocks of one machine: the wall clock can be set, and all of it stands still while the
// machine sleeps. For the simulation's thread.
class HostClock final : public Clock {
 public:
  explicit HostClock(const Clock& world) : world_(world) {}

  Timestamp Now() const override { return (asleep_ ? since_ : world_.Now()) - slept_; }
  WallTime WallNow() const override {
    return {world_.WallNow().unix_millis +
            std::chrono::duration_cast<std::chrono::milliseconds>(set_by_).count()};
  }

  void SetBy(Duration d) { set_by_ += d; }
  void Sleep() {
    since_ = world_.Now();
    asleep_ = true;
  }
  void Wake() {
    slept_ += world_.Now() - since_;
    asleep_ = false;
  }
  bool asleep() const { return asleep_; }
  // When the world's clock will show what this one calls `t`, if it does not sleep (again).
  Timestamp ToWorld(Timestamp t) const { return t + slept_; }

 private:
  const Clock& world_;
  Duration set_by_{0};
  Duration slept_{0};
  Timestamp since_;
  bool asleep_ = false;
};

}  // namespace skerry::simulation
