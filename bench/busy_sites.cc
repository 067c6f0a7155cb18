// Many sites that work, in one process: the sessions of as many agents, each with its own
// certificate, connections and store, and a trainer that does nothing but move bytes. What agents
// have threads for is shared. Usage: busy_sites --address HOST:PORT --ca DIR --state DIR --sites N
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/combining_loop.h"
#include "base/cpu.h"
#include "base/executor.h"
#include "base/files.h"
#include "base/report.h"
#include "base/shutdown_signal.h"
#include "bench/many_sites.h"
#include "bench/streaming_trainer.h"
#include "client/session.h"
#include "coordinator/timer_queue.h"
#include "learning/setup.h"
#include "rpc/grpc/grpc_coordinator_api.h"
#include "rpc/grpc/transport.h"
#include "storage/sqlite_client_store.h"

namespace skerry::bench {
namespace {

constexpr int kTrainingThreads = 2;
constexpr int kBulkThreads = 4;
constexpr Duration kLongestEnd = 5s;

// Does as the agent's, on threads of all sites.
class SharedRunner final : public client::TaskRunner {
 public:
  SharedRunner(client::Trainer& trainer, Executor& threads, Executor& loop)
      : trainer_(trainer), threads_(threads), loop_(loop) {}

  void Start(std::shared_ptr<const client::WorkOrder> order,
             std::function<void(Result<client::WorkDone>)> done) override {
    threads_.Post([this, order = std::move(order), done = std::move(done)]() mutable {
      auto result =
          std::make_shared<Result<client::WorkDone>>(client::RunAndSeal(trainer_, *order));
      order.reset();
      loop_.Post([done = std::move(done), result] { done(std::move(*result)); });
    });
  }

 private:
  client::Trainer& trainer_;
  Executor& threads_;
  Executor& loop_;
};

// Tasks for one session: after each of them the session wants to be looked at.
class SessionLoop final : public Executor {
 public:
  SessionLoop(Executor& loop, std::vector<std::size_t>& touched, std::size_t index)
      : loop_(loop), touched_(touched), index_(index) {}

  void Post(std::function<void()> task) override {
    loop_.Post([this, task = std::move(task)] {
      task();
      touched_.push_back(index_);
    });
  }

 private:
  Executor& loop_;
  std::vector<std::size_t>& touched_;  // in the loop's turns
  const std::size_t index_;
};

class Tellings final : public client::SessionObserver {
 public:
  void Say(const std::string&) override {}
  void Warn(const std::string& line) override { std::fprintf(stderr, "%s\n", line.c_str()); }
  void HealthChanged(const Status& health) override {
    if (!health.ok()) Warn(health.ToString());
  }
};

struct Options {
  std::string address;
  std::string ca;
  std::string state;
  int64_t sites = 0;
  std::size_t opening = 64;
};

// What all sites share.
struct Shared {
  explicit Shared(const Options& given) : options(given), loop(clock) {}

  const Options options;
  SystemClock clock;
  PosixFiles files;
  Tellings tellings;
  CombiningLoop loop;
  std::vector<std::size_t> touched;
  ThreadPool training{kTrainingThreads};
  ThreadPool bulk{kBulkThreads};
  rpc::CallThread call_thread;
};

// The parts of one site's agent.
class BusySite {
 public:
  static Result<std::unique_ptr<BusySite>> Open(Shared& shared, const SiteCertificates& all,
                                                std::size_t index) {
    auto site = std::unique_ptr<BusySite>(new BusySite(shared, index));
    SKERRY_RETURN_IF_ERROR(site->Connect(shared, all));
    SKERRY_RETURN_IF_ERROR(site->Begin(shared, index));
    return site;
  }

  client::Session& session() { return *session_; }

 private:
  BusySite(Shared& shared, std::size_t index)
      : name_(SiteName(static_cast<int64_t>(index))),
        loop_(shared.loop, shared.touched, index),
        trainer_(name_),
        runner_(trainer_, shared.training, loop_) {}

  Status Connect(Shared& shared, const SiteCertificates& all) {
    SKERRY_ASSIGN_OR_RETURN(const auto credentials, all.Credentials(name_));
    const auto channel = [&](rpc::Traffic traffic) {
      return rpc::OpenChannel(shared.options.address, credentials, traffic);
    };
    api_ = std::make_unique<rpc::GrpcCoordinatorApi>(channel(rpc::Traffic::kCalls),
                                                     channel(rpc::Traffic::kTransfers),
                                                     shared.call_thread, loop_, shared.bulk);
    return OkStatus();
  }

