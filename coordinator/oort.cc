#include "coordinator/oort.h"

#include <algorithm>
#include <cmath>
#include <compare>
#include <functional>
#include <numeric>

#include "base/exact_math.h"

namespace skerry::coordinator {
namespace {

constexpr double kClip = 0.98;        // of utilities: the percentile that they are clipped at
constexpr double kExploration = 0.9;  // the share of sites that have not trained, in round 1
constexpr double kExplorationDecay = 0.95;
constexpr double kLeastExploration = 0.2;
constexpr double kCutOff = 0.7;     // of the score of the last that would be taken
constexpr double kSlowPenalty = 2;  // the exponent
constexpr double kFirstPercentile = 10;
constexpr double kPercentileStep = 5;
constexpr int64_t kPacerRounds = 20;
constexpr double kPacerChange = 0.1;

// The value at a share of the sorted values; `values` is not empty.
double Percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const auto last = static_cast<double>(values.size() - 1);
  return values[static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * last)];
}

double Exploration(int64_t round) {
  const auto rounds = static_cast<double>(std::max<int64_t>(round - 1, 0));
  return std::max(kLeastExploration, kExploration * exact::Pow(kExplorationDecay, rounds));
}

// What taking part of each of these sites, which have all trained, would be worth.
std::vector<double> Scores(const TrackRecord& track, const std::vector<int32_t>& sites,
                           int64_t round) {
  std::vector<double> utility;
  std::vector<double> seconds;
  const double mean_loss = track.MeanLoss();
  for (const int32_t place : sites) {
    const SiteTrack& site = track.sites()[static_cast<std::size_t>(place)];
    utility.push_back(static_cast<double>(site.num_examples) * site.loss.value_or(mean_loss));
    seconds.push_back(site.seconds);
  }
  const double most = Percentile(utility, kClip);
  for (double& value : utility) value = std::min(value, most);
  const double least = *std::min_element(utility.begin(), utility.end());
  const double percentile = PreferredPercentile(track.utility_of_rounds(), round);
  const double preferred = Percentile(seconds, percentile / 100);
  const double patience = 0.1 * exact::Log(static_cast<double>(std::max<int64_t>(round, 1)));
  std::vector<double> scores;
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const SiteTrack& site = track.sites()[static_cast<std::size_t>(sites[i])];
    // Of sites that are all alike, none is worth less than another.
    double score = most > least ? (utility[i] - least) / (most - least) : 1.0;
    score += exact::Sqrt(patience / static_cast<double>(site.last_round));
    if (seconds[i] > preferred && preferred > 0)
      score *= exact::Pow(preferred / seconds[i], kSlowPenalty);
    scores.push_back(score);
  }
  return scores;
}

// Among those whose score is not far below that of the last who would be taken, by their scores.
std::vector<int32_t> Exploit(const TrackRecord& track, const std::vector<int32_t>& known,
                             std::size_t count, int64_t round, RandomStream& random) {
  if (count == 0) return {};
  const std::vector<double> scores = Scores(track, known, round);
  std::vector<double> sorted = scores;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  const double cut_off = kCutOff * sorted[std::min(count, sorted.size()) - 1];
  std::vector<int32_t> candidates;
  std::vector<double> weights;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (scores[i] < cut_off) continue;
    candidates.push_back(known[i]);
    weights.push_back(scores[i]);
  }
  return DrawWeighted(candidates, weights, count, random);
}

}  // namespace

double PreferredPercentile(const std::vector<double>& utility_of_rounds, int64_t round) {
  const auto sum = [&](int64_t end) {
    const auto size = static_cast<int64_t>(utility_of_rounds.size());
    const auto at = [&](int64_t i) {
      return utility_of_rounds.begin() + static_cast<std::ptrdiff_t>(std::min(i, size));
    };
    return std::accumulate(at(end - kPacerRounds), at(end), 0.0);
  };
  double percentile = kFirstPercentile;
  for (int64_t end = 2 * kPacerRounds; end < round; end += kPacerRounds) {
    const double before = sum(end - kPacerRounds);
    if (std::fabs(sum(end) - before) < kPacerChange * before) percentile += kPercentileStep;
  }
  return std::min(percentile, 100.0);
}

std::vector<double> SizesOrMean(const TrackRecord& track, const std::vector<int32_t>& pool) {
  std::vector<double> sizes;
  double sum = 0;
  double num_known = 0;
  for (const int32_t place : pool) {
    sizes.push_back(
        static_cast<double>(track.sites()[static_cast<std::size_t>(place)].num_examples));
    sum += sizes.back();
    num_known += sizes.back() > 0 ? 1 : 0;
  }
  const double mean = num_known > 0 ? sum / num_known : 1;
  for (double& size : sizes) {
    if (size <= 0) size = mean;
  }
  return sizes;
}

// Efraimidis and Spirakis: "Weighted random sampling with a reservoir" (2006): the largest of
// u^(1/weight) are such a draw.
std::vector<int32_t> DrawWeighted(const std::vector<int32_t>& pool,
                                  const std::vector<double>& weights, std::size_t count,
                                  RandomStream& random) {
  struct Lot {
    bool has_weight;
    double key;
    int32_t place;
    auto operator<=>(const Lot&) const = default;
  };
  std::vector<Lot> lots;
  for (std::size_t i = 0; i < pool.size(); ++i) {
    const double log_u = exact::Log(1 - random.Uniform());
    const bool has_weight = weights[i] > 0;
    lots.push_back({has_weight, has_weight ? log_u / weights[i] : log_u, pool[i]});
  }
  count = std::min(count, lots.size());
  std::partial_sort(lots.begin(), lots.begin() + static_cast<std::ptrdiff_t>(count), lots.end(),
                    std::greater<>());
  std::vector<int32_t> drawn;
  for (std::size_t i = 0; i < count; ++i) drawn.push_back(lots[i].place);
  return drawn;
}

std::vector<int32_t> DrawOort(const TrackRecord& track, const std::vector<int32_t>& pool,
                              std::size_t wanted, int64_t round, RandomStream& random) {
  std::vector<int32_t> known;
  std::vector<int32_t> unknown;
  for (const int32_t place : pool) {
    const SiteTrack& site = track.sites()[static_cast<std::size_t>(place)];
    if (site.rounds_counted > 0) {
      known.push_back(place);
      continue;
    }
    unknown.push_back(place);
  }
  const auto share = static_cast<double>(wanted) * Exploration(round);
  std::size_t explored = std::min(static_cast<std::size_t>(std::lround(share)), unknown.size());
  explored = std::max(explored, wanted - std::min(wanted, known.size()));
  std::vector<int32_t> drawn = Exploit(track, known, wanted - explored, round, random);
  const std::vector<int32_t> others =
      DrawWeighted(unknown, SizesOrMean(track, unknown), explored, random);
  drawn.insert(drawn.end(), others.begin(), others.end());
  return drawn;
}

}  // namespace skerry::coordinator
