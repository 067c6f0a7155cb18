#include "client/app/agent.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/combining_loop.h"
#include "base/executor.h"
#include "base/file_lock.h"
#include "base/text.h"
#include "base/version.h"
#include "client/external/external_trainers.h"
#include "client/native_trainer.h"
#include "client/session.h"
#include "crypto/certificates.h"
#include "crypto/secret.h"
#include "rpc/grpc/checked_tls_files.h"
#include "rpc/grpc/grpc_coordinator_api.h"
#include "rpc/logged_api.h"
#include "storage/sqlite_client_store.h"

namespace skerry::client {
namespace {

// Rows of runs that no task is at just now may take so much memory, so that runs that take turns do
// not read their data anew for each task.
constexpr std::size_t kKeptBytes = std::size_t{1} << 30;

// Trainers on threads of their own.
class ThreadRunner final : public TaskRunner {
 public:
  ThreadRunner(int num_threads, Trainer& trainer, Executor& loop)
      : trainer_(trainer), loop_(loop), threads_(num_threads) {}

  void Start(std::shared_ptr<const WorkOrder> order,
             std::function<void(Result<WorkDone>)> done) override {
    threads_.Post([this, order = std::move(order), done = std::move(done)]() mutable {
      auto result = std::make_shared<Result<WorkDone>>(RunAndSeal(trainer_, *order));
      order.reset();  // what follows may remove its files, and look for the room
      loop_.Post([done = std::move(done), result] { done(std::move(*result)); });
    });
  }

 private:
  Trainer& trainer_;
  Executor& loop_;
  ThreadPool threads_;
};

// Says in words why a connection fails, found by a handshake of its own beside the session.
class Diagnosis {
 public:
  Diagnosis(const ClientConfig& config, bool insecure, const Clock& clock)
      : config_(config), insecure_(insecure), clock_(clock) {}

  void Begin(Executor& threads) {
    if (running_.exchange(true)) return;
    threads.Post([this] {
      const Status found = insecure_
                               ? rpc::ProbePlainCoordinator(config_.coordinator, clock_)
                               : rpc::ProbeCoordinator(config_.coordinator, config_.tls, clock_);
      if (said_ != found.ToString()) Say(found);
      said_ = found.ToString();
      running_ = false;
    });
  }
  // The connection is good: the next cause is said, whatever it is.
  void Forget(Executor& threads) {
    threads.Post([this] { said_.clear(); });
  }

 private:
  void Say(const Status& found) const {
    if (found.ok()) {
      spdlog::warn("the connection to {} broke; connecting again", config_.coordinator);
      return;
    }
    spdlog::error("cannot reach the coordinator: {}; trying on", Printable(found.message()));
    if (!found.hint().empty()) spdlog::info("hint: {}", Printable(found.hint()));
  }

  const ClientConfig config_;
  const bool insecure_;
  const Clock& clock_;
  std::atomic<bool> running_{false};
  std::string said_;  // last; touched by the one helper thread only
};

// The certificate must be this site's: the coordinator goes by it, whatever agent.toml says.
Result<int64_t> CheckOwnCertificate(Files& files, const ClientConfig& config) {
  SKERRY_ASSIGN_OR_RETURN(const std::string pem, ReadFile(files, config.tls.certificate));
  SKERRY_ASSIGN_OR_RETURN(const crypto::CertificateInfo info, crypto::ReadCertificate(pem));
  const Result<crypto::Identity> identity = crypto::IdentityOf(info);
  if (!identity.ok()) return identity.status().WithContext(config.tls.certificate);
  if (identity->role != crypto::Role::kSite || identity->name != config.site) {
    return FailedPrecondition(config.tls.certificate + " is the certificate of " +
                              crypto::Describe(*identity) + ", but site.name is \"" + config.site +
                              "\"")
        .WithHint("use this site's own kit, or correct site.name in agent.toml");
  }
  return info.not_after_unix;
}

void SayRenewed(const Status& taken) {
  if (taken.ok()) return spdlog::info("the renewed certificate is in use");
  spdlog::error("{}; the certificate of before stays in use", taken.message());
}

std::string FolderOfTrainers(const ClientConfig& config) { return config.state_dir + "/trainers"; }

ExternalTrainersOptions OptionsOfTrainers(const ClientConfig& config) {
  ExternalTrainersOptions options;
  options.folder = FolderOfTrainers(config);
  options.max_idle = config.max_concurrent_tasks;
  options.models_folder = config.state_dir + "/models";
  options.log = [](const std::string& line) { spdlog::info("{}", Printable(line)); };
  return options;
}

// Works with the site's own trainers too.
class SiteTrainer final : public Trainer {
 public:
  SiteTrainer(const ClientConfig& config, std::unique_ptr<NativeTrainer> native)
      : external_(config.trainers, OptionsOfTrainers(config)), native_(std::move(native)) {
    native_->UseExternal(external_, config.sources);
  }
  Result<WorkDone> Run(const WorkOrder& order) override { return native_->Run(order); }

