#include <algorithm>
#include <map>
#include <utility>

#include "base/text.h"
#include "coordinator/run.h"

namespace skerry::coordinator {

std::string Run::AbandonReason() const {
  const std::string needed = std::to_string(policy_.quorum);
  switch (state_.cause) {
    case Cause::kTooFewReady:
      return "only " + std::to_string(state_.Count(Seat::kReady)) + " of " +
             std::to_string(record_.sites.size()) + " sites were ready within " +
             FormatDuration(policy_.round_deadline) + "; min_sites is " +
             std::to_string(policy_.min_sites) + "; away: " + NamesOf(SitesIn(state_, Seat::kAway));
    case Cause::kQuorumLost: {
      std::vector<int32_t> absent = SitesIn(state_, Seat::kLost);
      const std::vector<int32_t> slow = SitesIn(state_, Seat::kInvited);
      absent.insert(absent.end(), slow.begin(), slow.end());
      return std::to_string(state_.Count(Seat::kReported)) + " results within " +
             FormatDuration(policy_.round_deadline) + "; " + NeededName() + " is " + needed +
             "; missing: " + NamesOf(absent);
    }
    case Cause::kQuorumImpossible:
      return "the " + NeededName() + " of " + needed + " cannot be reached; " + FailuresByReason();
    case Cause::kStopped:
      return "stopped";
    default:
      return "";
  }
}

// "north: its reason; south, west: theirs": sites with one reason together, the most frequent
// first.
std::string Run::FailuresByReason() const {
  constexpr std::size_t kMost = 3;
  std::map<std::string, std::vector<int32_t>> by_reason;
  for (const int32_t place : SitesIn(state_, Seat::kFailed)) {
    if (const TaskSlot* slot = FindSlot(place)) by_reason[slot->record().reason].push_back(place);
  }
  using Group = std::pair<std::string, std::vector<int32_t>>;
  std::vector<Group> groups(by_reason.begin(), by_reason.end());
  std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    if (a.second.size() != b.second.size()) return a.second.size() > b.second.size();
    return a.second.front() < b.second.front();
  });
  std::vector<std::string> parts;
  std::size_t unnamed = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (i >= kMost) {
      unnamed += groups[i].second.size();
    } else {
      parts.push_back(NamesOf(groups[i].second) + ": " + groups[i].first);
    }
  }
  if (unnamed > 0) parts.push_back("and " + std::to_string(unnamed) + " more with other reasons");
  return Join(parts, "; ");
}

// "north in 12, south in 3": who was missed, the most missed first.
std::string Run::AbsencesByRounds() const {
  constexpr std::size_t kMost = 6;
  std::vector<std::pair<std::string, int64_t>> missed(record_.rounds_lacked.begin(),
                                                      record_.rounds_lacked.end());
  std::stable_sort(missed.begin(), missed.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < std::min(kMost, missed.size()); ++i) {
    parts.push_back(missed[i].first + " in " + std::to_string(missed[i].second));
  }
  std::string text = Join(parts, ", ");
  if (missed.size() > kMost)
    text += " and " + std::to_string(missed.size() - kMost) + " more sites";
  return text;
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

std::string Run::NeededName() const { return policy_.buffer > 0 ? "buffer" : "quorum"; }

// "1 of 3 updates for version 7; at work: north, south".
std::string Run::WaitsForBuffer() const {
  const std::size_t arrived = state_.arrivals.size();
  std::string text = std::to_string(arrived) + " of " + std::to_string(policy_.buffer) +
                     " updates for version " + std::to_string(state_.round);
  const auto append = [&](const char* what, Seat seat) {
    const std::vector<int32_t> sites = SitesIn(state_, seat);
    if (!sites.empty()) text += std::string("; ") + what + ": " + NamesOf(sites);
  };
  append("at work", Seat::kInvited);
  append("lost", Seat::kLost);
  if (static_cast<int64_t>(arrived) >= policy_.buffer) {
    text += "; waiting for work that is " +
            std::to_string(plan_.spec.training().async().max_lead()) +
            " versions old (training.async.max_lead)";
  }
  return text;
}

std::string Run::WaitsFor() const {
  if (ended() || paused() || initializing_) return "";
  if (state_.phase == Phase::kSelecting) {
    const std::vector<int32_t> away = SitesIn(state_, Seat::kAway);
    if (!away.empty()) return "waiting for sites to connect: " + NamesOf(away);
    return state_.phase_elapsed < policy_.min_wait ? "pausing between rounds (min_round)" : "";
  }
  if (state_.phase == Phase::kTraining && policy_.buffer > 0) return WaitsForBuffer();
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
