#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "base/report.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/render/progress.h"

namespace skerry::cli {
namespace {

int Print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return 0;
}

// What the exit code of `run wait` and `run watch` says.
int ExitCodeOf(const v1::RunSummary& run) {
  if (run.state() == "completed") return 0;
  if (run.state() == "completed_degraded") return 20;
  if (run.state() == "paused") return 21;
  if (run.state() == "failed") return 22;
  if (run.state() == "stopped") return 23;
  return 0;
}

bool HasEnded(const v1::RunSummary& run) { return run.ended_unix_ms() != 0; }

int Submit(const GlobalOptions& options, const std::string& path) {
  PosixFiles files;
  Result<std::string> text = ReadFile(files, path);
  if (!text.ok()) return ReportError(text.status());
  const auto client = AdminClient::Connect(options.address);
  if (!client.ok()) return ReportError(client.status());
  v1::SubmitRunRequest request;
  request.set_run_file(*std::move(text));
  request.set_file_name(path);
  const Result<v1::SubmitRunReply> reply = (*client)->SubmitRun(request);
  if (!reply.ok()) return ReportError(reply.status());
  if (options.output() == Format::kJson) return Print(RunSummaryJson(reply->run()));
  std::fprintf(
      stderr, "submitted; sites: %s\n",
      Join(std::vector<std::string>(reply->sites().begin(), reply->sites().end()), ", ").c_str());
  return Print(reply->run().run_id() + "\n");
}

int List(const GlobalOptions& options) {
  const auto client = AdminClient::Connect(options.address);
  if (!client.ok()) return ReportError(client.status());
  const Result<v1::ListRunsReply> reply = (*client)->ListRuns();
  if (!reply.ok()) return ReportError(reply.status());
  const std::vector<v1::RunSummary> runs(reply->runs().begin(), reply->runs().end());
  return Print(options.output() == Format::kJson ? RunsJson(runs) : RunsText(runs));
}

int Show(const GlobalOptions& options, const std::string& run_id, int64_t rounds) {
  const auto client = AdminClient::Connect(options.address);
  if (!client.ok()) return ReportError(client.status());
  v1::ShowRunRequest request;
  request.set_run_id(run_id);
  request.set_first_round(rounds < 0 ? 0 : -rounds);
  const Result<v1::ShowRunReply> reply = (*client)->ShowRun(request);
  if (!reply.ok()) return ReportError(reply.status());
  return Print(options.output() == Format::kJson ? RunJson(*reply) : RunText(*reply));
}

constexpr Duration kFirstAnswer = 10s;

struct WaitOptions {
  int64_t round = -1;  // until this round has committed; -1: until the run has ended
  std::string timeout;
  bool pause_is_end = true;  // a paused run waits for a person
  bool quiet = false;
};

// Follows a run until what was asked for has come. A coordinator that is away is waited for.
class Follower {
 public:
  Follower(AdminClient& client, const WaitOptions& options)
      : client_(client), options_(options), progress_(clock_) {}

