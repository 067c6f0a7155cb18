#include "coordinator/track_record.h"

#include <algorithm>
#include <iterator>

namespace skerry::coordinator {
namespace {

constexpr std::string_view kNames[] = {"random", "poisson", "availability", "power_of_choice",
                                       "oort"};
// What a site says of itself must not drown what others say.
constexpr double kMostLoss = 1e6;

}  // namespace

std::string_view Name(Selection selection) { return kNames[static_cast<std::size_t>(selection)]; }

std::vector<std::string> SelectionNames() { return {std::begin(kNames), std::end(kNames)}; }

bool NeedsTrackRecord(Selection selection) {
  return selection != Selection::kRandom && selection != Selection::kPoisson;
}

void TrackRecord::NoteCounted(std::size_t place, int64_t round, int64_t num_examples,
                              std::optional<double> loss, double seconds) {
  SiteTrack& site = sites_[place];
  site.num_examples = num_examples;
  if (round < 1) return;
  ++site.rounds_counted;
  site.last_round = round;
  if (loss) loss = std::clamp(*loss, 0.0, kMostLoss);
  site.loss = loss;
  site.seconds = std::max(0.0, seconds);
  const auto rounds = static_cast<std::size_t>(round);
  if (utility_of_rounds_.size() < rounds) utility_of_rounds_.resize(rounds);
  utility_of_rounds_[rounds - 1] += static_cast<double>(num_examples) * loss.value_or(0);
}

double TrackRecord::MeanLoss() const {
  double sum = 0;
  double num_known = 0;
  for (const SiteTrack& site : sites_) {
    sum += site.loss.value_or(0);
    num_known += site.loss ? 1 : 0;
  }
  return num_known > 0 ? sum / num_known : 0;
}

}  // namespace skerry::coordinator
