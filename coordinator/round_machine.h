#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "coordinator/track_record.h"

// What may happen in a round, as a pure function: no clock, no store, no site names (sites are
// places in the run's roster, which is in bytewise order of names).
//
//  Selecting ----> Training <----UpdateLost---- Finalizing --ModelReady--> Committed
//      \______________\_____________________________\----> Abandoned
//
// An asynchronous round (RoundPolicy::buffer) is over when its buffer is full: sites get tasks
// whenever they are there and have none, and those still at work when it ends go on into the next
// round, as do results that came too late for this one. Whoever begins that round hands on their
// seats and their order, as for a retry.
namespace skerry::coordinator {

enum class Phase : uint8_t { kSelecting, kTraining, kFinalizing, kCommitted, kAbandoned };
std::string_view Name(Phase phase);  // "selecting"
inline bool IsFinal(Phase phase) {
  return phase == Phase::kCommitted || phase == Phase::kAbandoned;
}

// What a site is to a round.
enum class Seat : uint8_t {
  kAway,      // not connected, not invited
  kReady,     // connected, not invited
  kInvited,   // has a task, is connected
  kLost,      // has a task, is not connected; it may return
  kReported,  // its result is in and checked
  kFailed,    // its task failed; it has no further part in this attempt
};
constexpr std::size_t kNumSeats = 6;

// Why a round was abandoned.
enum class Cause : uint8_t {
  kNone,
  kTooFewReady,       // by the deadline of Selecting
  kQuorumLost,        // by the deadline of Training: sites are lost or slow, and may come back
  kQuorumImpossible,  // too many tasks failed: waiting would not help
  kStepFailed,        // the coordinator's own step failed
  kStopped,           // by an operator
};

struct RoundPolicy {
  int64_t min_sites = 1;        // ready before the round begins
  int64_t sites_per_round = 1;  // invited, drawn among the ready
  int64_t quorum = 1;           // results without which the round does not commit
  std::vector<bool> required;   // [sites]: sites whose results it needs
  Duration join_wait{0};        // Selecting waits so long for the whole roster
  Duration round_deadline{0};   // of Selecting, and of Training
  Duration min_wait{0};         // Selecting lasts at least so long
  uint64_t seed = 0;            // of the draw
  Selection selection = Selection::kRandom;
  double probability = 1;                    // kPoisson: that a site is drawn
  int64_t candidates = 0;                    // kPowerOfChoice: so many are drawn first
  std::shared_ptr<const TrackRecord> track;  // for the rules that need one
  // Asynchronous: so many results make the version, and no more are awaited. 0: a round, as all of
  // the above says; otherwise sites_per_round, quorum and required are unread.
  int64_t buffer = 0;
  // [sites], asynchronous; empty: none. While one of these is at work, and connected, no version is
  // made before round_deadline; its result counts before those that came earlier.
  std::vector<bool> awaited;
  // Replay of a history: exactly these places are awaited and invited.
  std::optional<std::vector<int32_t>> only;
};

struct RoundState {
  int64_t round = 0;
  int64_t attempt = 1;
  Phase phase = Phase::kSelecting;
  Cause cause = Cause::kNone;  // kAbandoned: why
  std::vector<Seat> seats;     // [sites]
  std::array<int32_t, kNumSeats> num_in_seat{};
  std::vector<int32_t> arrivals;  // the places in kReported, as they came; asynchronous only
  // Time spent so far, in the round and in its phase, up to `clock`. Time in which the coordinator
  // was down is not in it: whoever restores a state sets `clock` to now.
  Duration elapsed{0};
  Duration phase_elapsed{0};
  Timestamp clock;

  int32_t Count(Seat seat) const { return num_in_seat[static_cast<std::size_t>(seat)]; }
  friend bool operator==(const RoundState&, const RoundState&) = default;
};

// Events. `site` is a place in the roster. One that does not fit the phase or the seat changes
// nothing: repeats, replays and late messages are harmless.
struct SiteReady {  // it is connected (again)
  int32_t site;
};
struct SiteAway {  // it is not
  int32_t site;
};
struct SiteReported {  // its result is received, checked and about to be journalled
  int32_t site;
};
struct TaskFailed {
  int32_t site;
};
struct UpdateLost {  // its result, found damaged when the round closed, must be sent again
  int32_t site;
};
struct TimePassed {};  // look at the deadlines
struct ModelReady {};  // the aggregate is applied and published
struct StepFailed {};
struct Stop {};
using Event = std::variant<SiteReady, SiteAway, SiteReported, TaskFailed, UpdateLost, TimePassed,
                           ModelReady, StepFailed, Stop>;

// Effects: what the shell does after the transition is durable. Idempotent, and all of them can be
// derived again from the state: see EffectsOf.
struct Invite {  // give each a task, unless it has one
  std::vector<int32_t> sites;
};
struct AskResend {
  int32_t site;
};
struct Finalize {  // reduce the results of these, apply, publish
  std::vector<int32_t> counted;
};
struct Commit {};
struct Abandon {};
using Effect = std::variant<Invite, AskResend, Finalize, Commit, Abandon>;

struct Transition {
  RoundState state;
  std::vector<Effect> effects;
};

// The state in which a round begins: `seats` are kAway or kReady, and for a retry also those of the
// attempt before (kInvited, kLost, kReported), whose tasks go on. May advance at once. `arrivals`
// are the reported places in their order if the round is asynchronous, and empty otherwise.
Transition BeginRound(int64_t round, int64_t attempt, std::vector<Seat> seats,
                      std::vector<int32_t> arrivals, const RoundPolicy& policy, Timestamp now);

Transition Advance(RoundState state, const RoundPolicy& policy, const Event& event, Timestamp now);

// What a state that was read back from the journal still wants done. `clock` must be set to now.
std::vector<Effect> EffectsOf(const RoundState& state, const RoundPolicy& policy);

// How long after `state.clock` a TimePassed may change something; nullopt: never.
std::optional<Duration> UntilTimePasses(const RoundState& state, const RoundPolicy& policy);

// Places whose results a round that closes now counts, in roster order.
std::vector<int32_t> Counted(const RoundState& state, const RoundPolicy& policy);

// Places in that seat, in roster order.
std::vector<int32_t> SitesIn(const RoundState& state, Seat seat);

}  // namespace skerry::coordinator
