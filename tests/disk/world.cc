#include "disk/world.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "client/native_trainer.h"
#include "client/session.h"
#include "coordinator/coordinator.h"
#include "disk/line.h"
#include "storage/sqlite_client_store.h"
#include "storage/sqlite_journal.h"
#include "testing/patients.h"

namespace skerry::disk {
namespace {

constexpr Duration kRestartAfter = 1s;
constexpr Duration kTaskTime = 1s;
constexpr Duration kPatience = 2h;
constexpr int kNumSites = 2;
constexpr int kRowsPerSite = 24;

// Trains on the spot; in virtual time a task takes a second.
class VirtualRunner final : public client::TaskRunner {
 public:
  VirtualRunner(client::Trainer& trainer, simulation::EventQueue& queue, const Clock& clock,
                std::function<void()> after)
      : trainer_(trainer), queue_(queue), clock_(clock), after_(std::move(after)) {}

  void Start(std::shared_ptr<const client::WorkOrder> order,
             std::function<void(Result<client::WorkDone>)> done) override {
    auto result = std::make_shared<Result<client::WorkDone>>(trainer_.Run(*order));
    queue_.PostAt(clock_.Now() + kTaskTime, [this, result, done = std::move(done)] {
      done(std::move(*result));
      after_();
    });
  }

 private:
  client::Trainer& trainer_;
  simulation::EventQueue& queue_;
  const Clock& clock_;
  const std::function<void()> after_;
};

}  // namespace

// ---- The coordinator's process
// ----------------------------------------------------------------------

// Told of what operators are told of.
class CoordinatorProcess final : public storage::Journal {
 public:
  explicit CoordinatorProcess(World& world)
      : world_(world),
        machine_(world.machine(kCoordinator)),
        files_(machine_.files, machine_.faults) {
    world_.vfs_.Mount(machine_.directory, &files_);
  }

  Status Start() {
    SKERRY_RETURN_IF_ERROR(files_.MakeDirectories(machine_.directory));
    const std::string path = machine_.directory + "/coordinator.db";
    storage::SqliteJournalOptions options;
    options.database.log_limit_pages = 60;  // so that the log is shortened now and then
    SKERRY_ASSIGN_OR_RETURN(journal_, storage::SqliteJournal::Open(path, options));
    SKERRY_ASSIGN_OR_RETURN(reader_, storage::SqliteJournalReader::Open(path));
    coordinator::CoordinatorOptions coordinator_options;
    coordinator_options.state_dir = machine_.directory;
    coordinator_options.version = "test";
    coordinator_options.on_fatal = [this](const Status& status) { fatal_ = status; };
    SKERRY_ASSIGN_OR_RETURN(
        coordinator_,
        coordinator::Coordinator::Open({world_.clock_, files_, *this, *reader_, world_.queue_,
                                        inline_executor_, inline_executor_, inline_executor_},
                                       std::move(coordinator_options)));
    return OkStatus();
  }

  // Whatever else this process does from now on is without effect. Its objects stay: events for
  // them may be on their way.
  void Kill() {
    files_.Kill();
    reader_.reset();
    journal_.reset();
    world_.vfs_.Mount(machine_.directory, nullptr);
  }

  Status Commit(const storage::WriteBatch& batch) override {
    SKERRY_RETURN_IF_ERROR(journal_->Commit(batch));
    for (const storage::Record& record : batch) {
      if (const auto* event = std::get_if<storage::EventRecord>(&record)) {
        world_.Say(kCoordinator, event->code + ": " + event->message);
      }
    }
    return OkStatus();
  }

  coordinator::Coordinator& get() { return *coordinator_; }
  const Status& fatal() const { return fatal_; }

 private:
  World& world_;
  Machine& machine_;
  testing::FaultyFiles files_;
  InlineExecutor inline_executor_;
  std::unique_ptr<storage::SqliteJournal> journal_;
  std::unique_ptr<storage::SqliteJournalReader> reader_;
  std::unique_ptr<coordinator::Coordinator> coordinator_;
  Status fatal_;
};

// ---- A client's process
// -----------------------------------------------------------------------------

class ClientProcess final : public client::SessionObserver {
 public:
  ClientProcess(World& world, const simulation::SimulatedSite& site)
      : world_(world),
        name_(site.name),
        machine_(world.machine(site.name)),
        files_(machine_.files, machine_.faults),
        trainer_(site.name, {{"patients", site.rows}}, client::SitePolicy{}),
        runner_(trainer_, world.queue_, world.clock_, [this] { Step(); }),
        line_(world.queue_, site.name, [this] { Step(); }) {
    world_.vfs_.Mount(machine_.directory, &files_);
  }

