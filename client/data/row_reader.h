#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "client/data/declared_column.h"
#include "client/data/table.h"
#include "learning/features.h"
#include "skerry/v1/task.pb.h"

namespace skerry::client {

// One row as a run declares it.
struct ParsedRow {
  bool dropped = false;        // a cell is missing and the rule is DROP; the rest is not set
  std::vector<double> cells;   // one per DeclaredColumns(spec), NaN where missing
  std::vector<double> inputs;  // one per FeatureColumns(spec), NaN where missing
  // The class number when classes are declared; 0 without a label; with an event column, a time as
  // learning/survival.h has it.
  double label = 0;
  std::string_view key;  // empty when no key is declared
  // The declared cells in one spelling (AppendCanonical): equal for two rows exactly when their
  // features, categories and labels are, whatever the format of the file they come from.
  std::string contents;
};

// Reads the rows of a table that has exactly SiteData::Columns(spec). Borrows the table.
class RowReader {
 public:
  RowReader(const Table& table, const v1::DataSpec& spec);

  std::size_t num_inputs() const { return inputs_.size(); }

  // INVALID_ARGUMENT with the column, and the place in the hint: a cell that is no number, a level
  // or class that is not declared, a missing key; a missing label unless the rule is DROP; any
  // missing cell when the run gives no rule. `row` is filled anew; reusing one saves its
  // allocations.
  Status Read(std::size_t index, ParsedRow& row) const;

 private:
  // How an input comes from a declared cell.
  struct Input {
    learning::FeatureColumn::Kind kind = learning::FeatureColumn::Kind::kNumeric;
    std::size_t cell = 0;  // into declared_
    double level = 0;
  };

  Input InputOf(const learning::FeatureColumn& feature) const;
  bool AnyMissing(std::size_t index) const;
  Status AtCell(std::size_t index, std::size_t column, Status status) const;
  Status ReadSurvival(std::size_t index, ParsedRow& row) const;
  Status ReadKey(std::size_t index, ParsedRow& row) const;
  Status ReadCell(std::size_t index, std::size_t cell, ParsedRow& row) const;
  Status MayBeMissing(std::size_t cell) const;
  double ValueOfInput(const Input& input, const ParsedRow& row) const;

  const Table& table_;
  const v1::MissingRule rule_;
  const bool has_key_;
  const bool has_label_;
  const bool has_event_;
  std::vector<DeclaredColumn> declared_;
  std::vector<std::size_t> columns_;  // of the table: one per declared column, then the key's
  std::vector<std::string> names_;    // of the table's columns, as the run gives them
  std::vector<Input> inputs_;
};

}  // namespace skerry::client
