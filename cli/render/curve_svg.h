#pragma once

#include <string>
#include <utility>
#include <vector>

namespace skerry::cli {

// One line of a chart.
struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  // x ascending
  bool dashed = false;                            // a level to compare with
};

// One chart: a title, an axis, lines.
struct Panel {
  std::string title;
  std::string x_label;
  std::vector<Series> series;
};

// Panels side by side as an SVG picture of its own, readable on paper and in colour blindness:
// lines are named where they end. A panel without a finite point says so.
std::string RenderCurves(const std::string& title, const std::vector<Panel>& panels);

// About `count` round numbers that cover [low, high].
std::vector<double> Ticks(double low, double high, int count);

}  // namespace skerry::cli
