#include "coordinator/round_machine.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "coordinator/selection.h"

namespace skerry::coordinator {
namespace {

// One event at work on a state.
class Machine {
 public:
  Machine(RoundState state, const RoundPolicy& policy)
      : state_(std::move(state)), policy_(policy) {}

  void PassTime(Timestamp now) {
    const Duration passed = std::max(Duration{0}, now - state_.clock);
    state_.elapsed += passed;
    state_.phase_elapsed += passed;
    state_.clock = std::max(state_.clock, now);
  }

  void Apply(const Event& event) {
    std::visit([this](const auto& e) { On(e); }, event);
    Settle();
  }

  // Goes on for as long as the state allows.
  void Settle() {
    if (state_.phase == Phase::kSelecting) SettleSelecting();
    if (state_.phase == Phase::kTraining) SettleTraining();
  }

  Transition Take() && { return {std::move(state_), std::move(effects_)}; }

 private:
  void On(const SiteReady& e) {
    if (SeatOf(e.site) == Seat::kAway) Move(e.site, Seat::kReady);
    if (SeatOf(e.site) == Seat::kLost) Move(e.site, Seat::kInvited);
  }
  void On(const SiteAway& e) {
    if (SeatOf(e.site) == Seat::kReady) Move(e.site, Seat::kAway);
    if (SeatOf(e.site) == Seat::kInvited) Move(e.site, Seat::kLost);
  }
  void On(const SiteReported& e) {
    const Seat seat = SeatOf(e.site);
    const bool open = state_.phase == Phase::kSelecting || state_.phase == Phase::kTraining;
    if (!open || (seat != Seat::kInvited && seat != Seat::kLost)) return;
    Move(e.site, Seat::kReported);
    if (IsAsynchronous()) state_.arrivals.push_back(e.site);
  }
  void On(const TaskFailed& e) {
    const Seat seat = SeatOf(e.site);
    const bool open = state_.phase == Phase::kSelecting || state_.phase == Phase::kTraining;
    if (open && (seat == Seat::kInvited || seat == Seat::kLost)) Move(e.site, Seat::kFailed);
  }
  void On(const UpdateLost& e) {
    if (IsFinal(state_.phase) || SeatOf(e.site) != Seat::kReported) return;
    Move(e.site, Seat::kInvited);
    std::erase(state_.arrivals, e.site);
    effects_.emplace_back(AskResend{e.site});
    if (state_.phase == Phase::kFinalizing) Enter(Phase::kTraining);
  }
  void On(const TimePassed& /*e*/) {}
  void On(const ModelReady& /*e*/) {
    if (state_.phase != Phase::kFinalizing) return;
    Enter(Phase::kCommitted);
    effects_.emplace_back(Commit{});
  }
  void On(const StepFailed& /*e*/) {
    if (state_.phase == Phase::kFinalizing) End(Cause::kStepFailed);
  }
  void On(const Stop& /*e*/) {
    if (!IsFinal(state_.phase)) End(Cause::kStopped);
  }

  void SettleSelecting() {
    const bool late = state_.phase_elapsed >= policy_.round_deadline;
    if (CanBegin()) {
      std::vector<int32_t> invited =
          IsAsynchronous() ? SitesIn(state_, Seat::kReady) : Draw(state_, policy_);
      for (const int32_t site : invited) Move(site, Seat::kInvited);
      Enter(Phase::kTraining);
      effects_.emplace_back(Invite{std::move(invited)});
    } else if (late) {
      End(Cause::kTooFewReady);
    }
  }

  // Every roster site is there, or the wait for them is over and there are enough.
  bool CanBegin() const {
    if (state_.phase_elapsed < policy_.min_wait) return false;
    if (policy_.only) {
      return std::all_of(policy_.only->begin(), policy_.only->end(),
                         [this](int32_t site) { return IsThere(site); });
    }
    const int64_t there =
        state_.Count(Seat::kReady) + state_.Count(Seat::kInvited) + state_.Count(Seat::kReported);
    if (there == static_cast<int64_t>(state_.seats.size())) return true;
    if (state_.phase_elapsed < policy_.join_wait || there < policy_.min_sites) return false;
    return AllRequired([this](int32_t site) { return IsThere(site); });
  }

  bool IsThere(int32_t site) const {
    const Seat seat = SeatOf(site);
    return seat == Seat::kReady || seat == Seat::kInvited || seat == Seat::kReported;
  }

  template <class Predicate>
  bool AllRequired(Predicate holds) const {
    for (std::size_t place = 0; place < policy_.required.size(); ++place) {
      if (policy_.required[place] && !holds(static_cast<int32_t>(place))) return false;
    }
    return true;
  }

  void SettleTraining() {
    if (IsAsynchronous()) return SettleBuffer();
    const bool working = state_.Count(Seat::kInvited) > 0;
    const bool late = state_.phase_elapsed >= policy_.round_deadline;
    if (working && !late) return;
    if (HasQuorum()) {
      Enter(Phase::kFinalizing);
      effects_.emplace_back(Finalize{Counted(state_, policy_)});
    } else if (!CanReachQuorum()) {
      End(Cause::kQuorumImpossible);
    } else if (late) {
      End(Cause::kQuorumLost);
    }
  }

