#include "client/data/text_table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace skerry::client {

Status CellTooLong(const std::string& place) {
  return InvalidArgument("a cell holds more than 16 MB of text")
      .WithHint(place + ": leave the column out, or look for a quote that does not close");
}

TextTable::TextTable(std::string text, std::vector<CellSpan> cells, std::size_t num_rows,
                     ColumnChoice choice, std::function<std::string(std::size_t row)> row_place)
    : text_(std::move(text)),
      cells_(std::move(cells)),
      num_rows_(num_rows),
      choice_(std::move(choice)),
      row_place_(std::move(row_place)) {
  SKERRY_CHECK(cells_.size() == num_rows_ * choice_.sources.size());
}

std::optional<std::string_view> TextTable::Cell(std::size_t row, std::size_t column) const {
  const CellSpan cell = cells_[row * choice_.sources.size() + choice_.stored[column]];
  if (cell.missing()) return std::nullopt;
  return cell.In(text_);
}

std::string TextTable::Place(std::size_t row, std::size_t column) const {
  return row_place_(row) + ", column " + choice_.labels[column];
}

MissingValues::MissingValues(const DataSource& source) : values_(source.missing_values) {
  for (const std::string& value : values_) longest_ = std::max(longest_, value.size());
}

bool MissingValues::Contains(std::string_view text) const {
  return text.size() <= longest_ &&
         std::find(values_.begin(), values_.end(), text) != values_.end();
}

}  // namespace skerry::client
