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

}  // namespace

void EventQueue::PostAt(Timestamp time, std::function<void()> event, Lane lane) {
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
    if (due_.front().lane != kCommonLane) {
      TakeBatch();
      RunBatch();
      continue;
    }
    const std::function<void()> run = std::move(due_.front().run);
    due_.pop_front();
    run();
  }
  return ran || RunLast();
}

// The events at the front that may run at the same time.
void EventQueue::TakeBatch() {
  batch_.clear();
  ++num_batches_;
  while (!due_.empty() && due_.front().lane != kCommonLane) {
    const Lane lane = due_.front().lane;
    if (lane != kOwnLane) {
      if (lane >= batch_of_lane_.size()) batch_of_lane_.resize(2 * std::size_t{lane} + 1);
      if (std::exchange(batch_of_lane_[lane], num_batches_) == num_batches_) return;
    }
    batch_.push_back(std::move(due_.front()));
    due_.pop_front();
  }
}

void EventQueue::RunBatch() {
  const int helpers = pool_ == nullptr ? 0 : pool_->num_threads();
  if (helpers == 0 || batch_.size() == 1) {
    for (Event& event : batch_) {
      event.run();
      event.run = nullptr;
    }
    return;
  }
  const std::size_t shares = 4 * (static_cast<std::size_t>(helpers) + 1);
  const std::size_t piece = std::clamp<std::size_t>(batch_.size() / shares, 1, kMostInPiece);
  const std::size_t num_pieces = (batch_.size() + piece - 1) / piece;
  if (posted_.size() < num_pieces) posted_.resize(num_pieces);
  ParallelFor(*pool_, helpers, num_pieces, [&](std::size_t p) {
    captured_ = &posted_[p];
    const std::size_t end = std::min(batch_.size(), (p + 1) * piece);
    for (std::size_t i = p * piece; i < end; ++i) {
      batch_[i].run();
      batch_[i].run = nullptr;  // what it held goes on this thread, too
    }
    captured_ = nullptr;
  });
  for (std::size_t p = 0; p < num_pieces; ++p) {
    for (Event& event : posted_[p]) Add(std::move(event));
    posted_[p].clear();
  }
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
