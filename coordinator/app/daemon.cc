#include "coordinator/app/daemon.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/combining_loop.h"
#include "base/file_lock.h"
#include "base/text.h"
#include "base/version.h"
#include "coordinator/backup.h"
#include "coordinator/coordinator.h"
#include "coordinator/grpc/admin_service.h"
#include "coordinator/grpc/authenticator.h"
#include "coordinator/grpc/coordinator_service.h"
#include "crypto/certificates.h"
#include "rpc/grpc/checked_tls_files.h"
#include "storage/sqlite_journal.h"

namespace skerry::coordinator {
namespace {

constexpr int kDiskThreads = 4;
// Sites that report at about the same time share a commit, and nobody's round takes longer for it:
// the last report closes the round at once.
constexpr Duration kReceiptWindow = 20ms;
constexpr Duration kSoonWindow = 100ms;

// Writes the journal's events to the log as well, once they are durable.
class LoggedJournal final : public storage::Journal {
 public:
  explicit LoggedJournal(storage::Journal& journal) : journal_(journal) {}

  Status Commit(const storage::WriteBatch& batch) override {
    SKERRY_RETURN_IF_ERROR(journal_.Commit(batch));
    for (const storage::Record& record : batch) {
      if (const auto* event = std::get_if<storage::EventRecord>(&record)) Log(*event);
    }
    return OkStatus();
  }

 private:
  static void Log(const storage::EventRecord& event) {
    std::string where = event.run_id;
    if (event.round >= 0) where += " round " + std::to_string(event.round);
    if (!event.site.empty()) where += " site " + event.site;
    spdlog::info("{}{}{}{}{}", where, where.empty() ? "" : ": ", event.code,
                 event.message.empty() ? "" : ": ", Printable(event.message));
  }

  storage::Journal& journal_;
};

void SayRenewed(const Status& taken) {
  if (taken.ok()) return spdlog::info("the renewed certificate is in use");
  spdlog::error("{}; the certificate of before stays in use", taken.message());
}

Result<std::string> FederationOf(Files& files, const std::string& certificate_path) {
  SKERRY_ASSIGN_OR_RETURN(const std::string pem, ReadFile(files, certificate_path));
  SKERRY_ASSIGN_OR_RETURN(const crypto::CertificateInfo info, crypto::ReadCertificate(pem));
  const Result<crypto::Identity> identity = crypto::IdentityOf(info);
  if (!identity.ok()) return identity.status().WithContext(certificate_path);
  if (identity->role != crypto::Role::kCoordinator) {
    return FailedPrecondition(certificate_path + " is the certificate of " +
                              crypto::Describe(*identity) + ", not of a coordinator")
        .WithHint("skerry ca issue --coordinator HOST");
  }
  return identity->federation;
}

}  // namespace

struct Daemon::Parts {
  explicit Parts(int num_threads)
      : loop(clock), compute(num_threads), disk(kDiskThreads), reading(disk) {}

  SystemClock clock;
  PosixFiles files;
  std::string federation;
  std::unique_ptr<FileLock> lock;
  std::unique_ptr<storage::SqliteJournal> sqlite;
  std::unique_ptr<storage::SqliteJournalReader> reader;
  std::unique_ptr<LoggedJournal> journal;
  CombiningLoop loop;
  std::unique_ptr<Coordinator> coordinator;
  std::unique_ptr<Authenticator> authenticator;
  Door door;
  std::unique_ptr<rpc::CallLog> call_log;
  std::unique_ptr<rpc::CheckedTlsFiles> tls;
  std::unique_ptr<CoordinatorService> coordinator_service;
  std::unique_ptr<AdminService> admin_service;
  ThreadPool compute;
  ThreadPool disk;
  Strand reading;
  std::unique_ptr<grpc::Server> server;
  std::string admin_socket;
  int port = 0;
  Status fatal;  // in the loop's turns
  bool disk_full = false;
  std::atomic<bool> asked_to_stop{false};  // from any thread

