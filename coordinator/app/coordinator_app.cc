#include "coordinator/app/coordinator_app.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <string>

#include "base/cpu.h"
#include "base/report.h"
#include "base/shutdown_signal.h"
#include "base/version.h"
#include "coordinator/app/daemon.h"
#include "learning/setup.h"

namespace skerry {
namespace {

constexpr const char* kFooter =
    "Example:\n"
    "  skerry-coordinator --config coordinator.toml\n"
    "\n"
    "The configuration file, with comments, comes with the kit of: skerry ca issue --coordinator "
    "HOST\n"
    "SIGTERM, SIGHUP or Ctrl-C: finishes what is under way and ends with 0; every run goes on at "
    "the next "
    "start.\n"
    "Exit codes: 0 ended as asked, 2 bad arguments or file, 4 cannot listen, 6 something is in the "
    "way,\n"
    "  7 disk full, 8 damaged data, 1 anything else.";

// Calls under way have 5 s of it (Daemon::Run).
constexpr Duration kLongestEnd = 9s;

// As many connections and files as this user may have: gRPC 1.51 stops to listen for good when it
// runs out of them.
void AllowMoreFiles() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));  // without, the usual 1024 have to do
}

int Serve(const std::string& path, bool insecure) {
  PosixFiles files;
  const Result<coordinator::CoordinatorConfig> config =
      coordinator::LoadCoordinatorConfig(files, path, insecure);
  if (!config.ok()) return ReportError(config.status());
  ShutdownSignal signal;
  Result<std::unique_ptr<coordinator::Daemon>> daemon =
      coordinator::Daemon::Start(*config, insecure);
  if (!daemon.ok()) return ReportError(daemon.status());
  if (insecure) spdlog::warn("--insecure: no encryption, no certificates; for trials only");
  spdlog::info("coordinator {} of federation \"{}\" listens on port {}, state in {}", kVersion,
               (*daemon)->federation(), (*daemon)->port(), config->state_dir);
  signal.Listen([&daemon] {
    ExitAfter(kLongestEnd, 0);
    spdlog::info("shutting down: finishing what is under way");
    (*daemon)->Stop();
  });
  const Status status = (*daemon)->Run();
  // An orderly end would wait for calls that nobody answers any more. As after a kill -9, what was
  // not committed nobody has been told.
  if (!status.ok()) std::_Exit(ReportError(status));
  spdlog::info("ended; every run goes on at the next start");
  return 0;
}

}  // namespace

int CoordinatorMain(int argc, char** argv) {
  RequireCpu();
  AllowMoreFiles();
  learning::FixKernels();
  rpc::SetUpGrpc();
  CLI::App app(
      "The coordinator of a federation: runs rounds, journals them, never sees a row of data.");
  app.footer(kFooter);
  app.set_version_flag("--version", std::string("skerry-coordinator ") + kVersion);
  std::string config;
  bool insecure = false;
  app.add_option("--config", config, "coordinator.toml")->required();
  app.add_flag("--insecure", insecure,
               "plaintext on a loopback address: for trials on one machine");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return ReportError(InvalidArgument(error.what()).WithHint("skerry-coordinator --help"));
  }
  spdlog::set_default_logger(spdlog::stderr_color_mt("coordinator"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  EndProcess(Serve(config, insecure));
}

}  // namespace skerry
