#pragma once

#include <cstddef>
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

// Finds out which results of a round are damaged while their updates are read to be reduced, so
// that large ones need not be read for that alone. What else is in them has been looked at before.
class CheckedUpdates {
 public:
  // Null: FindDamaged has to look at this round's results before they are used. One of them is
  // gone, was received by an earlier process, or is damaged where it is no update; they are small;
  // their updates are encoded; or the rule is one that must not see damaged numbers, because it
  // sorts. Works on this thread and up to `helpers` tasks of `compute`.
  static std::unique_ptr<CheckedUpdates> Of(const FinalizeInput& input, Executor& compute,
                                            int helpers);

  // For whoever reads the updates of result `i`: is to note all that it reads of them, once.
  ReadCheck& of(std::size_t i) { return *checks_[i]; }

  // Once the updates have been read: the damaged results, by index.
  std::vector<std::size_t> Damaged() const;

 private:
  explicit CheckedUpdates(std::vector<std::unique_ptr<ReadCheck>> checks)
      : checks_(std::move(checks)) {}

  const std::vector<std::unique_ptr<ReadCheck>> checks_;  // by result
};

}  // namespace skerry::coordinator