  Status OpenStore(const CoordinatorConfig& config);
  Status OpenCoordinator(const CoordinatorConfig& config, int num_threads);
  Status OpenServer(const CoordinatorConfig& config, bool insecure);
  std::optional<Timestamp> Step();
  std::optional<Timestamp> NextDue();
};

Status Daemon::Parts::OpenStore(const CoordinatorConfig& config) {
  if (Status made = files.MakeDirectories(config.state_dir); !made.ok()) {
    return std::move(made)
        .WithContext("storage.state_dir")
        .WithHint(
            "[storage] state_dir in coordinator.toml must be a directory that this user may write");
  }
  Result<std::unique_ptr<FileLock>> locked = FileLock::Acquire(config.state_dir + "/lock");
  if (!locked.ok()) return locked.status().WithContext("the state directory is in use");
  lock = *std::move(locked);
  SKERRY_RETURN_IF_ERROR(CheckNotRestoring(files, config.state_dir));
  const std::string path = config.state_dir + "/coordinator.db";
  SKERRY_ASSIGN_OR_RETURN(sqlite, storage::SqliteJournal::Open(path));
  SKERRY_ASSIGN_OR_RETURN(reader, storage::SqliteJournalReader::Open(path));
  journal = std::make_unique<LoggedJournal>(*sqlite);
  return OkStatus();
}

Status Daemon::Parts::OpenCoordinator(const CoordinatorConfig& config, int num_threads) {
  CoordinatorOptions options;
  options.state_dir = config.state_dir;
  options.spool_bytes = config.spool_bytes;
  options.num_threads = num_threads;
  options.version = kVersion;
  options.receipt_window = kReceiptWindow;
  options.soon_window = kSoonWindow;
  options.on_fatal = [this](const Status& status) {
    fatal = status;
    loop.Quit();
  };
  SKERRY_ASSIGN_OR_RETURN(coordinator, Coordinator::Open({clock, files, *journal, *reader, loop,
                                                          disk, compute, reading},
                                                         std::move(options)));
  return OkStatus();
}

Status Daemon::Parts::OpenServer(const CoordinatorConfig& config, bool insecure) {
  SKERRY_ASSIGN_OR_RETURN(const rpc::HostPort address, rpc::ParseHostPort(config.address));
  if (insecure && !rpc::IsLoopback(address.host)) {
    return InvalidArgument("--insecure is for loopback addresses only, not for " + config.address)
        .WithHint("set listen.address to \"127.0.0.1:" + std::to_string(address.port) +
                  "\", or set [tls]");
  }
  authenticator = std::make_unique<Authenticator>(federation, insecure);
  if (!insecure) {
    SKERRY_ASSIGN_OR_RETURN(tls, rpc::CheckedTlsFiles::Open(config.tls, SayRenewed));
  }
  if (!config.call_log.empty()) {
    SKERRY_ASSIGN_OR_RETURN(
        call_log, rpc::CallLog::Open(files, clock, config.call_log, rpc::CallSide::kCoordinator));
  }
  const auto transfers = static_cast<std::size_t>(config.transfers);
  coordinator_service = std::make_unique<CoordinatorService>(
      *coordinator, loop, disk, clock, *authenticator, door, transfers, call_log.get());
  admin_service = std::make_unique<AdminService>(*coordinator, loop, disk, *authenticator, door);
  grpc::ServerBuilder builder;
  rpc::SetServerLimits(builder, transfers);
  builder.AddListeningPort(
      config.address, insecure ? grpc::InsecureServerCredentials() : rpc::ServerTls(tls->files()),
      &port);
  int socket_port = 0;
  ::unlink(config.admin_socket.c_str());
  admin_socket = config.admin_socket;
  builder.AddListeningPort("unix:" + config.admin_socket, grpc::InsecureServerCredentials(),
                           &socket_port);
  builder.RegisterService(coordinator_service.get());
  builder.RegisterService(admin_service.get());
  const mode_t before = ::umask(0177);  // the socket is for this user alone
  server = builder.BuildAndStart();
  ::umask(before);
  if (server == nullptr || port == 0) {
    return Unavailable("cannot listen on " + config.address + " and " + config.admin_socket)
        .WithHint("is another program listening there? See: ss -ltnp");
  }
  return OkStatus();
}

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<Daemon>> Daemon::Start(const CoordinatorConfig& config, bool insecure) {
  const int processors = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const int num_threads = config.threads > 0 ? config.threads : processors;
  auto parts = std::make_unique<Parts>(num_threads);
  if (insecure) {
    parts->federation = "insecure";
  } else {
    const int64_t now = parts->clock.WallNow().unix_millis / 1000;
    SKERRY_RETURN_IF_ERROR(rpc::CheckTlsFiles(parts->files, config.tls, now));
    SKERRY_ASSIGN_OR_RETURN(parts->federation, FederationOf(parts->files, config.tls.certificate));
  }
  SKERRY_RETURN_IF_ERROR(parts->OpenStore(config));
  SKERRY_RETURN_IF_ERROR(parts->OpenCoordinator(config, num_threads));
  SKERRY_RETURN_IF_ERROR(parts->OpenServer(config, insecure));
  return std::unique_ptr<Daemon>(new Daemon(std::move(parts)));
}

Daemon::~Daemon() {
  if (parts_->server != nullptr) {
    parts_->server->Shutdown(std::chrono::system_clock::now());
    ::unlink(parts_->admin_socket.c_str());
  }
}

int Daemon::port() const { return parts_->port; }
const std::string& Daemon::federation() const { return parts_->federation; }

std::optional<Timestamp> Daemon::Parts::NextDue() {
  const std::optional<Timestamp> due = coordinator->NextDue();
  const std::optional<Timestamp> stalled = coordinator_service->PassTheStalled();
  return due && stalled ? std::min(*due, *stalled) : (due ? due : stalled);
}

// Commits what the last batch of events did. A full disk stops the world until there is room.
std::optional<Timestamp> Daemon::Parts::Step() {
  for (;;) {
    Status status = coordinator->Flush();
    if (status.ok()) {
      if (std::exchange(disk_full, false)) {
        spdlog::info("there is room on the disk again");
        door.Open();
      }
      return NextDue();
    }
    if (status.code() != Code::kResourceExhausted) {
      fatal = status;
      loop.Quit();
      return std::nullopt;
    }
    if (asked_to_stop) {
      // What was not committed, nobody has been told.
      fatal = std::move(status).WithContext("ended while the disk was full");
      loop.Quit();
      return std::nullopt;
    }
    if (!std::exchange(disk_full, true)) {
      spdlog::error("{}; waiting for room, nothing is lost", status.message());
      door.CloseForFullDisk();
    }
    std::this_thread::sleep_for(1s);
  }
}

Status Daemon::Run() {
  const auto step = [this] { return parts_->Step(); };
  parts_->loop.Run(step);
  if (!parts_->fatal.ok()) return parts_->fatal;
  parts_->loop.Post([this] { parts_->coordinator->EndHeldCalls(); });
  parts_->loop.Quit();
  parts_->loop.Run(step);  // once, and with it what waited for a commit
  if (!parts_->fatal.ok()) return parts_->fatal;
  // The server ends its calls while the loop still answers them.
  std::thread shutdown([this] {
    parts_->server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
    parts_->loop.Quit();
  });
  parts_->loop.Run(step);
  // Nobody answers any more, so that would not end. The caller ends the process.
  parts_->fatal.ok() ? shutdown.join() : shutdown.detach();
  return parts_->fatal;
}

// By the thread that listens for a second signal: it must not get to work here.
void Daemon::Stop() {
  if (!parts_->asked_to_stop.exchange(true)) parts_->loop.Quit();
}

}  // namespace skerry::coordinator
