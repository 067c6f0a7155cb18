#pragma once

#include <string>
#include <vector>

namespace skerry::cli {

// How many characters a line of standard output has room for; 0: it is no terminal, and lines may
// be as long as they are.
int OutputWidth();

// Lines of at most `width` characters, broken between words where that is possible. 0: one line.
std::vector<std::string> Wrap(const std::string& text, int width);

// What becomes of a last column that does not fit: it goes on below, or ends in an ellipsis.
enum class Overflow { kWrap, kElide };

// Rows of text under a header, columns aligned: numbers to the right, everything else to the left.
// Widths are counted in characters (of UTF-8); what a terminal would obey instead of showing it is
// escaped.
class Table {
 public:
  explicit Table(std::vector<std::string> header);
  // As many cells as the header has; what is missing is empty.
  void Add(std::vector<std::string> row);
  // A line between the rows before and after.
  void AddRule() { rows_.emplace_back(); }
  bool empty() const { return rows_.empty(); }
  // Lines of at most `width` characters (0: of any length), if all but the last column leave room.
  std::string ToString(int width = 0, Overflow overflow = Overflow::kWrap) const;

 private:
  struct Layout {
    std::vector<std::size_t> widths;
    std::vector<bool> right;
  };
  Layout Measure() const;

  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;  // an empty row is a rule
};

}  // namespace skerry::cli
