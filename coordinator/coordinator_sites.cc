// Sessions: how sites come, stay and go.

#include <algorithm>
#include <utility>

#include "base/failpoint.h"
#include "base/text.h"
#include "coordinator/coordinator.h"
#include "rpc/task_key.h"

namespace skerry::coordinator {
namespace {

template <class Reply>
void EndHeld(std::optional<HeldCall<Reply>>& held, const Status& status,
             std::vector<std::function<void()>>& after_commit) {
  if (!held) return;
  after_commit.emplace_back([done = std::move(held->done), status] { done(status); });
  held.reset();
}

Status Superseded(const std::string& site) {
  return PermissionDenied("a newer process of site \"" + site + "\" has taken over")
      .WithDetail(rpc::kSuperseded)
      .WithHint(
          "the site's kit was started twice; end one of the two, and see that nothing starts "
          "it again");
}

// What a site says about itself is kept and shown: no more of it than a person reads.
constexpr std::size_t kMostOfName = 100;
constexpr std::size_t kMostSources = 64;

// Whether the process that calls has the session already.
bool HasSession(const Site& site, const v1::JoinRequest& request) {
  return request.process() != 0 && request.process() == rpc::SessionProcess(site.record.epoch);
}

}  // namespace

Site& Coordinator::GetSite(const std::string& name) {
  std::unique_ptr<Site>& site = sites_[name];
  if (site != nullptr) return *site;
  if (free_numbers_.empty()) {
    free_numbers_.push_back(sites_by_number_.size());
    sites_by_number_.push_back(nullptr);
  }
  site = std::make_unique<Site>(free_numbers_.back());
  free_numbers_.pop_back();
  sites_by_number_[site->number] = site.get();
  site->record.site = name;
  if (const auto rested = rested_.find(name); rested != rested_.end()) {
    site->record.epoch = rested->second.epoch;
    site->record.first_seen = rested->second.first_seen;
    rested_.erase(rested);
  }
  return *site;
}

Site* Coordinator::FindSite(const std::string& name) const {
  const auto found = sites_.find(name);
  return found == sites_.end() ? nullptr : found->second.get();
}

bool Coordinator::IsOnCall(const std::string& site) const {
  return options_.on_call != nullptr && options_.on_call->Contains(site);
}

bool Coordinator::Rest(const std::string& name) {
  Site* site = FindSite(name);
  if (site == nullptr || !IsOnCall(name)) return true;
  if (!site->open.empty() || !site->verdicts.empty() || site->heartbeat || site->dirty) {
    return false;
  }
  rested_[name] = {site->record.epoch, site->record.first_seen};
  site_timers_.Cancel(site->number);
  if (site->connected) --num_connected_;
  sites_by_number_[site->number] = nullptr;
  free_numbers_.push_back(site->number);
  sites_.erase(name);
  return true;
}

Status Coordinator::CheckSession(const Site* site, uint64_t epoch) const {
  if (site != nullptr && epoch < site->record.epoch && epoch > 0) {
    const uint32_t process = rpc::SessionProcess(epoch);
    const bool current = process != 0 && process == rpc::SessionProcess(site->record.epoch);
    // A session from before this process may be another coordinator's, of which a backup was made;
    // a Join tells.
    const bool ours = epoch > site->epoch_at_start;
    if (!current && ours) return Superseded(site->record.site);
  }
  if (site == nullptr || !site->has_session || epoch != site->record.epoch) {
    return FailedPrecondition("no session with this epoch; Join first")
        .WithDetail(rpc::kEpochUnknown);
  }
  return OkStatus();
}

// ---- Sessions ----------------------------------------------------------------------------------

void Coordinator::Join(const std::string& name, v1::JoinRequest request,
                       rpc::Callback<v1::JoinReply> done) {
  if (request.protocol() != rpc::kProtocolVersion) {
    return Reply<v1::JoinReply>(
        std::move(done),
        Unimplemented("the coordinator (version " + options_.version + ") speaks protocol " +
                      std::to_string(rpc::kProtocolVersion) + ", the client (version " +
                      request.version() + ") speaks " + std::to_string(request.protocol()))
            .WithHint("install the same release of Skerry on both sides"));
  }
  SKERRY_FAILPOINT("coordinator/join");
  Site& site = GetSite(name);
  const bool same_coordinator = request.coordinator_id() == coordinator_id_;
  // What another coordinator numbered says nothing here.
  if (!same_coordinator && !request.coordinator_id().empty()) request.set_epoch(0);
  if (Status status = CheckJoin(site, request); !status.ok()) {
    return Reply<v1::JoinReply>(std::move(done), std::move(status));
  }
  v1::JoinReply reply;
  if (const uint64_t ticket = TicketFor(site, request); ticket != 0) {
    reply.set_ticket(ticket);
    return Reply<v1::JoinReply>(std::move(done), std::move(reply));
  }
  const bool rejoins = HasSession(site, request) || request.epoch() > 0;
  DropHeldCalls(site, rejoins ? Unavailable("a new session began") : Superseded(name));
  StartSession(site, request);
  if (same_coordinator) Confirm(site, request.confirmed_verdicts());

  reply.set_epoch(site.record.epoch);
  reply.set_coordinator_id(coordinator_id_);
  reply.set_version(options_.version);
  site.holds.clear();
  for (const v1::HeldTask& held : request.held()) {
    v1::JoinReply::Settlement settlement;
    settlement.set_task_id(held.task_id());
    settlement.set_instruction(v1::JoinReply::DROP);
    if (same_coordinator) settlement = Settle(site, held);
    *reply.add_settlements() = settlement;
  }
  AppendVerdicts(site, reply.mutable_verdicts());
  reply.set_heartbeat_ms(
      std::chrono::duration_cast<std::chrono::milliseconds>(ProgressInterval()).count());
  Connected(site);
  Reply<v1::JoinReply>(std::move(done), std::move(reply));
}

// PERMISSION_DENIED (SUPERSEDED): a newer process has the session. UNAVAILABLE: the call is an old
// one that arrived late.
Status Coordinator::CheckJoin(const Site& site, const v1::JoinRequest& request) const {
  if (HasSession(site, request)) {
    if (request.call() > site.last_join) return OkStatus();
    return Unavailable("a newer call to Join has been answered");
  }
  const bool old_session = request.epoch() > 0 && request.epoch() < site.record.epoch;
  return old_session ? Superseded(site.record.site) : OkStatus();
}

// Before a process takes the session from another it must ask twice: the second time with this
// ticket. 0: it need not, or has done so.
uint64_t Coordinator::TicketFor(Site& site, const v1::JoinRequest& request) {
  const uint32_t process = request.process();
  if (process == 0 || site.record.epoch == 0 || HasSession(site, request)) return 0;
  const auto found = site.tickets.find(process);
  if (found != site.tickets.end() && found->second == request.ticket()) return 0;
  constexpr std::size_t kMostTickets = 64;
  if (site.tickets.size() >= kMostTickets) site.tickets.clear();
  return site.tickets[process] = ++last_ticket_;
}

void Coordinator::StartSession(Site& site, const v1::JoinRequest& request) {
  storage::SiteRecord& record = site.record;
  record.epoch = rpc::MakeEpoch(rpc::SessionNumber(record.epoch) + 1, request.process());
  site.last_join = request.call();
  site.tickets.clear();
  record.version = FirstCharacters(request.version(), kMostOfName);
  record.last_seen = WallNow();
  if (record.first_seen.unix_millis == 0) record.first_seen = record.last_seen;
  record.certificate_expires_unix = request.certificate_expires_unix();
  record.data_sources.clear();
  for (const std::string& source : request.data_sources()) {
    if (record.data_sources.size() == kMostSources) break;
    record.data_sources.emplace_back(FirstCharacters(source, kMostOfName));
  }
  Stage(record);
  site.has_session = true;
  site.max_tasks = static_cast<std::size_t>(std::clamp(request.max_concurrent_tasks(), 1, 64));
  site.notices.clear();
}

// What becomes of a task that a client has in hand: keep working or wait, forget it, or send again.
v1::JoinReply::Settlement Coordinator::Settle(Site& site, const v1::HeldTask& held) {
  v1::JoinReply::Settlement settlement;
  settlement.set_task_id(held.task_id());
  settlement.set_instruction(v1::JoinReply::KEEP);
  const OpenTask* task = FindTask(site.record.site, held.task_id());
  if (task == nullptr) {
    // With an outcome it does not know yet, the verdict comes in the same reply.
    if (!site.verdicts.contains(held.task_id())) settlement.set_instruction(v1::JoinReply::DROP);
    return settlement;
  }
  const TaskSlot& slot = *task->run->FindSlot(task->place);
  if (!held.task_key().empty() &&
      held.task_key() != rpc::TaskKey(*task->run->SharedTask(task->place))) {
    settlement.set_instruction(v1::JoinReply::DROP);
    return settlement;
  }
  const bool here = slot.record().state == storage::TaskState::kReported;
  if (slot.record().state == storage::TaskState::kFailed) {
    settlement.set_instruction(v1::JoinReply::DROP);
    return settlement;
  }
  if (held.state() == v1::HeldTask::SUBMITTED && !here) {
    settlement.set_instruction(v1::JoinReply::RESEND);
  }
  site.holds.insert(held.task_id());
  if (!here) task->run->OnTaken(task->place);
  return settlement;
}

void Coordinator::Confirm(Site& site, const google::protobuf::RepeatedField<int64_t>& task_ids) {
  for (const int64_t task_id : task_ids) {
    const auto found = site.verdicts.find(task_id);
    if (found == site.verdicts.end()) continue;
    SKERRY_FAILPOINT("coordinator/verdict-confirmed");
    found->second->record.outcome_confirmed = true;
    StageSoon(found->second);
    site.verdicts.erase(found);
  }
}

void Coordinator::Connected(Site& site) {
  site_timers_.Set(site.number, Now() + options_.grace);
  MarkDirty(site);
  site.broken = false;
  if (!site.connected) {
    site.connected = true;
    ++num_connected_;
  }
  for (const auto& run : runs_) {
    if (const auto place = run->PlaceOf(site.record.site)) run->OnSiteConnected(*place);
  }
}

void Coordinator::Lost(Site& site) {
  if (!site.connected) return;
  site.connected = false;
  --num_connected_;
  site.record.last_seen = WallNow();
  Stage(site.record);
  for (const auto& run : runs_) {
    if (const auto place = run->PlaceOf(site.record.site)) run->OnSiteLost(*place);
  }
}

void Coordinator::DropHeldCalls(Site& site, const Status& status) {
  EndHeld(site.pull, status, after_commit_);
  EndHeld(site.heartbeat, status, after_commit_);
}

// How often a working client tells its progress, by the load that this makes.
Duration Coordinator::ProgressInterval() const {
  return std::clamp<Duration>(10ms * static_cast<int64_t>(num_connected_), 1s, 20s);
}

// A client at work that could do more tells its progress with each PullTask, so it is not held for
// longer than it may be silent.
Timestamp Coordinator::PullHoldEnd(const Site& site) {
  Timestamp end = HoldEnd();
  for (const int64_t task_id : site.holds) {
    const OpenTask* task = FindTask(site.record.site, task_id);
    if (task == nullptr) continue;
    if (task->run->FindSlot(task->place)->record().state != storage::TaskState::kTaken) continue;
    end = std::min({end, Now() + ProgressInterval(), Now() + task->run->plan().time.heartbeat});
  }
  return end;
}

// Hardly more than 108 s: a client that hears nothing asks after 55 s (rpc/grpc/transport.cc) and
// again after 110, which costs as much as a call. Many holds end together, so that the threads of
// both sides wake once for all of them.
Timestamp Coordinator::HoldEnd() {
  constexpr Duration kTick = 250ms;
  const double seconds =
      std::clamp(20.0 * static_cast<double>(num_connected_) / 1000.0, 20.0, 98.0);
  const Duration hold = FromSeconds(seconds * (0.9 + 0.2 * jitter_.Uniform()));
  const Duration end = (Now() + hold).since_origin + kTick;
  return {end - end % kTick};
}

}  // namespace skerry::coordinator
