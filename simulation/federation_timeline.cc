// What everybody does just now, as the timeline has it.

#include <algorithm>
#include <utility>

#include "simulation/federation.h"

namespace skerry::simulation {
namespace {

Activity ActivityOf(const ClientHost& client) {
  if (client.session() == nullptr) return Activity::kDown;
  if (client.asleep()) return Activity::kAsleep;
  Activity activity = Activity::kWaiting;
  for (const v1::Progress& progress : client.session()->ProgressNow()) {
    if (progress.stage() == v1::Progress::TRAINING) return Activity::kTraining;
    activity =
        progress.stage() == v1::Progress::SUBMITTING ? Activity::kSending : Activity::kFetching;
  }
  return activity;
}

RunActivity RunActivityOf(const coordinator::Run& run) {
  if (run.ended()) return RunActivity::kEnded;
  if (run.paused()) return RunActivity::kPaused;
  switch (run.round_state().phase) {
    case coordinator::Phase::kSelecting:
      return RunActivity::kSelecting;
    case coordinator::Phase::kTraining:
      return RunActivity::kCollecting;
    default:
      return RunActivity::kSumming;
  }
}

// "quorum_lost: 3 results within ..." -> "quorum_lost".
std::string FirstWord(const std::string& reason) { return reason.substr(0, reason.find(':')); }

// The mark of an attempt. One that was over as soon as it began (all results were there) was never
// seen.
RoundMark& MarkOf(const storage::RoundRecord& record, std::vector<RoundMark>& marks) {
  const auto key = std::pair(record.round, record.attempt);
  const auto at = std::find_if(marks.begin(), marks.end(), [&](const RoundMark& mark) {
    return std::pair(mark.round, mark.attempt) >= key;
  });
  if (at != marks.end() && std::pair(at->round, at->attempt) == key) return *at;
  RoundMark mark;
  mark.round = record.round;
  mark.attempt = record.attempt;
  mark.kind = record.kind;
  mark.from = at == marks.begin() ? Duration{0} : std::prev(at)->to;
  mark.to = mark.from;
  return *marks.insert(at, std::move(mark));
}

// Who was counted, and whose receipt was the last.
void FillResults(const Evidence& evidence, RoundMark& mark) {
  std::map<int64_t, std::string> counted;
  for (const storage::TaskRecord& task : evidence.tasks) {
    if (task.round != mark.round || task.outcome != storage::Outcome::kCounted) continue;
    counted[task.task_id] = task.site;
    mark.counted.push_back(task.site);
  }
  std::sort(mark.counted.begin(), mark.counted.end());
  for (const Receipt& receipt : evidence.receipts) {
    if (counted.contains(receipt.task_id)) mark.last = receipt.site;
  }
}

}  // namespace

Snapshot Federation::SnapshotNow() {
  Snapshot snapshot;
  const coordinator::Run* run = coordinator_.asleep() ? nullptr : TheRun();
  if (run != nullptr) {
    snapshot.run = coordinator_.waits_for_room() ? RunActivity::kNoRoom : RunActivityOf(*run);
    if (run->paused()) snapshot.pause = FirstWord(run->record().reason);
    if (run->round().kind != "initialize" && run->round_spec()) {
      snapshot.round = {run->round_state().round, run->round_state().attempt, run->round().kind};
    }
  }
  for (const auto& client : clients_) snapshot.sites.push_back(SnapshotOf(*client, run));
  return snapshot;
}

Snapshot::Site Federation::SnapshotOf(const ClientHost& client, const coordinator::Run* run) const {
  Snapshot::Site site;
  site.activity = ActivityOf(client);
  site.link_down = !client.link().up();
  if (run == nullptr) return site;
  site.lost = !coordinator_.coordinator()->IsConnected(client.name());
  if (run->ended()) return site;
  const auto place = run->PlaceOf(client.name());
  const coordinator::TaskSlot* slot = place ? run->FindSlot(*place) : nullptr;
  if (slot == nullptr) return site;
  site.awaited = slot->record().state == storage::TaskState::kOffered ||
                 slot->record().state == storage::TaskState::kTaken;
  return site;
}

// What came of each round stands in the journal; whose result came last, in the receipts.
Timeline Federation::FinishTimeline(const Evidence& evidence) {
  Timeline timeline = std::move(recorder_).Finish(ended_.value_or(world_.Now()).since_origin);
  for (const storage::RoundRecord& record : evidence.rounds) {
    if (record.kind == "initialize") continue;
    RoundMark& mark = MarkOf(record, timeline.rounds);
    mark.committed = record.phase == "committed";
    mark.reason = record.reason;
    if (mark.committed) FillResults(evidence, mark);
    for (SiteLane& lane : timeline.sites) {
      const bool counted = std::binary_search(mark.counted.begin(), mark.counted.end(), lane.site);
      lane.counted += counted ? 1 : 0;
    }
  }
  return timeline;
}

}  // namespace skerry::simulation
