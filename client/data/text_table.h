#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/data/naming.h"
#include "client/data/table.h"

namespace skerry::client {

// Where a cell's text stands in the text of its table, in one word: a large table has more cells
// than anything else.
class CellSpan {
 public:
  static constexpr uint64_t kMaxSize = (uint64_t{1} << 24) - 1;

  CellSpan() = default;  // missing
  // `begin` < 2^40 - 1, `size` <= kMaxSize.
  CellSpan(uint64_t begin, uint64_t size) : bits_(begin << 24 | size) {}

  bool missing() const { return bits_ == kMissing; }
  std::string_view In(std::string_view text) const {
    return text.substr(bits_ >> 24, bits_ & kMaxSize);
  }

 private:
  static constexpr uint64_t kMissing = ~uint64_t{0};

  uint64_t bits_ = kMissing;
};

// For a cell longer than kMaxSize, which a reader refuses. INVALID_ARGUMENT; the place,
// "icu.csv:17", stands in the hint.
Status CellTooLong(const std::string& place);

// A Table whose cells are pieces of one text: what every reader of this folder makes.
class TextTable final : public Table {
 public:
  // `cells` has [rows, choice.sources.size()] spans into `text`. `row_place` says where a row
  // stands: "icu.csv:17".
  TextTable(std::string text, std::vector<CellSpan> cells, std::size_t num_rows,
            ColumnChoice choice, std::function<std::string(std::size_t row)> row_place);

  std::size_t num_rows() const override { return num_rows_; }
  std::size_t num_columns() const override { return choice_.stored.size(); }
  std::optional<std::string_view> Cell(std::size_t row, std::size_t column) const override;
  std::string Place(std::size_t row, std::size_t column) const override;

 private:
  const std::string text_;
  const std::vector<CellSpan> cells_;
  const std::size_t num_rows_;
  const ColumnChoice choice_;
  const std::function<std::string(std::size_t row)> row_place_;
};

// Tells the texts that a source uses for a missing cell from all others.
class MissingValues {
 public:
  explicit MissingValues(const DataSource& source);
  bool Contains(std::string_view text) const;

 private:
  const std::vector<std::string>& values_;
  std::size_t longest_ = 0;
};

}  // namespace skerry::client
