#include "cli/render/table.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/text.h"

namespace skerry::cli {
namespace {

constexpr std::string_view kNothing = "-";

bool LooksNumeric(std::string_view text) {
  constexpr std::string_view kSigns = "+-";
  constexpr std::string_view kParts = "0123456789+-. %/e";
  if (!text.empty() && kSigns.find(text.front()) != kSigns.npos) text.remove_prefix(1);
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) != 0 &&
         text.find_first_not_of(kParts) == text.npos;
}

void AppendCell(std::string& line, const std::string& cell, std::size_t width, bool right,
                bool last) {
  const std::string padding(width - CountCharacters(cell), ' ');
  if (right) line += padding;
  line += cell;
  if (!right && !last) line += padding;
  if (!last) line += "  ";
}

}  // namespace

Table::Table(std::vector<std::string> header) : header_(std::move(header)) {
  for (std::string& cell : header_) cell = Printable(cell);
}

void Table::Add(std::vector<std::string> row) {
  for (std::string& cell : row) cell = Printable(cell);
  row.resize(header_.size());
  rows_.push_back(std::move(row));
}

std::string Table::ToString() const {
  const std::size_t columns = header_.size();
  std::vector<std::size_t> widths(columns);
  std::vector<bool> right(columns, false);
  for (std::size_t c = 0; c < columns; ++c) {
    widths[c] = CountCharacters(header_[c]);
    bool all_numeric = true;
    for (const auto& row : rows_) {
      if (row.empty()) continue;
      widths[c] = std::max(widths[c], CountCharacters(row[c]));
      if (row[c].empty()) continue;
      right[c] = true;
      all_numeric = all_numeric && (row[c] == kNothing || LooksNumeric(row[c]));
    }
    right[c] = right[c] && all_numeric;
  }
  const auto render = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t c = 0; c < columns; ++c) {
      AppendCell(line, row[c], widths[c], right[c], c + 1 == columns);
    }
    line.resize(line.find_last_not_of(' ') + 1);
    return line + "\n";
  };
  std::size_t total = 2 * (columns - 1);
  for (const std::size_t width : widths) total += width;
  std::string rule;
  for (std::size_t i = 0; i < total; ++i) rule += "─";
  std::string text = render(header_) + rule + "\n";
  for (const auto& row : rows_) text += row.empty() ? rule + "\n" : render(row);
  return text;
}

}  // namespace skerry::cli
