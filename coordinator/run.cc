#include "coordinator/run.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/text.h"
#include "coordinator/retention.h"
#include "coordinator/views.h"
#include "crypto/sha256.h"
#include "rpc/chunks.h"

namespace skerry::coordinator {
namespace {

using storage::Outcome;
using storage::RunState;
using storage::TaskState;

// How often the time that a round has used up is written down while nothing else happens.
constexpr Duration kPersistEvery = 5s;

// What a model file says about itself: nothing that differs between two executions with equal results.
storage::Metadata ModelMetadata(const v1::RunSpec& spec, int64_t round) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  SKERRY_CHECK(google::protobuf::util::MessageToJsonString(spec, &json, options).ok());
  return {{"format", "skerry model 1"},
          {"run", spec.name()},
          {"round", std::to_string(round)},
          {"run_spec", std::move(json)}};
}

std::string KindName(v1::TaskKind kind) {
  std::string name = v1::TaskKind_Name(kind);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
  return name;
}

// Links a round to the one before it: base, new model, and who counted with what.
std::string ChainHash(std::string_view before, const storage::RoundRecord& round,
                      const std::vector<const storage::TaskRecord*>& counted) {
  crypto::Sha256Stream stream;
  stream.Update("skerry chain 1");
  stream.Update(before);
  stream.Update(round.run_id + " " + std::to_string(round.round) + " " + round.kind + " " +
                std::to_string(round.base_version) + " " + std::to_string(round.model_version) + " ");
  stream.Update(round.model_hash.view());
  stream.Update(round.state_hash.view());
  for (const storage::TaskRecord* task : counted) {
    stream.Update(task->site + " " + std::to_string(task->task_id) + " " +
                  std::to_string(task->num_examples) + " ");
    stream.Update(task->content_hash.view());
  }
  return std::string(std::move(stream).Finish().view());
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

Result<std::unique_ptr<Run>> Run::Create(RunHost& host, RunPlan plan, storage::RunRecord record,
                                         std::unique_ptr<Participants> replay) {
  SKERRY_ASSIGN_OR_RETURN(const Contract contract, MakeContract(plan.participation, record.sites));
  SKERRY_ASSIGN_OR_RETURN(auto program, learning::MakeTrainingProgram(plan.spec));
  return std::unique_ptr<Run>(new Run(host, std::move(plan), std::move(record), std::move(program),
                                      contract, std::move(replay)));
}

Run::Run(RunHost& host, RunPlan plan, storage::RunRecord record,
         std::shared_ptr<const learning::Program> program, Contract contract,
         std::unique_ptr<Participants> replay)
    : host_(host),
      plan_(std::move(plan)),
      spec_bytes_(plan_.spec.SerializeAsString()),
      spec_sha256_(crypto::Sha256(spec_bytes_).view()),
      program_(std::move(program)),
      contract_(std::move(contract)),
      replay_(std::move(replay)),
      record_(std::move(record)),
      change_(static_cast<uint64_t>(host.WallNow().unix_millis)) {}

void Run::Start() {
  StageRun();
  Note("run_submitted", std::to_string(record_.sites.size()) + " sites in the roster");
  BeginNextRound();
}

// ---- Rounds -----------------------------------------------------------------------------------------

void Run::BeginNextRound() {
  spec_ = program_->Next(history_);
  if (!spec_) return FinishRun();
  round_ = storage::RoundRecord{};
  round_.run_id = record_.run_id;
  slots_.clear();
  if (spec_->needs_model && !base_) {
    // The version that round 1 trains from. It is made like any other, of no results.
    initializing_ = true;
    spec_ = learning::RoundSpec{};
    spec_->needs_model = false;
    round_.kind = "initialize";
    round_.started = host_.WallNow();
    return StartFinalize({});
  }
  layout_proto_ = spec_->result_layout.ToProto();
  policy_ = PolicyFor(*spec_);
  BeginAttempt(1, SeatsNow());
}

void Run::BeginAttempt(int64_t attempt, std::vector<Seat> seats) {
  round_.round = spec_->round;
  round_.attempt = attempt;
  round_.kind = KindName(spec_->kind);
  round_.reason.clear();
  round_.base_version = spec_->needs_model ? base_->version : -1;
  round_.started = host_.WallNow();
  resumes_itself_ = false;
  if (paused()) {
    record_.state = RunState::kRunning;
    record_.reason.clear();
    record_.hint.clear();
    StageRun();
  }
  Take(BeginRound(spec_->round, attempt, std::move(seats), policy_, host_.Now()));
}

// Connected sites are ready; those with a task of an earlier attempt keep it.
std::vector<Seat> Run::SeatsNow() const {
  std::vector<Seat> seats(record_.sites.size());
  for (std::size_t place = 0; place < seats.size(); ++place) {
    const bool connected = host_.IsConnected(record_.sites[place]);
    seats[place] = connected ? Seat::kReady : Seat::kAway;
    const auto found = slots_.find(static_cast<int32_t>(place));
    if (found == slots_.end()) continue;
    seats[place] = SeatOf(found->second.record.state);
    if (seats[place] == Seat::kInvited && !connected) seats[place] = Seat::kLost;
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
  if (replay_ == nullptr) return policy;
  policy.only.emplace();
  policy.required.clear();
  if (const auto found = replay_->find(spec.round); found != replay_->end()) {
    for (const std::string& site : found->second) {
      if (const auto place = PlaceOf(site)) policy.only->push_back(*place);
    }
  }
  policy.quorum = static_cast<int64_t>(policy.only->size());
  return policy;
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
  round_.invited.clear();
  for (const int32_t place : effect.sites) OfferTask(place);
  for (const auto& [place, slot] : slots_) {
    round_.invited.push_back(record_.sites[static_cast<std::size_t>(place)]);
  }
  std::sort(round_.invited.begin(), round_.invited.end());
  StageRound();
}

void Run::OfferTask(int32_t place) {
  auto [found, is_new] = slots_.try_emplace(place);
  TaskSlot& slot = found->second;
  slot.last_advance = host_.Now();
  if (is_new) {
    slot.record.task_id = host_.NewTaskId();
    slot.record.run_id = record_.run_id;
    slot.record.round = spec_->round;
    slot.record.attempt = state_.attempt;
    slot.record.site = record_.sites[static_cast<std::size_t>(place)];
    host_.Stage(slot.record);
  }
  host_.OfferTask(*this, place, slot.record.task_id);
}

void Run::Do(const AskResend& effect) {
  TaskSlot* slot = MutableSlot(effect.site);
  SKERRY_CHECK(slot != nullptr);
  slot->record.state = TaskState::kTaken;
  slot->last_advance = host_.Now();
  host_.Stage(slot->record);
  host_.OfferTask(*this, effect.site, slot->record.task_id);
  host_.AskResend(slot->record.site, slot->record.task_id);
}

void Run::Do(const Finalize& effect) { StartFinalize(effect.counted); }

void Run::StartFinalize(const std::vector<int32_t>& counted) {
  FinalizeInput input;
  input.run_id = record_.run_id;
  input.program = program_;
  input.spec = *spec_;
  input.base = base_;
  input.metadata = ModelMetadata(plan_.spec, spec_->round);
  for (const int32_t place : counted) {
    const TaskSlot& slot = slots_.at(place);
    input.results.push_back({slot.record.site, slot.record.task_id, slot.header,
                             slot.from_earlier_process, nullptr});
  }
  counted_ = counted;
  host_.StartFinalize(*this, ++ticket_, std::move(input));
}

void Run::OnFinalized(int64_t ticket, Result<FinalizeOutput> output) {
  const bool expected = initializing_ || state_.phase == Phase::kFinalizing;
  if (ticket != ticket_ || !expected || ended()) return;
  if (!output.ok()) {
    const Status status = std::move(output).status();
    const bool initializing = std::exchange(initializing_, false);
    round_.reason = status.message();
    Note("step_failed", status.ToString());
    if (!initializing) Feed(StepFailed{});
    if (status.code() == Code::kFailedPrecondition) return End(RunState::kFailed, status.message());
    return Pause(status.message(), status.hint(), false);
  }
  if (!output->damaged.empty()) {
    const std::vector<int32_t> counted = counted_;
    for (const std::size_t i : output->damaged) {
      Note("result_damaged", "its result is asked for again",
           record_.sites[static_cast<std::size_t>(counted[i])]);
      Feed(UpdateLost{counted[i]});
    }
    return;
  }
  finalized_ = *std::move(output);
  if (initializing_) return Do(Commit{});
  Feed(ModelReady{});
}

void Run::Do(const Commit& /*effect*/) {
  round_.phase = Name(Phase::kCommitted);
  round_.ended = host_.WallNow();
  round_.elapsed = state_.elapsed;
  round_.metrics = SerializeMetrics(finalized_->metrics);
  if (finalized_->model) {
    base_ = finalized_->model;
    round_.model_version = base_->version;
    round_.model_hash = base_->model_hash;
    round_.model_size_bytes = base_->model_size_bytes;
    round_.state_hash = base_->state_hash;
    round_.state_size_bytes = base_->state_size_bytes;
    record_.model_version = base_->version;
  }
  std::vector<const storage::TaskRecord*> counted;
  for (const int32_t place : counted_) counted.push_back(&slots_.at(place).record);
  chain_hash_ = ChainHash(chain_hash_, round_, counted);
  round_.chain_hash = chain_hash_;
  host_.Stage(round_);
  last_summary_ = Summarize(round_, {});
  if (std::exchange(initializing_, false)) {
    Note("model_initialized", "version 0");
    StageRun();
    return BeginNextRound();
  }
  CloseTasks(counted_);
  NoteAbsences(counted_);
  Note("round_committed", std::to_string(counted_.size()) + " results");
  ++record_.rounds_committed;
  StageRun();
  RememberScore(plan_.spec, round_.base_version, finalized_->metrics, scores_);
  history_.push_back({spec_->round, std::move(finalized_->metrics)});
  RemoveOldFiles();
  finalized_.reset();
  BeginNextRound();
}

// Every task of the round gets its outcome: the counted ones, and those that came too late or not at all.
void Run::CloseTasks(const std::vector<int32_t>& counted) {
  for (auto& [place, slot] : slots_) {
    const bool was_counted = std::binary_search(counted.begin(), counted.end(), place);
    storage::TaskRecord& task = slot.record;
    if (task.state == TaskState::kFailed) continue;  // the site said so itself
    task.outcome = was_counted ? Outcome::kCounted : Outcome::kDiscarded;
    if (!was_counted) {
      task.outcome_reason = ended() ? "the run is " + std::string(Name(record_.state))
                                    : "round " + std::to_string(task.round) + " closed without it";
      if (task.state != TaskState::kReported) {
        const bool lost = state_.seats[static_cast<std::size_t>(place)] == Seat::kLost;
        task.state = lost ? TaskState::kLost : TaskState::kLate;
        task.reason = lost ? "the connection was lost" : "not finished in time";
      }
    }
    host_.Stage(task);
    host_.WithdrawTask(task.site, task.task_id);
    host_.TellOutcome(task);
  }
}

// A committed round that lacked a site makes the run a degraded one, and the run's reason says whom.
void Run::NoteAbsences(const std::vector<int32_t>& counted) {
  if (replay_ != nullptr) return;
  const bool everybody = contract_.sites_per_round == static_cast<int64_t>(record_.sites.size());
  bool lacked = false;
  for (std::size_t place = 0; place < record_.sites.size(); ++place) {
    const bool expected = everybody || slots_.contains(static_cast<int32_t>(place));
    if (!expected || std::binary_search(counted.begin(), counted.end(), static_cast<int32_t>(place))) {
      continue;
    }
    ++record_.rounds_lacked[record_.sites[place]];
    lacked = true;
  }
  if (lacked) record_.degraded = true;
}

void Run::RemoveOldFiles() {
  std::vector<int64_t> results;
  if (plan_.keep.updates == 0) {
    for (const auto& [place, slot] : slots_) results.push_back(slot.record.task_id);
  }
  host_.RemoveResults(std::move(results));
  host_.RemoveVersions(record_.run_id, VersionsToDrop(plan_.keep, scores_, base_->version));
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
                   "mend what failed, then: skerry run resume " + record_.run_id, false);
    default:
      return;  // Stop and OnFinalized say what becomes of the run
  }
}

std::string Run::AbandonReason() const {
  const std::string needed = std::to_string(contract_.quorum);
  switch (state_.cause) {
    case Cause::kTooFewReady:
      return "only " + std::to_string(state_.Count(Seat::kReady)) + " of " +
             std::to_string(record_.sites.size()) + " sites were ready within " +
             FormatDuration(policy_.round_deadline) + "; min_sites is " +
             std::to_string(contract_.min_sites) + "; away: " + NamesOf(SitesIn(state_, Seat::kAway));
    case Cause::kQuorumLost: {
      std::vector<int32_t> absent = SitesIn(state_, Seat::kLost);
      const std::vector<int32_t> slow = SitesIn(state_, Seat::kInvited);
      absent.insert(absent.end(), slow.begin(), slow.end());
      return std::to_string(state_.Count(Seat::kReported)) + " results within " +
             FormatDuration(policy_.round_deadline) + "; quorum is " + needed + "; missing: " +
             NamesOf(absent);
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

void Run::FinishRun() {
  if (!record_.degraded) return End(RunState::kCompleted, "");
  std::vector<std::string> parts;
  for (const auto& [site, rounds] : record_.rounds_lacked) {
    parts.push_back(site + " in " + std::to_string(rounds));
  }
  End(RunState::kCompletedDegraded, "rounds closed without " + Join(parts, ", "));
}

void Run::End(RunState state, const std::string& reason) {
  record_.state = state;
  record_.reason = reason;
  record_.hint.clear();
  record_.ended = host_.WallNow();
  if (state != RunState::kCompleted && state != RunState::kCompletedDegraded) CloseTasks({});
  StageRun();
  Note("run_" + std::string(Name(state)), reason);
  ++change_;
  host_.RunEnded(*this);
}

void Run::Pause(const std::string& reason, const std::string& hint, bool resumes_itself) {
  record_.state = RunState::kPaused;
  record_.reason = reason;
  record_.hint = hint;
  resumes_itself_ = resumes_itself;
  StageRun();
  Note("run_paused", reason);
  ++change_;
}

// A pause for want of sites ends when they are back: enough of them, and all that are required.
void Run::MaybeResume() {
  if (!paused() || !resumes_itself_) return;
  const std::vector<Seat> seats = SeatsNow();
  int64_t there = 0;
  for (std::size_t place = 0; place < seats.size(); ++place) {
    const bool here = seats[place] == Seat::kReady || seats[place] == Seat::kInvited ||
                      seats[place] == Seat::kReported;
    if (!here && contract_.required[place]) return;
    if (here) ++there;
  }
  if (there < std::max(contract_.min_sites, contract_.quorum)) return;
  Note("run_resumed", "enough sites are back");
  BeginAttempt(state_.attempt + 1, seats);
}

Status Run::Stop() {
  if (ended()) {
    return FailedPrecondition("run " + record_.run_id + " has ended: " +
                              std::string(Name(record_.state)));
  }
  if (!initializing_ && spec_) Feed(coordinator::Stop{});
  initializing_ = false;
  End(RunState::kStopped, "stopped by an operator");
  return OkStatus();
}

Status Run::Resume() {
  if (!paused()) {
    return FailedPrecondition("run " + record_.run_id + " is not paused but " +
                              std::string(Name(record_.state)));
  }
  if (base_) SKERRY_RETURN_IF_ERROR(host_.VerifyVersion(record_.run_id, *base_));
  Note("run_resumed", "by an operator");
  std::erase_if(slots_, [](const auto& entry) {
    return entry.second.record.state == TaskState::kFailed;
  });
  if (!spec_ || round_.kind == "initialize") {
    record_.state = RunState::kPending;
    record_.reason.clear();
    record_.hint.clear();
    StageRun();
    BeginNextRound();
  } else {
    BeginAttempt(state_.attempt + 1, SeatsNow());
  }
  return OkStatus();
}

// ---- Sites and their tasks --------------------------------------------------------------------------

void Run::OnSiteConnected(int32_t place) {
  if (ended() || initializing_) return;
  if (paused()) return MaybeResume();
  if (TaskSlot* slot = MutableSlot(place)) slot->last_advance = host_.Now();
  Feed(SiteReady{place});
}

void Run::OnSiteLost(int32_t place) {
  if (ended() || initializing_ || paused()) return;
  if (FindSlot(place) != nullptr) {
    Note("site_lost", "no sign of life", record_.sites[static_cast<std::size_t>(place)]);
  }
  Feed(SiteAway{place});
}

void Run::OnTaken(int32_t place) {
  TaskSlot* slot = MutableSlot(place);
  if (slot == nullptr || slot->record.state != TaskState::kOffered) return;
  slot->record.state = TaskState::kTaken;
  slot->record.taken = host_.WallNow();
  slot->last_advance = host_.Now();
  host_.Stage(slot->record);
  ++change_;
}

void Run::OnProgress(int32_t place, const v1::Progress& progress) {
  TaskSlot* slot = MutableSlot(place);
  if (slot == nullptr || slot->record.task_id != progress.task_id()) return;
  const bool advanced =
      progress.stage() != slot->progress.stage() || progress.done() != slot->progress.done();
  slot->progress = progress;
  if (!advanced) return;
  slot->last_advance = host_.Now();
  ++change_;
}

void Run::OnReported(int32_t place, const v1::ResultHeader& header,
                     const std::vector<learning::Metric>& metrics) {
  TaskSlot* slot = MutableSlot(place);
  SKERRY_CHECK(slot != nullptr);
  slot->header = header;
  slot->from_earlier_process = false;
  slot->record.state = TaskState::kReported;
  slot->record.reason.clear();
  slot->record.reported = host_.WallNow();
  const Result<crypto::Digest> hash = crypto::Digest::FromBytes(header.content_hash());
  SKERRY_CHECK(hash.ok());
  slot->record.content_hash = *hash;
  slot->record.size_bytes = header.size_bytes();
  slot->record.num_examples = header.num_examples();
  slot->record.header = header.SerializeAsString();
  slot->record.metrics = SerializeMetrics(metrics);
  host_.Stage(slot->record);
  host_.WithdrawTask(slot->record.site, slot->record.task_id);
  if (paused()) return MaybeResume();
  Feed(SiteReported{place});
}

void Run::OnFailed(int32_t place, const Status& reason) {
  TaskSlot* slot = MutableSlot(place);
  if (slot == nullptr || slot->record.state == TaskState::kReported ||
      slot->record.state == TaskState::kFailed) {
    return;
  }
  slot->record.state = TaskState::kFailed;
  slot->record.reason = reason.message();
  if (!reason.hint().empty()) slot->record.reason += " (" + reason.hint() + ")";
  host_.Stage(slot->record);
  host_.WithdrawTask(slot->record.site, slot->record.task_id);
  Note("task_failed", slot->record.reason, slot->record.site);
  if (!paused()) Feed(TaskFailed{place});
}

void Run::OnResultMissing(int32_t place) {
  TaskSlot* slot = MutableSlot(place);
  if (slot == nullptr || slot->record.state == TaskState::kFailed) return;
  if (slot->record.state == TaskState::kReported) Feed(UpdateLost{place});
}

// ---- Time -------------------------------------------------------------------------------------------

std::optional<Timestamp> Run::NextDue() const {
  if (ended() || paused() || initializing_ || IsFinal(state_.phase)) return std::nullopt;
  std::optional<Timestamp> due;
  const auto consider = [&](Timestamp t) { due = due ? std::min(*due, t) : t; };
  if (const auto wait = UntilTimePasses(state_, policy_)) consider(state_.clock + *wait);
  if (state_.phase == Phase::kTraining) {
    consider(last_persisted_ + kPersistEvery);
  }
  return due;
}

void Run::OnTime() {
  if (ended() || paused() || initializing_) return;
  if (state_.phase == Phase::kTraining) LookForStalledTasks();
  if (ended() || paused()) return;
  Feed(TimePassed{});
  const bool training = state_.phase == Phase::kTraining;
  if (training && host_.Now() - last_persisted_ >= kPersistEvery) StageRound();
}

void Run::LookForStalledTasks() {
  std::vector<int32_t> stalled;
  for (const auto& [place, slot] : slots_) {
    const bool working = slot.record.state == TaskState::kTaken &&
                         state_.seats[static_cast<std::size_t>(place)] == Seat::kInvited;
    if (working && host_.Now() - slot.last_advance >= plan_.time.no_progress) stalled.push_back(place);
  }
  std::sort(stalled.begin(), stalled.end());
  for (const int32_t place : stalled) {
    OnFailed(place, DeadlineExceeded("no progress for " + FormatDuration(plan_.time.no_progress))
                        .WithHint("[time] no_progress sets how long a task may stand still"));
    if (ended() || paused()) return;
  }
}

// ---- Journal ----------------------------------------------------------------------------------------

void Run::StageRun() { host_.Stage(record_); }

void Run::StageRound() {
  round_.phase = Name(state_.phase);
  round_.elapsed = state_.elapsed;
  round_.phase_elapsed = state_.phase_elapsed;
  if (IsFinal(state_.phase)) round_.ended = host_.WallNow();
  last_persisted_ = host_.Now();
  host_.Stage(round_);
}

void Run::Note(std::string code, std::string message, const std::string& site) {
  host_.Stage(storage::EventRecord{host_.WallNow(), record_.run_id, spec_ ? spec_->round : -1, site,
                                   std::move(code), std::move(message)});
}

Status Run::Restore(storage::JournalReader& journal) {
  SKERRY_ASSIGN_OR_RETURN(
      const std::vector<storage::RoundRecord> rounds,
      journal.Rounds(record_.run_id, ended() ? std::max<int64_t>(0, record_.rounds_committed - 2) : 0,
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
    }
    if (round.kind == "initialize") continue;
    std::vector<learning::Metric> metrics = ParseMetrics(round.metrics);
    RememberScore(plan_.spec, round.base_version, metrics, scores_);
    history_.push_back({round.round, std::move(metrics)});
    last_summary_ = Summarize(round, {});
  }
  if (ended()) return OkStatus();
  if (base_) {
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

// The round goes on in the phase in which it was left. Sites that had a task count as connected until
// their grace has passed: they are on their way back.
void Run::RestoreRound(const storage::RoundRecord& record, std::vector<storage::TaskRecord> tasks) {
  spec_ = program_->Next(history_);
  SKERRY_CHECK(spec_ && spec_->round == record.round);
  layout_proto_ = spec_->result_layout.ToProto();
  policy_ = PolicyFor(*spec_);
  round_ = record;
  for (storage::TaskRecord& task : tasks) {
    const auto place = PlaceOf(task.site);
    if (!place || task.outcome != Outcome::kNone) continue;
    TaskSlot& slot = slots_[*place];  // of several attempts' tasks, the newest is last
    slot.header.ParseFromString(task.header);
    slot.from_earlier_process = true;
    slot.last_advance = host_.Now();
    slot.record = std::move(task);
  }
  state_ = RoundState{};
  state_.round = record.round;
  state_.attempt = record.attempt;
  for (const Phase phase : {Phase::kSelecting, Phase::kTraining, Phase::kFinalizing, Phase::kAbandoned}) {
    if (record.phase == Name(phase)) state_.phase = phase;
  }
  state_.elapsed = record.elapsed;
  state_.phase_elapsed = record.phase_elapsed;
  state_.clock = host_.Now();
  state_.seats = SeatsNow();
  for (const Seat seat : state_.seats) ++state_.num_in_seat[static_cast<std::size_t>(seat)];
  if (paused()) {
    // A task failure waits for a person; anything else for sites.
    resumes_itself_ = record_.reason.starts_with("quorum_lost");
    return;
  }
  if (state_.phase == Phase::kAbandoned) return BeginAttempt(state_.attempt + 1, SeatsNow());
  last_persisted_ = host_.Now();
  for (const Effect& effect : EffectsOf(state_)) {
    std::visit([this](const auto& e) { Do(e); }, effect);
  }
  if (state_.phase == Phase::kSelecting) Feed(TimePassed{});
}

// ---- Views ------------------------------------------------------------------------------------------

std::optional<int32_t> Run::PlaceOf(const std::string& site) const {
  const auto found = std::lower_bound(record_.sites.begin(), record_.sites.end(), site);
  if (found == record_.sites.end() || *found != site) return std::nullopt;
  return static_cast<int32_t>(found - record_.sites.begin());
}

const TaskSlot* Run::FindSlot(int32_t place) const {
  const auto found = slots_.find(place);
  return found == slots_.end() ? nullptr : &found->second;
}

TaskSlot* Run::MutableSlot(int32_t place) {
  const auto found = slots_.find(place);
  return found == slots_.end() ? nullptr : &found->second;
}

v1::Task Run::MakeTask(int32_t place) const {
  const TaskSlot& slot = slots_.at(place);
  v1::Task task;
  task.set_task_id(slot.record.task_id);
  task.set_run_id(record_.run_id);
  task.set_round(spec_->round);
  task.set_attempt(slot.record.attempt);
  task.set_kind(spec_->kind);
  task.set_run_spec(spec_bytes_);
  task.set_run_spec_sha256(spec_sha256_);
  if (spec_->needs_model) {
    v1::ModelRef& model = *task.mutable_model();
    model.set_run_id(record_.run_id);
    model.set_version(base_->version);
    model.set_size_bytes(base_->model_size_bytes);
    model.set_content_hash(std::string(base_->model_hash.view()));
  }
  *task.mutable_result_layout() = layout_proto_;
  task.set_learning_rate(spec_->learning_rate);
  task.set_evaluate(spec_->evaluate);
  return task;
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
