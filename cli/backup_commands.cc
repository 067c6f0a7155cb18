#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "base/report.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/render/progress.h"
#include "coordinator/backup.h"

namespace skerry::cli {
namespace {

// Where the journal is: as said, or beside the admin socket of a coordinator on this machine.
Result<std::string> FindStateDirectory(const GlobalOptions& options, const std::string& given) {
  PosixFiles files;
  const auto has_journal = [&files](const std::string& directory) {
    return files.Open(directory + "/coordinator.db", OpenMode::kRead).status().code() !=
           Code::kNotFound;
  };
  constexpr const char* kHint = "--state-dir DIR, the [storage] state_dir of coordinator.toml";
  if (!given.empty()) {
    if (has_journal(given)) return given;
    return NotFound("there is no coordinator.db in " + given).WithHint(kHint);
  }
  std::string socket = options.address.socket;
  if (socket.empty()) {
    const char* named = std::getenv("SKERRY_ADMIN_SOCKET");
    socket = named == nullptr ? "" : named;
  }
  const std::string directory = ParentDirectory(socket);
  if (!socket.empty() && has_journal(directory)) return directory;
  return InvalidArgument(socket.empty() ? "where is the coordinator's state directory?"
                                        : "there is no coordinator.db beside " + socket)
      .WithHint(kHint);
}

std::string Count(std::size_t n, const char* what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

void PrintContents(const coordinator::BackupManifest& manifest) {
  std::printf("%s in %s, %s\n", FormatBytes(manifest.TotalBytes()).c_str(),
              Count(manifest.files.size(), "file").c_str(),
              Count(manifest.runs.size(), "run").c_str());
  for (const coordinator::BackupRun& run : manifest.runs) {
    std::printf("  %s: %s, %s committed\n", run.run_id.c_str(), run.state.c_str(),
                Count(static_cast<std::size_t>(run.rounds_committed), "round").c_str());
  }
}

// One bar for the whole of it.
class Shown {
 public:
  coordinator::BackupProgress Sink() {
    return [this](const std::string& step, uint64_t done, uint64_t total) {
      progress_.Update(step, static_cast<int64_t>(done), static_cast<int64_t>(total),
                       FormatBytes(done) + " of " + FormatBytes(total));
    };
  }
  void Finish() { progress_.Finish(); }

 private:
  SystemClock clock_;
  Progress progress_{clock_};
};

int Create(const GlobalOptions& options, const std::string& directory, const std::string& given) {
  const Result<std::string> state_dir = FindStateDirectory(options, given);
  if (!state_dir.ok()) return ReportError(state_dir.status());
  PosixFiles files;
  SystemClock clock;
  Shown shown;
  const Result<coordinator::BackupManifest> made =
      coordinator::CreateBackup(files, clock, {*state_dir, directory, kVersion}, shown.Sink());
  shown.Finish();
  if (!made.ok()) return ReportError(made.status());
  for (const std::string& file : made->left_out) {
    std::fprintf(stderr, "warning: left out: %s\n", file.c_str());
  }
  if (options.output() == Format::kJson) {
    std::fputs(coordinator::ManifestJson(*made).c_str(), stdout);
    return 0;
  }
  std::printf("%s\n", directory.c_str());
  PrintContents(*made);
  return 0;
}

int Verify(const GlobalOptions& options, const std::string& directory) {
  PosixFiles files;
  Shown shown;
  const auto verified = coordinator::VerifyBackup(files, directory, shown.Sink());
  shown.Finish();
  if (!verified.ok()) return ReportError(verified.status());
  if (options.output() == Format::kJson) {
    std::fputs(coordinator::ManifestJson(*verified).c_str(), stdout);
    return 0;
  }
  std::printf("%s is good\n", directory.c_str());
  PrintContents(*verified);
  return 0;
}

int Restore(const GlobalOptions& options, const std::string& directory,
            const std::string& state_dir) {
  PosixFiles files;
  SystemClock clock;
  Shown shown;
  const auto restored =
      coordinator::RestoreBackup(files, clock, directory, state_dir, shown.Sink());
  shown.Finish();
  if (!restored.ok()) return ReportError(restored.status());
  if (options.output() == Format::kJson) {
    std::fputs(coordinator::ManifestJson(*restored).c_str(), stdout);
    return 0;
  }
  std::printf("restored to %s\n", state_dir.c_str());
  PrintContents(*restored);
  std::printf(
      "next: stop the coordinator that this one replaces, set [storage] state_dir to this "
      "directory\n"
      "  in coordinator.toml, start skerry-coordinator; clients come back by themselves, and open\n"
      "  runs go on from the rounds above\n");
  return 0;
}

CLI::App* AddVerb(CLI::App& noun, GlobalOptions& options, const char* name, const char* description,
                  const char* example) {
  CLI::App* verb = noun.add_subcommand(name, description);
  verb->footer(std::string("Example:\n  ") + example);
  AddFormatOption(*verb, options);
  return verb;
}

}  // namespace

void AddBackupCommands(CLI::App& app, GlobalOptions& options, Action& action) {
  CLI::App* noun =
      app.add_subcommand("backup", "Copy a coordinator's state, and start from a copy");
  noun->require_subcommand(1);
  auto directory = std::make_shared<std::string>();
  auto state_dir = std::make_shared<std::string>();

  CLI::App* create = AddVerb(
      *noun, options, "create",
      "Copy one moment of a coordinator's journal and the models that it names to a new\n"
      "directory, whether or not the coordinator is running. Everything is compared with the\n"
      "journal's hashes. Run it as the user that owns the state directory",
      "skerry backup create /backup/monday --state-dir /var/lib/skerry");
  create->add_option("directory", *directory, "of the backup: new, or empty")->required();
  create->add_option("--state-dir", *state_dir,
                     "[storage] state_dir of coordinator.toml (else: where the admin socket is)");
  create->add_option("--socket", options.address.socket,
                     "the coordinator's admin socket (or $SKERRY_ADMIN_SOCKET)");
  create->callback([&options, &action, directory, state_dir] {
    action = [&options, directory, state_dir] { return Create(options, *directory, *state_dir); };
  });

  CLI::App* verify = AddVerb(*noun, options, "verify",
                             "Read all of a backup, and compare it with its manifest and its "
                             "journal; changes nothing",
                             "skerry backup verify /backup/monday");
  verify->add_option("directory", *directory, "of the backup")->required();
  verify->callback([&options, &action, directory] {
    action = [&options, directory] { return Verify(options, *directory); };
  });

  CLI::App* restore = AddVerb(
      *noun, options, "restore",
      "Verify a backup and make a state directory of it. It gets an identity of its own: clients\n"
      "that have gone on since the backup drop what they hold, and work it again",
      "skerry backup restore /backup/monday --state-dir /var/lib/skerry-restored");
  restore->add_option("directory", *directory, "of the backup")->required();
  restore->add_option("--state-dir", *state_dir, "to be made: new, or empty")->required();
  restore->callback([&options, &action, directory, state_dir] {
    action = [&options, directory, state_dir] { return Restore(options, *directory, *state_dir); };
  });
}

}  // namespace skerry::cli
