#include "cli/render/table.h"

#include <algorithm>
#include <cctype>

namespace skerry::cli {
namespace {

// Characters, not bytes: continuation bytes of UTF-8 do not count.
std::size_t Width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

bool LooksNumeric(const std::string& text) {
  if (text.empty() || text == "-") return true;
  const char first = text[0];
  if (std::isdigit(static_cast<unsigned char>(first)) == 0 && first != '-' && first != '+')
    return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '+' ||
           c == ' ' || c == '%' || c == '/' || c == 'e';
  });
}

void AppendCell(std::string& line, const std::string& cell, std::size_t width, bool right,
                bool last) {
  const std::string padding(width - Width(cell), ' ');
  if (right) line += padding;
  line += cell;
  if (!right && !last) line += padding;
  if (!last) line += "  ";
}

}  // namespace

std::string Table::ToString() const {
  const std::size_t columns = header_.size();
  std::vector<std::size_t> widths(columns);
  std::vector<bool> right(columns, !rows_.empty());
  for (std::size_t c = 0; c < columns; ++c) {
    widths[c] = Width(header_[c]);
    for (const auto& row : rows_) {
      if (row.empty()) continue;
      widths[c] = std::max(widths[c], Width(row[c]));
      right[c] = right[c] && LooksNumeric(row[c]);
    }
  }
  const auto render = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t c = 0; c < columns; ++c) {
      AppendCell(line, row[c], widths[c], right[c], c + 1 == columns);
    }
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
