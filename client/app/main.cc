#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <string>
#include <thread>

#include "base/cpu.h"
#include "base/freed_memory.h"
#include "base/report.h"
#include "base/shutdown_signal.h"
#include "base/version.h"
#include "client/app/agent.h"
#include "learning/setup.h"

namespace skerry {
namespace {

constexpr const char* kFooter =
    "Example:\n"
    "  skerry-client --config agent.toml\n"
    "\n"
    "The configuration file, with comments, comes with the kit of: skerry ca issue --site NAME\n"
    "SIGTERM, SIGHUP or Ctrl-C at any time: what is finished is on disk, and the next start goes "
    "on from "
    "there.\n"
    "Exit codes: 0 ended as asked, 2 bad arguments or file, 5 not allowed, 6 something is in the "
    "way\n"
    "  (state directory in use, certificate expired or of another site), 7 disk full, 8 damaged "
    "data,\n"
    "  9 the coordinator speaks another version, 10 a newer process of this site has taken over.";

// A run would find it, perhaps weeks later. It may also be mended by then: the client starts. On a
// thread that nobody waits for, since a file share may hang.
void WarnOfUnreadableData(const client::ClientConfig& config) {
  std::thread([sources = config.sources] {
    PosixFiles files;
    for (const auto& [name, source] : sources) {
      const Status readable = client::CheckReadable(files, source);
      if (readable.ok()) continue;
      spdlog::warn("{}; tasks that read it fail until this is mended", readable.message());
    }
  }).detach();
}

// Trainers are asked to stop, and do so at their next step; but one may be in a read that hangs.
constexpr Duration kLongestEnd = 5s;

int Work(const std::string& path, bool insecure) {
  PosixFiles files;
  const Result<client::ClientConfig> config = client::LoadClientConfig(files, path, insecure);
  if (!config.ok()) return ReportError(config.status());
  ShutdownSignal signal;
  Result<std::unique_ptr<client::Agent>> agent = client::Agent::Start(*config, insecure);
  if (!agent.ok()) return ReportError(agent.status());
  spdlog::info("client {} of site \"{}\", coordinator {}, state in {}", kVersion, config->site,
               config->coordinator, config->state_dir);
  WarnOfUnreadableData(*config);
  signal.Listen([&agent] {
    ExitAfter(kLongestEnd, 0);
    (*agent)->Stop();
  });
  const Status status = (*agent)->Run();
  if (status.ok()) return 0;
  const int exit_code = ReportError(status);
  ExitAfter(kLongestEnd, exit_code);
  return exit_code;
}

}  // namespace
}  // namespace skerry

int main(int argc, char** argv) {
  skerry::GiveBackFreedMemory();
  skerry::RequireCpu();
  skerry::learning::FixKernels();
  skerry::rpc::SetUpGrpc();
  CLI::App app(
      "A site's agent: works on data that never leaves, for the federation's coordinator.");
  app.footer(skerry::kFooter);
  app.set_version_flag("--version", std::string("skerry-client ") + skerry::kVersion);
  std::string config;
  bool insecure = false;
  app.add_option("--config", config, "agent.toml")->required();
  app.add_flag("--insecure", insecure, "plaintext to a coordinator on this machine: for trials");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return skerry::ReportError(
        skerry::InvalidArgument(error.what()).WithHint("skerry-client --help"));
  }
  spdlog::set_default_logger(spdlog::stderr_color_mt("client"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  skerry::EndProcess(skerry::Work(config, insecure));
}
