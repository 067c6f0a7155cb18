#include "bench/limit_options.h"

#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>

namespace skerry::bench {

LimitOptions LimitOptions::Parse(int argc, char** argv) {
  LimitOptions options;
  const std::map<std::string, std::function<void(const char*)>> known = {
      {"--role", [&](const char* v) { options.server = std::string(v) == "server"; }},
      {"--port", [&](const char* v) { options.port = std::atoi(v); }},
      {"--kit", [&](const char* v) { options.kit = v; }},
      {"--name", [&](const char* v) { options.name = v; }},
      {"--clients", [&](const char* v) { options.clients = std::atoi(v); }},
      {"--bytes", [&](const char* v) { options.bytes = std::strtoull(v, nullptr, 10); }},
      {"--rounds", [&](const char* v) { options.rounds = std::atoi(v); }},
  };
  for (int i = 1; i + 1 < argc; i += 2) {
    const auto found = known.find(argv[i]);
    if (found == known.end()) {
      std::fprintf(stderr, "error: unknown option %s\n", argv[i]);
      std::exit(2);
    }
    found->second(argv[i + 1]);
  }
  if (options.port == 0 || options.kit.empty() || options.bytes == 0) {
    std::fprintf(stderr,
                 "error: needs --role server|client --port N --kit DIR --name NAME "
                 "--clients K --bytes N --rounds R\n");
    std::exit(2);
  }
  return options;
}

namespace {

double CpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

void Laps::Lap() {
  ends_.push_back(std::chrono::steady_clock::now());
  if (ends_.size() == 1) first_cpu_ = CpuSeconds();
}

void Laps::Print() const {
  const double cpu = CpuSeconds() - first_cpu_;
  std::printf("seconds");
  for (std::size_t i = 1; i < ends_.size(); ++i) {
    std::printf(" %.6f", std::chrono::duration<double>(ends_[i] - ends_[i - 1]).count());
  }
  std::printf("\ncpu %.6f\n", cpu / static_cast<double>(ends_.size() - 1));
  std::fflush(stdout);
}

}  // namespace skerry::bench
