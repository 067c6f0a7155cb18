#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "client/data/table.h"
#include "learning/dataset.h"
#include "learning/features.h"
#include "skerry/v1/task.pb.h"

namespace skerry::client {

enum class SplitPart : uint8_t { kTrain, kValidation, kTest };

// A site's rows as a run declares them: numeric, with missing cells marked, divided into splits.
// The division and the order of the rows are functions of the rows' contents (or of the key column)
// and the split's seed: a file whose rows come in another order gives the same SiteData. Immutable.
class SiteData {
 public:
  // The columns that a run reads: features, categories, label, event, key; each once.
  static std::vector<std::string> Columns(const v1::DataSpec& spec);

  // `table` has exactly Columns(spec). INVALID_ARGUMENT with the column for a cell that is not a
  // number, a level or class that is not declared, a missing key of the split, a missing label
  // (with the rule DROP the row is dropped instead), a missing cell when the run has no rule; and
  // for fractions of the split that do not add up to 1 (no split at all: every row trains).
  // FAILED_PRECONDITION when no rows are left, or none for training. Messages hold neither contents
  // nor the place of a cell; hints do (file, line, column, nearest level), and are for the site's
  // own eyes.
  static Result<SiteData> Create(const Table& table, const v1::DataSpec& spec,
                                 const std::string& source_name);

  std::size_t num_inputs() const { return num_inputs_; }
  std::size_t num_rows(SplitPart part) const {
    return parts_[static_cast<std::size_t>(part)].size();
  }
  std::size_t num_bytes() const;  // that it takes in memory
  // FAILED_PRECONDITION when the training rows of a classifier of two classes have one only: it
  // learns nothing from them, and its metrics are not defined there. Where there are more classes,
  // a site may lack any of them.
  Status CheckClasses() const;

  // Over the training rows. Each sum is the exact one rounded to a double, but for a relative error
  // below 2^-70 of the sum of magnitudes, and does not depend on the order of the rows in the file.
  learning::FeatureSums Sums() const;
  // The rows of a split, filled and standardised. `transform` has num_inputs() entries.
  learning::Dataset Prepare(SplitPart part, const learning::InputTransform& transform) const;
  // The same in float or double.
  template <class T>
  learning::BasicDataset<T> PrepareOf(SplitPart part,
                                      const learning::InputTransform& transform) const;

 private:
  SiteData() = default;

  std::size_t num_inputs_ = 0;
  std::size_t num_classes_ = 0;
  std::vector<double> values_;  // [rows, num_inputs], NaN where missing
  std::vector<double> labels_;
  std::array<std::vector<uint32_t>, 3> parts_;  // rows of each split, in canonical order
};

}  // namespace skerry::client
