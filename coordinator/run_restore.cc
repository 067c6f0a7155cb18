#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "coordinator/run.h"
#include "coordinator/views.h"

namespace skerry::coordinator {
namespace {

using storage::Outcome;
using storage::RunState;
using storage::TaskState;

}  // namespace

Status Run::Restore(storage::JournalReader& journal) {
  LookWhoIsConnected();
  SKERRY_ASSIGN_OR_RETURN(
      const std::vector<storage::RoundRecord> rounds,
      journal.Rounds(record_.run_id,
                     ended() ? std::max<int64_t>(0, record_.rounds_committed - 2) : 0,
                     std::numeric_limits<int64_t>::max()));
  const storage::RoundRecord* open = nullptr;
  for (const storage::RoundRecord& round : rounds) {
    if (round.phase != Name(Phase::kCommitted)) {
      open = &round;
      continue;
    }
    open = nullptr;
    chain_hash_ = round.chain_hash;
    if (round.model_version >= 0) {
      base_ = ModelVersion{round.model_version, round.model_hash, round.model_size_bytes,
                           round.state_hash, round.state_size_bytes};
      if (plan_.spec.training().has_async()) versions_[base_->version] = *base_;
    }
    if (round.kind == "initialize") continue;
    std::vector<learning::Metric> metrics = ParseMetrics(round.metrics);
    RememberScore(plan_.spec, round.base_version, metrics, scores_);
    Remember({round.round, std::move(metrics)});
    last_summary_ = Summarize(round, {});
  }
  SKERRY_RETURN_IF_ERROR(RestoreKeptUpdates(journal));
  if (ended()) return OkStatus();
  SKERRY_RETURN_IF_ERROR(RestoreTrack(journal));
  if (paused() && record_.reason.starts_with(kDiskFull)) Unpause();  // it is tried at once
  if (base_) {
    kept_versions_.Update(scores_, base_->version);
    ForgetScores(kept_versions_.versions(), scores_);
    ForgetOldVersions();
    const Status whole = host_.VerifyVersion(record_.run_id, *base_);
    if (!whole.ok()) Pause(whole.message(), whole.hint(), false);
  }
  Note("coordinator_started", paused() ? "the run is paused" : "the run goes on");
  if (open == nullptr || open->kind == "initialize") {
    if (!paused()) BeginNextRound();
    return OkStatus();
  }
  SKERRY_ASSIGN_OR_RETURN(std::vector<storage::TaskRecord> tasks,
                          journal.Tasks(record_.run_id, open->round, open->round));
  RestoreRound(*open, std::move(tasks));
  return OkStatus();
}

// Some rounds at a time: all tasks of a long run may be more than there is memory.
Status Run::RestoreTrack(storage::JournalReader& journal) {
  if (track_ == nullptr) return OkStatus();
  constexpr int64_t kTasksAtATime = 1000;
  const int64_t step = std::max<int64_t>(1, kTasksAtATime / contract_.sites_per_round);
  for (int64_t first = 0; first <= last_committed_round(); first += step) {
    const int64_t last = std::min(first + step - 1, last_committed_round());
    SKERRY_RETURN_IF_ERROR(RestoreTrackOf(first, last, journal));
  }
  return OkStatus();
}

// In the order in which the rounds noted them.
Status Run::RestoreTrackOf(int64_t first, int64_t last, storage::JournalReader& journal) {
  SKERRY_ASSIGN_OR_RETURN(std::vector<storage::TaskRecord> tasks,
                          journal.Tasks(record_.run_id, first, last));
  std::sort(tasks.begin(), tasks.end(), [](const auto& a, const auto& b) {
    return std::tie(a.round, a.site) < std::tie(b.round, b.site);
  });
  for (const storage::TaskRecord& task : tasks) {
    v1::ResultHeader header;
    if (task.outcome != Outcome::kCounted) continue;
    SKERRY_CHECK(header.ParseFromString(task.header));
    NoteTrack(task, header);
  }
  return OkStatus();
}

Status Run::RestoreKeptUpdates(storage::JournalReader& journal) {
  if (plan_.keep.updates == 0) return OkStatus();
  const int64_t newest = last_committed_round();
  SKERRY_ASSIGN_OR_RETURN(const std::vector<storage::TaskRecord> tasks,
                          journal.Tasks(record_.run_id, newest - plan_.keep.updates + 1, newest));
  std::map<int64_t, std::vector<int64_t>> counted;
  for (const storage::TaskRecord& task : tasks) {
    if (task.outcome == Outcome::kCounted) counted[task.round].push_back(task.task_id);
  }
  for (const auto& [round, task_ids] : counted) kept_updates_.Add(round, task_ids);
  return OkStatus();
}

// The round goes on in the phase in which it was left. Sites that had a task count as connected
// until their grace has passed: they are on their way back.
void Run::RestoreRound(const storage::RoundRecord& record, std::vector<storage::TaskRecord> tasks) {
  spec_ = program_->Next(history_);
  SKERRY_CHECK(spec_ && spec_->round == record.round);
  TakeLayout();
  round_ = record;
  for (storage::TaskRecord& task : tasks) {
    const auto place = PlaceOf(task.site);
    if (!place || task.outcome != Outcome::kNone) continue;
    TaskSlot& slot = slots_[*place];  // of several attempts' tasks, the newest is last
    const auto header = std::make_shared<v1::ResultHeader>();
    header->ParseFromString(task.header);
    slot.header = header;
    slot.last_advance = host_.Now();
    slot.record() = std::move(task);
  }
  policy_ = PolicyFor(*spec_);
  state_ = RoundState{};
  state_.round = record.round;
  state_.attempt = record.attempt;
  for (const Phase phase :
       {Phase::kSelecting, Phase::kTraining, Phase::kFinalizing, Phase::kAbandoned}) {
    if (record.phase == Name(phase)) state_.phase = phase;
  }
  state_.elapsed = record.elapsed;
  state_.phase_elapsed = record.phase_elapsed;
  state_.clock = host_.Now();
  state_.seats = SeatsNow();
  if (policy_.buffer > 0) state_.arrivals = ReportedNow();
  for (const Seat seat : state_.seats) ++state_.num_in_seat[static_cast<std::size_t>(seat)];
  OfferOpenTasks();
  if (paused()) {
    // A task failure waits for a person; anything else for sites.
    resumes_itself_ = record_.reason.starts_with("quorum_lost");
    return;
  }
  if (state_.phase == Phase::kAbandoned) return BeginAttempt(state_.attempt + 1, SeatsNow());
  last_persisted_ = host_.Now();
  for (const Effect& effect : EffectsOf(state_, policy_)) {
    std::visit([this](const auto& e) { Do(e); }, effect);
  }
  // In an asynchronous round somebody may be ready for a task.
  const bool training = state_.phase == Phase::kTraining && policy_.buffer > 0;
  if (state_.phase == Phase::kSelecting || training) Feed(TimePassed{});
}

// Whatever the phase: sites go on with what they have while a run is paused, and while the next
// attempt waits for others.
void Run::OfferOpenTasks() {
  for (const auto& [place, slot] : slots_) {
    const TaskState state = slot.record().state;
    const bool open = state == TaskState::kOffered || state == TaskState::kTaken;
    if (open) host_.OfferTask(*this, place, slot.record().task_id);
  }
}

}  // namespace skerry::coordinator