  Status Start() {
    SKERRY_RETURN_IF_ERROR(files_.MakeDirectories(machine_.directory));
    SKERRY_ASSIGN_OR_RETURN(store_,
                            storage::SqliteClientStore::Open(machine_.directory + "/client.db"));
    client::SessionOptions options;
    options.site = name_;
    options.state_dir = machine_.directory;
    options.version = "test";
    options.retry_cap = 5s;
    options.data_sources = {"patients"};
    session_ = std::make_unique<client::Session>(
        client::SessionParts{world_.clock_, files_, line_, *store_, runner_, *this},
        std::move(options));
    return session_->Open();
  }

  void Kill() {
    dead_ = true;
    files_.Kill();
    line_.Connect(nullptr);
    store_.reset();
    world_.vfs_.Mount(machine_.directory, nullptr);
  }

  void Connect(CoordinatorProcess* coordinator) {
    line_.Connect(coordinator == nullptr ? nullptr : &coordinator->get());
  }

  void Step() {
    if (dead_) return;
    const std::optional<Timestamp> next = session_->Step();
    if (!session_->ended().ok()) return world_.Died(name_, session_->ended());
    const Timestamp now = world_.clock_.Now();
    if (!next || (wake_ && *wake_ <= *next && *wake_ > now)) return;
    wake_ = std::max(*next, now);
    world_.queue_.PostAt(*wake_, [this, at = *wake_] {
      if (wake_ != at) return;
      wake_.reset();
      Step();
    });
  }

  void Say(const std::string& line) override { world_.Say(name_, line); }
  void HealthChanged(const Status& health) override {
    world_.Say(name_, health.ok() ? "the coordinator answers" : health.ToString());
  }