  void SettleBuffer() {
    if (std::vector<int32_t> ready = SitesIn(state_, Seat::kReady); !ready.empty()) {
      for (const int32_t site : ready) Move(site, Seat::kInvited);
      effects_.emplace_back(Invite{std::move(ready)});
    }
    const bool full = static_cast<int64_t>(state_.arrivals.size()) >= policy_.buffer;
    const bool late = state_.phase_elapsed >= policy_.round_deadline;
    const auto num_sites = static_cast<int64_t>(state_.seats.size());
    if (full && (late || !AwaitsSomebody())) {
      Enter(Phase::kFinalizing);
      effects_.emplace_back(Finalize{Counted(state_, policy_)});
    } else if (num_sites - state_.Count(Seat::kFailed) < policy_.buffer) {
      End(Cause::kQuorumImpossible);
    } else if (late) {
      End(Cause::kQuorumLost);
    }
  }

  bool IsAsynchronous() const { return policy_.buffer > 0; }

  bool AwaitsSomebody() const {
    for (std::size_t place = 0; place < policy_.awaited.size(); ++place) {
      if (policy_.awaited[place] && state_.seats[place] == Seat::kInvited) return true;
    }
    return false;
  }

  bool HasQuorum() const {
    return state_.Count(Seat::kReported) >= policy_.quorum &&
           AllRequired([this](int32_t site) { return SeatOf(site) == Seat::kReported; });
  }

  // Whether those who still have a task could make the quorum.
  bool CanReachQuorum() const {
    const int64_t hoped_for =
        state_.Count(Seat::kReported) + state_.Count(Seat::kInvited) + state_.Count(Seat::kLost);
    return hoped_for >= policy_.quorum &&
           AllRequired([this](int32_t site) { return SeatOf(site) != Seat::kFailed; });
  }

  void End(Cause cause) {
    Enter(Phase::kAbandoned);
    state_.cause = cause;
    effects_.emplace_back(Abandon{});
  }

  void Enter(Phase phase) {
    state_.phase = phase;
    state_.phase_elapsed = Duration{0};
  }

  Seat SeatOf(int32_t site) const { return state_.seats.at(static_cast<std::size_t>(site)); }

  void Move(int32_t site, Seat to) {
    Seat& seat = state_.seats.at(static_cast<std::size_t>(site));
    --state_.num_in_seat[static_cast<std::size_t>(seat)];
    ++state_.num_in_seat[static_cast<std::size_t>(to)];
    seat = to;
  }

  RoundState state_;
  const RoundPolicy& policy_;
  std::vector<Effect> effects_;
};

}  // namespace

std::string_view Name(Phase phase) {
  constexpr std::array<std::string_view, 5> kNames = {"selecting", "training", "finalizing",
                                                      "committed", "abandoned"};
  return kNames[static_cast<std::size_t>(phase)];
}

Transition BeginRound(int64_t round, int64_t attempt, std::vector<Seat> seats,
                      std::vector<int32_t> arrivals, const RoundPolicy& policy, Timestamp now) {
  RoundState state;
  state.round = round;
  state.attempt = attempt;
  state.clock = now;
  for (const Seat seat : seats) ++state.num_in_seat[static_cast<std::size_t>(seat)];
  state.seats = std::move(seats);
  state.arrivals = std::move(arrivals);
  Machine machine(std::move(state), policy);
  machine.Settle();
  return std::move(machine).Take();
}

Transition Advance(RoundState state, const RoundPolicy& policy, const Event& event, Timestamp now) {
  if (IsFinal(state.phase)) return {std::move(state), {}};
  Machine machine(std::move(state), policy);
  machine.PassTime(now);
  machine.Apply(event);
  return std::move(machine).Take();
}

std::vector<Effect> EffectsOf(const RoundState& state, const RoundPolicy& policy) {
  switch (state.phase) {
    case Phase::kTraining: {
      std::vector<int32_t> invited = SitesIn(state, Seat::kInvited);
      const std::vector<int32_t> lost = SitesIn(state, Seat::kLost);
      invited.insert(invited.end(), lost.begin(), lost.end());
      return {Invite{std::move(invited)}};
    }
    case Phase::kFinalizing:
      return {Finalize{Counted(state, policy)}};
    case Phase::kCommitted:
      return {Commit{}};
    case Phase::kAbandoned:
      return {Abandon{}};
    case Phase::kSelecting:
      break;
  }
  return {};
}

std::optional<Duration> UntilTimePasses(const RoundState& state, const RoundPolicy& policy) {
  std::optional<Duration> wait;
  const auto consider = [&](Duration limit) {
    if (limit <= state.phase_elapsed) return;
    const Duration rest = limit - state.phase_elapsed;
    wait = wait ? std::min(*wait, rest) : rest;
  };
  if (state.phase == Phase::kSelecting) {
    consider(policy.min_wait);
    consider(policy.join_wait);
    consider(policy.round_deadline);
  } else if (state.phase == Phase::kTraining) {
    consider(policy.round_deadline);
  }
  return wait;
}

std::vector<int32_t> Counted(const RoundState& state, const RoundPolicy& policy) {
  if (policy.buffer == 0) return SitesIn(state, Seat::kReported);
  std::vector<int32_t> counted = state.arrivals;
  std::stable_partition(counted.begin(), counted.end(), [&](int32_t site) {
    const auto place = static_cast<std::size_t>(site);
    return place < policy.awaited.size() && policy.awaited[place];
  });
  if (counted.size() > static_cast<std::size_t>(policy.buffer)) {
    counted.resize(static_cast<std::size_t>(policy.buffer));
  }
  std::sort(counted.begin(), counted.end());
  return counted;
}

std::vector<int32_t> SitesIn(const RoundState& state, Seat seat) {
  std::vector<int32_t> sites;
  for (std::size_t place = 0; place < state.seats.size(); ++place) {
    if (state.seats[place] == seat) sites.push_back(static_cast<int32_t>(place));
  }
  return sites;
}

}  // namespace skerry::coordinator
