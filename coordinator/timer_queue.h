#pragma once

#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/time.h"

namespace skerry::coordinator {

// One timer per key; setting it again moves it. Equal times come in the order of their keys.
template <class Key>
class TimerQueue {
 public:
  void Set(Key key, Timestamp at) {
    const auto [found, is_new] = times_.try_emplace(key, at);
    if (is_new) return void(queue_.emplace(at, key));
    // Moved, with the memory that it has.
    auto node = queue_.extract({std::exchange(found->second, at), key});
    node.value().first = at;
    queue_.insert(std::move(node));
  }

  void Cancel(Key key) {
    const auto found = times_.find(key);
    if (found == times_.end()) return;
    queue_.erase({found->second, key});
    times_.erase(found);
  }

  // A key whose time has come, which is then no longer set.
  std::optional<Key> PopDue(Timestamp now) {
    if (queue_.empty() || queue_.begin()->first > now) return std::nullopt;
    const Key key = queue_.begin()->second;
    Cancel(key);
    return key;
  }

  std::optional<Timestamp> Next() const {
    if (queue_.empty()) return std::nullopt;
    return queue_.begin()->first;
  }

 private:
  std::set<std::pair<Timestamp, Key>> queue_;
  std::unordered_map<Key, Timestamp> times_;
};

}  // namespace skerry::coordinator
