#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "learning/layout.h"
#include "skerry/v1/task.pb.h"

namespace skerry::learning {

// A model's tensors in two: those that the run shares, and those that stay at each site,
// model.local_tensors. Each part stands by itself in the order of the whole. Immutable.
class TensorSplit {
 public:
  // `beginnings`: a tensor whose name begins with one of them is local. INVALID_ARGUMENT: there is
  // no such tensor, or none would be shared.
  static Result<TensorSplit> Create(const Layout& all, std::span<const std::string> beginnings);
  static Result<TensorSplit> Create(const Layout& all, const v1::ModelSpec& spec);

  bool has_local() const { return num_local_ > 0; }
  const Layout& shared() const { return shared_; }
  int64_t num_local() const { return num_local_; }  // elements

  // Shared elements [first, first + count) as ranges of the whole: call(place in the whole, place
  // after `first`, how many).
  template <class Call>
  void ForShared(int64_t first, int64_t count, const Call& call) const;

  // From the parts to the whole, and back. Each span has its part's length.
  template <class T>
  void Join(std::span<const T> shared, std::span<const T> local, std::span<T> all) const;
  template <class T>
  void Divide(std::span<const T> all, std::span<T> shared, std::span<T> local) const;

 private:
  struct Range {
    int64_t in_all = 0;
    int64_t in_part = 0;
    int64_t count = 0;
    bool local = false;
  };

  Layout shared_;
  int64_t num_local_ = 0;
  std::vector<Range> ranges_;  // of each tensor, in the order of the whole
};

template <class Call>
void TensorSplit::ForShared(int64_t first, int64_t count, const Call& call) const {
  for (const Range& range : ranges_) {
    if (range.local) continue;
    const int64_t begin = std::max(first, range.in_part);
    const int64_t end = std::min(first + count, range.in_part + range.count);
    if (begin < end) call(range.in_all + begin - range.in_part, begin - first, end - begin);
  }
}

template <class T>
void TensorSplit::Join(std::span<const T> shared, std::span<const T> local,
                       std::span<T> all) const {
  for (const Range& range : ranges_) {
    std::copy_n((range.local ? local : shared).data() + range.in_part, range.count,
                all.data() + range.in_all);
  }
}

template <class T>
void TensorSplit::Divide(std::span<const T> all, std::span<T> shared, std::span<T> local) const {
  for (const Range& range : ranges_) {
    std::copy_n(all.data() + range.in_all, range.count,
                (range.local ? local : shared).data() + range.in_part);
  }
}

}  // namespace skerry::learning
