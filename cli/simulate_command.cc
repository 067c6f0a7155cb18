#include <CLI/CLI.hpp>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "base/bytes_file.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/named_file.h"
#include "base/report.h"
#include "base/shutdown_signal.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/model_card.h"
#include "cli/model_export.h"
#include "cli/render/progress.h"
#include "cli/what_if.h"
#include "client/external/external_trainers.h"
#include "coordinator/history.h"
#include "coordinator/run_plan.h"
#include "crypto/sha256.h"
#include "learning/external.h"
#include "simulation/fault_plan_file.h"
#include "simulation/simulator.h"
#include "simulation/sites.h"

namespace skerry::cli {
namespace {

struct SimulateOptions {
  std::string run_file;
  std::string sites;  // files, or a number
  std::string history;
  std::string faults;
  std::string trainers;
  std::optional<int64_t> seed;  // of the faults
  std::string out = "out";
  int threads = 0;
  bool quiet = false;
};

std::optional<int64_t> AsNumber(const std::string& text) {
  int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

Result<std::vector<simulation::SimulatedSite>> ResolveSites(const SimulateOptions& options,
                                                            const coordinator::RunPlan& plan) {
  const std::optional<int64_t> count = AsNumber(options.sites);
  if (count && *count < 1) {
    return InvalidArgument("--sites " + options.sites + ": there must be at least one site")
        .WithHint("a number deals the rows to so many sites; a folder or glob names their files");
  }
  if (!options.sites.empty() && !count) return simulation::SitesFromFiles(options.sites, ".");
  SKERRY_ASSIGN_OR_RETURN(auto sites, simulation::SitesOfRunFile(plan, options.run_file));
  if (count) return simulation::DealToSites(sites, *count, plan.spec.seed());
  return sites;
}

// With --sites, the run file's numbers may ask for more sites than there are.
void FitParticipation(std::size_t num_sites, coordinator::Participation& participation) {
  const auto most = static_cast<int64_t>(num_sites);
  const auto fit = [&](const char* key, int64_t& value) {
    if (value <= most) return;
    std::fprintf(stderr, "note: participation.%s is %lld; this simulation has %lld site(s)\n", key,
                 static_cast<long long>(value), static_cast<long long>(most));
    value = 0;
  };
  fit("min_sites", participation.min_sites);
  fit("sites_per_round", participation.sites_per_round);
  fit("quorum", participation.quorum);
}

// What the simulation was asked for, as a coordinator would know it.
struct Submitted {
  std::string run_file;
  std::vector<std::string> roster;
};

Submitted SubmittedOf(const simulation::SimulationOptions& options) {
  Submitted submitted = {options.plan.text, {}};
  for (const simulation::SimulatedSite& site : options.sites) submitted.roster.push_back(site.name);
  return submitted;
}

// The model's file, as `model export` writes it, and its card. Returns the file's bytes; none when
// there is no model.
Result<std::string> WriteModel(const SimulateOptions& options, const Submitted& submitted,
                               const simulation::SimulationResult& result) {
  if (result.model.empty()) return std::string();
  PosixFiles files;
  SKERRY_ASSIGN_OR_RETURN(std::string model, ModelFileOf(BytesFile(result.model), result.rounds));
  SKERRY_RETURN_IF_ERROR(PublishFile(files, options.out + "/model.safetensors", model));
  v1::ShowRunReply run;
  *run.mutable_run() = result.run;
  *run.mutable_rounds() = {result.rounds.begin(), result.rounds.end()};
  run.mutable_run()->clear_created_unix_ms();  // of virtual time, which is nobody's
  run.mutable_run()->clear_ended_unix_ms();
  for (const std::string& site : submitted.roster) run.add_roster(site);
  run.set_run_file(submitted.run_file);
  SKERRY_ASSIGN_OR_RETURN(const std::string card, ModelCard(run));
  SKERRY_RETURN_IF_ERROR(PublishFile(files, options.out + "/card.md", card));
  return model;
}

Status WriteOutput(const SimulateOptions& options, const simulation::SimulationResult& result) {
  PosixFiles files;
  SKERRY_RETURN_IF_ERROR(PublishFile(files, options.out + "/rounds.csv", RoundsCsv(result.rounds)));
  SKERRY_RETURN_IF_ERROR(PublishFile(files, options.out + "/history.json", result.history_json));
  return PublishFile(files, options.out + "/curve.svg",
                     RoundsSvg(result.run.name() + ", simulated", result.rounds));
}

// From the plan's own file, or else from the run file; nullopt: nothing shall go wrong.
Result<std::optional<simulation::FaultPlan>> ReadFaults(Files& files,
                                                        const SimulateOptions& options,
                                                        const std::string& run_file) {
  std::optional<simulation::FaultPlan> plan;
  if (options.faults.empty()) {
    SKERRY_ASSIGN_OR_RETURN(plan, simulation::ParseFaultsOfRunFile(run_file, options.run_file));
  } else {
    SKERRY_ASSIGN_OR_RETURN(const std::string text, ReadNamedFile(files, options.faults, "plan"));
    SKERRY_ASSIGN_OR_RETURN(plan, simulation::ParseFaultPlan(text, options.faults));
  }
  if (plan && !options.history.empty()) {
    return InvalidArgument("--history and a plan of faults do not go together")
        .WithHint("a history is replayed as it was; the faults are in it already");
  }
  if (!plan && options.seed) {
    return InvalidArgument("--seed is for a plan of faults, and there is none")
        .WithHint("give --faults plan.toml; the run's own seed is [run] seed in " +
                  options.run_file);
  }
  if (plan && options.seed) plan->seed = static_cast<uint64_t>(*options.seed);
  return plan;
}

// Processes of their own in a folder of their own, for all sites together.
Result<std::shared_ptr<client::ExternalTrainers>> ReadTrainers(Files& files,
                                                               const std::string& path,
                                                               int num_threads) {
  SKERRY_ASSIGN_OR_RETURN(client::TrainerPrograms programs, client::LoadTrainers(files, path));
  std::string folder = (std::filesystem::temp_directory_path() / "skerry-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return Internal("no folder can be made at " + folder);
  client::ExternalTrainersOptions options;
  options.folder = folder;
  options.max_idle = num_threads;
  options.log = [](const std::string& line) {
    std::fprintf(stderr, "%s\n", Printable(line).c_str());
  };
  auto trainers =
      std::make_unique<client::ExternalTrainers>(std::move(programs), std::move(options));
  return std::shared_ptr<client::ExternalTrainers>(trainers.release(),
                                                   [folder](client::ExternalTrainers* all) {
                                                     delete all;
                                                     std::error_code ignored;
                                                     std::filesystem::remove_all(folder, ignored);
                                                   });
}

Result<simulation::SimulationOptions> Prepare(const SimulateOptions& options) {
  PosixFiles files;
  SKERRY_ASSIGN_OR_RETURN(const std::string text,
                          ReadNamedFile(files, options.run_file, "run file"));
  simulation::SimulationOptions prepared;
  SKERRY_ASSIGN_OR_RETURN(prepared.plan, coordinator::ParseRunFile(text, options.run_file));
  SKERRY_ASSIGN_OR_RETURN(prepared.sites, ResolveSites(options, prepared.plan));
  if (!options.sites.empty()) {
    FitParticipation(prepared.sites.size(), prepared.plan.participation);
  }
  if (!options.history.empty()) {
    SKERRY_ASSIGN_OR_RETURN(const std::string json,
                            ReadNamedFile(files, options.history, "history"));
    SKERRY_ASSIGN_OR_RETURN(coordinator::Participants history,
                            coordinator::ParseHistory(json, options.history));
    prepared.history = std::make_unique<coordinator::Participants>(std::move(history));
    const std::string other = coordinator::OtherRunFile(json, text);
    if (!other.empty()) {
      std::fprintf(stderr, "warning: %s; the model may be another one\n", other.c_str());
    }
  }
  SKERRY_ASSIGN_OR_RETURN(prepared.faults, ReadFaults(files, options, text));
  prepared.timeline = prepared.faults.has_value();
  const int processors = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  prepared.num_threads = options.threads > 0 ? options.threads : processors;
  prepared.version = kVersion;
  if (!options.trainers.empty()) {
    SKERRY_ASSIGN_OR_RETURN(prepared.trainers,
                            ReadTrainers(files, options.trainers, prepared.num_threads));
  } else if (learning::IsExternal(prepared.plan.spec)) {
    return InvalidArgument(options.run_file + " asks for a trainer of the sites' own")
        .WithHint("give --trainers FILE: an agent.toml, or a file with [trainer." +
                  prepared.plan.spec.model().external().trainer() + "]");
  }
  return prepared;
}

// A simulation that pauses has failed: nobody comes to its rescue.
int ExitCode(const v1::RunSummary& run) {
  return run.state() == "paused" ? kExitRunFailed : ExitCodeOf(run);
}

// How it came to its end. Nobody can resume a run that was simulated.
void PrintEnd(const v1::RunSummary& run, bool interrupted) {
  const std::string reason = interrupted ? "interrupted" : run.reason();
  if (!reason.empty()) std::printf("reason: %s\n", Printable(reason).c_str());
  if (run.state() == "paused") {
    std::printf("hint: mend the data or the run file, then simulate again\n");
  } else if (!run.hint().empty()) {
    std::printf("hint: %s\n", Printable(run.hint()).c_str());
  }
}

int Report(const SimulateOptions& options, const simulation::SimulationResult& result,
           const std::string& model, Duration elapsed, bool interrupted) {
  const v1::RunSummary& run = result.run;
  std::printf("%s: %s in %s, %s\n", run.name().c_str(), run.state().c_str(),
              FormatDuration(elapsed).c_str(), RoundLabel(run).c_str());
  PrintEnd(run, interrupted);
  for (const std::string& failure : result.failures) {
    std::printf("%s\n", Printable(failure).c_str());
  }
  if (!result.rounds.empty() && !MetricsLine(result.rounds.back()).empty()) {
    const v1::RoundSummary& last = result.rounds.back();
    std::printf("version %lld: %s\n", static_cast<long long>(last.base_version()),
                MetricsLine(last).c_str());
  }
  if (!model.empty()) {
    std::printf("model  %s/model.safetensors\nsha256 %s\ncard   %s/card.md\n", options.out.c_str(),
                crypto::Sha256(model).Hex().c_str(), options.out.c_str());
  }
  std::printf("rounds %s/rounds.csv\ncurve  %s/curve.svg\n", options.out.c_str(),
              options.out.c_str());
  return ExitCode(run);
}

// The same without the faults, to compare with.
Result<simulation::SimulationResult> SimulateCalm(const SimulateOptions& options) {
  SKERRY_ASSIGN_OR_RETURN(simulation::SimulationOptions calm, Prepare(options));
  calm.faults = simulation::WithoutFaults(*calm.faults);
  return simulation::Simulate(std::move(calm));
}

// Prints what the faults did, and writes it down.
Result<int> ReportWhatIf(const SimulateOptions& options, uint64_t seed,
                         const simulation::SimulationResult& result) {
  SKERRY_ASSIGN_OR_RETURN(const simulation::SimulationResult calm, SimulateCalm(options));
  const WhatIf what_if = {options.faults.empty() ? options.run_file : options.faults, seed, result,
                          calm};
  PosixFiles files;
  SKERRY_RETURN_IF_ERROR(
      PublishFile(files, options.out + "/report.txt", WhatIfText(what_if, true)));
  SKERRY_RETURN_IF_ERROR(PublishFile(files, options.out + "/report.json", WhatIfJson(what_if)));
  SKERRY_RETURN_IF_ERROR(PublishFile(files, options.out + "/timeline.svg", WhatIfSvg(what_if)));
  std::printf("%s\nreport   %s/report.txt, report.json\ntimeline %s/timeline.svg\n",
              WhatIfText(what_if, false).c_str(), options.out.c_str(), options.out.c_str());
  return ExitCode(result.run);
}

int Simulate(const SimulateOptions& options) {
  ShutdownSignal signal;
  Result<simulation::SimulationOptions> prepared = Prepare(options);
  if (!prepared.ok()) return ReportError(prepared.status());
  PosixFiles files;  // a simulation of hours must not end with a folder that cannot be
  const Status folder = MakeWritableFolder(files, options.out);
  if (!folder.ok()) return ReportError(folder);
  SystemClock clock;
  const Timestamp begin = clock.Now();
  std::atomic<bool> interrupted = false;
  signal.Listen([&interrupted] { interrupted = true; });
  Progress progress(clock);
  prepared->on_round = [&](const v1::RunSummary& run, const v1::RoundSummary& round) {
    if (!options.quiet) {
      progress.Update(RoundLabel(run), run.round(), run.num_rounds(), ProgressLine(round));
    }
    return !interrupted;
  };
  const std::optional<simulation::FaultPlan> faults = prepared->faults;
  const Submitted submitted = SubmittedOf(*prepared);
  const Result<simulation::SimulationResult> result = simulation::Simulate(*std::move(prepared));
  progress.Finish();
  if (!result.ok()) return ReportError(result.status());
  if (interrupted) std::fprintf(stderr, "interrupted: what was reached is written\n");
  if (Status status = WriteOutput(options, *result); !status.ok()) return ReportError(status);
  const Result<std::string> model = WriteModel(options, submitted, *result);
  if (!model.ok()) return ReportError(model.status());
  if (faults && !interrupted) {
    const Result<int> code = ReportWhatIf(options, faults->seed, *result);
    return code.ok() ? *code : ReportError(code.status());
  }
  const int code = Report(options, *result, *model, clock.Now() - begin, interrupted);
  return interrupted ? 130 : code;
}

}  // namespace

void AddSimulateCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<SimulateOptions>();
  CLI::App* verb = app.add_subcommand(
      "simulate",
      "Run a whole federation on this machine: the same code, the same model, in virtual time");
  verb->footer(
      "Examples:\n"
      "  skerry simulate run.toml                      sites from its [simulation] table\n"
      "  skerry simulate run.toml --sites data         one site for each data/*.csv\n"
      "  skerry simulate run.toml --sites 20           the same rows, dealt to 20 sites\n"
      "  skerry simulate run.toml --history h.json     who took part when, as it really was\n"
      "  skerry simulate run.toml --faults plan.toml   what if? slow sites, dead links, crashes\n"
      "Writes OUT/model.safetensors, card.md, rounds.csv, curve.svg, history.json. The same file\n"
      "and data give the same model, byte for byte, with any number of threads, and as a deployed "
      "run with the "
      "same\n"
      "history. Exit codes: 0 completed, 20 completed_degraded, 22 paused or failed,\n"
      "  23 the history ends before the run does, 130 interrupted.");
  verb->add_option("run.toml", options->run_file, "the run file")->required();
  verb->add_option("--sites", options->sites,
                   "a folder, file or glob of CSV files, one site each; or a number of sites");
  verb->add_option("--history", options->history, "of: skerry run export-history");
  verb->add_option("--faults", options->faults,
                   "a plan of what goes wrong (docs/simulation.md); writes OUT/report.txt, "
                   "report.json, timeline.svg as well");
  verb->add_option("--trainers", options->trainers,
                   "an agent.toml whose [trainer.NAME] programs train, for model.kind = "
                   "\"external\"");
  verb->add_option("--seed", options->seed, "of what the plan leaves to chance")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--out", options->out, "folder for the results")->capture_default_str();
  verb->add_option("--threads", options->threads, "that train; 0: one per processor")
      ->check(CLI::Range(0, 1024));
  verb->add_flag("--quiet", options->quiet, "no progress");
  verb->callback([&action, options] { action = [options] { return Simulate(*options); }; });
}

}  // namespace skerry::cli
