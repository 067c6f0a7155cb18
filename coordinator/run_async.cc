// Asynchronous rounds: tasks that go on when a version is made, from the version they began with.

#include <algorithm>
#include <span>
#include <utility>

#include "base/check.h"
#include "coordinator/run.h"

namespace skerry::coordinator {

using storage::TaskState;

bool Run::IsAsynchronous(const learning::RoundSpec& spec) const {
  return spec.kind == v1::TRAIN && plan_.spec.training().has_async();
}

int64_t Run::StalenessOf(const storage::TaskRecord& task) const {
  return task.base_version < 0 || !base_ ? 0 : base_->version - task.base_version;
}

const ModelVersion* Run::FindServed(int64_t version) const {
  if (base_ && base_->version == version) return &*base_;
  const auto found = versions_.find(version);
  return found == versions_.end() ? nullptr : &found->second;
}

const ModelVersion& Run::BaseOf(const TaskSlot& slot) const {
  const int64_t version = slot.record().base_version;
  const ModelVersion* base = version < 0 ? &*base_ : FindServed(version);
  SKERRY_CHECK(base != nullptr);  // [keep] checkpoints reaches as far as max_staleness
  return *base;
}

// The version that a new task begins with: the newest, or what it was in the history that is
// replayed.
int64_t Run::BaseFor(int32_t place) const {
  if (!IsAsynchronous(*spec_)) return -1;
  if (replay_ != nullptr) {
    const std::string& site = record_.sites[static_cast<std::size_t>(place)];
    for (const Participant& participant : replay_->at(spec_->round)) {
      if (participant.site == site && participant.base_version >= 0)
        return participant.base_version;
    }
  }
  return base_->version;
}

// What the round that gave the task asked for, if that was an earlier one.
std::optional<learning::RoundSpec> Run::EarlierSpec(const TaskSlot& slot) const {
  const int64_t version = slot.record().base_version;
  if (version < 0 || version + 1 == spec_->round) return std::nullopt;
  const learning::RoundOutcome before{version, {}};
  std::optional<learning::RoundSpec> spec = program_->Next(std::span(&before, 1));
  SKERRY_CHECK(spec && IsAsynchronous(*spec));
  return spec;
}

// The reported places, as they came; in the order of the roster where that does not matter.
std::vector<int32_t> Run::ReportedNow() const {
  std::vector<std::pair<int64_t, int32_t>> reported;
  for (const auto& [place, slot] : slots_) {
    if (slot.record().state == TaskState::kReported)
      reported.emplace_back(slot.record().arrival, place);
  }
  std::sort(reported.begin(), reported.end());
  std::vector<int32_t> places;
  for (const auto& [arrival, place] : reported) places.push_back(place);
  return places;
}

int64_t Run::NextArrival() const {
  int64_t last = 0;
  for (const auto& [place, slot] : slots_) last = std::max(last, slot.record().arrival);
  return last + 1;
}

// Sites since whose beginning so many versions have been made that the next waits for them.
std::vector<bool> Run::Awaited() const {
  const int64_t max_lead = plan_.spec.training().async().max_lead();
  if (max_lead == 0) return {};
  std::vector<bool> awaited(record_.sites.size());
  for (const auto& [place, slot] : slots_) {
    awaited[static_cast<std::size_t>(place)] = StalenessOf(slot.record()) >= max_lead;
  }
  return awaited;
}

// When a version has been made: whether the task may still count in a later one.
bool Run::GoesOn(const TaskSlot& slot) const {
  if (ended() || !IsAsynchronous(*spec_) || spec_->round >= program_->num_rounds()) return false;
  return slot.record().state != TaskState::kFailed && !IsTooStale(slot);
}

bool Run::IsTooStale(const TaskSlot& slot) const {
  return StalenessOf(slot.record()) > plan_.spec.training().async().max_staleness();
}

std::string Run::WhyNotCounted(const TaskSlot& slot) const {
  if (ended()) return "the run is " + std::string(Name(record_.state));
  if (IsAsynchronous(*spec_) && IsTooStale(slot)) {
    return "it began with version " + std::to_string(slot.record().base_version) + ", which is " +
           std::to_string(StalenessOf(slot.record())) +
           " versions old now; training.async.max_staleness is " +
           std::to_string(plan_.spec.training().async().max_staleness());
  }
  return "round " + std::to_string(slot.record().round) + " closed without it";
}

// The version that its update began with cannot be had any more: the site begins anew.
void Run::OnBaseLost(int32_t place, const Status& reason) {
  Feed(UpdateLost{place});
  OnFailed(place, reason);
  CatchUp();
}

// What goes on is of the round that begins. All other tasks have their outcome. That is a row for
// each: of 1000 sites at work, 3.6 ms of CPU per version (SQLite, 2026). But whoever reads the
// journal, as a restart, run show, verify and [keep] history_rounds do, finds tasks by round.
void Run::TakeOverTasks() {
  std::erase_if(slots_, [](const auto& entry) {
    const storage::TaskRecord& task = entry.second.record();
    return task.outcome != storage::Outcome::kNone || task.state == TaskState::kFailed;
  });
  for (auto& [place, slot] : slots_) {
    slot.record().round = spec_->round;
    host_.StageTask(slot.row);
  }
}

void Run::ForgetOldVersions() {
  const std::vector<int64_t>& kept = kept_versions_.versions();
  std::erase_if(versions_, [&kept](const auto& entry) {
    return !std::binary_search(kept.begin(), kept.end(), entry.first);
  });
}

}  // namespace skerry::coordinator
