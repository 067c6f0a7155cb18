#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "coordinator/finalizer.h"
#include "coordinator/read_check.h"

namespace skerry::coordinator {

// The sections of a round's results that its strategy reduces, by their index in the layout and in
// the strategy's order; none if the round aggregates nothing.
std::vector<std::size_t> UpdateSections(const FinalizeInput& input);

// Finds out which results of a round are damaged while their updates are read to be reduced: large
// results are then read once, not twice.
class CheckedUpdates {
 public:
  // Null: this round's results have to be looked at before (FindDamaged). One of them is gone, was
  // received by an earlier process, or is small; or their updates are encoded.
  static std::unique_ptr<CheckedUpdates> Of(const FinalizeInput& input);

  // For whoever reads the updates of result `i`: is to note all that it reads of them.
  ReadCheck& of(std::size_t i) { return *checks_[i]; }

  // Once the updates have been read: which results are damaged. Reads what else is in them, on this
  // thread and up to `helpers` tasks of `compute`.
  std::vector<std::size_t> Finish(const std::vector<CountedResult>& results, Executor& compute,
                                  int helpers);

 private:
  using Range = std::pair<uint64_t, uint64_t>;  // bytes from, and up to

  CheckedUpdates() = default;

  std::vector<std::unique_ptr<ReadCheck>> checks_;  // by result
  std::vector<Range> rest_;                         // of every result: what no update covers
};

}  // namespace skerry::coordinator
