#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/status.h"
#include "client/data/table.h"
#include "learning/dataset.h"
#include "learning/features.h"
#include "skerry/v1/task.pb.h"

namespace skerry::client {

// Rows of which the label is what is asked for, in the order of their table. Immutable.
class UnlabelledRows {
 public:
  // The columns that are read: features and categories.
  static std::vector<std::string> Columns(const v1::DataSpec& spec);

  // `table` has exactly Columns(spec). INVALID_ARGUMENT with the column, and the place
  // in the hint, for a cell that is no number or no declared level.
  static Result<UnlabelledRows> Create(const Table& table, const v1::DataSpec& spec);

  std::size_t num_rows() const { return usable_.size(); }
  // False: a cell is missing, and the run leaves such rows out.
  bool usable(std::size_t row) const { return usable_[row]; }
  // Rows [first, first + count), filled and standardised; those that are not usable hold anything.
  // Labels are 0.
  learning::Dataset Prepare(std::size_t first, std::size_t count,
                            const learning::InputTransform& transform) const;

 private:
  std::size_t num_inputs_ = 0;
  std::vector<double> values_;  // [rows, inputs], NaN where missing
  std::vector<bool> usable_;
};

}  // namespace skerry::client
