#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "simulation/event_queue.h"
#include "simulation/fault_plan.h"

namespace skerry::simulation {

// What all parts of a simulation share: time, the plan, and a record of what happened.
class World {
 public:
  // `trace` gets a line for each thing of note; null: nobody wants to know.
  World(FaultPlan plan, std::vector<std::string>* trace) : plan_(std::move(plan)), trace_(trace) {}
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  ManualClock& clock() { return clock_; }
  EventQueue& queue() { return queue_; }
  const FaultPlan& plan() const { return plan_; }
  Timestamp Now() const { return clock_.Now(); }
  void After(Duration delay, EventTask event) { queue_.PostAt(Now() + delay, std::move(event)); }
  // Whether chance may still do harm.
  bool Calm() const { return no_chance_ || plan_.Calm(Now().since_origin); }
  // From now on chance does no harm, whatever the plan says.
  void EndChance() { no_chance_ = true; }
  // The numbers that `who` draws for one purpose.
  RandomStream Chance(std::string_view who, uint64_t purpose) const {
    return {plan_.seed, Purpose::kFault, purpose, who, 0};
  }

  bool traced() const { return trace_ != nullptr; }
  void Trace(std::string_view who, std::string_view what);
  // Something that must not happen did, whatever the faults.
  void Complain(std::string_view who, std::string_view what);
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  const FaultPlan plan_;
  ManualClock clock_{WallTime{1'700'000'000'000}};
  EventQueue queue_{clock_};
  std::vector<std::string>* const trace_;
  std::vector<std::string> complaints_;
  bool no_chance_ = false;
};

// Uniform over [low, high).
inline Duration Between(RandomStream& random, Duration low, Duration high) {
  const auto width = static_cast<double>((high - low).count());
  return low + Duration(static_cast<int64_t>(random.Uniform() * width));
}

// The time to the next of events that come at random, so far apart on average.
Duration UntilNext(RandomStream& random, Duration every);

}  // namespace skerry::simulation
