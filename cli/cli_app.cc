#include "cli/cli_app.h"

#include <CLI/CLI.hpp>
#include <string>

#include "base/cpu.h"
#include "base/report.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/mistake.h"
#include "learning/setup.h"
#include "rpc/grpc/transport.h"

namespace skerry {
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
    "  3 not found, 4 no answer or time is up, 5 not allowed, 6 not possible now, 7 disk full,\n"
    "  8 damaged data, 9 the versions do not fit, 78 this CPU will not do, 130 interrupted; of "
    "run\n"
    "  wait, run watch and simulate: 20 completed_degraded, 21 paused, 22 failed, 23 stopped; of\n"
    "  skerry-client: 10 a newer process of this site has taken over.";

}  // namespace

namespace cli {

void AddAllCommands(CLI::App& app, GlobalOptions& options, Action& action) {
  app.footer(kFooter);
  app.set_version_flag("--version", std::string("skerry ") + kVersion);
  app.require_subcommand(1);
  AddAdminOptions(app, options);  // in front of the command, too
  AddCaCommands(app, action);
  AddRunCommands(app, options, action);
  AddSiteCommands(app, options, action);
  AddModelCommands(app, options, action);
  AddBackupCommands(app, options, action);
  AddSimulateCommand(app, action);
}

}  // namespace cli

int CliMain(int argc, char** argv) {
  RequireCpu();
  learning::FixKernels();
  rpc::SetUpGrpc();
  CLI::App app("Federated learning across institutions that may not share their data.");
  cli::GlobalOptions options;
  cli::Action action;
  cli::AddAllCommands(app, options, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return ReportError(cli::Mistake(app, argc, argv, error.what()));
  }
  if (const Status status = cli::CheckGlobalOptions(app); !status.ok()) return ReportError(status);
  return action ? action() : 2;
}

}  // namespace skerry
