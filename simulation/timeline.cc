#include "simulation/timeline.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace skerry::simulation {
namespace {

template <class What>
void Extend(std::vector<Span<What>>& spans, const What& what, Duration from, Duration to) {
  if (!spans.empty() && spans.back().what == what && spans.back().to == from) {
    spans.back().to = to;
  } else {
    spans.push_back({from, to, what});
  }
}

template <class Enum>
std::size_t Index(Enum value) {
  return static_cast<std::size_t>(value);
}

}  // namespace

std::string_view Name(Activity activity) {
  constexpr std::array<std::string_view, kNumActivities> kNames = {
      "waiting", "fetching", "training", "sending", "down", "asleep"};
  return kNames[Index(activity)];
}

std::string_view Name(RunActivity activity) {
  constexpr std::array<std::string_view, kNumRunActivities> kNames = {
      "waiting for sites to connect", "waiting for results", "summing", "paused",
      "waiting for room on the disk", "coordinator down",    "ended"};
  return kNames[Index(activity)];
}

Duration SiteLane::Awaited() const {
  return std::accumulate(awaited.begin(), awaited.end(), Duration{0});
}

TimelineRecorder::TimelineRecorder(const std::vector<std::string>& sites) {
  for (const std::string& site : sites) {
    SiteLane lane;
    lane.site = site;
    timeline_.sites.push_back(std::move(lane));
  }
  current_.sites.resize(sites.size());
}

void TimelineRecorder::Observe(Duration now, Snapshot snapshot) {
  if (now > since_) Account(now - since_);
  since_ = now;
  NoteRound(now, snapshot);
  current_ = std::move(snapshot);
}

// A round lasts until another begins or the run has ended; while the coordinator is down it goes
// on.
void TimelineRecorder::NoteRound(Duration now, const Snapshot& next) {
  if (next.run == RunActivity::kEnded) return CloseRound(now);
  if (!next.round) return;
  if (!timeline_.rounds.empty()) {
    const RoundMark& open = timeline_.rounds.back();
    if (open.round == next.round->round && open.attempt == next.round->attempt) return;
  }
  CloseRound(now);
  RoundMark mark;
  mark.round = next.round->round;
  mark.attempt = next.round->attempt;
  mark.kind = next.round->kind;
  mark.from = now;
  timeline_.rounds.push_back(std::move(mark));
}

void TimelineRecorder::CloseRound(Duration now) {
  if (!timeline_.rounds.empty() && timeline_.rounds.back().to == Duration{0}) {
    timeline_.rounds.back().to = now;
  }
}

void TimelineRecorder::Account(Duration length) {
  const Duration to = since_ + length;
  Extend(timeline_.run, current_.run, since_, to);
  timeline_.run_total[Index(current_.run)] += length;
  if (current_.run == RunActivity::kPaused) timeline_.pauses[current_.pause] += length;
  const auto awaited = std::count_if(current_.sites.begin(), current_.sites.end(),
                                     [](const Snapshot::Site& site) { return site.awaited; });
  for (std::size_t i = 0; i < current_.sites.size(); ++i) {
    const Snapshot::Site& site = current_.sites[i];
    const bool running =
        current_.run == RunActivity::kCollecting || current_.run == RunActivity::kPaused;
    AccountSite(timeline_.sites[i], site, running && awaited == 1 && site.awaited, length);
  }
}

void TimelineRecorder::AccountSite(SiteLane& lane, const Snapshot::Site& site, bool alone,
                                   Duration length) {
  const Duration to = since_ + length;
  Extend(lane.did, site.activity, since_, to);
  lane.total[Index(site.activity)] += length;
  if (site.link_down) {
    Extend(lane.link_down, true, since_, to);
    lane.cut_off += length;
  }
  if (site.lost) {
    Extend(lane.lost, true, since_, to);
    lane.lost_for += length;
  }
  if (!alone) return;
  lane.awaited[Index(site.activity)] += length;
  if (site.link_down) lane.awaited_cut_off += length;
}

Timeline TimelineRecorder::Finish(Duration now) && {
  if (now > since_) Account(now - since_);
  timeline_.end = now;
  CloseRound(now);
  return std::move(timeline_);
}

}  // namespace skerry::simulation
