#pragma once

#include <functional>
#include <string>

#include "cli/admin_client.h"
#include "cli/output.h"

namespace CLI {
class App;
}

namespace skerry::cli {

// What every command may be told.
struct GlobalOptions {
  AdminAddress address;
  std::string format = "text";
  Format output() const { return format == "json" ? Format::kJson : Format::kText; }
};

// A command sets the action that main runs after parsing; it returns the exit code.
using Action = std::function<int()>;

// Each adds a noun and its verbs. `options` and `action` must outlive `app`.
void AddCaCommands(CLI::App& app, Action& action);
void AddRunCommands(CLI::App& app, GlobalOptions& options, Action& action);
// `run verify`, which reads a coordinator's files.
void AddVerifyCommand(CLI::App& run_noun, GlobalOptions& options, Action& action);
void AddSiteCommands(CLI::App& app, GlobalOptions& options, Action& action);
void AddModelCommands(CLI::App& app, GlobalOptions& options, Action& action);
void AddSimulateCommand(CLI::App& app, Action& action);
// All of these.
void AddAllCommands(CLI::App& app, GlobalOptions& options, Action& action);

// Adds --format, --admin and --socket to a verb.
void AddAdminOptions(CLI::App& verb, GlobalOptions& options);
void AddFormatOption(CLI::App& verb, GlobalOptions& options);

}  // namespace skerry::cli
