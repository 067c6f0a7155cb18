#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

namespace skerry::bench {

// Infinity when they differ in length, or a difference is no finite number.
inline double LargestDifference(const std::vector<double>& a, const std::vector<double>& b) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (a.size() != b.size()) return kInfinity;
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(a[i] - b[i]);
    if (!std::isfinite(difference)) return kInfinity;  // std::max would pass over a NaN
    largest = std::max(largest, difference);
  }
  return largest;
}

// A table of published figures beside ours, on standard output.
class PublishedTable {
 public:
  explicit PublishedTable(const std::string& title) {
    std::printf("%s\n%-58s %14s %14s %12s\n", title.c_str(), "", "published", "ours", "difference");
  }

  // Missed when they differ by more than `tolerance`.
  void Row(const std::string& what, double published, double ours, double tolerance) {
    Print(what, published, ours, std::abs(ours - published) <= tolerance);
  }
  // Missed when ours is below.
  void RowAtLeast(const std::string& what, double published, double ours) {
    Print(what + " (at least)", published, ours, ours >= published);
  }
  // Missed when ours is above.
  void RowAtMost(const std::string& what, double published, double ours) {
    Print(what + " (at most)", published, ours, ours <= published);
  }
  // The exit code: whether a row was missed. A table without rows has compared nothing.
  int Finish() const {
    std::printf("%d rows, %d missed%s\n\n", rows_, missed_, rows_ == 0 ? "  NOTHING COMPARED" : "");
    return rows_ > 0 && missed_ == 0 ? 0 : 1;
  }

 private:
  void Print(const std::string& what, double published, double ours, bool met) {
    std::printf("%-58s %14.9g %14.9g %12.3g%s\n", what.c_str(), published, ours, ours - published,
                met ? "" : "  MISSED");
    std::fflush(stdout);
    ++rows_;
    missed_ += met ? 0 : 1;
  }

  int rows_ = 0;
  int missed_ = 0;
};

}  // namespace skerry::bench
