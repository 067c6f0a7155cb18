#include "learning/trees/bins.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/exact_math.h"

namespace skerry::learning {
namespace {

constexpr float kUnused = std::numeric_limits<float>::infinity();

// Neighbouring cells that stay together. Both ends have rows.
struct Group {
  std::size_t first = 0;
  std::size_t last = 0;
  int64_t count = 0;
};

std::vector<Group> CellsWithRows(std::span<const int64_t> counts) {
  std::vector<Group> cells;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) cells.push_back({i, i, counts[i]});
  }
  return cells;
}

// At most `most` groups. Where cells must come together, each group takes its share of the rows
// that are left, so that a cell with very many does not take the bins of the others with it.
std::vector<Group> MakeGroups(std::span<const int64_t> counts, int64_t most) {
  const std::vector<Group> cells = CellsWithRows(counts);
  if (static_cast<int64_t>(cells.size()) <= most) return cells;
  double rows_left = 0;
  for (const Group& cell : cells) rows_left += static_cast<double>(cell.count);
  std::vector<Group> groups;
  double share = 0;
  for (const Group& cell : cells) {
    const auto groups_left = static_cast<double>(most - static_cast<int64_t>(groups.size()));
    const double taken = groups.empty() ? 0 : static_cast<double>(groups.back().count);
    // A cell goes where more of it fits.
    const bool fits = taken + static_cast<double>(cell.count) / 2 <= share;
    if (!groups.empty() && (fits || groups_left == 0)) {
      groups.back().last = cell.last;
      groups.back().count += cell.count;
      continue;
    }
    rows_left -= taken;
    share = rows_left / groups_left;
    groups.push_back(cell);
  }
  return groups;
}

float Between(float low, float high, double part) {
  const auto from = static_cast<double>(low);
  return static_cast<float>(from + (static_cast<double>(high) - from) * part);
}

float LowerEdge(std::span<const float> edges, std::size_t cell) {
  return cell == 0 ? -kUnused : edges[cell - 1];
}
float UpperEdge(std::span<const float> edges, std::size_t cell) {
  return cell == edges.size() ? kUnused : edges[cell];
}

// One edge between each two groups, in the middle of what lies between them.
std::vector<float> Separators(std::span<const float> edges, const std::vector<Group>& groups) {
  std::vector<float> between;
  for (std::size_t g = 1; g < groups.size(); ++g) {
    between.push_back(
        Between(UpperEdge(edges, groups[g - 1].last), LowerEdge(edges, groups[g].first), 0.5));
  }
  return between;
}

// How many new edges a group should get. One row needs none, and beyond an end there is no room.
// By the root of the count: else one frequent value would take all of them.
double Weight(std::span<const float> edges, const Group& group) {
  const bool bounded = group.first > 0 && UpperEdge(edges, group.last) < kUnused;
  return bounded && group.count > 1 ? exact::Sqrt(static_cast<double>(group.count)) : 0;
}

std::vector<float> Filled(std::vector<float> edges, std::size_t size) {
  SKERRY_CHECK(edges.size() <= size);
  edges.resize(size, kUnused);
  return edges;
}

}  // namespace

std::vector<float> FirstEdges(int64_t num_edges) {
  SKERRY_CHECK(num_edges >= 3 && num_edges % 2 == 1);
  constexpr double kLowest = -20;
  constexpr double kHighest = 44;
  const int64_t per_side = (num_edges - 1) / 2;
  std::vector<float> edges(static_cast<std::size_t>(num_edges), 0.0F);
  for (int64_t i = 0; i < per_side; ++i) {
    const double part =
        per_side == 1 ? 1 : static_cast<double>(i) / static_cast<double>(per_side - 1);
    const auto power = static_cast<float>(exact::Pow(2, kLowest + (kHighest - kLowest) * part));
    edges[static_cast<std::size_t>(per_side + 1 + i)] = power;
    edges[static_cast<std::size_t>(per_side - 1 - i)] = -power;
  }
  return edges;
}

int64_t CellOf(std::span<const float> edges, float value) {
  return std::upper_bound(edges.begin(), edges.end(), value) - edges.begin();
}

std::vector<float> RefinedEdges(std::span<const float> edges, std::span<const int64_t> counts,
                                int64_t num_bins) {
  SKERRY_CHECK(counts.size() == edges.size() + 1);
  const std::vector<Group> groups = MakeGroups(counts, num_bins);
  std::vector<float> refined = Separators(edges, groups);
  const auto room = static_cast<double>(edges.size() - refined.size());
  double all = 0;
  for (const Group& group : groups) all += Weight(edges, group);
  for (const Group& group : groups) {
    const double weight = Weight(edges, group);
    if (weight <= 0) continue;
    const auto pieces = static_cast<int64_t>(std::floor(room * weight / all));
    const float low = LowerEdge(edges, group.first);
    const float high = UpperEdge(edges, group.last);
    for (int64_t i = 1; i <= pieces; ++i) {
      const float edge =
          Between(low, high, static_cast<double>(i) / static_cast<double>(pieces + 1));
      if (low < edge && edge < high) refined.push_back(edge);
    }
  }
  std::sort(refined.begin(), refined.end());
  refined.erase(std::unique(refined.begin(), refined.end()), refined.end());
  return Filled(std::move(refined), edges.size());
}

std::vector<float> BinEdges(std::span<const float> edges, std::span<const int64_t> counts,
                            int64_t num_bins) {
  SKERRY_CHECK(counts.size() == edges.size() + 1);
  return Filled(Separators(edges, MakeGroups(counts, num_bins)), edges.size());
}

}  // namespace skerry::learning
