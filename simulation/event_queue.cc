#include "simulation/event_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/parallel.h"

namespace skerry::simulation {
namespace {

// The most events that one piece of a batch has. More than one, since handing a piece to a thread
// costs as much as a small event.
constexpr std::size_t kMostInPiece = 16;

bool IsOfSites(Lane lane) { return lane != kCommonLane && lane != kCoordinatorLane; }

}  // namespace

void EventQueue::PostAt(Timestamp time, EventTask event, Lane lane) {
  Event posted{std::max(time, clock_.Now()), lane, std::move(event)};
  if (captured_ != nullptr) {
    captured_->push_back(std::move(posted));
  } else {
    Add(std::move(posted));
  }
}

// Before anything is due at a later time, all that was due earlier has run: so what is posted for
// now comes after what was posted before for this time.
void EventQueue::Add(Event event) {
  if (event.time <= clock_.Now()) TakeWhatIsDue();
  if (event.time <= clock_.Now()) {
    due_.push_back(std::move(event));
  } else {
    later_[event.time].push_back(std::move(event));
  }
}

void EventQueue::TakeWhatIsDue() {
  while (!later_.empty() && later_.begin()->first <= clock_.Now()) {
    std::vector<Event>& events = later_.begin()->second;
    std::move(events.begin(), events.end(), std::back_inserter(due_));
    later_.erase(later_.begin());
  }
}

bool EventQueue::RunDue() {
  bool ran = false;
  for (TakeWhatIsDue(); !due_.empty(); ran = true) {
    if (IsOfSites(due_.front().lane)) {
      TakeBatch();
      RunBatch();
      continue;
    }
    EventTask run = std::move(due_.front().run);
    due_.pop_front();
    run();
  }
  return ran || RunLast();
}

// The events at the front that may run at the same time, or one right after another of its lane.
void EventQueue::TakeBatch() {
  batch_.clear();
  ++num_batches_;
  while (!due_.empty() && IsOfSites(due_.front().lane)) {
    const Lane lane = due_.front().lane;
    if (lane != kOwnLane) {
      if (lane >= batch_of_lane_.size()) batch_of_lane_.resize(2 * std::size_t{lane} + 1);
      const bool again = std::exchange(batch_of_lane_[lane], num_batches_) == num_batches_;
      if (again && batch_.back().lane != lane) return;
    }
    batch_.push_back(std::move(due_.front()));
    due_.pop_front();
  }
}

void EventQueue::RunBatch() {
  const int helpers = pool_ == nullptr ? 0 : pool_->num_threads();
  if (helpers > 0) CutIntoPieces(static_cast<std::size_t>(helpers) + 1);
  const std::size_t num_pieces = piece_ends_.size();
  if (helpers == 0 || num_pieces == 1) {
    for (Event& event : batch_) {
      event.run();
      event.run.Reset();
    }
    return;
  }
  if (posted_.size() < num_pieces) posted_.resize(num_pieces);
  coordinator_is_next_ = due_.empty();
  ParallelInOrder(
      *pool_, helpers, num_pieces, [&](std::size_t p) { RunPiece(p); },
      [&](std::size_t p) { TakePosted(posted_[p]); });
  for (Event& event : posted_by_coordinator_) Add(std::move(event));
  posted_by_coordinator_.clear();
}

// Neighbours of one lane are in one piece.
void EventQueue::CutIntoPieces(std::size_t num_threads) {
  const std::size_t size =
      std::clamp<std::size_t>(batch_.size() / (4 * num_threads), 1, kMostInPiece);
  piece_ends_.clear();
  for (std::size_t end = 0; end < batch_.size();) {
    end = std::min(end + size, batch_.size());
    while (end < batch_.size() && batch_[end].lane == batch_[end - 1].lane &&
           batch_[end].lane != kOwnLane) {
      ++end;
    }
    piece_ends_.push_back(end);
  }
}

void EventQueue::RunPiece(std::size_t piece) {
  captured_ = &posted_[piece];
  for (std::size_t i = piece == 0 ? 0 : piece_ends_[piece - 1]; i < piece_ends_[piece]; ++i) {
    batch_[i].run();
    batch_[i].run.Reset();  // what it held goes on this thread, too
  }
  captured_ = nullptr;
}

// Events for the coordinator need not wait for the rest of the batch, unless something else comes
// before them. What they post comes after all that the batch has posted, as on one thread.
void EventQueue::TakePosted(std::vector<Event>& posted) {
  for (Event& event : posted) {
    const bool now = event.time <= clock_.Now();
    coordinator_is_next_ = coordinator_is_next_ && (!now || event.lane == kCoordinatorLane);
    if (!now || !coordinator_is_next_) {
      Add(std::move(event));
      continue;
    }
    captured_ = &posted_by_coordinator_;
    event.run();
    event.run.Reset();
    captured_ = nullptr;
  }
  posted.clear();
}

bool EventQueue::RunLast() {
  if (last_.empty()) return false;
  std::vector<std::function<void()>> events;
  events.swap(last_);
  for (const auto& event : events) event();
  return true;
}

std::optional<Timestamp> EventQueue::Next() const {
  if (!due_.empty()) return clock_.Now();
  if (later_.empty()) return std::nullopt;
  return later_.begin()->first;
}

}  // namespace skerry::simulation
