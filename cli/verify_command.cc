#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/executor.h"
#include "base/files.h"
#include "base/report.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/render/progress.h"
#include "coordinator/verify.h"
#include "storage/sqlite_journal.h"

namespace skerry::cli {
namespace {

using coordinator::VerifyReport;

struct VerifyOptions {
  std::string run_id;
  std::string state_dir;
  std::vector<std::string> call_logs;
};

// A directory that goes when the object goes.
class ScratchDirectory {
 public:
  static Result<std::unique_ptr<ScratchDirectory>> Make() {
    std::error_code error;
    const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
    if (error) return FailedPrecondition("there is no directory for temporary files; set TMPDIR");
    std::string path = (parent / "skerry-verify-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) {
      return FailedPrecondition("cannot make a directory in " + parent.string());
    }
    return std::unique_ptr<ScratchDirectory>(new ScratchDirectory(std::move(path)));
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit ScratchDirectory(std::string path) : path_(std::move(path)) {}
  const std::string path_;
};

Result<std::vector<rpc::CallHistory>> ReadCalls(Files& files,
                                                const std::vector<std::string>& paths) {
  std::vector<rpc::CallHistory> histories;
  for (const std::string& path : paths) {
    SKERRY_ASSIGN_OR_RETURN(const std::string text, ReadFile(files, path));
    SKERRY_ASSIGN_OR_RETURN(rpc::CallHistory history, rpc::ParseCallLog(text, path));
    histories.push_back(std::move(history));
  }
  return histories;
}

// The coordinator may be at work: all rows are of one moment, and that is after the logs'.
Result<coordinator::RunRows> ReadRun(const VerifyOptions& options, Files& files,
                                     coordinator::VerifyInput& input) {
  SKERRY_ASSIGN_OR_RETURN(const auto journal, storage::SqliteJournalReader::Open(
                                                  options.state_dir + "/coordinator.db"));
  SKERRY_ASSIGN_OR_RETURN(input.confirmed, coordinator::ReadConfirmed(options.run_id, *journal));
  SKERRY_ASSIGN_OR_RETURN(input.calls, ReadCalls(files, options.call_logs));
  SKERRY_RETURN_IF_ERROR(journal->BeginSnapshot());
  return coordinator::ReadRunRows(options.run_id, *journal);
}

Result<VerifyReport> Verify(const VerifyOptions& options) {
  PosixFiles files;
  SystemClock clock;
  coordinator::VerifyInput input;
  input.state_dir = options.state_dir;
  SKERRY_ASSIGN_OR_RETURN(const coordinator::RunRows rows, ReadRun(options, files, input));
  SKERRY_ASSIGN_OR_RETURN(const auto scratch, ScratchDirectory::Make());
  input.scratch_dir = scratch->path();
  input.num_threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  ThreadPool compute(input.num_threads);
  Progress progress(clock);
  input.progress = [&](int64_t round) {
    progress.Update("verified round " + std::to_string(round), round, 0, "");
  };
  return coordinator::VerifyRun(input, rows, files, compute);
}

std::string Of(int64_t part, int64_t whole) {
  return std::to_string(part) + " of " + std::to_string(whole);
}

// At most a few, and how many more there are.
void PrintSome(const char* title, const std::vector<std::string>& lines) {
  constexpr std::size_t kMost = 20;
  if (lines.empty()) return;
  std::printf("\n%s\n", title);
  for (std::size_t i = 0; i < std::min(kMost, lines.size()); ++i) {
    std::printf("  %s\n", lines[i].c_str());
  }
  if (lines.size() > kMost) {
    std::printf("  and %zu more; --format json shows all\n", lines.size() - kMost);
  }
}

void PrintCalls(const VerifyReport& report) {
  if (!report.calls_compared) {
    std::printf("calls    no log given (--calls): what sites were told was not compared\n");
    return;
  }
  std::printf("calls    %lld acknowledged results in the logs: %lld lost, %lld in open rounds\n",
              static_cast<long long>(report.acknowledged), static_cast<long long>(report.lost),
              static_cast<long long>(report.acknowledged_open));
  std::printf("         %s discarded ones: the verdict is in the log of the site\n",
              Of(report.discarded_heard, report.discarded_acknowledged).c_str());
}

void PrintText(const VerifyReport& report) {
  std::printf("run %s\n", report.run_id.c_str());
  std::printf("rounds   %s follow from the one before and from who counted\n",
              Of(report.rounds_chained, report.rounds).c_str());
  std::printf("models   %s computed again from kept updates, to the same bits\n",
              Of(report.models_recomputed, report.models).c_str());
  std::printf("         %s still on disk, with the hash in the journal\n",
              Of(report.models_hashed, report.models).c_str());
  std::printf("results  %lld counted once, %lld in open rounds\n",
              static_cast<long long>(report.results_counted - report.duplicated),
              static_cast<long long>(report.results_open));
  std::printf("         %lld discarded; sites have confirmed that they know of %s\n",
              static_cast<long long>(report.results_discarded),
              Of(report.results_told, report.results_discarded).c_str());
  PrintCalls(report);
  PrintSome("Could not be verified:", report.not_verified);
  PrintSome("FAULTS:", report.faults);
  std::printf("\n%s\n",
              report.faults.empty() ? "no fault found" : "this run is not what its journal says");
}

void PrintJson(const VerifyReport& report) {
  const nlohmann::ordered_json json = {{"run", report.run_id},
                                       {"rounds", report.rounds},
                                       {"rounds_chained", report.rounds_chained},
                                       {"models", report.models},
                                       {"models_recomputed", report.models_recomputed},
                                       {"models_hashed", report.models_hashed},
                                       {"results_counted", report.results_counted},
                                       {"results_discarded", report.results_discarded},
                                       {"results_told", report.results_told},
                                       {"results_open", report.results_open},
                                       {"acknowledged", report.acknowledged},
                                       {"acknowledged_open", report.acknowledged_open},
                                       {"lost", report.lost},
                                       {"discarded_acknowledged", report.discarded_acknowledged},
                                       {"discarded_heard", report.discarded_heard},
                                       {"duplicated", report.duplicated},
                                       {"not_verified", report.not_verified},
                                       {"faults", report.faults}};
  std::printf("%s\n", json.dump(2).c_str());
}

// The state directory is where the admin socket is, unless it is named.
Status FindStateDir(const GlobalOptions& options, VerifyOptions& verify) {
  if (!verify.state_dir.empty()) return OkStatus();
  std::string socket = options.address.socket;
  const char* variable = std::getenv("SKERRY_ADMIN_SOCKET");  // NOLINT(concurrency-mt-unsafe)
  if (socket.empty() && variable != nullptr) socket = variable;
  if (socket.empty()) {
    return InvalidArgument("which coordinator's state? verify reads its files")
        .WithHint("--state-dir DIR, on the coordinator's machine; it may be running meanwhile");
  }
  verify.state_dir = ParentDirectory(socket);
  return OkStatus();
}

int VerifyAction(const GlobalOptions& options, VerifyOptions verify) {
  const Status found = FindStateDir(options, verify);
  const Result<VerifyReport> report = found.ok() ? Verify(verify) : found;
  if (!report.ok()) return ReportError(report.status());
  options.output() == Format::kJson ? PrintJson(*report) : PrintText(*report);
  return report->faults.empty() ? 0 : ExitCode(DataLoss(""));
}

}  // namespace

void AddVerifyCommand(CLI::App& noun, GlobalOptions& options, Action& action) {
  auto verify = std::make_shared<VerifyOptions>();
  CLI::App* verb = noun.add_subcommand(
      "verify",
      "Check a run against its journal: who counted, once each; the chain of hashes; every model\n"
      "whose updates are kept ([keep] updates), computed again; with --calls, what sites were "
      "told.\n"
      "Runs on the coordinator's machine, whether or not the coordinator does.\n"
      "Exit codes: 0 no fault found, 8 faults, 3 no such run");
  verb->footer(
      "Example:\n  skerry run verify latest --state-dir /var/lib/skerry --calls north-calls.jsonl");
  verb->add_option("run", verify->run_id, "the run, or \"latest\"")->required();
  verb->add_option("--state-dir", verify->state_dir,
                   "the coordinator's state directory (default: where its admin socket is)");
  verb->add_option("--calls", verify->call_logs,
                   "call logs ([log] calls in agent.toml and coordinator.toml)");
  verb->add_option("--socket", options.address.socket,
                   "the coordinator's admin socket (or $SKERRY_ADMIN_SOCKET)");
  AddFormatOption(*verb, options);
  verb->callback([&options, &action, verify] {
    action = [&options, verify] { return VerifyAction(options, *verify); };
  });
}

}  // namespace skerry::cli
