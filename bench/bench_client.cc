// skerry-client with a trainer that does nothing but read a model and write an update: what is left
// is the agent itself. Usage: bench_client --config agent.toml [--insecure]
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstring>
#include <memory>
#include <string>

#include "base/cpu.h"
#include "base/freed_memory.h"
#include "base/report.h"
#include "base/shutdown_signal.h"
#include "bench/streaming_trainer.h"
#include "client/app/agent.h"
#include "learning/setup.h"

namespace skerry {
namespace {

constexpr Duration kLongestEnd = 5s;

int Work(const std::string& path, bool insecure) {
  PosixFiles files;
  const Result<client::ClientConfig> config = client::LoadClientConfig(files, path, insecure);
  if (!config.ok()) return ReportError(config.status());
  ShutdownSignal signal;
  Result<std::unique_ptr<client::Agent>> agent = client::Agent::Start(
      *config, insecure, std::make_unique<bench::StreamingTrainer>(config->site));
  if (!agent.ok()) return ReportError(agent.status());
  signal.Listen([&agent] {
    ExitAfter(kLongestEnd, 0);
    (*agent)->Stop();
  });
  const Status status = (*agent)->Run();
  return status.ok() ? 0 : ReportError(status);
}

}  // namespace
}  // namespace skerry

int main(int argc, char** argv) {
  skerry::GiveBackFreedMemory();
  skerry::RequireCpu();
  skerry::learning::FixKernels();
  skerry::rpc::SetUpGrpc();
  spdlog::set_default_logger(spdlog::stderr_color_mt("client"));
  std::string config;
  bool insecure = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--insecure") == 0) insecure = true;
    if (std::strcmp(argv[i], "--config") == 0 && i + 1 < argc) config = argv[++i];
  }
  skerry::EndProcess(skerry::Work(config, insecure));
}
