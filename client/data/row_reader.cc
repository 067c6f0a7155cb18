#include "client/data/row_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"
#include "client/data/site_data.h"

namespace skerry::client {
namespace {

using Kind = learning::FeatureColumn::Kind;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

}  // namespace

RowReader::RowReader(const Table& table, const v1::DataSpec& spec)
    : table_(table),
      rule_(spec.missing()),
      has_key_(!spec.split().key().empty()),
      has_label_(!spec.label().empty()),
      has_event_(!spec.event().empty()),
      declared_(DeclaredColumns(spec)),
      names_(SiteData::Columns(spec)) {
  SKERRY_CHECK(table.num_columns() == names_.size());
  const auto column_of = [this](const std::string& name) {
    return static_cast<std::size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
  };
  for (const DeclaredColumn& column : declared_) columns_.push_back(column_of(column.name));
  if (has_key_) columns_.push_back(column_of(spec.split().key()));
  for (const auto& feature : learning::FeatureColumns(spec)) inputs_.push_back(InputOf(feature));
}

RowReader::Input RowReader::InputOf(const learning::FeatureColumn& feature) const {
  const auto wanted = [&feature](const DeclaredColumn& column) {
    if (column.name != feature.column) return false;
    if (feature.kind == Kind::kLevel) return column.place_of_name.contains(feature.level);
    return feature.kind == Kind::kMissing || column.kind != DeclaredColumn::Kind::kLevel;
  };
  const auto found = std::find_if(declared_.begin(), declared_.end(), wanted);
  SKERRY_CHECK(found != declared_.end());
  Input input{.kind = feature.kind, .cell = static_cast<std::size_t>(found - declared_.begin())};
  if (feature.kind == Kind::kLevel) {
    input.level = static_cast<double>(found->place_of_name.at(feature.level));
  }
  return input;
}

Status RowReader::Read(std::size_t index, ParsedRow& row) const {
  row.cells.clear();
  row.inputs.clear();
  row.contents.clear();
  SKERRY_RETURN_IF_ERROR(ReadKey(index, row));
  row.dropped = rule_ == v1::DROP && AnyMissing(index);
  if (row.dropped) return OkStatus();
  for (std::size_t cell = 0; cell < declared_.size(); ++cell) {
    Status status = ReadCell(index, cell, row);
    if (!status.ok()) return AtCell(index, columns_[cell], std::move(status));
  }
  for (const Input& input : inputs_) row.inputs.push_back(ValueOfInput(input, row));
  row.label = has_label_ ? row.cells.back() : 0;
  return has_event_ ? ReadSurvival(index, row) : OkStatus();
}

// The label is a time, and the cell before it says whether it ended in an event.
Status RowReader::ReadSurvival(std::size_t index, ParsedRow& row) const {
  const double event = row.cells[row.cells.size() - 2];
  if (event != 0 && event != 1) {
    return AtCell(index, columns_[declared_.size() - 2],
                  InvalidArgument("an event must be 0 or 1")
                      .WithHint("1: it happened at the label's time; 0: nothing had until then"));
  }
  if (!(row.label >= 0)) {
    return AtCell(index, columns_[declared_.size() - 1],
                  InvalidArgument("a time must not be negative").WithHint("mend the cell"));
  }
  row.label = std::copysign(row.label, event == 1 ? 1.0 : -1.0);
  return OkStatus();
}

bool RowReader::AnyMissing(std::size_t index) const {
  return std::any_of(columns_.begin(), columns_.end(), [this, index](std::size_t column) {
    return !table_.Cell(index, column).has_value();
  });
}

// The run chooses what a cell may hold, so that the place of the first that differs would tell it
// about single rows: it stands in the hint, which stays at the site.
Status RowReader::AtCell(std::size_t index, std::size_t column, Status status) const {
  std::string hint = table_.Place(index, column) + ": " + status.hint();
  return std::move(status).WithContext("column " + names_[column]).WithHint(std::move(hint));
}

Status RowReader::ReadKey(std::size_t index, ParsedRow& row) const {
  row.key = {};
  if (!has_key_) return OkStatus();
  const auto key = table_.Cell(index, columns_.back());
  if (!key) {
    return AtCell(index, columns_.back(),
                  InvalidArgument("the key of the split is missing")
                      .WithHint("fill the cell, or let the run name another column in split.key"));
  }
  row.key = *key;
  return OkStatus();
}

Status RowReader::ReadCell(std::size_t index, std::size_t cell, ParsedRow& row) const {
  const auto text = table_.Cell(index, columns_[cell]);
  if (!text) {
    row.cells.push_back(kMissing);
    AppendMissing(row.contents);
    return MayBeMissing(cell);
  }
  SKERRY_ASSIGN_OR_RETURN(const double value, ValueOf(declared_[cell], *text));
  row.cells.push_back(value);
  AppendCanonical(declared_[cell], value, row.contents);
  return OkStatus();
}

Status RowReader::MayBeMissing(std::size_t cell) const {
  if (has_label_ && cell + 1 == declared_.size()) {
    return InvalidArgument("the label is missing")
        .WithHint("fill the cell, remove the row, or let the run say missing = \"drop\"");
  }
  if (has_event_ && cell + 2 == declared_.size()) {
    return InvalidArgument("whether there was an event is missing")
        .WithHint("fill the cell, remove the row, or let the run say missing = \"drop\"");
  }
  if (rule_ != v1::MEAN && rule_ != v1::INDICATOR && rule_ != v1::KEEP) {
    return InvalidArgument("the cell is missing, and the run has no rule for that")
        .WithHint("let the run say missing = \"drop\", \"mean\" or \"indicator\"");
  }
  return OkStatus();
}

double RowReader::ValueOfInput(const Input& input, const ParsedRow& row) const {
  const double cell = row.cells[input.cell];
  switch (input.kind) {
    case Kind::kNumeric:
      return cell;
    case Kind::kLevel:
      return std::isnan(cell) ? kMissing : (cell == input.level ? 1.0 : 0.0);
    case Kind::kMissing:
      return std::isnan(cell) ? 1.0 : 0.0;
  }
  return cell;
}

}  // namespace skerry::client
