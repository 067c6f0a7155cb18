#include <algorithm>
#include <utility>

#include "base/failpoint.h"
#include "coordinator/chain_hash.h"
#include "coordinator/run.h"
#include "coordinator/views.h"

namespace skerry::coordinator {
namespace {

using storage::Outcome;
using storage::RunState;
using storage::TaskState;

}  // namespace

void Run::Do(const Finalize& effect) { StartFinalize(effect.counted); }

void Run::StartFinalize(const std::vector<int32_t>& counted) {
  FinalizeInput input;
  input.run_id = record_.run_id;
  input.program = program_;
  input.spec = *spec_;
  input.num_sites = static_cast<int64_t>(record_.sites.size());
  input.base = base_;
  if (!metadata_) metadata_.emplace(plan_.spec);
  input.metadata = metadata_->Of(spec_->round);
  for (const int32_t place : counted) {
    const TaskSlot& slot = slots_.at(place);
    input.results.push_back(
        {slot.record().site, slot.record().task_id, slot.header, nullptr, {}, {}});
    if (StalenessOf(slot.record()) > 0) input.results.back().base = BaseOf(slot);
  }
  counted_ = counted;
  host_.StartFinalize(*this, ++ticket_, std::move(input));
}

void Run::OnFinalized(int64_t ticket, Result<FinalizeOutput> output) {
  const bool expected = initializing_ || state_.phase == Phase::kFinalizing;
  if (ticket != ticket_ || !expected || ended()) return;
  if (output.status().code() == Code::kResourceExhausted) return WaitForRoom(output.status());
  if (!output.ok()) {
    const Status status = std::move(output).status();
    const bool initializing = std::exchange(initializing_, false);
    round_.reason = status.message();
    Note("step_failed", status.ToString());
    if (!initializing) Feed(StepFailed{});
    if (status.code() == Code::kFailedPrecondition) return End(RunState::kFailed, status.message());
    return Pause(status.message(), status.hint(), false);
  }
  // No other pause begins while the model is made: see OnDataLost.
  if (paused() && record_.reason.starts_with(kDiskFull)) {
    Note("run_resumed", "there is room on the disk again");
    Unpause();
  }
  if (output->lost_base) {
    return OnBaseLost(counted_[output->lost_base->result], output->lost_base->status);
  }
  if (!output->damaged.empty()) {
    const std::vector<int32_t> counted = counted_;
    for (const std::size_t i : output->damaged) {
      Note("result_damaged", "its result is asked for again",
           record_.sites[static_cast<std::size_t>(counted[i])]);
      Feed(UpdateLost{counted[i]});
      // It may have gone since it reported: then it is waited for as a lost site.
      if (!host_.IsConnected(record_.sites[static_cast<std::size_t>(counted[i])])) {
        Feed(SiteAway{counted[i]});
      }
    }
    return CatchUp();
  }
  SKERRY_FAILPOINT("coordinator/finalized");
  finalized_ = *std::move(output);
  if (initializing_) return Do(Commit{});
  Feed(ModelReady{});
}

// The round is open again. What came while the model was made has no seat yet.
void Run::CatchUp() {
  std::vector<Event> missed;
  for (const int32_t place : ReportedNow()) missed.emplace_back(SiteReported{place});
  for (const auto& [place, slot] : slots_) {
    if (slot.record().state == TaskState::kFailed) missed.emplace_back(TaskFailed{place});
  }
  for (const Event& event : missed) {
    if (state_.phase == Phase::kTraining) Feed(event);
  }
}

void Run::Do(const Commit& /*effect*/) {
  round_.phase = Name(Phase::kCommitted);
  round_.ended = host_.WallNow();
  round_.elapsed = state_.elapsed;
  std::vector<std::string> sites;
  for (const int32_t place : counted_) {
    sites.push_back(record_.sites[static_cast<std::size_t>(place)]);
  }
  round_.metrics = SerializeRound(finalized_->metrics, sites, finalized_->treatments);
  if (finalized_->model) {
    base_ = finalized_->model;
    round_.model_version = base_->version;
    round_.model_hash = base_->model_hash;
    round_.model_size_bytes = base_->model_size_bytes;
    round_.state_hash = base_->state_hash;
    round_.state_size_bytes = base_->state_size_bytes;
    record_.model_version = base_->version;
    if (plan_.spec.training().has_async()) versions_[base_->version] = *base_;
    if (!finalized_->small_model.empty()) {
      host_.Stage(storage::SmallVersion{record_.run_id, base_->version,
                                        std::move(finalized_->small_model),
                                        std::move(finalized_->small_state)});
    }
  }
  std::vector<const storage::TaskRecord*> counted;
  for (const int32_t place : counted_) counted.push_back(&slots_.at(place).record());
  chain_hash_ = ChainHash(chain_hash_, round_, counted);
  round_.chain_hash = chain_hash_;
  host_.Stage(round_);
  last_summary_ = Summarize(round_, {});
  if (std::exchange(initializing_, false)) {
    kept_versions_.Update(scores_, base_->version);
    Note("model_initialized", "version 0");
    StageRun();
    return BeginNextRound();
  }
  if (track_ != nullptr) {
    for (const int32_t place : counted_)
      NoteTrack(slots_.at(place).record(), *slots_.at(place).header);
  }
  CloseTasks(counted_);
  NoteAbsences(counted_);
  Note(storage::kRoundCommitted, std::to_string(counted_.size()) + " results");
  ++record_.rounds_committed;
  StageRun();
  RememberScore(plan_.spec, round_.base_version, finalized_->metrics, scores_);
  Remember({spec_->round, std::move(finalized_->metrics)});
  SKERRY_FAILPOINT("coordinator/round-staged");
  RemoveOldFiles();
  RemoveOldRounds();
  finalized_.reset();
  BeginNextRound();
}

// Every task of the round gets its outcome: the counted ones, and those that came too late or not
// at all.
void Run::CloseTasks(const std::vector<int32_t>& counted) {
  std::vector<int64_t> unused;
  for (auto& [place, slot] : slots_) {
    const bool was_counted = std::binary_search(counted.begin(), counted.end(), place);
    if (!was_counted && GoesOn(slot)) continue;
    storage::TaskRecord& task = slot.record();
    if (task.state == TaskState::kFailed) {  // the site said so itself
      host_.ForgetTask(task.task_id);
      continue;
    }
    task.outcome = was_counted ? Outcome::kCounted : Outcome::kDiscarded;
    if (!was_counted) {
      unused.push_back(task.task_id);
      task.outcome_reason = WhyNotCounted(slot);
      if (task.state != TaskState::kReported) {
        const bool lost = state_.seats[static_cast<std::size_t>(place)] == Seat::kLost;
        task.state = lost ? TaskState::kLost : TaskState::kLate;
        task.reason = lost ? "the connection was lost" : "not finished in time";
      }
    }
    host_.StageTask(slot.row);
    host_.WithdrawTask(task.site, task.task_id);
    host_.TellOutcome(slot.row);
  }
  host_.RemoveResults(std::move(unused));
}

// A committed round that lacked a site makes the run a degraded one, and the run's reason says
// whom.
void Run::NoteAbsences(const std::vector<int32_t>& counted) {
  if (replay_ != nullptr || IsAsynchronous(*spec_)) return;  // there nobody is due
  const auto look_at = [&](int32_t place) {
    if (std::binary_search(counted.begin(), counted.end(), place)) return;
    ++record_.rounds_lacked[record_.sites[static_cast<std::size_t>(place)]];
    record_.degraded = true;
  };
  if (!contract_.draws) {
    const auto num_sites = static_cast<int32_t>(record_.sites.size());
    for (int32_t place = 0; place < num_sites; ++place) look_at(place);
  } else {
    for (const auto& [place, slot] : slots_) look_at(place);
  }
}

void Run::NoteTrack(const storage::TaskRecord& task, const v1::ResultHeader& header) {
  const std::optional<int32_t> place = PlaceOf(task.site);
  if (!place) return;
  const auto loss = header.scalars().find("train_loss");
  constexpr double kMillis = 1000;
  track_->NoteCounted(
      static_cast<std::size_t>(*place), task.round, header.num_examples(),
      loss == header.scalars().end() ? std::nullopt : std::optional(loss->second),
      static_cast<double>(task.reported.unix_millis - task.taken.unix_millis) / kMillis);
}

void Run::Remember(learning::RoundOutcome outcome) {
  history_.push_back(std::move(outcome));
  if (history_.size() > program_->rounds_looked_at()) history_.erase(history_.begin());
}

void Run::RemoveOldFiles() {
  std::vector<int64_t> counted;
  for (const int32_t place : counted_) counted.push_back(slots_.at(place).record().task_id);
  const std::vector<int64_t> gone = kept_updates_.Add(spec_->round, counted);
  std::erase_if(counted, [&gone](int64_t task_id) {
    return std::find(gone.begin(), gone.end(), task_id) != gone.end();
  });
  host_.KeepResults(std::move(counted));
  host_.RemoveResults(gone);
  host_.RemoveVersions(record_.run_id, kept_versions_.Update(scores_, base_->version));
  ForgetOldVersions();
  ForgetScores(kept_versions_.versions(), scores_);
}

// [keep] history_rounds: now and then, and then many at once.
void Run::RemoveOldRounds() {
  const std::optional<int64_t> before = FirstKeptRound(plan_.keep, spec_->round);
  if (!before) return;
  storage::RemoveHistory removal{record_.run_id, {}, *before};
  for (const int64_t version : kept_versions_.versions()) {
    removal.kept_rounds.insert({version, version + 1});  // made it, measured it
  }
  host_.Stage(std::move(removal));
}

void Run::Do(const Abandon& /*effect*/) {
  if (round_.reason.empty()) round_.reason = AbandonReason();
  StageRound();
  Note("round_abandoned", round_.reason);
  switch (state_.cause) {
    case Cause::kTooFewReady:
    case Cause::kQuorumLost:
      return Pause("quorum_lost: " + round_.reason,
                   "it goes on by itself when enough sites are back; or: skerry run resume " +
                       record_.run_id,
                   true);
    case Cause::kQuorumImpossible:
      return Pause("tasks_failed: " + round_.reason,
                   "mend what failed, then: skerry run resume " + record_.run_id +
                       "; or, if the run file is at fault, stop it, and submit a corrected one",
                   false);
    default:
      return;  // Stop and OnFinalized say what becomes of the run
  }
}

}  // namespace skerry::coordinator
