#include "cli/cli_app.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/report.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/commands.h"
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
    "  3 not found, 4 no answer, 5 not allowed, 6 not possible now, 7 disk full, 8 damaged data.";

// A mistake on the command line, with the help that fits best.
Status Mistake(const CLI::App& app, int argc, char** argv, const std::string& what) {
  const CLI::App* command = &app;
  std::string path = "skerry";
  int at = 1;
  const auto verbs = [&] { return command->get_subcommands([](const CLI::App*) { return true; }); };
  for (; at < argc; ++at) {
    const std::vector<const CLI::App*> all = verbs();
    const auto named = std::find_if(
        all.begin(), all.end(), [&](const CLI::App* verb) { return verb->get_name() == argv[at]; });
    if (named == all.end()) break;
    command = *named;
    path += " " + command->get_name();
  }
  std::vector<std::string> names;
  for (const CLI::App* verb : verbs()) names.push_back(verb->get_name());
  Status status = InvalidArgument(what);
  if (!names.empty() && at < argc && argv[at][0] != '-') {
    const std::string nearest = NearestName(argv[at], names);
    status = InvalidArgument("there is no command \"" + path + " " + argv[at] + "\"" +
                             (nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"));
  }
  return std::move(status).WithHint(path + " --help");
}

}  // namespace

namespace cli {

void AddAllCommands(CLI::App& app, GlobalOptions& options, Action& action) {
  app.footer(kFooter);
  app.set_version_flag("--version", std::string("skerry ") + kVersion);
  app.require_subcommand(1);
  AddCaCommands(app, action);
  AddRunCommands(app, options, action);
  AddSiteCommands(app, options, action);
  AddModelCommands(app, options, action);
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
    return ReportError(Mistake(app, argc, argv, error.what()));
  }
  return action ? action() : 2;
}

}  // namespace skerry
