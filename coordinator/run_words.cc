#include <algorithm>

#include "base/text.h"
#include "coordinator/run.h"

namespace skerry::coordinator {

std::string Run::AbandonReason() const {
  const std::string needed = std::to_string(contract_.quorum);
  switch (state_.cause) {
    case Cause::kTooFewReady:
      return "only " + std::to_string(state_.Count(Seat::kReady)) + " of " +
             std::to_string(record_.sites.size()) + " sites were ready within " +
             FormatDuration(policy_.round_deadline) + "; min_sites is " +
             std::to_string(contract_.min_sites) +
             "; away: " + NamesOf(SitesIn(state_, Seat::kAway));
    case Cause::kQuorumLost: {
      std::vector<int32_t> absent = SitesIn(state_, Seat::kLost);
      const std::vector<int32_t> slow = SitesIn(state_, Seat::kInvited);
      absent.insert(absent.end(), slow.begin(), slow.end());
      return std::to_string(state_.Count(Seat::kReported)) + " results within " +
             FormatDuration(policy_.round_deadline) + "; quorum is " + needed +
             "; missing: " + NamesOf(absent);
    }
    case Cause::kQuorumImpossible: {
      std::string text = "the quorum of " + needed + " cannot be reached";
      for (const int32_t place : SitesIn(state_, Seat::kFailed)) {
        const TaskSlot* slot = FindSlot(place);
        if (slot != nullptr) text += "; " + slot->record.site + ": " + slot->record.reason;
      }
      return text;
    }
    case Cause::kStopped:
      return "stopped";
    default:
      return "";
  }
}

std::string Run::NamesOf(const std::vector<int32_t>& places) const {
  constexpr std::size_t kMost = 6;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(kMost, places.size()); ++i) {
    names.push_back(record_.sites[static_cast<std::size_t>(places[i])]);
  }
  std::string text = Join(names, ", ");
  if (places.size() > kMost) text += " and " + std::to_string(places.size() - kMost) + " more";
  return text;
}

std::string Run::WaitsFor() const {
  if (ended() || paused() || initializing_) return "";
  if (state_.phase == Phase::kSelecting) {
    const std::vector<int32_t> away = SitesIn(state_, Seat::kAway);
    if (!away.empty()) return "waiting for sites to connect: " + NamesOf(away);
    return state_.phase_elapsed < policy_.min_wait ? "pausing between rounds (min_round)" : "";
  }
  if (state_.phase == Phase::kTraining) {
    const std::vector<int32_t> lost = SitesIn(state_, Seat::kLost);
    if (!lost.empty() && state_.Count(Seat::kInvited) == 0) {
      return "waiting for lost sites to return: " + NamesOf(lost);
    }
    return "waiting for results of " + NamesOf(SitesIn(state_, Seat::kInvited));
  }
  return state_.phase == Phase::kFinalizing ? "summing the results" : "";
}

}  // namespace skerry::coordinator
