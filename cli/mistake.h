#pragma once

#include <string>

#include "base/status.h"

namespace CLI {
class App;
}

namespace skerry::cli {

// What is wrong with a command line that `app` could not parse, in words: an unknown command or
// option with the nearest known one, otherwise `what`, which is the parser's. The hint is the help
// that fits best.
Status Mistake(const CLI::App& app, int argc, const char* const* argv, const std::string& what);

// After parsing. INVALID_ARGUMENT when an option that stands in front of the command (--admin,
// --socket, --format) means nothing to it.
Status CheckGlobalOptions(const CLI::App& app);

}  // namespace skerry::cli
