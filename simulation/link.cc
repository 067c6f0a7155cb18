#include "simulation/link.h"

#include <algorithm>
#include <utility>

namespace skerry::simulation {
namespace {

// TCP sends what was lost again; a line that is back so soon has only been slow.
constexpr Duration kPatience = 20s;
// Keepalive finds a dead line in between those.
constexpr Duration kNoticeAfter = 20s;
constexpr Duration kNoticeBefore = 30s;
// A copy of a call may turn up so much later.
constexpr Duration kLateCopy = 30s;

bool IsIdeal(const SiteFaults& site) {
  LinkFaults link = site.link;
  link.reorder_by = Duration{0};
  link.down_for = Duration{0};
  return link == LinkFaults() && site.machine.asleep.empty();
}

}  // namespace

Link::Link(World& world, CoordinatorHost& coordinator, Host& client, const LinkFaults& faults,
           Evidence* evidence)
    : world_(world),
      coordinator_(coordinator),
      client_(client),
      faults_(faults),
      evidence_(evidence),
      ideal_(IsIdeal(world.plan().Of(client.name()))),
      chance_(world.Chance(client.name(), 2)) {}

// ---- The line ----------------------------------------------------------------------------------

void Link::Start() {
  for (const Window& window : faults_.down) {
    world_.queue().PostAt({window.from}, [this, window] { GoDown(window.length); });
  }
  for (const Window& window : world_.plan().Of(client_.name()).machine.asleep) {
    world_.queue().PostAt({window.from}, [this, window] { LoseTouch(window.length); });
  }
  PlanNextOutage();
}

void Link::PlanNextOutage() {
  if (faults_.down_every <= Duration{0}) return;
  world_.After(UntilNext(chance_, faults_.down_every), [this] {
    if (world_.Calm()) return;
    GoDown(UntilNext(chance_, faults_.down_for));
    PlanNextOutage();
  });
}

void Link::GoDown(Duration length) {
  if (world_.traced())
    world_.Trace(client_.name(), "the link is down for " + FormatDuration(length));
  down_until_ = std::max(down_until_, world_.Now() + length);
  LoseTouch(length);
}

// The two ends do not hear of each other for so long, and notice if it is long enough.
void Link::LoseTouch(Duration length) {
  const Duration client_notices = Between(chance_, kNoticeAfter, kNoticeBefore);
  const Duration server_notices = Between(chance_, kNoticeAfter, kNoticeBefore);
  if (length > client_notices) {
    world_.After(client_notices, [this] {
      for (const CallPtr& call : calls_) Fail(call, Duration{0}, "the connection is dead");
    });
  }
  if (length > server_notices) world_.After(server_notices, [this] { BreakAll(); });
}

// The coordinator sees the end of every call of this site that it holds, and closes the connection,
// which the client sees in its turn.
void Link::BreakAll() {
  for (const CallPtr& call : calls_) {
    for (const uint64_t id : call->held) CallBroken(call, id, Duration{0});
    call->held.clear();
    Fail(call, Between(chance_, Duration{0}, kNoticeBefore), "the connection was closed");
  }
}

void Link::ClientDied(bool power_loss) {
  for (const CallPtr& call : calls_) {
    call->over = true;
    const Duration after = power_loss ? Between(chance_, kNoticeAfter, kNoticeBefore)
                                      : Between(chance_, Duration{0}, 1s);
    for (const uint64_t id : call->held) CallBroken(call, id, after);
    call->held.clear();
  }
}

void Link::CoordinatorDied(bool power_loss) {
  for (const CallPtr& call : calls_) {
    call->held.clear();
    Fail(call, Between(chance_, Duration{0}, power_loss ? kNoticeBefore : 1s),
         "the coordinator is gone");
  }
}

bool Link::Happens(double chance) {
  return chance > 0 && !world_.Calm() && chance_.Uniform() < chance;
}

void Link::Transmit(std::size_t bytes, Event arrive, Event lost, Lane lane) {
  if (ideal_) return world_.queue().PostAt(world_.Now(), std::move(arrive), lane);
  if (Happens(faults_.drop)) return lost();
  Duration delay = faults_.latency;
  if (faults_.jitter > Duration{0}) delay += Between(chance_, Duration{0}, faults_.jitter);
  if (Happens(faults_.reorder)) delay += Between(chance_, Duration{0}, faults_.reorder_by);
  if (faults_.bytes_per_second > 0) {
    delay += FromSeconds(static_cast<double>(bytes) / faults_.bytes_per_second);
  }
  world_.After(delay, [this, arrive = std::move(arrive), lost = std::move(lost)]() mutable {
    Arrive(std::move(arrive), std::move(lost));
  });
}

void Link::Arrive(Event arrive, Event lost) {
  if (up()) return arrive();
  if (down_until_ - world_.Now() > kPatience) return lost();
  world_.queue().PostAt(down_until_,
                        [this, arrive = std::move(arrive), lost = std::move(lost)]() mutable {
                          Arrive(std::move(arrive), std::move(lost));
                        });
}

// ---- Calls -------------------------------------------------------------------------------------

bool Link::CanSend(const CallPtr& call) {
  if (!up() && down_until_ - world_.Now() > kPatience) {
    Fail(call, Between(chance_, Duration{0}, 5s), "the network is unreachable");
    return false;
  }
  if (call->server->alive) return true;
  Fail(call, Between(chance_, Duration{0}, 1s), "connection refused");
  return false;
}

void Link::Send(const CallPtr& call, Event arrive, Lane lane) {
  if (!CanSend(call)) return;
  if (ideal_) return Transmit(0, std::move(arrive), nullptr, lane);
  Transmit(0, std::move(arrive),
           [this, call] { Fail(call, Between(chance_, 100ms, kPatience), "the call was lost"); });
}

void Link::MaybeRepeat(const CallPtr& call, const Event& arrive) {
  if (!Happens(faults_.duplicate)) return;
  world_.After(Between(chance_, Duration{0}, kLateCopy), [this, call, arrive] {
    if (world_.traced()) world_.Trace(client_.name(), call->name + " arrives once more");
    Transmit(0, arrive, [] {});
  });
}

void Link::Fail(const CallPtr& call, Duration after, const std::string& why) {
  if (call->over) return;
  world_.After(after, [this, call, why] {
    if (std::exchange(call->over, true)) return;
    if (world_.traced()) world_.Trace(client_.name(), call->name + " fails: " + why);
    for (const uint64_t id : call->held) {
      CallBroken(call, id, Between(chance_, Duration{0}, kNoticeBefore));
    }
    call->held.clear();
    client_.Run(call->client, [call, why] { call->fail(Unavailable(why)); });
  });
}

void Link::CallBroken(const CallPtr& call, uint64_t id, Duration after) {
  world_.After(after, [this, call, id] {
    coordinator_.Call(call->server, [this, id](coordinator::Coordinator& coordinator) {
      coordinator.CallBroken(client_.name(), id);
    });
  });
}

void Link::Observe(const rpc::PulledTask& pulled) {
  const v1::PullTaskReply& reply = pulled.reply;
  Hear(reply.verdicts());
  if (evidence_ == nullptr) return;
  for (const v1::PullTaskReply::Answer& answer : reply.answers()) {
    if (answer.code() != 0) continue;
    evidence_->receipts.push_back({client_.name(), answer.task_id(), answer.content_hash()});
  }
}

void Link::Observe(const v1::SubmitResultReply& reply) {
  if (evidence_ == nullptr) return;
  evidence_->receipts.push_back({client_.name(), reply.task_id(), reply.content_hash()});
}

void Link::Hear(const google::protobuf::RepeatedPtrField<v1::Verdict>& verdicts) {
  if (evidence_ == nullptr) return;
  for (const v1::Verdict& verdict : verdicts) {
    evidence_->verdicts.push_back({client_.name(), verdict.task_id(),
                                   verdict.outcome() == v1::Verdict::COUNTED, verdict.reason()});
  }
}

}  // namespace skerry::simulation
