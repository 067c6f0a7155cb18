#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "simulation/event_task.h"

namespace skerry::simulation {

// Whose state an event touches. Events of different lanes do not touch each other's, so they may
// run at the same time.
using Lane = uint32_t;
constexpr Lane kCommonLane = 0;  // anything: it runs alone
// Only what it brought along: it may run beside every other that is in some lane.
constexpr Lane kOwnLane = ~Lane{0};
// The coordinator's state, and of a site only what waits for an answer to the event that posted it.
// Its events run one after the other, and may do so while sites are still at it that were due
// before them.
constexpr Lane kCoordinatorLane = ~Lane{0} - 1;

// Virtual time: events in the order of their times; equal times in the order of posting. Time
// stands still while an event runs. They run on one thread, but for those in lanes; what these post
// is put in the order in which one thread would have posted it, so the number of threads shows
// nowhere.
class EventQueue final : public Executor {
 public:
  explicit EventQueue(ManualClock& clock) : clock_(clock) {}

  // Lanes may run on all threads of `pool` and the caller's. Null: on the caller's alone.
  void RunLanesOn(ThreadPool* pool) { pool_ = pool; }

  void Post(std::function<void()> event) override { PostAt(clock_.Now(), std::move(event)); }
  // At `time`, or now if that has passed.
  void PostAt(Timestamp time, EventTask event, Lane lane = kCommonLane);
  // When nothing else is due any more, before time moves: to wait for threads that work meanwhile.
  // Not from a lane.
  void PostLast(std::function<void()> event) { last_.push_back(std::move(event)); }

  // Runs every event that is due now, also those that they post for now. False: there was none.
  bool RunDue();
  // When the next event is due; nullopt: there is none.
  std::optional<Timestamp> Next() const;

 private:
  struct Event {
    Timestamp time;
    Lane lane = kCommonLane;
    EventTask run;
  };

  void Add(Event event);
  void TakeWhatIsDue();
  bool RunLast();
  void TakeBatch();
  void RunBatch();
  void CutIntoPieces(std::size_t num_threads);
  void RunPiece(std::size_t piece);
  void TakePosted(std::vector<Event>& posted);

  // Where this thread's events go while it runs a piece of a batch.
  inline static thread_local std::vector<Event>* captured_ = nullptr;

  ManualClock& clock_;
  ThreadPool* pool_ = nullptr;
  std::deque<Event> due_;
  std::map<Timestamp, std::vector<Event>> later_;
  std::vector<std::function<void()>> last_;
  std::vector<Event> batch_;             // events of lanes, those of one lane side by side
  std::vector<std::size_t> piece_ends_;  // in it
  std::vector<uint64_t> batch_of_lane_;  // [lane]: the number of the last batch that it was in
  uint64_t num_batches_ = 0;
  std::vector<std::vector<Event>> posted_;  // by each piece of a batch
  bool coordinator_is_next_ = false;  // nothing else is due before what the batch posts for it
  std::vector<Event> posted_by_coordinator_;  // meanwhile
};

}  // namespace skerry::simulation