 private:
  ExternalTrainers external_;
  const std::unique_ptr<NativeTrainer> native_;
};

std::unique_ptr<Trainer> MakeSiteTrainer(const ClientConfig& config) {
  std::map<std::string, RowReader> readers;
  for (const auto& [name, source] : config.sources) {
    readers[name] = [source = source](std::span<const std::string> columns) {
      PosixFiles files;
      return ReadTable(files, source, columns);
    };
  }
  return std::make_unique<SiteTrainer>(
      config, std::make_unique<NativeTrainer>(config.site, std::move(readers), config.policy,
                                              config.max_concurrent_tasks, kKeptBytes));
}

uint64_t RandomSeed() {
  uint64_t seed = 0;
  crypto::FillRandom({reinterpret_cast<char*>(&seed), sizeof(seed)});
  return seed;
}

SessionOptions OptionsOfSession(const ClientConfig& config) {
  SessionOptions options;
  options.site = config.site;
  options.state_dir = config.state_dir;
  options.version = kVersion;
  options.max_concurrent_tasks = config.max_concurrent_tasks;
  options.retry_cap = config.retry_cap;
  options.most_spares = 2;
  for (const auto& [name, source] : config.sources) options.data_sources.push_back(name);
  options.jitter_seed = RandomSeed();
  return options;
}

}  // namespace

struct Agent::Parts final : SessionObserver {
  Parts(const ClientConfig& config, bool insecure, std::unique_ptr<Trainer> local_work)
      : loop(clock),
        trainer(std::move(local_work)),
        diagnosis(config, insecure, clock),
        tls_files(config.tls) {}
  ~Parts() override {
    if (session != nullptr) session->StopWork();  // its threads are waited for
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  // What the coordinator says is in it: a line feed there must not begin a line of the log.
  void Say(const std::string& line) override { spdlog::info("{}", Printable(line)); }
  void Warn(const std::string& line) override { spdlog::warn("{}", Printable(line)); }

  void HealthChanged(const Status& health) override {
    if (health.ok()) {
      spdlog::info("the coordinator answers again");
      return diagnosis.Forget(helpers);
    }
    if (health.code() == Code::kUnavailable) return diagnosis.Begin(helpers);
    spdlog::warn("{}", Printable(health.ToString()));
  }

  SystemClock clock;
  PosixFiles files;
  std::unique_ptr<FileLock> lock;
  CombiningLoop loop;
  const std::unique_ptr<Trainer> trainer;
  Diagnosis diagnosis;
  const rpc::TlsFiles tls_files;
  std::unique_ptr<storage::SqliteClientStore> store;
  std::unique_ptr<Session> session;
  ThreadPool helpers{1};
  std::unique_ptr<ThreadRunner> runner;
  ThreadPool bulk{2};
  std::unique_ptr<rpc::CheckedTlsFiles> tls;
  rpc::CallThread call_thread;
  std::unique_ptr<rpc::GrpcCoordinatorApi> api;  // before its executors go
  std::unique_ptr<rpc::CallLog> call_log;
  std::unique_ptr<rpc::LoggedApi> logged_api;
};

Agent::Agent(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Agent::~Agent() = default;

Result<std::unique_ptr<Agent>> Agent::Start(const ClientConfig& config, bool insecure,
                                            std::unique_ptr<Trainer> trainer) {
  SKERRY_ASSIGN_OR_RETURN(const rpc::HostPort address, rpc::ParseHostPort(config.coordinator));
  if (insecure && !rpc::IsLoopback(address.host)) {
    return InvalidArgument("--insecure is for a coordinator on a loopback address only, not for " +
                           config.coordinator)
        .WithHint("set [tls] in agent.toml");
  }
  if (trainer == nullptr) trainer = MakeSiteTrainer(config);
  auto parts = std::make_unique<Parts>(config, insecure, std::move(trainer));
  SessionOptions options = OptionsOfSession(config);
  if (!insecure) {
    const int64_t now = parts->clock.WallNow().unix_millis / 1000;
    SKERRY_RETURN_IF_ERROR(rpc::CheckTlsFiles(parts->files, config.tls, now));
    SKERRY_ASSIGN_OR_RETURN(options.certificate_expires_unix,
                            CheckOwnCertificate(parts->files, config));
  }
  if (Status made = parts->files.MakeDirectories(config.state_dir); !made.ok()) {
    return std::move(made)
        .WithContext("site.state_dir")
        .WithHint("[site] state_dir in agent.toml must be a directory that this user may write");
  }
  Result<std::unique_ptr<FileLock>> lock = FileLock::Acquire(config.state_dir + "/lock");
  if (!lock.ok()) return lock.status().WithContext("the state directory is in use");
  parts->lock = *std::move(lock);
  std::error_code ignored;  // rows that a killed agent left there
  std::filesystem::remove_all(FolderOfTrainers(config), ignored);
  SKERRY_ASSIGN_OR_RETURN(parts->store,
                          storage::SqliteClientStore::Open(config.state_dir + "/client.db"));
  if (!insecure) {
    SKERRY_ASSIGN_OR_RETURN(parts->tls, rpc::CheckedTlsFiles::Open(config.tls, SayRenewed));
  }
  const auto channel = [&](rpc::Traffic traffic) {
    return rpc::OpenChannel(
        config.coordinator,
        insecure ? grpc::InsecureChannelCredentials() : rpc::ChannelTls(parts->tls->files()),
        traffic);
  };
  parts->api = std::make_unique<rpc::GrpcCoordinatorApi>(
      channel(rpc::Traffic::kCalls), channel(rpc::Traffic::kTransfers), parts->call_thread,
      parts->loop, parts->bulk, insecure ? config.site : "");
  parts->runner =
      std::make_unique<ThreadRunner>(config.max_concurrent_tasks, *parts->trainer, parts->loop);
  rpc::CoordinatorApi* api = parts->api.get();
  if (!config.call_log.empty()) {
    SKERRY_ASSIGN_OR_RETURN(
        parts->call_log,
        rpc::CallLog::Open(parts->files, parts->clock, config.call_log, rpc::CallSide::kSite));
    parts->logged_api = std::make_unique<rpc::LoggedApi>(*api, *parts->call_log, config.site);
    api = parts->logged_api.get();
  }
  parts->session = std::make_unique<Session>(
      SessionParts{parts->clock, parts->files, *api, *parts->store, *parts->runner, *parts},
      std::move(options));
  SKERRY_RETURN_IF_ERROR(parts->session->Open());
  return std::unique_ptr<Agent>(new Agent(std::move(parts)));
}

Status Agent::Run() {
  Status ended;
  parts_->loop.Run([&]() -> std::optional<Timestamp> {
    const std::optional<Timestamp> next = parts_->session->Step();
    if (!parts_->session->ended().ok()) {
      ended = parts_->session->ended();
      parts_->loop.Quit();
    }
    return next;
  });
  parts_->session->KeepRest();
  return ended;
}

void Agent::Stop() { parts_->loop.Quit(); }

}  // namespace skerry::client