  Status Begin(Shared& shared, std::size_t index) {
    client::SessionOptions options;
    options.site = name_;
    options.state_dir = shared.options.state + "/" + name_;
    options.version = "bench";
    options.data_sources = {"bench"};
    options.jitter_seed = index + 1;
    SKERRY_RETURN_IF_ERROR(shared.files.MakeDirectories(options.state_dir));
    SKERRY_ASSIGN_OR_RETURN(store_,
                            storage::SqliteClientStore::Open(options.state_dir + "/client.db"));
    session_ = std::make_unique<client::Session>(
        client::SessionParts{shared.clock, shared.files, *api_, *store_, runner_, shared.tellings},
        std::move(options));
    return session_->Open();
  }

  const std::string name_;
  SessionLoop loop_;  // no task of `bulk` posts to it after this: the process ends with its sites
  StreamingTrainer trainer_;
  SharedRunner runner_;
  std::unique_ptr<storage::SqliteClientStore> store_;
  std::unique_ptr<client::Session> session_;
  std::unique_ptr<rpc::GrpcCoordinatorApi> api_;  // ends its calls before the session goes
};

class BusySites {
 public:
  BusySites(Shared& shared, SiteCertificates certificates)
      : shared_(shared), certificates_(std::move(certificates)) {}

  // Until the loop is asked to quit, or a session has ended by itself.
  Status Run() {
    shared_.loop.Run([this]() -> std::optional<Timestamp> {
      Status status = Step();
      if (status.ok()) return timers_.Next();
      ended_ = std::move(status);
      shared_.loop.Quit();
      return std::nullopt;
    });
    return ended_;
  }

 private:
  Status Step() {
    SKERRY_RETURN_IF_ERROR(OpenMore());
    for (const std::size_t index : std::exchange(shared_.touched, {})) {
      SKERRY_RETURN_IF_ERROR(StepSite(index));
    }
    while (const auto index = timers_.PopDue(shared_.clock.Now())) {
      SKERRY_RETURN_IF_ERROR(StepSite(*index));
    }
    return OkStatus();
  }

  Status OpenMore() {
    std::erase_if(opening_, [this](std::size_t i) { return sites_[i]->session().joined(); });
    while (sites_.size() < static_cast<std::size_t>(shared_.options.sites) &&
           opening_.size() < shared_.options.opening) {
      const std::size_t index = sites_.size();
      SKERRY_ASSIGN_OR_RETURN(auto site, BusySite::Open(shared_, certificates_, index));
      sites_.push_back(std::move(site));
      opening_.push_back(index);
      shared_.touched.push_back(index);
    }
    return OkStatus();
  }

  Status StepSite(std::size_t index) {
    client::Session& session = sites_[index]->session();
    const auto next = session.Step();
    if (next) {
      timers_.Set(index, *next);
    } else {
      timers_.Cancel(index);
    }
    return session.ended();
  }

  Shared& shared_;
  const SiteCertificates certificates_;
  std::vector<std::unique_ptr<BusySite>> sites_;
  std::vector<std::size_t> opening_;  // not joined yet
  coordinator::TimerQueue<std::size_t> timers_;
  Status ended_;
};

int Work(const Options& options) {
  Result<SiteCertificates> certificates = SiteCertificates::Open(options.ca);
  if (!certificates.ok()) return ReportError(certificates.status());
  ShutdownSignal signal;
  Shared shared(options);
  signal.Listen([&shared] {
    ExitAfter(kLongestEnd, 0);
    shared.loop.Quit();
  });
  BusySites sites(shared, *std::move(certificates));
  const Status status = sites.Run();
  // All that matters is on disk, as for an agent.
  std::_Exit(status.ok() ? 0 : ReportError(status));
}

}  // namespace
}  // namespace skerry::bench

int main(int argc, char** argv) {
  skerry::RequireCpu();
  skerry::learning::FixKernels();
  skerry::rpc::SetUpGrpc();
  skerry::bench::AllowManyFiles();
  skerry::bench::Options options;
  CLI::App app("Sites that work");
  app.add_option("--address", options.address)->required();
  app.add_option("--ca", options.ca, "folder of `skerry ca init`")->required();
  app.add_option("--state", options.state, "folder for what sites keep")->required();
  app.add_option("--sites", options.sites)->required();
  app.add_option("--opening", options.opening, "sites that join at the same time");
  CLI11_PARSE(app, argc, argv);
  return skerry::bench::Work(options);
}
