#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace skerry {

// A few numbers in ascending order.
class IdSet {
 public:
  using const_iterator = std::vector<int64_t>::const_iterator;

  IdSet() = default;
  // Of any order, and any number: who sends them may be hostile.
  explicit IdSet(std::vector<int64_t> ids) : ids_(std::move(ids)) {
    std::sort(ids_.begin(), ids_.end());
    ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
  }

  bool contains(int64_t id) const { return std::binary_search(ids_.begin(), ids_.end(), id); }
  bool empty() const { return ids_.empty(); }
  std::size_t size() const { return ids_.size(); }
  const_iterator begin() const { return ids_.begin(); }
  const_iterator end() const { return ids_.end(); }

  void insert(int64_t id) {
    const auto place = std::lower_bound(ids_.begin(), ids_.end(), id);
    if (place == ids_.end() || *place != id) ids_.insert(place, id);
  }
  void erase(int64_t id) { std::erase(ids_, id); }
  void clear() { ids_.clear(); }

 private:
  std::vector<int64_t> ids_;
};

}  // namespace skerry
