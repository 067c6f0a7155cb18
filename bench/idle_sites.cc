// Many sites that have nothing to do, in one process: each has a certificate and a connection of
// its own, joins, and calls PullTask again as soon as it is answered. Prints a line of JSON each
// second. Usage: idle_sites --address HOST:PORT --ca DIR --sites N [--first I] [--opening M]
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "base/cpu.h"
#include "base/report.h"
#include "base/time.h"
#include "bench/many_sites.h"
#include "rpc/coordinator_api.h"
#include "rpc/grpc/transport.h"
#include "skerry/v1/coordinator.grpc.pb.h"

namespace skerry::bench {
namespace {

using std::chrono::steady_clock;

// rpc/grpc/grpc_coordinator_api.cc: a timer more at the coordinator.
constexpr auto kHeldDeadline = std::chrono::seconds(300);

// Over all sites, since the process began.
struct Counters {
  std::atomic<int64_t> opening{0};  // no answer to Join yet
  std::atomic<int64_t> held{0};     // PullTask called, no answer yet
  std::atomic<int64_t> answers{0};
  std::atomic<int64_t> held_micros{0};  // of the calls that were answered
  std::atomic<int64_t> failures{0};
};

int64_t MicrosSince(steady_clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - begin).count();
}

// The conversation of one site. One call is under way at any time, or, after a failure, none until
// Retry().
class IdleSite {
 public:
  IdleSite(const std::shared_ptr<grpc::Channel>& channel, uint32_t process, Counters& counters)
      : stub_(v1::Coordinator::NewStub(channel)), process_(process), counters_(counters) {}

  void Join() {
    ++counters_.opening;
    v1::JoinRequest& request = join_;
    request.set_version("bench");
    request.set_protocol(rpc::kProtocolVersion);
    request.set_max_concurrent_tasks(1);
    request.set_process(process_);
    request.set_call(request.call() + 1);
    context_ = std::make_unique<grpc::ClientContext>();
    stub_->async()->Join(context_.get(), &join_, &joined_,
                         [this](const grpc::Status& status) { OnJoined(status); });
  }

  // From the thread that opens sites.
  void Retry() {
    if (failed_.exchange(false)) Join();
  }

 private:
  void OnJoined(const grpc::Status& status) {
    --counters_.opening;
    if (!status.ok()) return Fail();
    if (joined_.epoch() == 0) {  // the site had a session before: asked a second time
      join_.set_ticket(joined_.ticket());
      return Join();
    }
    pull_.set_epoch(joined_.epoch());
    join_.set_epoch(joined_.epoch());
    Pull();
  }

  void Pull() {
    ++counters_.held;
    began_ = steady_clock::now();
    context_ = std::make_unique<grpc::ClientContext>();
    context_->set_deadline(std::chrono::system_clock::now() + kHeldDeadline);
    stub_->async()->PullTask(context_.get(), &pull_, &pulled_,
                             [this](const grpc::Status& status) { OnPulled(status); });
  }

  void OnPulled(const grpc::Status& status) {
    --counters_.held;
    if (!status.ok()) return Fail();
    ++counters_.answers;
    counters_.held_micros += MicrosSince(began_);
    Pull();
  }

  void Fail() {
    ++counters_.failures;
    failed_ = true;
  }

  const std::unique_ptr<v1::Coordinator::Stub> stub_;
  const uint32_t process_;
  Counters& counters_;
  std::unique_ptr<grpc::ClientContext> context_;  // of the call under way
  v1::JoinRequest join_;
  v1::JoinReply joined_;
  v1::PullTaskRequest pull_;
  v1::PullTaskReply pulled_;
  steady_clock::time_point began_;
  std::atomic<bool> failed_{false};
};

void Print(const Counters& counters, steady_clock::time_point begin) {
  std::printf(
      "{\"seconds\": %.3f, \"held\": %lld, \"answers\": %lld, \"held_seconds\": %.3f, "
      "\"failures\": %lld}\n",
      static_cast<double>(MicrosSince(begin)) / 1e6, static_cast<long long>(counters.held.load()),
      static_cast<long long>(counters.answers.load()),
      static_cast<double>(counters.held_micros.load()) / 1e6,
      static_cast<long long>(counters.failures.load()));
  std::fflush(stdout);
}

struct Options {
  std::string address;
  std::string ca;
  int64_t sites = 0;
  int64_t first = 0;
  int64_t opening = 64;  // at most so many at once
};

class IdleSites {
 public:
  IdleSites(Options options, SiteCertificates certificates)
      : options_(std::move(options)), certificates_(std::move(certificates)) {}

  // Until the process is ended.
  Status Run() {
    auto printed = begin_;
    for (;;) {
      SKERRY_RETURN_IF_ERROR(OpenMore());
      if (steady_clock::now() - printed >= 1s) {
        printed = steady_clock::now();
        for (const auto& site : sites_) site->Retry();
        Print(counters_, begin_);
      }
      std::this_thread::sleep_for(1ms);
    }
  }

 private:
  Status OpenMore() {
    while (static_cast<int64_t>(sites_.size()) < options_.sites &&
           counters_.opening < options_.opening) {
      const std::string name = SiteName(options_.first + static_cast<int64_t>(sites_.size()));
      SKERRY_ASSIGN_OR_RETURN(auto credentials, certificates_.Credentials(name));
      sites_.push_back(
          std::make_unique<IdleSite>(rpc::OpenChannel(options_.address, std::move(credentials)),
                                     static_cast<uint32_t>(sites_.size() + 1), counters_));
      sites_.back()->Join();
    }
    return OkStatus();
  }

  const Options options_;
  const SiteCertificates certificates_;
  const steady_clock::time_point begin_ = steady_clock::now();
  Counters counters_;
  std::vector<std::unique_ptr<IdleSite>> sites_;
};

int Work(const Options& options) {
  Result<SiteCertificates> certificates = SiteCertificates::Open(options.ca);
  if (!certificates.ok()) return ReportError(certificates.status());
  return ReportError(IdleSites(options, *std::move(certificates)).Run());
}

}  // namespace
}  // namespace skerry::bench

int main(int argc, char** argv) {
  skerry::RequireCpu();
  skerry::rpc::SetUpGrpc();
  skerry::bench::AllowManyFiles();
  skerry::bench::Options options;
  CLI::App app("Sites that have nothing to do");
  app.add_option("--address", options.address)->required();
  app.add_option("--ca", options.ca, "folder of `skerry ca init`")->required();
  app.add_option("--sites", options.sites)->required();
  app.add_option("--first", options.first, "number of the first site");
  app.add_option("--opening", options.opening, "connections that are opened at the same time");
  CLI11_PARSE(app, argc, argv);
  return skerry::bench::Work(options);
}
