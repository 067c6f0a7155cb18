#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace skerry {

// A few numbers in ascending order. What was cleared is filled again without taking memory.
class IdSet {
 public:
  using const_iterator = std::vector<int64_t>::const_iterator;

  bool contains(int64_t id) const { return std::binary_search(ids_.begin(), ids_.end(), id); }
  bool empty() const { return ids_.empty(); }
  std::size_t size() const { return ids_.size(); }
  const_iterator begin() const { return ids_.begin(); }
  const_iterator end() const { return ids_.end(); }

  void insert(int64_t id) {
    const auto place = std::lower_bound(ids_.begin(), ids_.end(), id);
    if (place == ids_.end() || *place != id) ids_.insert(place, id);
  }
  template <class Iterator>
  void insert(Iterator first, Iterator last) {
    for (; first != last; ++first) insert(*first);
  }
  void erase(int64_t id) { std::erase(ids_, id); }
  void clear() { ids_.clear(); }

 private:
  std::vector<int64_t> ids_;
};

}  // namespace skerry
