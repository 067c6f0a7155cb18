// Many small rounds of a coordinator and its sites over real files, SQLite and syncs, without a
// network: what a round costs early and late, and what the rounds leave on the disk. Virtual time,
// so that nobody waits. Prints one "name value" a line.
//
//   skerry_growth_bench [rounds=10000] [sites=2] [history_rounds=0] [window=200]
//
// `window`: a time is the median over so many rounds.

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "bench/settings.h"
#include "bench/virtual_rows.h"
#include "client/native_trainer.h"
#include "client/session.h"
#include "coordinator/coordinator.h"
#include "disk/in_process_api.h"
#include "simulation/event_queue.h"
#include "storage/sqlite_client_store.h"
#include "storage/sqlite_journal.h"

namespace skerry::bench {
namespace {

constexpr int64_t kRows = 40;
constexpr int64_t kFeatures = 30;

std::string RunFile(const Settings& settings) {
  std::string features;
  for (int64_t j = 0; j < kFeatures; ++j) features += ", \"x" + std::to_string(j) + "\"";
  return "[run]\nname = \"rounds\"\nnum_rounds = " + std::to_string(settings.at("rounds")) +
         "\n[data]\nsource = \"rows\"\nfeatures = [" + features.substr(2) + "]\nlabel = \"y\"\n" +
         "[model]\nkind = \"logistic\"\n[training]\nlearning_rate = 0.1\n" +
         "[participation]\nmin_sites = " + std::to_string(settings.at("sites")) +
         "\n[keep]\nhistory_rounds = " + std::to_string(settings.at("history_rounds")) + "\n";
}

// Trains on the spot; in virtual time a task takes a second.
class Runner final : public client::TaskRunner {
 public:
  Runner(client::Trainer& trainer, simulation::EventQueue& queue, const Clock& clock,
         std::function<void()> after)
      : trainer_(trainer), queue_(queue), clock_(clock), after_(std::move(after)) {}

