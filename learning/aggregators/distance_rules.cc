#include "learning/aggregators/distance_rules.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"

namespace skerry::learning {
namespace {

constexpr double kSmallestDistance = 1e-6;  // of the smoothed Weiszfeld algorithm

std::vector<std::size_t> AllOf(const UpdateStatistics& statistics) {
  std::vector<std::size_t> all(statistics.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

// Places of `scores`, the smallest score first.
std::vector<std::size_t> Ranked(const std::vector<double>& scores) {
  std::vector<std::size_t> places(scores.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::stable_sort(places.begin(), places.end(),
                   [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  return places;
}

// Distances of z = sum(factor x) to every update. With the rest of 1 as the factor of a further
// point, the origin, z is an affine combination, for which
// |z - x_k|^2 = sum(f_i d_ik^2) - sum(f_i f_j d_ij^2) / 2.
std::vector<double> DistancesTo(const UpdateStatistics& statistics,
                                const std::vector<double>& factors) {
  const std::size_t n = statistics.size();
  double rest = 1;
  for (const double factor : factors) rest -= factor;
  std::vector<double> to_each(n);
  double within = 0;
  for (std::size_t k = 0; k < n; ++k) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += factors[i] * statistics.SquaredDistance(i, k);
    to_each[k] = sum + rest * statistics.squared_norm[k];
    within += factors[k] * (sum + 2 * rest * statistics.squared_norm[k]);
  }
  for (double& distance : to_each) distance = std::sqrt(std::max(0.0, distance - within / 2));
  return to_each;
}

}  // namespace

std::vector<double> KrumScores(const UpdateStatistics& statistics,
                               std::span<const std::size_t> among, int64_t attackers) {
  const auto size = static_cast<int64_t>(among.size());
  const auto neighbours = static_cast<std::size_t>(std::max<int64_t>(1, size - attackers - 2));
  std::vector<double> scores;
  for (const std::size_t i : among) {
    std::vector<double> distances;
    for (const std::size_t j : among) {
      if (j != i) distances.push_back(statistics.SquaredDistance(i, j));
    }
    std::sort(distances.begin(), distances.end());
    double score = 0;
    for (std::size_t k = 0; k < std::min(neighbours, distances.size()); ++k) score += distances[k];
    scores.push_back(score);
  }
  return scores;
}

std::vector<std::size_t> KrumSelection(const UpdateStatistics& statistics, int64_t attackers,
                                       std::size_t count) {
  std::vector<std::size_t> ranked = Ranked(KrumScores(statistics, AllOf(statistics), attackers));
  SKERRY_CHECK(count <= ranked.size());
  ranked.resize(count);
  return ranked;
}

std::vector<std::size_t> BulyanSelection(const UpdateStatistics& statistics, int64_t attackers) {
  std::vector<std::size_t> left = AllOf(statistics);
  const std::size_t count = left.size() - 2 * static_cast<std::size_t>(attackers);
  std::vector<std::size_t> selected;
  while (selected.size() < count) {
    const std::size_t best = Ranked(KrumScores(statistics, left, attackers)).front();
    selected.push_back(left[best]);
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(best));
  }
  return selected;
}

std::vector<double> GeometricMedianShares(const UpdateStatistics& statistics,
                                          std::span<const double> weights, int iterations) {
  std::vector<double> shares(weights.begin(), weights.end());
  for (int i = 0;; ++i) {
    const double total = std::accumulate(shares.begin(), shares.end(), 0.0);
    for (double& share : shares) share /= total;
    if (i == iterations) return shares;
    const std::vector<double> distances = DistancesTo(statistics, shares);
    for (std::size_t k = 0; k < shares.size(); ++k) {
      shares[k] = weights[k] / std::max(kSmallestDistance, distances[k]);
    }
  }
}

std::vector<double> CenteredClippingFactors(const UpdateStatistics& statistics, double radius,
                                            int iterations) {
  const std::size_t n = statistics.size();
  std::vector<double> factors(n, 0.0);
  for (int i = 0; i < iterations; ++i) {
    const std::vector<double> distances = DistancesTo(statistics, factors);
    std::vector<double> steps(n);
    for (std::size_t k = 0; k < n; ++k) {
      steps[k] = (distances[k] <= radius ? 1.0 : radius / distances[k]) / static_cast<double>(n);
    }
    const double kept = 1 - std::accumulate(steps.begin(), steps.end(), 0.0);
    for (std::size_t k = 0; k < n; ++k) factors[k] = kept * factors[k] + steps[k];
  }
  return factors;
}

std::vector<double> ClippingScales(const UpdateStatistics& statistics, double limit) {
  std::vector<double> scales;
  for (const double square : statistics.squared_norm) {
    const double norm = std::sqrt(square);
    scales.push_back(norm <= limit ? 1.0 : limit / norm);
  }
  return scales;
}

UpdateStatistics Scaled(const UpdateStatistics& statistics, std::span<const double> scales) {
  const std::size_t n = statistics.size();
  UpdateStatistics scaled(n);
  const std::vector<double>& norm = statistics.squared_norm;
  for (std::size_t i = 0; i < n; ++i) {
    scaled.squared_norm[i] = scales[i] * scales[i] * norm[i];
    for (std::size_t j = 0; j < n; ++j) {
      if (i == j) continue;
      // (s_i - s_j)^2 and so on would cancel; equal scales, the usual case, lose nothing this way.
      const double own = (scales[i] - scales[j]) * (scales[i] * norm[i] - scales[j] * norm[j]);
      const double common = scales[i] * scales[j] * statistics.SquaredDistance(i, j);
      scaled.squared_distance[i * n + j] = std::max(0.0, own + common);
    }
  }
  return scaled;
}

}  // namespace skerry::learning
