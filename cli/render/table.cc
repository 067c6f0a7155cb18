#include "cli/render/table.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/text.h"

namespace skerry::cli {
namespace {

constexpr std::string_view kNothing = "-";
constexpr std::size_t kLeastRoom = 24;  // of a last column

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

std::string Elide(const std::string& text, std::size_t room) {
  if (CountCharacters(text) <= room) return text;
  return std::string(FirstCharacters(text, room - 1)) + "…";
}

}  // namespace

int OutputWidth() {
  winsize size{};
  if (::isatty(STDOUT_FILENO) != 1) return 0;
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

std::vector<std::string> Wrap(const std::string& text, int width) {
  const auto limit = static_cast<std::size_t>(std::max(width, 0));
  std::vector<std::string> lines;
  std::string_view rest = text;
  while (limit > 0 && CountCharacters(rest) > limit) {
    std::string_view line = FirstCharacters(rest, limit + 1);
    const std::size_t blank = line.rfind(' ');
    const bool between_words = blank != line.npos && blank > 0;
    line = between_words ? line.substr(0, blank) : FirstCharacters(rest, limit);
    lines.emplace_back(line);
    rest.remove_prefix(line.size() + (between_words ? 1 : 0));
  }
  lines.emplace_back(rest);
  return lines;
}

Table::Table(std::vector<std::string> header) : header_(std::move(header)) {
  for (std::string& cell : header_) cell = Printable(cell);
}

void Table::Add(std::vector<std::string> row) {
  for (std::string& cell : row) cell = Printable(cell);
  row.resize(header_.size());
  rows_.push_back(std::move(row));
}

Table::Layout Table::Measure() const {
  const std::size_t columns = header_.size();
  Layout layout = {std::vector<std::size_t>(columns), std::vector<bool>(columns, false)};
  for (std::size_t c = 0; c < columns; ++c) {
    layout.widths[c] = CountCharacters(header_[c]);
    bool all_numeric = true;
    for (const auto& row : rows_) {
      if (row.empty()) continue;
      layout.widths[c] = std::max(layout.widths[c], CountCharacters(row[c]));
      if (row[c].empty()) continue;
      layout.right[c] = true;
      all_numeric = all_numeric && (row[c] == kNothing || LooksNumeric(row[c]));
    }
    layout.right[c] = layout.right[c] && all_numeric;
  }
  return layout;
}

std::string Table::ToString(int width, Overflow overflow) const {
  const auto [widths, right] = Measure();
  const std::size_t columns = header_.size();
  std::size_t start = 0;  // of the last column
  for (std::size_t c = 0; c + 1 < columns; ++c) start += widths[c] + 2;
  std::size_t room = widths.back();
  if (width > 0) {
    const auto least = std::max(kLeastRoom, CountCharacters(header_.back()));
    const auto limit = static_cast<std::size_t>(width);
    room = std::min(room, std::max(least, limit > start ? limit - start : 0));
  }
  const auto render = [&, &widths = widths, &right = right](const std::vector<std::string>& row) {
    std::vector<std::string> last = Wrap(row.back(), static_cast<int>(room));
    if (overflow == Overflow::kElide) last = {Elide(row.back(), room)};
    std::string line;
    for (std::size_t c = 0; c < columns; ++c) {
      const bool is_last = c + 1 == columns;
      AppendCell(line, is_last ? last[0] : row[c], is_last ? room : widths[c], right[c], is_last);
    }
    line.resize(line.find_last_not_of(' ') + 1);
    for (std::size_t i = 1; i < last.size(); ++i) line += "\n" + std::string(start, ' ') + last[i];
    return line + "\n";
  };
  std::string rule;
  for (std::size_t i = 0; i < start + room; ++i) rule += "─";
  std::string text = render(header_) + rule + "\n";
  for (const auto& row : rows_) text += row.empty() ? rule + "\n" : render(row);
  return text;
}

}  // namespace skerry::cli