  void Start(std::shared_ptr<const client::WorkOrder> order,
             std::function<void(Result<client::WorkDone>)> done) override {
    auto result = std::make_shared<Result<client::WorkDone>>(trainer_.Run(*order));
    queue_.PostAt(clock_.Now() + Duration(1s), [this, result, done = std::move(done)] {
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

class Site final : public client::SessionObserver {
 public:
  Site(const std::string& name, uint64_t number, const std::string& folder,
       simulation::EventQueue& queue, Clock& clock, coordinator::Coordinator& coordinator)
      : queue_(queue),
        clock_(clock),
        trainer_(name, {{"rows", VirtualRows(number, kRows, kFeatures)}}, client::SitePolicy{}),
        runner_(trainer_, queue, clock, [this] { Step(); }),
        api_(queue, coordinator, name, [this] { Step(); }) {
    options_.site = name;
    options_.state_dir = folder;
    options_.version = "bench";
    options_.data_sources = {"rows"};
  }

  Status Start() {
    SKERRY_RETURN_IF_ERROR(files_.MakeDirectories(options_.state_dir));
    SKERRY_ASSIGN_OR_RETURN(store_,
                            storage::SqliteClientStore::Open(options_.state_dir + "/client.db"));
    session_ = std::make_unique<client::Session>(
        client::SessionParts{clock_, files_, api_, *store_, runner_, *this}, options_);
    SKERRY_RETURN_IF_ERROR(session_->Open());
    Step();
    return OkStatus();
  }

  void Say(const std::string& /*line*/) override {}
  void HealthChanged(const Status& /*health*/) override {}

 private:
  void Step() {
    const std::optional<Timestamp> next = session_->Step();
    if (!next || (wake_ && *wake_ <= *next && *wake_ > clock_.Now())) return;
    wake_ = std::max(*next, clock_.Now());
    queue_.PostAt(*wake_, [this, at = *wake_] {
      if (wake_ != at) return;
      wake_.reset();
      Step();
    });
  }

  simulation::EventQueue& queue_;
  Clock& clock_;
  PosixFiles files_;
  client::NativeTrainer trainer_;
  Runner runner_;
  simulation::InProcessApi api_;
  client::SessionOptions options_;
  std::unique_ptr<storage::SqliteClientStore> store_;
  std::unique_ptr<client::Session> session_;
  std::optional<Timestamp> wake_;
};

double Seconds(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double Kilobytes(const std::filesystem::path& path) {
  double bytes = 0;
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error)) {
    return static_cast<double>(std::filesystem::file_size(path, error)) / 1024;
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path, error)) {
    if (entry.is_regular_file(error)) bytes += static_cast<double>(entry.file_size(error));
  }
  return bytes / 1024;
}

double ResidentMegabytes() {
  long pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    long size = 0;
    if (std::fscanf(file, "%ld %ld", &size, &pages) != 2) pages = 0;
    std::fclose(file);
  }
  return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

// Per round.
struct Times {
  std::vector<double> wall;
  std::vector<double> cpu;

  static double Median(const std::vector<double>& all, std::size_t begin, std::size_t count) {
    const auto size = static_cast<std::ptrdiff_t>(std::min(count, all.size() - begin));
    std::vector<double> part(all.begin() + static_cast<std::ptrdiff_t>(begin),
                             all.begin() + static_cast<std::ptrdiff_t>(begin) + size);
    std::nth_element(part.begin(), part.begin() + size / 2, part.end());
    return part[static_cast<std::size_t>(size / 2)];
  }
};

class Bench {
 public:
  explicit Bench(const Settings& settings)
      : settings_(settings),
        folder_(std::filesystem::temp_directory_path() /
                ("skerry-rounds-" + std::to_string(::getpid()))) {}
  ~Bench() {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  Status Run() {
    SKERRY_RETURN_IF_ERROR(Start());
    while (!run().ended()) {
      if (run().paused()) return Internal("the run is paused: " + run().record().reason);
      do {
        SKERRY_RETURN_IF_ERROR(coordinator_->Flush());
        Note();
      } while (queue_.RunDue());
      std::optional<Timestamp> next = queue_.Next();
      if (const auto due = coordinator_->NextDue()) next = next ? std::min(*next, *due) : *due;
      if (!next) return Internal("nothing is left to happen");
      clock_.AdvanceTo(*next);
    }
    Report();
    return OkStatus();
  }

 private:
  Status Start() {
    const std::string state = folder_ / "coordinator";
    SKERRY_RETURN_IF_ERROR(files_.MakeDirectories(state));
    SKERRY_ASSIGN_OR_RETURN(journal_, storage::SqliteJournal::Open(state + "/coordinator.db"));
    SKERRY_ASSIGN_OR_RETURN(reader_, storage::SqliteJournalReader::Open(state + "/coordinator.db"));
    coordinator::CoordinatorOptions options;
    options.state_dir = state;
    SKERRY_ASSIGN_OR_RETURN(
        coordinator_,
        coordinator::Coordinator::Open({clock_, files_, *journal_, *reader_, queue_,
                                        inline_executor_, inline_executor_, inline_executor_},
                                       std::move(options)));
    for (int64_t i = 0; i < settings_.at("sites"); ++i) {
      const std::string name = "site-" + std::to_string(100 + i);
      sites_.push_back(std::make_unique<Site>(name, static_cast<uint64_t>(i), folder_ / name,
                                              queue_, clock_, *coordinator_));
      SKERRY_RETURN_IF_ERROR(sites_.back()->Start());
    }
    do {
      SKERRY_RETURN_IF_ERROR(coordinator_->Flush());
    } while (queue_.RunDue());
    SKERRY_ASSIGN_OR_RETURN(const coordinator::RunPlan plan,
                            coordinator::ParseRunFile(RunFile(settings_), "run.toml"));
    return coordinator_->SubmitPlan(plan, nullptr).status();
  }

  const coordinator::Run& run() const { return *coordinator_->FindRun("latest"); }

  void Note() {
    const int64_t round = run().last_committed_round();
    if (round <= noted_) return;
    noted_ = round;
    const double wall = Seconds(CLOCK_MONOTONIC);
    const double cpu = Seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (round > 1) {
      times_.wall.push_back(wall - last_wall_);
      times_.cpu.push_back(cpu - last_cpu_);
    }
    last_wall_ = wall;
    last_cpu_ = cpu;
    for (int64_t at : {int64_t{10}, int64_t{100}, int64_t{1000}, settings_.at("rounds")}) {
      if (round == at) Sizes(round);
    }
  }

  void Sizes(int64_t round) const {
    const std::filesystem::path state = folder_ / "coordinator";
    const double database = Kilobytes(state / "coordinator.db");
    const double log = Kilobytes(state / "coordinator.db-wal");
    std::printf(
        "%-6ld database_kb %.0f  log_kb %.0f  models_kb %.0f  spool_kb %.0f  clients_kb "
        "%.0f  rss_mb %.1f\n",
        static_cast<long>(round), database, log, Kilobytes(state / "runs"),
        Kilobytes(state / "spool"), Kilobytes(folder_) - Kilobytes(state), ResidentMegabytes());
  }

  void Report() const {
    const auto window = static_cast<std::size_t>(settings_.at("window"));
    const std::size_t last = times_.wall.size() > window ? times_.wall.size() - window : 0;
    const auto print = [&](const char* name, const std::vector<double>& times) {
      const double early = Times::Median(times, std::min<std::size_t>(8, last), window);
      const double late = Times::Median(times, last, window);
      std::printf("%-28s %.4g\n%-28s %.4g\n%-28s %.3f\n", (std::string(name) + "_early_ms").c_str(),
                  1000 * early, (std::string(name) + "_late_ms").c_str(), 1000 * late,
                  (std::string(name) + "_late_to_early").c_str(), late / early);
    };
    print("wall", times_.wall);
    print("cpu", times_.cpu);
  }

  const Settings settings_;
  const std::filesystem::path folder_;
  ManualClock clock_{WallTime{1'700'000'000'000}};
  simulation::EventQueue queue_{clock_};
  PosixFiles files_;
  InlineExecutor inline_executor_;
  std::unique_ptr<storage::SqliteJournal> journal_;
  std::unique_ptr<storage::SqliteJournalReader> reader_;
  std::unique_ptr<coordinator::Coordinator> coordinator_;
  std::vector<std::unique_ptr<Site>> sites_;
  int64_t noted_ = 0;
  double last_wall_ = 0;
  double last_cpu_ = 0;
  Times times_;
};

}  // namespace
}  // namespace skerry::bench

int main(int argc, char** argv) {
  skerry::bench::Settings settings = {
      {"rounds", 10000}, {"sites", 2}, {"history_rounds", 0}, {"window", 200}};
  if (!skerry::bench::ParseSettings(argc, argv, settings)) return 2;
  const skerry::Status status = skerry::bench::Bench(settings).Run();
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
