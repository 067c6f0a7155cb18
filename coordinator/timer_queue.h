#pragma once

#include <functional>
#include <optional>
#include <queue>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/time.h"

namespace skerry::coordinator {

// One timer per key; setting it again moves it. Equal times come in the order of their keys.
template <class Key>
class TimerQueue {
 public:
  // Most timers are moved to a later time, again and again, and never come: so the queue holds the
  // time before, and looks again when that has come.
  void Set(Key key, Timestamp at) {
    const auto [found, is_new] = timers_.try_emplace(key, Timer{at, at});
    found->second.at = at;
    if (!is_new && found->second.queued <= at) return;
    found->second.queued = at;
    queue_.emplace(at, key);
    if (queue_.size() > 2 * timers_.size() + kMostLeftOver) Rebuild();
  }

  void Cancel(Key key) { timers_.erase(key); }

  // A key whose time has come, which is then no longer set.
  std::optional<Key> PopDue(Timestamp now) {
    Settle();
    if (queue_.empty() || queue_.top().first > now) return std::nullopt;
    const Key key = queue_.top().second;
    queue_.pop();
    timers_.erase(key);
    return key;
  }

  // As many as are in the queue; a few of them may be of no timer any more.
  std::size_t num_entries() const { return queue_.size(); }

  std::optional<Timestamp> Next() const {
    Settle();
    if (queue_.empty()) return std::nullopt;
    return queue_.top().first;
  }

 private:
  struct Timer {
    Timestamp at;
    Timestamp queued;  // not later than that
  };
  using Entry = std::pair<Timestamp, Key>;
  using Queue = std::priority_queue<Entry, std::vector<Entry>, std::greater<>>;

  // Until the first entry is a timer's own time.
  void Settle() const {
    while (!queue_.empty()) {
      const auto [at, key] = queue_.top();
      const auto found = timers_.find(key);
      const bool current = found != timers_.end() && found->second.queued == at;
      if (current && found->second.at == at) return;
      queue_.pop();
      if (!current) continue;  // cancelled, or moved to an earlier time
      found->second.queued = found->second.at;
      queue_.emplace(found->second.at, key);
    }
  }

  // Without the entries of timers that were cancelled, or moved to an earlier time, of which there
  // could be any number.
  void Rebuild() {
    std::vector<Entry> entries;
    entries.reserve(timers_.size());
    for (auto& [key, timer] : timers_) {
      timer.queued = timer.at;
      entries.emplace_back(timer.at, key);
    }
    queue_ = Queue(std::greater<>(), std::move(entries));
  }

  static constexpr std::size_t kMostLeftOver = 64;

  mutable std::unordered_map<Key, Timer> timers_;
  mutable Queue queue_;
};

}  // namespace skerry::coordinator
