#include <CLI/CLI.hpp>
#include <string>

#include "base/cpu.h"
#include "base/version.h"
#include "cli/commands.h"
#include "learning/setup.h"
#include "rpc/grpc/transport.h"

namespace {

constexpr const char* kFooter =
    "A federation from nothing:\n"
    "  skerry ca init --federation icu\n"
    "  skerry ca issue --coordinator fl.example.org\n"
    "  skerry ca issue --site north --site south\n"
    "  skerry-coordinator --config kits/coordinator/coordinator.toml\n"
    "  skerry-client --config kits/north/agent.toml          (at each site)\n"
    "  skerry run submit run.toml\n"
    "  skerry run watch latest\n"
    "  skerry model export latest --out model.safetensors\n"
    "On one machine, with the same run file:\n"
    "  skerry simulate run.toml --out out\n"
    "\n"
    "Every command: skerry NOUN VERB --help. Exit codes: 0 done, 1 failed, 2 bad arguments or "
    "file,\n"
    "  3 not found, 4 no answer, 5 not allowed, 6 not possible now, 7 disk full, 8 damaged data.";

}  // namespace

int main(int argc, char** argv) {
  skerry::RequireCpu();
  skerry::learning::FixKernels();
  skerry::rpc::SetUpGrpc();
  CLI::App app("Federated learning across institutions that may not share their data.");
  app.footer(kFooter);
  app.set_version_flag("--version", std::string("skerry ") + skerry::kVersion);
  app.require_subcommand(1);
  skerry::cli::GlobalOptions options;
  skerry::cli::Action action;
  skerry::cli::AddCaCommands(app, action);
  skerry::cli::AddRunCommands(app, options, action);
  skerry::cli::AddSiteCommands(app, options, action);
  skerry::cli::AddModelCommands(app, options, action);
  skerry::cli::AddSimulateCommand(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return action ? action() : 2;
}
