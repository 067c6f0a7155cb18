#include <algorithm>

#include "base/failpoint.h"
#include "base/text.h"
#include "coordinator/run.h"
#include "rpc/chunks.h"

namespace skerry::coordinator {
namespace {

using storage::RunState;
using storage::TaskState;

// How often the time that a round has used up is written down while nothing else happens.
constexpr Duration kPersistEvery = 5s;

std::string KindName(v1::TaskKind kind) {
  std::string name = v1::TaskKind_Name(kind);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return name;
}

Seat SeatOf(TaskState state) {
  switch (state) {
    case TaskState::kReported:
      return Seat::kReported;
    case TaskState::kFailed:
      return Seat::kFailed;
    default:
      return Seat::kInvited;
  }
}

}  // namespace

void Run::BeginNextRound() {
  spec_ = program_->Next(history_);
  TakeOverTasks();
  if (!spec_) return FinishRun();
  if (replay_ != nullptr && !replay_->contains(spec_->round)) {
    return End(RunState::kStopped, "the history ends before round " + std::to_string(spec_->round));
  }
  round_ = storage::RoundRecord{};
  round_.run_id = record_.run_id;
  if (spec_->needs_model && !base_) {
    // The version that round 1 trains from. It is made like any other, of no results.
    initializing_ = true;
    spec_ = learning::RoundSpec{};
    spec_->needs_model = false;
    round_.kind = "initialize";
    round_.started = host_.WallNow();
    return StartFinalize({});
  }
  TakeLayout();
  policy_ = PolicyFor(*spec_);
  BeginAttempt(1, SeatsNow());
}

void Run::TakeLayout() {
  shared_task_.reset();
  layout_proto_ = spec_->result_layout.ToProto();
  layout_hash_ = rpc::LayoutHash(spec_->result_layout);
}

void Run::BeginAttempt(int64_t attempt, std::vector<Seat> seats) {
  round_.round = spec_->round;
  round_.attempt = attempt;
  round_.kind = spec_->part.empty() ? KindName(spec_->kind) : spec_->part;
  round_.reason.clear();
  if (policy_.buffer > 0) round_.invited.clear();
  round_.base_version = spec_->needs_model ? base_->version : -1;
  round_.started = host_.WallNow();
  resumes_itself_ = false;
  if (paused()) Unpause();
  std::vector<int32_t> arrivals;
  if (policy_.buffer > 0) arrivals = ReportedNow();
  Take(BeginRound(spec_->round, attempt, std::move(seats), std::move(arrivals), policy_,
                  host_.Now()));
}

// Once: asking for each site of a large roster in each round would cost more than the round.
void Run::LookWhoIsConnected() {
  connected_.resize(record_.sites.size());
  for (std::size_t place = 0; place < connected_.size(); ++place) {
    connected_[place] = host_.IsConnected(record_.sites[place]);
  }
}

// Connected sites are ready; those with a task of an earlier attempt keep it.
std::vector<Seat> Run::SeatsNow() const {
  std::vector<Seat> seats(record_.sites.size());
  for (std::size_t place = 0; place < seats.size(); ++place) {
    seats[place] = connected_[place] ? Seat::kReady : Seat::kAway;
  }
  for (const auto& [at, slot] : slots_) {
    const auto place = static_cast<std::size_t>(at);
    seats[place] = SeatOf(slot.record().state);
    if (seats[place] == Seat::kInvited && !connected_[place]) seats[place] = Seat::kLost;
  }
  return seats;
}

RoundPolicy Run::PolicyFor(const learning::RoundSpec& spec) const {
  RoundPolicy policy;
  policy.min_sites = contract_.min_sites;
  policy.sites_per_round = contract_.sites_per_round;
  policy.quorum = contract_.quorum;
  policy.required = contract_.required;
  policy.join_wait = plan_.time.JoinWait();
  policy.round_deadline = plan_.time.round_deadline;
  policy.min_wait = history_.empty() ? Duration{0} : plan_.min_round;
  policy.seed = plan_.spec.seed();
  policy.selection = plan_.participation.selection;
  policy.probability = plan_.participation.probability;
  policy.candidates = plan_.participation.candidates > 0 ? plan_.participation.candidates
                                                         : 2 * contract_.sites_per_round;
  policy.track = track_;
  if (!DrawsFor(spec)) {
    policy.sites_per_round = static_cast<int64_t>(record_.sites.size());
    policy.selection = Selection::kRandom;
  }
  if (replay_ == nullptr) {
    if (IsAsynchronous(spec)) SetBuffer(spec, policy);
    return policy;
  }
  policy.only.emplace();
  policy.required.clear();
  if (const auto found = replay_->find(spec.round); found != replay_->end()) {
    for (const Participant& participant : found->second) {
      if (const auto place = PlaceOf(participant.site)) policy.only->push_back(*place);
    }
  }
  policy.quorum = static_cast<int64_t>(policy.only->size());
  return policy;
}

// What is told of all sites, the scale of inputs and how good the model is, is asked of all. It is
// small: models and updates come from as many sites as the disk was found to have room for.
bool Run::DrawsFor(const learning::RoundSpec& spec) const {
  if (spec.kind == v1::EVALUATE) return plan_.spec.evaluation().drawn_sites();
  return spec.kind != v1::STATISTICS;
}

// Sites come and go: only the first version waits for them to be there together. A replay is a
// round like others, in which each site begins with the version that it began with.
void Run::SetBuffer(const learning::RoundSpec& spec, RoundPolicy& policy) const {
  policy.buffer = contract_.buffer;
  policy.quorum = contract_.buffer;
  policy.awaited = Awaited();
  policy.required.clear();
  if (spec.round <= 1) return;
  policy.min_sites = 0;
  policy.join_wait = Duration{0};
}

void Run::Feed(const Event& event) {
  Take(Advance(std::move(state_), policy_, event, host_.Now()));
}

void Run::Take(Transition transition) {
  const Phase before = state_.phase;
  const bool fresh = round_.phase.empty();
  state_ = std::move(transition.state);
  if (state_.phase == Phase::kTraining && record_.state != RunState::kRunning) {
    record_.state = RunState::kRunning;
    record_.reason.clear();
    record_.hint.clear();
    StageRun();
  }
  if (fresh || state_.phase != before) StageRound();
  ++change_;
  for (const Effect& effect : transition.effects) {
    std::visit([this](const auto& e) { Do(e); }, effect);
  }
}

void Run::Do(const Invite& effect) {
  for (const int32_t place : effect.sites) OfferTask(place);
  NoteInvited(effect.sites);
  StageRound();
}

// Everybody with a task, in bytewise order. In an asynchronous round sites come one by one.
void Run::NoteInvited(const std::vector<int32_t>& places) {
  std::vector<std::string>& invited = round_.invited;
  const auto add = [&](int32_t place) {
    invited.push_back(record_.sites[static_cast<std::size_t>(place)]);
  };
  if (policy_.buffer == 0) invited.clear();
  const auto known = static_cast<std::ptrdiff_t>(invited.size());
  if (known == 0) {
    for (const auto& [place, slot] : slots_) add(place);
  } else {
    for (const int32_t place : places) add(place);
  }
  std::sort(invited.begin() + known, invited.end());
  std::inplace_merge(invited.begin(), invited.begin() + known, invited.end());
  invited.erase(std::unique(invited.begin(), invited.end()), invited.end());
}

void Run::OfferTask(int32_t place) {
  auto [found, is_new] = slots_.try_emplace(place);
  TaskSlot& slot = found->second;
  slot.last_advance = host_.Now();
  if (is_new) {
    slot.record().task_id = host_.NewTaskId();
    slot.record().run_id = record_.run_id;
    slot.record().round = spec_->round;
    slot.record().attempt = state_.attempt;
    slot.record().site = record_.sites[static_cast<std::size_t>(place)];
    slot.record().base_version = BaseFor(place);
    host_.StageTask(slot.row);
  }
  SKERRY_FAILPOINT("coordinator/task-offered");
  host_.OfferTask(*this, place, slot.record().task_id);
}

void Run::Do(const AskResend& effect) {
  TaskSlot* slot = MutableSlot(effect.site);
  SKERRY_CHECK(slot != nullptr);
  slot->record().state = TaskState::kTaken;
  slot->last_advance = host_.Now();
  host_.StageTask(slot->row);
  host_.OfferTask(*this, effect.site, slot->record().task_id);
  host_.AskResend(slot->record().site, slot->record().task_id);
}

// ---- Time --------------------------------------------------------------------------------------

std::optional<Timestamp> Run::NextDue() const {
  if (ended()) return std::nullopt;
  if (look_for_room_at_) return look_for_room_at_;
  if (paused() || initializing_ || IsFinal(state_.phase)) return std::nullopt;
  std::optional<Timestamp> due;
  const auto consider = [&](Timestamp t) { due = due ? std::min(*due, t) : t; };
  if (const auto wait = UntilTimePasses(state_, policy_)) consider(state_.clock + *wait);
  if (state_.phase == Phase::kTraining || state_.phase == Phase::kSelecting) {
    consider(last_persisted_ + kPersistEvery);
  }
  return due;
}

void Run::OnTime() {
  if (ended()) return;
  if (look_for_room_at_) {
    look_for_room_at_.reset();
    return StartFinalize(counted_);
  }
  if (paused() || initializing_) return;
  if (state_.phase == Phase::kTraining) LookForStalledTasks();
  if (ended() || paused()) return;
  Feed(TimePassed{});
  const bool waiting = state_.phase == Phase::kTraining || state_.phase == Phase::kSelecting;
  if (waiting && host_.Now() - last_persisted_ >= kPersistEvery) StageRound();
}

void Run::LookForStalledTasks() {
  std::vector<int32_t> stalled;
  for (const auto& [place, slot] : slots_) {
    const bool working = slot.record().state == TaskState::kTaken &&
                         state_.seats[static_cast<std::size_t>(place)] == Seat::kInvited;
    if (working && host_.Now() - slot.last_advance >= plan_.time.no_progress)
      stalled.push_back(place);
  }
  std::sort(stalled.begin(), stalled.end());
  for (const int32_t place : stalled) {
    OnFailed(place, DeadlineExceeded("no progress for " + FormatDuration(plan_.time.no_progress))
                        .WithHint("[time] no_progress sets how long a task may stand still"));
    if (ended() || paused()) return;
  }
}

}  // namespace skerry::coordinator
