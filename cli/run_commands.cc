#include <CLI/CLI.hpp>
#include <cstdio>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/named_file.h"
#include "base/report.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/render/table.h"
#include "cli/treatments.h"

namespace skerry::cli {
namespace {

int Print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return 0;
}

int Submit(const GlobalOptions& options, const std::string& path) {
  PosixFiles files;
  Result<std::string> text = ReadNamedFile(files, path, "run file");
  if (!text.ok()) return ReportError(text.status());
  const auto client = AdminClient::Connect(options.address);
  if (!client.ok()) return ReportError(client.status());
  v1::SubmitRunRequest request;
  request.set_run_file(*std::move(text));
  request.set_file_name(path);
  const Result<v1::SubmitRunReply> reply = (*client)->SubmitRun(request);
  if (!reply.ok()) return ReportError(reply.status());
  if (options.output() == Format::kJson) return Print(SubmittedJson(*reply));
  std::fputs(SubmittedText(*reply).c_str(), stderr);
  return Print(reply->run().run_id() + "\n");
}

int List(const GlobalOptions& options) {
  const auto client = AdminClient::Connect(options.address);
  if (!client.ok()) return ReportError(client.status());
  const Result<v1::ListRunsReply> reply = (*client)->ListRuns();
  if (!reply.ok()) return ReportError(reply.status());
  const std::vector<v1::RunSummary> runs(reply->runs().begin(), reply->runs().end());
  return Print(options.output() == Format::kJson ? RunsJson(runs) : RunsText(runs, OutputWidth()));
}

int Show(const GlobalOptions& options, const std::string& run_id, int64_t rounds) {
  const auto client = AdminClient::Connect(options.address);
  if (!client.ok()) return ReportError(client.status());
  v1::ShowRunRequest request;
  request.set_run_id(run_id);
  constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
  request.set_first_round(rounds < 0 ? 0 : rounds == 0 ? kNone : -rounds);
  const Result<v1::ShowRunReply> reply = (*client)->ShowRun(request);
  if (!reply.ok()) return ReportError(reply.status());
  return Print(options.output() == Format::kJson ? RunJson(*reply)
                                                 : RunText(*reply, OutputWidth()));
}

int Stop(const GlobalOptions& options, const std::string& run_id) {
  const auto client = AdminClient::Connect(options.address);
  if (!client.ok()) return ReportError(client.status());
  const auto reply = (*client)->StopRun(run_id);
  if (!reply.ok()) return ReportError(reply.status());
  if (options.output() == Format::kJson) return Print(RunSummaryJson(reply->run()));
  return Print(reply->run().run_id() + (reply->run().model_version() < 0
                                            ? " is stopped; it had no model yet\n"
                                            : " is stopped; its newest model can still be "
                                              "exported\n"));
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

// The run that it was, and the names of the files.
struct WrittenReport {
  std::string run_id;
  std::vector<std::string> files;
};

Result<WrittenReport> WriteReport(AdminClient& client, const std::string& run_id,
                                  const std::string& out) {
  PosixFiles files;
  v1::ShowRunRequest request;
  request.set_run_id(run_id);
  SKERRY_ASSIGN_OR_RETURN(const v1::ShowRunReply run, client.ShowRun(request));
  WrittenReport report = {run.run().run_id(), {}};
  SKERRY_ASSIGN_OR_RETURN(const v1::ExportHistoryReply history,
                          client.ExportHistory(report.run_id));
  const std::vector<v1::RoundSummary> rounds(run.rounds().begin(), run.rounds().end());
  std::vector<std::pair<std::string, std::string>> contents = {
      {"rounds.csv", RoundsCsv(rounds)},
      {"curve.svg", RoundsSvg(report.run_id, rounds)},
      {"run.json", RunJson(run)},
      {"history.json", history.history_json()}};
  const std::string treatments = TreatmentsCsv(rounds);
  if (!treatments.empty()) contents.emplace_back("rule.csv", treatments);
  SKERRY_RETURN_IF_ERROR(files.MakeDirectories(out));
  for (const auto& [name, text] : contents) {
    SKERRY_RETURN_IF_ERROR(PublishFile(files, out + "/" + name, text));
    report.files.push_back(out + "/" + name);
  }
  return report;
}

int Report(const GlobalOptions& options, const std::string& run_id, const std::string& out) {
  const auto client = AdminClient::Connect(options.address);
  if (!client.ok()) return ReportError(client.status());
  const Result<WrittenReport> report = WriteReport(**client, run_id, out);
  if (!report.ok()) return ReportError(report.status());
  if (options.output() == Format::kJson) return Print(FilesJson(report->run_id, report->files));
  return Print("wrote rounds.csv, curve.svg, run.json and history.json to " + out + "\n");
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
      FollowOptions until_the_end;
      until_the_end.pause_is_end = false;
      until_the_end.format = options.output();
      return FollowRun(options.address, *run_id, until_the_end);
    };
  });
  auto wait = std::make_shared<FollowOptions>();
  CLI::App* verb =
      AddVerb(noun, options, "wait",
              "Wait until a run ends, or a round of it has committed.\n"
              "Exit codes: 0 completed (or the round is there), 20 completed_degraded, "
              "21 paused until somebody comes, 22 failed, 23 stopped, 4 time is up",
              "skerry run wait icu-mortality-1 --round 10 --timeout 5m");
  verb->add_option("run", *run_id, "the run, or \"latest\"")->capture_default_str();
  verb->add_option("--round", wait->round, "until this round has committed")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--timeout", wait->timeout, "at most so long, for instance 5m");
  verb->add_flag("--quiet", wait->quiet, "no progress; with --format json, the last line only");
  verb->callback([&options, &action, run_id, wait] {
    action = [&options, run_id, wait] {
      wait->format = options.output();
      return FollowRun(options.address, *run_id, *wait);
    };
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
  show->add_option("--rounds", *rounds,
                   "so many newest rounds, with all attempts; 0: none, -1: all")
      ->check(CLI::Range(int64_t{-1}, std::numeric_limits<int64_t>::max()))
      ->type_name("INT")
      ->capture_default_str();
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
  CLI::App* history = noun->add_subcommand(
      "export-history",
      "Who was counted in which round, as JSON: skerry simulate --history replays it");
  history->footer("Example:\n  skerry run export-history latest > history.json");
  history->add_option("--format", options.format, "json, which it always is")
      ->check(CLI::IsMember({"json"}));
  AddAddressOptions(*history, options);
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
                           : SitesText(sites, SystemClock().WallNow().unix_millis, OutputWidth()));
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
  AddAddressOptions(verb, options);
}

void AddAddressOptions(CLI::App& verb, GlobalOptions& options) {
  verb.add_option("--socket", options.address.socket,
                  "the coordinator's admin socket, on its own machine (or $SKERRY_ADMIN_SOCKET)");
  verb.add_option("--admin", options.address.config,
                  "admin.toml of an admin kit, from elsewhere (or $SKERRY_ADMIN_CONFIG)");
}

}  // namespace skerry::cli
