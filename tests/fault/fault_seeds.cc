// Runs seeds for as long as one likes: tests/fault/seeds.sh

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/text.h"
#include "fault/scenario.h"
#include "learning/setup.h"

namespace skerry::fault {
namespace {

struct Options {
  uint64_t start = 1;
  uint64_t seed = 0;
  int64_t count = 0;
  double seconds = 60;
  bool trace = false;
  bool keep_going = false;
};

void Print(uint64_t seed, const Outcome& outcome) {
  for (const std::string& line : outcome.trace) std::printf("%s\n", line.c_str());
  std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), outcome.what.c_str());
  for (const std::string& violation : outcome.violations) {
    std::printf("  VIOLATION: %s\n", violation.c_str());
  }
  if (!outcome.violations.empty()) {
    std::printf("  again, step by step: fault_seeds --seed %llu --trace\n",
                static_cast<unsigned long long>(seed));
  }
}

int RunMany(const Options& options) {
  Scenarios scenarios;
  SystemClock clock;
  const Timestamp begin = clock.Now();
  int64_t ran = 0;
  int64_t failed = 0;
  int64_t deaths = 0;
  for (uint64_t seed = options.start;; ++seed) {
    if (options.count > 0 ? ran >= options.count
                          : ToSeconds(clock.Now() - begin) >= options.seconds) {
      break;
    }
    const Outcome outcome = scenarios.Run(seed);
    ++ran;
    deaths += outcome.deaths;
    if (outcome.violations.empty()) continue;
    ++failed;
    Print(seed, outcome);
    if (!options.keep_going) break;
  }
  const double seconds = ToSeconds(clock.Now() - begin);
  const double core_seconds = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  const auto per_minute = [ran](double s) {
    return FormatFixed(60 * static_cast<double>(ran) / std::max(s, 1e-3), 0);
  };
  std::printf(
      "seeds=%lld first=%llu failed=%lld deaths=%lld seconds=%s core_seconds=%s "
      "seeds_per_minute=%s seeds_per_core_minute=%s\n",
      static_cast<long long>(ran), static_cast<unsigned long long>(options.start),
      static_cast<long long>(failed), static_cast<long long>(deaths),
      FormatFixed(seconds, 1).c_str(), FormatFixed(core_seconds, 1).c_str(),
      per_minute(seconds).c_str(), per_minute(core_seconds).c_str());
  return failed == 0 ? 0 : 1;
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Random faults from seeds: each run must end, count every update once, and give the same "
      "model.");
  Options options;
  app.add_option("--start", options.start, "the first seed")->capture_default_str();
  app.add_option("--seconds", options.seconds, "run new seeds for so long")->capture_default_str();
  app.add_option("--count", options.count, "run so many seeds instead");
  app.add_option("--seed", options.seed, "run this one seed and say what came of it");
  app.add_flag("--trace", options.trace, "with --seed: say what happened when");
  app.add_flag("--keep-going", options.keep_going, "do not stop at the first failure");
  CLI11_PARSE(app, argc, argv);
  if (options.seed == 0) return RunMany(options);
  const Outcome outcome = Scenarios().Run(options.seed, options.trace);
  Print(options.seed, outcome);
  return outcome.violations.empty() ? 0 : 1;
}

}  // namespace
}  // namespace skerry::fault

int main(int argc, char** argv) {
  skerry::RequireCpu();
  skerry::learning::FixKernels();
  return skerry::fault::Main(argc, argv);
}
