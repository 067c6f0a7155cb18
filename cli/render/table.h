#pragma once

#include <string>
#include <vector>

namespace skerry::cli {

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
  std::string ToString() const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;  // an empty row is a rule
};

}  // namespace skerry::cli