 private:
  World& world_;
  const std::string name_;
  Machine& machine_;
  testing::FaultyFiles files_;
  client::NativeTrainer trainer_;
  VirtualRunner runner_;
  Line line_;
  std::unique_ptr<storage::SqliteClientStore> store_;
  std::unique_ptr<client::Session> session_;
  std::optional<Timestamp> wake_;
  bool dead_ = false;
};

// ---- The world
// --------------------------------------------------------------------------------------

World::World(std::string run_file) : run_file_(std::move(run_file)) {
  AddMachine(kCoordinator);
  for (const simulation::SimulatedSite& site : testing::PatientSites(kNumSites, kRowsPerSite, 7)) {
    site_names_.push_back(site.name);
    AddMachine(site.name);
  }
}

World::~World() {
  if (coordinator_ != nullptr) coordinator_->Kill();
  for (auto& [name, client] : clients_) {
    if (client != nullptr) client->Kill();
  }
}

void World::AddMachine(const std::string& name) {
  auto machine = std::make_unique<Machine>();
  machine->directory = directory_.File(name);
  // The store looks at the real directory too, for owners and locks.
  std::filesystem::create_directories(machine->directory);
  SKERRY_CHECK(machine->files.MakeDirectories(directory_.path()).ok());
  // The store makes its file itself, past SQLite, when it is missing.
  for (const char* database : {"coordinator.db", "client.db"}) {
    SKERRY_CHECK(machine->files.MakeDirectories(machine->directory).ok());
    SKERRY_CHECK(machine->files.Open(machine->directory + "/" + database, OpenMode::kCreate).ok());
    SKERRY_CHECK(machine->files.SyncDirectory(machine->directory).ok());
  }
  machine->faults.OnFailure([this, name] { heal_at_[name] = clock_.Now() + heal_after; });
  machines_[name] = std::move(machine);
}

void World::StartCoordinator() {
  if (coordinator_ != nullptr) return;
  coordinator_ = std::make_unique<CoordinatorProcess>(*this);
  if (const Status started = coordinator_->Start(); !started.ok()) {
    return Died(kCoordinator, started, true);
  }
  for (auto& [name, client] : clients_) {
    if (client != nullptr) client->Connect(coordinator_.get());
  }
  if (coordinator_->get().FindRun("latest") != nullptr) return;
  v1::SubmitRunRequest request;
  request.set_run_file(run_file_);
  coordinator_->get().SubmitRun(request, [this](Result<v1::SubmitRunReply> reply) {
    SKERRY_CHECK(reply.ok());
    run_id_ = reply->run().run_id();
  });
}

void World::StartClient(const std::string& site) {
  if (clients_[site] != nullptr) return;
  for (const simulation::SimulatedSite& known : testing::PatientSites(kNumSites, kRowsPerSite, 7)) {
    if (known.name != site) continue;
    clients_[site] = std::make_unique<ClientProcess>(*this, known);
    if (const Status started = clients_[site]->Start(); !started.ok()) {
      return Died(site, started, true);
    }
    clients_[site]->Connect(coordinator_.get());
    clients_[site]->Step();
  }
}

void World::StartLater(const std::string& name) {
  queue_.PostAt(clock_.Now() + kRestartAfter, [this, name] {
    if (name == kCoordinator) {
      StartCoordinator();
    } else {
      StartClient(name);
    }
  });
}

void World::Died(const std::string& name, const Status& why, bool at_start) {
  deaths_.push_back({name, why, at_start});
  Say(name, "ended: " + why.ToString());
  Machine& disk = machine(name);
  if (name == kCoordinator) {
    for (auto& [site, client] : clients_) {
      if (client != nullptr) client->Connect(nullptr);
    }
    coordinator_->Kill();
    dead_coordinators_.push_back(std::move(coordinator_));
  } else {
    clients_[name]->Kill();
    dead_clients_.push_back(std::move(clients_[name]));
  }
  const std::string failure = disk.faults.first_failure();
  if (failure.starts_with("syncing") && num_power_losses_ == 0) {
    ++num_power_losses_;
    disk.files.PowerLoss();
  }
  StartLater(name);
}

// As the daemon does: a full disk stops it until there is room, and any other failure ends it.
void World::StepCoordinator() {
  if (coordinator_ == nullptr) return;
  Status status = coordinator_->get().Flush();
  while (status.code() == Code::kResourceExhausted) {
    Say(kCoordinator, status.ToString() + "; waiting for room");
    clock_.Advance(1s);
    HealWhatIsDue();
    status = coordinator_->get().Flush();
  }
  if (status.ok()) status = coordinator_->fatal();
  if (!status.ok()) return Died(kCoordinator, status);
  if (const auto due = coordinator_->get().NextDue()) queue_.PostAt(*due, [] {});
}

void World::HealWhatIsDue() {
  for (const auto& [name, time] : heal_at_) {
    if (time <= clock_.Now()) machine(name).faults.Heal();
  }
}

const coordinator::Run* World::FindRun() const {
  return coordinator_ == nullptr ? nullptr : coordinator_->get().FindRun("latest");
}

bool World::completed() const {
  const coordinator::Run* run = FindRun();
  return run != nullptr && run->record().state == storage::RunState::kCompleted;
}

bool World::paused() const {
  const coordinator::Run* run = FindRun();
  return run != nullptr && run->paused() && !run->record().hint.starts_with("it goes on");
}

void World::ResumeByHand() {
  coordinator_->get().ResumeRun("latest", [this](Result<v1::ResumeRunReply> reply) {
    Say("operator", "resume: " + reply.status().ToString());
  });
}

Result<std::string> World::ModelHash() {
  const coordinator::Run* run = FindRun();
  if (run == nullptr || !run->base()) return NotFound("there is no model");
  MemoryFiles& files = machine(kCoordinator).files;
  storage::CheckpointStore store(files, machine(kCoordinator).directory + "/runs");
  const crypto::Digest& hash = run->base()->model_hash;
  SKERRY_RETURN_IF_ERROR(
      store.OpenVerified({run->record().run_id, run->base()->version}, hash).status());
  return hash.Hex();
}

Status World::Run() {
  StartCoordinator();
  for (const std::string& site : site_names_) StartClient(site);
  const Timestamp end = clock_.Now() + kPatience;
  while (clock_.Now() < end) {
    do {
      HealWhatIsDue();
      StepCoordinator();
    } while (queue_.RunDue());
    const coordinator::Run* run = FindRun();
    if (run != nullptr && (run->ended() || paused())) return OkStatus();
    for (const auto& [name, time] : heal_at_) {
      if (time > clock_.Now()) queue_.PostAt(time, [] {});
    }
    const std::optional<Timestamp> next = queue_.Next();
    if (!next) return Internal("nothing is left to happen");
    clock_.AdvanceTo(*next);
  }
  return DeadlineExceeded("two hours have passed");
}

void World::Say(const std::string& who, const std::string& text) {
  said_.push_back(who + ": " + text);
}

bool World::Said(const std::string& text) const {
  return std::any_of(said_.begin(), said_.end(),
                     [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

}  // namespace skerry::disk
