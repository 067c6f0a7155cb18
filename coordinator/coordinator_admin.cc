// Runs and sites as operators see and steer them.

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

#include "base/text.h"
#include "base/time.h"
#include "coordinator/coordinator.h"
#include "coordinator/history.h"
#include "coordinator/retention.h"
#include "coordinator/views.h"
#include "rpc/chunks.h"

namespace skerry::coordinator {
namespace {

constexpr Duration kWatchHold = 30s;

// A round under way as it is now: its rows know neither progress nor who is lost.
void ShowAsNow(const v1::ShowRunReply& now, v1::RoundSummary& round) {
  if (round.phase() == "committed" || round.phase() == "abandoned") return;
  std::map<int64_t, const v1::SiteInRound*> by_task;
  for (const v1::SiteInRound& site : now.sites()) by_task[site.task_id()] = &site;
  for (v1::SiteInRound& site : *round.mutable_sites()) {
    const auto found = by_task.find(site.task_id());
    if (found == by_task.end()) continue;
    site.set_state(found->second->state());
    site.set_reason(found->second->reason());
    site.set_done(found->second->done());
    site.set_total(found->second->total());
  }
}

// Tasks of each round, for rounds in order: both lists are sorted by (round, attempt).
void FillRounds(const std::vector<storage::RoundRecord>& rounds,
                const std::vector<storage::TaskRecord>& tasks, v1::ShowRunReply& reply) {
  for (const storage::RoundRecord& round : rounds) {
    const auto begin = std::lower_bound(
        tasks.begin(), tasks.end(), round.round,
        [](const storage::TaskRecord& task, int64_t number) { return task.round < number; });
    auto end = begin;
    while (end != tasks.end() && end->round == round.round) ++end;
    // A task that went on into a later attempt is shown with the last one only.
    const auto is_own = [&round](const storage::TaskRecord& task) {
      const bool carried = task.outcome == storage::Outcome::kCounted && round.phase == "committed";
      return task.attempt == round.attempt || carried;
    };
    if (std::all_of(begin, end, is_own)) {
      *reply.add_rounds() = Summarize(round, {begin, end});
    } else {
      std::vector<storage::TaskRecord> own;
      std::copy_if(begin, end, std::back_inserter(own), is_own);
      *reply.add_rounds() = Summarize(round, own);
    }
    ShowAsNow(reply, *reply.mutable_rounds()->rbegin());
  }
}

}  // namespace

Result<Run*> Coordinator::ResolveRun(const std::string& run_id) const {
  if (run_id == "latest" && !runs_.empty()) return runs_.back().get();
  std::vector<std::string> ids;
  for (const auto& run : runs_) {
    if (run->record().run_id == run_id) return run.get();
    ids.push_back(run->record().run_id);
  }
  const std::string nearest = NearestName(run_id, ids);
  Status status = NotFound("there is no run \"" + run_id + "\"" +
                           (nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"));
  return std::move(status).WithHint("skerry run list shows all runs; \"latest\" names the newest");
}

const Run* Coordinator::FindRun(const std::string& run_id) const {
  const Result<Run*> run = ResolveRun(run_id);
  return run.ok() ? *run : nullptr;
}

std::vector<SitePresence> Coordinator::PresenceIn(const Run& run) const {
  std::vector<SitePresence> presence;
  for (const std::string& name : run.record().sites) {
    const Site* site = FindSite(name);
    if (IsOnCall(name)) {
      presence.push_back(SitePresence::kConnected);
    } else if (site == nullptr || site->record.epoch == 0) {
      presence.push_back(SitePresence::kNeverSeen);
    } else if (site->connected) {
      presence.push_back(site->broken ? SitePresence::kBroken : SitePresence::kConnected);
    } else {
      presence.push_back(SitePresence::kAway);
    }
  }
  return presence;
}

void Coordinator::SubmitRun(const v1::SubmitRunRequest& request,
                            rpc::Callback<v1::SubmitRunReply> done) {
  Result<RunPlan> plan = ParseRunFile(
      request.run_file(), request.file_name().empty() ? "run file" : request.file_name());
  if (!plan.ok()) return Reply<v1::SubmitRunReply>(std::move(done), std::move(plan).status());
  const Result<std::string> run_id = SubmitPlan(*std::move(plan), nullptr);
  if (!run_id.ok()) return Reply<v1::SubmitRunReply>(std::move(done), run_id.status());
  const Run& run = *runs_.back();
  v1::SubmitRunReply reply;
  *reply.mutable_run() = Summarize(run);
  for (const std::string& site : run.record().sites) reply.add_sites(site);
  TellWhoIsAway(run, reply);
  for (std::string& warning : run.Warnings()) reply.add_warnings(std::move(warning));
  reply.set_disk_bytes(DiskBytes(run));
  Reply<v1::SubmitRunReply>(std::move(done), std::move(reply));
}

void Coordinator::TellWhoIsAway(const Run& run, v1::SubmitRunReply& reply) const {
  const std::vector<std::string>& roster = run.record().sites;
  const std::vector<SitePresence> presence = PresenceIn(run);
  bool lacks_required = false;
  for (std::size_t place = 0; place < roster.size(); ++place) {
    if (presence[place] == SitePresence::kConnected) continue;
    const Site* site = FindSite(roster[place]);
    v1::SiteSummary& away = *reply.add_not_connected();
    away.set_site(roster[place]);
    away.set_state(presence[place] == SitePresence::kNeverSeen ? "invited" : "lost");
    away.set_last_seen_unix_ms(site == nullptr ? 0 : site->record.last_seen.unix_millis);
    lacks_required = lacks_required || run.contract().required[place];
  }
  const auto num_connected =
      static_cast<int64_t>(roster.size()) - static_cast<int64_t>(reply.not_connected_size());
  reply.set_waits_for_them(lacks_required || num_connected < run.contract().min_sites);
  reply.set_join_wait_ms(
      std::chrono::duration_cast<std::chrono::milliseconds>(run.plan().time.JoinWait()).count());
}

Result<std::string> Coordinator::SubmitPlan(RunPlan plan, std::unique_ptr<Participants> replay) {
  storage::RunRecord record;
  record.number = runs_.empty() ? 1 : runs_.back()->record().number + 1;
  record.name = plan.spec.name();
  record.run_id = record.name + "-" + std::to_string(record.number);
  record.run_file = plan.text;
  record.created = WallNow();
  std::vector<std::string> roster = plan.participation.sites;
  if (plan.participation.all_sites) {
    for (const auto& [name, site] : sites_) {
      if (site->record.epoch > 0) roster.push_back(name);
    }
    std::sort(roster.begin(), roster.end());
  }
  record.sites = std::move(roster);
  SKERRY_ASSIGN_OR_RETURN(
      auto run, Run::Create(*this, std::move(plan), std::move(record), std::move(replay)));
  SKERRY_RETURN_IF_ERROR(CheckSpoolFits(*run));
  SKERRY_RETURN_IF_ERROR(CheckDiskFits(*run));
  runs_.push_back(std::move(run));
  Run& submitted = *runs_.back();
  submitted.Start();
  return submitted.record().run_id;
}

void Coordinator::ListRuns(rpc::Callback<v1::ListRunsReply> done) {
  v1::ListRunsReply reply;
  for (const auto& run : runs_) *reply.add_runs() = Summarize(*run);
  Reply<v1::ListRunsReply>(std::move(done), std::move(reply));
}

void Coordinator::ShowRun(const v1::ShowRunRequest& request, rpc::Callback<v1::ShowRunReply> done) {
  const Result<Run*> found = ResolveRun(request.run_id());
  if (!found.ok()) return Reply<v1::ShowRunReply>(std::move(done), found.status());
  const Run& run = **found;
  auto reply = std::make_shared<v1::ShowRunReply>();
  *reply->mutable_run() = Summarize(run);
  reply->set_run_file(run.record().run_file);
  for (const std::string& site : run.record().sites) reply->add_roster(site);
  for (v1::SiteInRound& site : SitesNow(run)) *reply->add_sites() = std::move(site);
  const int64_t newest = std::max(run.last_committed_round(), run.round_state().round);
  const int64_t first = request.first_round() < 0
                            ? std::max<int64_t>(0, newest + 1 + request.first_round())
                            : request.first_round();
  after_commit_.emplace_back(
      [this, reply, first, run_id = run.record().run_id, done = std::move(done)]() mutable {
        parts_.reading.Post([this, reply, first, run_id, done = std::move(done)] {
          constexpr int64_t kAll = std::numeric_limits<int64_t>::max();
          const auto rounds = parts_.reader.Rounds(run_id, first, kAll);
          if (!rounds.ok()) return done(rounds.status());
          const auto tasks = parts_.reader.Tasks(run_id, first, kAll);
          if (!tasks.ok()) return done(tasks.status());
          FillRounds(*rounds, *tasks, *reply);
          done(std::move(*reply));
        });
      });
}

std::vector<v1::SiteInRound> Coordinator::SitesNow(const Run& run) const {
  std::vector<v1::SiteInRound> sites = SitesOf(run, PresenceIn(run));
  for (v1::SiteInRound& shown : sites) {
    const Site* site = FindSite(shown.site());
    if (shown.state() != "lost" || site == nullptr) continue;
    shown.set_reason("the connection was lost; last heard of at " +
                     FormatWallTime(site->record.last_seen));
  }
  return sites;
}

v1::WatchRunReply Coordinator::WatchReply(const Run& run) const {
  v1::WatchRunReply reply;
  *reply.mutable_run() = Summarize(run);
  for (v1::SiteInRound& site : SitesNow(run)) *reply.add_sites() = std::move(site);
  if (const auto last = run.last_committed()) {
    *reply.mutable_last_round() = *last;
  }
  return reply;
}

void Coordinator::WatchRun(const v1::WatchRunRequest& request,
                           rpc::Callback<v1::WatchRunReply> done) {
  const Result<Run*> run = ResolveRun(request.run_id());
  if (!run.ok()) return Reply<v1::WatchRunReply>(std::move(done), run.status());
  if (!holds_calls_) return Reply<v1::WatchRunReply>(std::move(done), ShuttingDown());
  const std::string& run_id = (*run)->record().run_id;
  watchers_[run_id].push_back({request.after_change(), Now() + kWatchHold, std::move(done)});
}

void Coordinator::AnswerWatchers() {
  for (auto entry = watchers_.begin(); entry != watchers_.end();) {
    const Run& run = *FindRun(entry->first);
    std::erase_if(entry->second, [&](Watcher& watcher) {
      const bool news = run.change() > watcher.after_change || run.ended();
      if (!news && Now() < watcher.until) return false;
      Reply<v1::WatchRunReply>(std::move(watcher.done), WatchReply(run));
      return true;
    });
    entry = entry->second.empty() ? watchers_.erase(entry) : std::next(entry);
  }
}

void Coordinator::StopRun(const std::string& run_id, rpc::Callback<v1::StopRunReply> done) {
  const Result<Run*> run = ResolveRun(run_id);
  const Status status = run.ok() ? (*run)->Stop() : run.status();
  if (!status.ok()) return Reply<v1::StopRunReply>(std::move(done), status);
  v1::StopRunReply reply;
  *reply.mutable_run() = Summarize(**run);
  Reply<v1::StopRunReply>(std::move(done), std::move(reply));
}

void Coordinator::ResumeRun(const std::string& run_id, rpc::Callback<v1::ResumeRunReply> done) {
  const Result<Run*> run = ResolveRun(run_id);
  const Status status = run.ok() ? (*run)->Resume() : run.status();
  if (!status.ok()) return Reply<v1::ResumeRunReply>(std::move(done), status);
  v1::ResumeRunReply reply;
  *reply.mutable_run() = Summarize(**run);
  Reply<v1::ResumeRunReply>(std::move(done), std::move(reply));
}

void Coordinator::ExportHistory(const std::string& run_id,
                                rpc::Callback<v1::ExportHistoryReply> done) {
  const Result<Run*> run = ResolveRun(run_id);
  if (!run.ok()) return Reply<v1::ExportHistoryReply>(std::move(done), run.status());
  after_commit_.emplace_back([this, record = (*run)->record(), done = std::move(done)]() mutable {
    parts_.reading.Post([this, record = std::move(record), done = std::move(done)] {
      constexpr int64_t kAll = std::numeric_limits<int64_t>::max();
      const auto rounds = parts_.reader.Rounds(record.run_id, 0, kAll);
      if (!rounds.ok()) return done(rounds.status());
      const auto tasks = parts_.reader.Tasks(record.run_id, 0, kAll);
      if (!tasks.ok()) return done(tasks.status());
      if (!HasWholeHistory(record, *rounds, *tasks)) {
        return done(FailedPrecondition("the history of run " + record.run_id +
                                       " is no longer whole: rounds of it were removed")
                        .WithHint("[keep] history_days and history_rounds in its run file say "
                                  "how much stays"));
      }
      v1::ExportHistoryReply reply;
      reply.set_history_json(HistoryToJson(record, *rounds, *tasks));
      done(std::move(reply));
    });
  });
}

void Coordinator::ListSites(rpc::Callback<v1::ListSitesReply> done) {
  v1::ListSitesReply reply;
  std::vector<const Site*> sites;
  for (const Site* site : sites_by_number_) {
    if (site != nullptr) sites.push_back(site);
  }
  std::sort(sites.begin(), sites.end(),
            [](const Site* a, const Site* b) { return a->record.site < b->record.site; });
  for (const Site* site : sites) {
    const storage::SiteRecord& record = site->record;
    if (record.epoch == 0) continue;
    v1::SiteSummary& summary = *reply.add_sites();
    summary.set_site(record.site);
    const bool busy = std::any_of(site->open.begin(), site->open.end(),
                                  [&](int64_t task_id) { return site->holds.contains(task_id); });
    summary.set_state(!site->connected ? "lost"
                      : site->broken   ? "broken"
                      : busy           ? "busy"
                                       : "ready");
    if (!site->connected) summary.set_reason("not connected");
    if (site->connected && site->broken) summary.set_reason(std::string(kBrokenReason));
    summary.set_version(record.version);
    summary.set_first_seen_unix_ms(record.first_seen.unix_millis);
    const WallTime seen = site->connected ? WallNow() : record.last_seen;
    summary.set_last_seen_unix_ms(seen.unix_millis);
    summary.set_certificate_expires_unix(record.certificate_expires_unix);
    for (const std::string& source : record.data_sources) summary.add_data_sources(source);
    summary.set_epoch(rpc::SessionNumber(record.epoch));
  }
  Reply<v1::ListSitesReply>(std::move(done), std::move(reply));
}

void Coordinator::ExportModel(const v1::ExportModelRequest& request,
                              rpc::Callback<ExportedModel> done) {
  const Result<Run*> run = ResolveRun(request.run_id());
  if (!run.ok()) return Reply<ExportedModel>(std::move(done), run.status());
  if (!(*run)->base()) {
    return Reply<ExportedModel>(
        std::move(done),
        FailedPrecondition("run " + (*run)->record().run_id + " has no model yet"));
  }
  if (request.version() > (*run)->base()->version) {
    return Reply<ExportedModel>(
        std::move(done), NotFound("run " + (*run)->record().run_id + " has no version " +
                                  std::to_string(request.version()) + ": its newest is " +
                                  std::to_string((*run)->base()->version))
                             .WithHint("without --version it is the newest that is exported"));
  }
  v1::ModelRef ref;
  ref.set_run_id((*run)->record().run_id);
  ref.set_version(request.version() < 0 ? (*run)->base()->version : request.version());
  parts_.reading.Post([this, ref, done = std::move(done)]() mutable {
    const auto rounds = parts_.reader.Rounds(ref.run_id(), ref.version(), ref.version());
    if (!rounds.ok()) return done(rounds.status());
    for (const storage::RoundRecord& round : *rounds) {
      if (round.model_version != ref.version()) continue;
      auto file = checkpoints_.OpenVerified(
          {ref.run_id(), ref.version(), storage::CheckpointPart::kModel}, round.model_hash);
      if (file.status().code() == Code::kNotFound) break;
      if (!file.ok()) return done(std::move(file).status());
      ref.set_size_bytes(round.model_size_bytes);
      ref.set_content_hash(std::string(round.model_hash.view()));
      return done(ExportedModel{ref, rpc::ReadChunks(*std::move(file), 0)});
    }
    done(NotFound("run " + ref.run_id() + " has no version " + std::to_string(ref.version()) +
                  " any more")
             .WithHint("[keep] checkpoints and best say which versions stay"));
  });
}

}  // namespace skerry::coordinator
