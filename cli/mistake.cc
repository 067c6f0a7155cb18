#include "cli/mistake.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"

namespace skerry::cli {
namespace {

std::vector<const CLI::App*> CommandsOf(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<std::string> NamesOf(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string> names;
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  return names;
}

std::string DidYouMean(const std::string& nearest) {
  return nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?";
}

// The command that the arguments name, and the first argument after its name.
struct Named {
  const CLI::App* command = nullptr;
  std::string path = "skerry";
  int next = 1;
};

Named FindCommand(const CLI::App& app, int argc, const char* const* argv) {
  Named named;
  named.command = &app;
  for (; named.next < argc; ++named.next) {
    const std::string word = argv[named.next];
    if (app.get_option_no_throw(word) != nullptr && word.starts_with("--")) {
      ++named.next;  // a global option, and its value
      continue;
    }
    const auto all = CommandsOf(*named.command);
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const CLI::App* verb) { return verb->get_name() == word; });
    if (found == all.end()) break;
    named.command = *found;
    named.path += " " + word;
  }
  return named;
}

std::vector<std::string> OptionsOf(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// "there is no option ...", for the first that neither the command nor skerry has; else "".
std::string UnknownOption(const CLI::App& app, const Named& named, int argc,
                          const char* const* argv) {
  std::vector<std::string> known = OptionsOf(*named.command);
  for (const std::string& name : OptionsOf(app)) known.push_back(name);
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::string option(word.substr(0, word.find('=')));
    const bool is_option = option.starts_with("--") && option.size() > 2;
    if (!is_option || std::find(known.begin(), known.end(), option) != known.end()) continue;
    return "there is no option " + option + " of \"" + named.path + "\"" +
           DidYouMean(NearestName(option, known));
  }
  return "";
}

}  // namespace

Status Mistake(const CLI::App& app, int argc, const char* const* argv, const std::string& what) {
  const Named named = FindCommand(app, argc, argv);
  const std::vector<std::string> below = NamesOf(CommandsOf(*named.command));
  std::string text = UnknownOption(app, named, argc, argv);
  if (text.empty()) text = what;
  if (!below.empty() && named.next < argc && argv[named.next][0] != '-') {
    const std::string word = argv[named.next];
    text = "there is no command \"" + named.path + " " + word + "\"" +
           DidYouMean(NearestName(word, below));
  }
  return InvalidArgument(text).WithHint(named.path + " --help");
}

Status CheckGlobalOptions(const CLI::App& app) {
  const CLI::App* command = &app;
  std::string path = "skerry";
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    path += " " + command->get_name();
  }
  for (const char* name : {"--admin", "--socket", "--format"}) {
    if (app.count(name) == 0 || command->get_option_no_throw(name) != nullptr) continue;
    return InvalidArgument("\"" + path + "\" has no use for " + name).WithHint(path + " --help");
  }
  return OkStatus();
}

}  // namespace skerry::cli