  int Follow(const std::string& run_id) {
    Result<Duration> timeout = Duration::max();
    if (!options_.timeout.empty()) timeout = ParseDuration(options_.timeout);
    if (!timeout.ok()) return ReportError(timeout.status());
    const Timestamp begin = clock_.Now();
    v1::WatchRunRequest request;
    request.set_run_id(run_id);
    for (;;) {
      const Result<v1::WatchRunReply> reply = client_.WatchRun(request);
      if (clock_.Now() - begin >= *timeout) return TimedOut();
      if (!reply.ok()) {
        // A coordinator that has just been started gets a moment; one that answered before, for
        // ever.
        const bool patient = seen_ || clock_.Now() - begin < kFirstAnswer;
        if (reply.status().code() != Code::kUnavailable || !patient)
          return ReportError(reply.status());
        if (!std::exchange(away_, true)) progress_.Line("the coordinator does not answer; waiting");
        ::usleep(200'000);
        continue;
      }
      if (std::exchange(away_, false)) progress_.Line("the coordinator answers again");
      seen_ = true;
      // "latest" must not move on to another run.
      request.set_run_id(reply->run().run_id());
      request.set_after_change(reply->run().change());
      Show(*reply);
      if (IsOver(reply->run())) return End(reply->run());
    }
  }

 private:
  bool IsOver(const v1::RunSummary& run) const {
    if (HasEnded(run)) return true;
    if (options_.pause_is_end && run.state() == "paused" && !run.hint().starts_with("it goes on")) {
      return true;
    }
    // `round` is 0 too as long as none has committed; then round 0 is the one under way.
    const bool committed = run.round() > 0 || run.current_round() > 0;
    return options_.round >= 0 && committed && run.round() >= options_.round;
  }

  void Show(const v1::WatchRunReply& reply) {
    if (options_.quiet) return;
    const v1::RunSummary& run = reply.run();
    std::string note = MetricsLine(reply.last_round());
    if (run.state() != "running")
      note = run.state() + (run.reason().empty() ? "" : ": " + run.reason());
    if (run.state() == "running" && run.reason().starts_with("waiting for lost"))
      note = run.reason();
    progress_.Update(RoundLabel(run), run.round(), run.num_rounds(), note);
    if (note != last_note_ && run.state() != "running" && !HasEnded(run)) progress_.Line(note);
    last_note_ = note;
  }

  int End(const v1::RunSummary& run) {
    progress_.Finish();
    if (!HasEnded(run) && run.state() != "paused") return 0;  // the round that was waited for
    std::fprintf(stderr, "%s: %s%s%s\n", run.run_id().c_str(), run.state().c_str(),
                 run.reason().empty() ? "" : ": ", Printable(run.reason()).c_str());
    if (!run.hint().empty()) std::fprintf(stderr, "hint: %s\n", Printable(run.hint()).c_str());
    return ExitCodeOf(run);
  }

  int TimedOut() {
    progress_.Finish();
    return ReportError(DeadlineExceeded("not within " + options_.timeout));
  }

  AdminClient& client_;
  const WaitOptions options_;
  SystemClock clock_;
  Progress progress_;
  bool seen_ = false;
  bool away_ = false;
  std::string last_note_;
};

int Wait(const GlobalOptions& options, const std::string& run_id, const WaitOptions& wait) {
  const auto client = AdminClient::Connect(options.address);
  if (!client.ok()) return ReportError(client.status());
  return Follower(**client, wait).Follow(run_id);
}

int Stop(const GlobalOptions& options, const std::string& run_id) {
  const auto client = AdminClient::Connect(options.address);
  if (!client.ok()) return ReportError(client.status());
  const auto reply = (*client)->StopRun(run_id);
  if (!reply.ok()) return ReportError(reply.status());
  if (options.output() == Format::kJson) return Print(RunSummaryJson(reply->run()));
  return Print(reply->run().run_id() + " is stopped; its newest model can still be exported\n");
}

int Resume(const GlobalOptions& options, const std::string& run_id) {
  const auto client = AdminClient::Connect(options.address);
  if (!client.ok()) return ReportError(client.status());
  const auto reply = (*client)->ResumeRun(run_id);
  if (!reply.ok()) return ReportError(reply.status());
  if (options.output() == Format::kJson) return Print(RunSummaryJson(reply->run()));
  return Print(reply->run().run_id() + " goes on, " + RoundLabel(reply->run()) + "\n");
}

int ExportHistory(const GlobalOptions& options, const std::string& run_id) {
  const auto client = AdminClient::Connect(options.address);
  if (!client.ok()) return ReportError(client.status());
  const auto reply = (*client)->ExportHistory(run_id);
  if (!reply.ok()) return ReportError(reply.status());
  return Print(reply->history_json());
}

Status WriteReport(AdminClient& client, const std::string& run_id, const std::string& out) {
  PosixFiles files;
  v1::ShowRunRequest request;
  request.set_run_id(run_id);
  SKERRY_ASSIGN_OR_RETURN(const v1::ShowRunReply run, client.ShowRun(request));
  SKERRY_ASSIGN_OR_RETURN(const v1::ExportHistoryReply history,
                          client.ExportHistory(run.run().run_id()));
  const std::vector<v1::RoundSummary> rounds(run.rounds().begin(), run.rounds().end());
  SKERRY_RETURN_IF_ERROR(files.MakeDirectories(out));
  SKERRY_RETURN_IF_ERROR(PublishFile(files, out + "/rounds.csv", RoundsCsv(rounds)));
  SKERRY_RETURN_IF_ERROR(
      PublishFile(files, out + "/curve.svg", RoundsSvg(run.run().run_id(), rounds)));
  SKERRY_RETURN_IF_ERROR(PublishFile(files, out + "/run.json", RunJson(run)));
  SKERRY_RETURN_IF_ERROR(PublishFile(files, out + "/history.json", history.history_json()));
  std::printf("wrote rounds.csv, curve.svg, run.json and history.json to %s\n", out.c_str());
  return OkStatus();
}

int Report(const GlobalOptions& options, const std::string& run_id, const std::string& out) {
  const auto client = AdminClient::Connect(options.address);
  const Status status = client.ok() ? WriteReport(**client, run_id, out) : client.status();
  return status.ok() ? 0 : ReportError(status);
}

CLI::App* AddVerb(CLI::App& noun, GlobalOptions& options, const char* name, const char* description,
                  const char* example) {
  CLI::App* verb = noun.add_subcommand(name, description);
  verb->footer(std::string("Example:\n  ") + example);
  AddAdminOptions(*verb, options);
  return verb;
}

void AddWaiting(CLI::App& noun, GlobalOptions& options, Action& action) {
  auto run_id = std::make_shared<std::string>("latest");
  CLI::App* watch = AddVerb(noun, options, "watch", "Show a run's progress until it ends",
                            "skerry run watch latest --socket /var/lib/skerry/admin.sock");
  watch->add_option("run", *run_id, "the run, or \"latest\"")->capture_default_str();
  watch->callback([&options, &action, run_id] {
    action = [&options, run_id] {
      WaitOptions until_the_end;
      until_the_end.pause_is_end = false;
      return Wait(options, *run_id, until_the_end);
    };
  });
  auto wait = std::make_shared<WaitOptions>();
  CLI::App* verb =
      AddVerb(noun, options, "wait",
              "Wait until a run ends, or a round of it has committed.\n"
              "Exit codes: 0 completed (or the round is there), 20 completed_degraded, "
              "21 paused until somebody comes, 22 failed, 23 stopped, 4 time is up",
              "skerry run wait icu-mortality-1 --round 10 --timeout 5m");
  verb->add_option("run", *run_id, "the run, or \"latest\"")->capture_default_str();
  verb->add_option("--round", wait->round, "until this round has committed");
  verb->add_option("--timeout", wait->timeout, "at most so long, for instance 5m");
  verb->add_flag("--quiet", wait->quiet, "no progress");
  verb->callback([&options, &action, run_id, wait] {
    action = [&options, run_id, wait] { return Wait(options, *run_id, *wait); };
  });
}

}  // namespace

void AddRunCommands(CLI::App& app, GlobalOptions& options, Action& action) {
  CLI::App* noun = app.add_subcommand("run", "Begin, watch and steer runs");
  noun->require_subcommand(1);
  auto argument = std::make_shared<std::string>();
  auto rounds = std::make_shared<int64_t>(5);

  CLI::App* submit = AddVerb(*noun, options, "submit", "Begin a run; prints its id",
                             "skerry run submit run.toml --socket /var/lib/skerry/admin.sock");
  submit->add_option("run.toml", *argument, "the run file")->required();
  submit->callback([&options, &action, argument] {
    action = [&options, argument] { return Submit(options, *argument); };
  });
  AddVerb(*noun, options, "list", "All runs, oldest first", "skerry run list --format json")
      ->callback([&options, &action] { action = [&options] { return List(options); }; });
  CLI::App* show = AddVerb(*noun, options, "show",
                           "A run: its state and what it waits for, its sites, its newest rounds",
                           "skerry run show latest --rounds 20");
  show->add_option("run", *argument, "the run, or \"latest\"")->required();
  show->add_option("--rounds", *rounds, "so many newest rounds; -1: all")->capture_default_str();
  show->callback([&options, &action, argument, rounds] {
    action = [&options, argument, rounds] { return Show(options, *argument, *rounds); };
  });
  AddWaiting(*noun, options, action);
  CLI::App* stop = AddVerb(*noun, options, "stop", "End a run for good; its newest model stays",
                           "skerry run stop icu-mortality-1");
  stop->add_option("run", *argument, "the run, or \"latest\"")->required();
  stop->callback([&options, &action, argument] {
    action = [&options, argument] { return Stop(options, *argument); };
  });
  CLI::App* resume = AddVerb(*noun, options, "resume", "Let a paused run go on",
                             "skerry run resume icu-mortality-1");
  resume->add_option("run", *argument, "the run, or \"latest\"")->required();
  resume->callback([&options, &action, argument] {
    action = [&options, argument] { return Resume(options, *argument); };
  });
  auto out = std::make_shared<std::string>("out");
  CLI::App* report =
      AddVerb(*noun, options, "report",
              "Write a run's rounds (CSV), learning curves (SVG), history and all else "
              "(JSON) to a folder",
              "skerry run report latest --out out");
  report->add_option("run", *argument, "the run, or \"latest\"")->required();
  report->add_option("--out", *out, "the folder")->capture_default_str();
  report->callback([&options, &action, argument, out] {
    action = [&options, argument, out] { return Report(options, *argument, *out); };
  });
  AddVerifyCommand(*noun, options, action);
  CLI::App* history =
      AddVerb(*noun, options, "export-history",
              "Who was counted in which round, as JSON: skerry simulate --history replays it",
              "skerry run export-history latest > history.json");
  history->add_option("run", *argument, "the run, or \"latest\"")->required();
  history->callback([&options, &action, argument] {
    action = [&options, argument] { return ExportHistory(options, *argument); };
  });
}

void AddSiteCommands(CLI::App& app, GlobalOptions& options, Action& action) {
  CLI::App* noun = app.add_subcommand("site", "Look at the sites of a federation");
  noun->require_subcommand(1);
  AddVerb(*noun, options, "list", "Every site that has ever connected", "skerry site list")
      ->callback([&options, &action] {
        action = [&options]() -> int {
          const auto client = AdminClient::Connect(options.address);
          if (!client.ok()) return ReportError(client.status());
          const auto reply = (*client)->ListSites();
          if (!reply.ok()) return ReportError(reply.status());
          const std::vector<v1::SiteSummary> sites(reply->sites().begin(), reply->sites().end());
          return Print(options.output() == Format::kJson
                           ? SitesJson(sites)
                           : SitesText(sites, SystemClock().WallNow().unix_millis));
        };
      });
}

void AddFormatOption(CLI::App& verb, GlobalOptions& options) {
  verb.add_option("--format", options.format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

void AddAdminOptions(CLI::App& verb, GlobalOptions& options) {
  AddFormatOption(verb, options);
  verb.add_option("--socket", options.address.socket,
                  "the coordinator's admin socket, on its own machine (or $SKERRY_ADMIN_SOCKET)");
  verb.add_option("--admin", options.address.config,
                  "admin.toml of an admin kit, from elsewhere (or $SKERRY_ADMIN_CONFIG)");
}

}  // namespace skerry::cli
