// A link that misbehaves, for trials by hand: clients connect to it instead of to the coordinator.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <string>

#include "testing/chaos_proxy.h"

namespace skerry::testing {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  skerry_chaosproxy --listen 127.0.0.1:9443 --to 127.0.0.1:8443 --plan '0s delay 200ms'\n"
    "  skerry_chaosproxy --to 127.0.0.1:8443 --plan '10s partition; 40s heal; 50s reset'\n"
    "  skerry_chaosproxy --to 127.0.0.1:8443 --seed 7 --plan '0s chaos 500ms'\n"
    "Faults: delay TIME, throttle BYTES, throttle-each BYTES (a second), reset, half-open,\n"
    "  partition, lose-up, lose-down, heal, truncate BYTES, duplicate BYTES (of the next "
    "connection), chaos TIME, "
    "calm.";

// Until SIGINT or SIGTERM; then prints what each connection has carried.
int Serve(ChaosProxyOptions options) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // before the link's thread begins
  const ChaosProxy proxy(std::move(options));
  std::printf("listens on port %d\n", proxy.port());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ends, &signal);
  std::printf("%s", proxy.diary().c_str());
  std::printf("%12s %12s %12s %12s\n", "up sent", "up passed", "down sent", "down passed");
  for (const ConnectionTraffic& one : proxy.connections()) {
    std::printf("%12llu %12llu %12llu %12llu\n", static_cast<unsigned long long>(one.up_sent),
                static_cast<unsigned long long>(one.up_passed),
                static_cast<unsigned long long>(one.down_sent),
                static_cast<unsigned long long>(one.down_passed));
  }
  return 0;
}

}  // namespace
}  // namespace skerry::testing

int main(int argc, char** argv) {
  CLI::App app(
      "A TCP link that delays, throttles, cuts and forgets, between clients and a coordinator.");
  app.footer(skerry::testing::kFooter);
  skerry::testing::ChaosProxyOptions options;
  std::string plan;
  app.add_option("--listen", options.listen, "IPv4 address and port (port 0: any)");
  app.add_option("--to", options.to, "the coordinator's IPv4 address and port")->required();
  app.add_option("--seed", options.seed, "of the random faults");
  app.add_option("--plan", plan, "what happens when: '5s partition; 15s heal'");
  CLI11_PARSE(app, argc, argv);
  const auto parsed = skerry::testing::ParseLinkPlan(plan);
  if (!parsed.ok()) {
    std::fprintf(stderr, "error: --plan: %s\n", parsed.status().message().c_str());
    return 2;
  }
  options.plan = *parsed;
  return skerry::testing::Serve(std::move(options));
}
