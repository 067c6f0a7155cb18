#include "simulation/simulator.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "base/memory_files.h"
#include "base/mutex.h"
#include "client/session.h"
#include "coordinator/coordinator.h"
#include "simulation/event_queue.h"
#include "simulation/in_process_api.h"
#include "storage/memory_client_store.h"
#include "storage/memory_journal.h"

namespace skerry::simulation {
namespace {

constexpr const char* kStateDir = "coordinator";

using TaskTime = std::function<Duration(const v1::Task&)>;

// Runs trainers on threads; in virtual time a task takes what it is said to take, and time waits
// for it.
class PoolRunner final : public client::TaskRunner {
 public:
  PoolRunner(ThreadPool& pool, EventQueue& queue, const Clock& clock, client::Trainer& trainer,
             TaskTime task_time, std::function<void()> after)
      : pool_(pool),
        queue_(queue),
        clock_(clock),
        trainer_(trainer),
        task_time_(std::move(task_time)),
        after_(std::move(after)) {}

  void Start(std::shared_ptr<const client::WorkOrder> order,
             std::function<void(Result<client::WorkDone>)> done) override {
    auto job = std::make_shared<Job>();
    pool_.Post([this, job, order] {
      Result<client::WorkDone> result = trainer_.Run(*order);
      MutexLock lock(job->mutex);
      job->result = std::make_unique<Result<client::WorkDone>>(std::move(result));
      job->ready.NotifyAll();
    });
    queue_.PostAt(clock_.Now() + task_time_(order->task), [this, job, done = std::move(done)] {
      std::unique_ptr<Result<client::WorkDone>> result;
      {
        MutexLock lock(job->mutex);
        while (job->result == nullptr) job->ready.Wait(job->mutex);
        result = std::move(job->result);
      }
      done(std::move(*result));
      after_();
    });
  }

 private:
  // Shared by the thread that trains and the event that waits for it.
  struct Job {
    Mutex mutex;
    ConditionVariable ready;
    std::unique_ptr<Result<client::WorkDone>> result SKERRY_GUARDED_BY(mutex);
  };

  ThreadPool& pool_;
  EventQueue& queue_;
  const Clock& clock_;
  client::Trainer& trainer_;
  const TaskTime task_time_;
  const std::function<void()> after_;
};

class Silent final : public client::SessionObserver {
 public:
  void Say(const std::string& /*line*/) override {}
  void HealthChanged(const Status& /*health*/) override {}
};

// What all parts of a simulation share.
struct World {
  ManualClock clock;
  EventQueue queue{clock};
  MemoryFiles files;
  storage::MemoryJournal journal{"simulation"};
  InlineExecutor inline_executor;
  Silent silent;
};

// One site: a client session with a trainer, and the events that make it step.
class SimulatedClient {
 public:
  SimulatedClient(World& world, ThreadPool& pool, coordinator::Coordinator& coordinator,
                  const SimulatedSite& site, const std::string& source, TaskTime task_time,
                  const std::string& version)
      : world_(world),
        trainer_(site.name, {{source, site.rows}}, client::SitePolicy{}),
        api_(world.queue, coordinator, site.name, [this] { Step(); }),
        runner_(pool, world.queue, world.clock, trainer_, std::move(task_time), [this] { Step(); }),
        session_({world.clock, world.files, api_, store_, runner_, world.silent},
                 Options(site.name, source, version)) {}

  Status Open() { return session_.Open(); }

  void Step() {
    const std::optional<Timestamp> next = session_.Step();
    if (!next || (wake_ && *wake_ <= *next && *wake_ > world_.clock.Now())) return;
    wake_ = std::max(*next, world_.clock.Now());
    world_.queue.PostAt(*wake_, [this, at = *wake_] {
      if (wake_ == at) {
        wake_.reset();
        Step();
      }
    });
  }

 private:
  static client::SessionOptions Options(const std::string& site, const std::string& source,
                                        const std::string& version) {
    client::SessionOptions options;
    options.site = site;
    options.state_dir = "sites/" + site;
    options.version = version;
    options.data_sources = {source};
    return options;
  }

  World& world_;
  client::NativeTrainer trainer_;
  InProcessApi api_;
  PoolRunner runner_;
  storage::MemoryClientStore store_;
  client::Session session_;
  std::optional<Timestamp> wake_;
};

class Simulation {
 public:
  explicit Simulation(SimulationOptions options)
      : options_(std::move(options)), pool_(std::max(1, options_.num_threads)) {}

  Result<SimulationResult> Run() {
    SKERRY_RETURN_IF_ERROR(Start());
    SKERRY_RETURN_IF_ERROR(RunEvents());
    return Collect();
  }

 private:
  Status Start() {
    SKERRY_RETURN_IF_ERROR(world_.files.MakeDirectories(kStateDir));
    coordinator::CoordinatorOptions options;
    options.state_dir = kStateDir;
    options.version = options_.version;
    SKERRY_ASSIGN_OR_RETURN(
        coordinator_, coordinator::Coordinator::Open(
                          {world_.clock, world_.files, world_.journal, world_.journal, world_.queue,
                           world_.inline_executor, world_.inline_executor, world_.inline_executor},
                          std::move(options)));
    // The roster is the simulation's sites, whatever the run file lists.
    coordinator::RunPlan plan = options_.plan;
    plan.participation.all_sites = false;
    plan.participation.sites.clear();
    for (const SimulatedSite& site : options_.sites) plan.participation.sites.push_back(site.name);
    const std::string source = plan.spec.data().source();
    SKERRY_ASSIGN_OR_RETURN(run_id_,
                            coordinator_->SubmitPlan(std::move(plan), std::move(options_.history)));
    for (const SimulatedSite& site : options_.sites) {
      TaskTime task_time = [](const v1::Task&) { return Duration(1s); };
      if (options_.task_time) {
        task_time = [this, name = site.name](const v1::Task& task) {
          return options_.task_time(name, task);
        };
      }
      clients_.push_back(std::make_unique<SimulatedClient>(
          world_, pool_, *coordinator_, site, source, std::move(task_time), options_.version));
      SKERRY_RETURN_IF_ERROR(clients_.back()->Open());
      world_.queue.Post([client = clients_.back().get()] { client->Step(); });
    }
    return OkStatus();
  }

  Status RunEvents() {
    for (;;) {
      do {
        SKERRY_RETURN_IF_ERROR(coordinator_->Flush());
        ReportRound();
      } while (world_.queue.RunDue());
      const coordinator::Run& run = *coordinator_->FindRun(run_id_);
      // A pause lasts until somebody comes; nobody does.
      if (run.ended() || run.paused()) return OkStatus();
      if (const auto due = coordinator_->NextDue()) world_.queue.PostAt(*due, [] {});
      if (!world_.queue.Advance()) return Internal("the simulation has come to a standstill");
    }
  }

  void ReportRound() {
    const coordinator::Run& run = *coordinator_->FindRun(run_id_);
    const auto& round = run.last_committed();
    if (!round || round->kind() == "initialize" || run.last_committed_round() == reported_) return;
    reported_ = run.last_committed_round();
    if (options_.on_round && !options_.on_round(coordinator::Summarize(run), *round)) {
      coordinator_->StopRun(run_id_, [](const Result<v1::StopRunReply>&) {});
    }
  }

  Result<SimulationResult> Collect() {
    SimulationResult result;
    result.virtual_time = world_.clock.Now().since_origin;
    Status failure;
    v1::ShowRunRequest request;
    request.set_run_id(run_id_);
    coordinator_->ShowRun(request, [&](Result<v1::ShowRunReply> reply) {
      if (!reply.ok()) return void(failure = reply.status());
      result.run = reply->run();
      result.rounds.assign(reply->rounds().begin(), reply->rounds().end());
    });
    coordinator_->ExportHistory(run_id_, [&](Result<v1::ExportHistoryReply> reply) {
      if (!reply.ok()) return void(failure = reply.status());
      result.history_json = reply->history_json();
    });
    v1::ExportModelRequest newest;
    newest.set_run_id(run_id_);
    newest.set_version(-1);
    coordinator_->ExportModel(newest, [&](Result<coordinator::Coordinator::ExportedModel> model) {
      if (!model.ok()) return;  // a run that ended before its first version has none
      for (;;) {
        Result<std::optional<v1::Chunk>> chunk = model->chunks->Next();
        if (!chunk.ok()) return void(failure = chunk.status());
        if (!chunk->has_value()) return;
        result.model += (*chunk)->data();
      }
    });
    SKERRY_RETURN_IF_ERROR(coordinator_->Flush());
    SKERRY_RETURN_IF_ERROR(std::move(failure));
    return result;
  }

  SimulationOptions options_;
  World world_;
  std::unique_ptr<coordinator::Coordinator> coordinator_;
  std::vector<std::unique_ptr<SimulatedClient>> clients_;
  std::string run_id_;
  int64_t reported_ = -1;
  ThreadPool pool_;  // last: its threads end before what they use
};

}  // namespace

Result<SimulationResult> Simulate(SimulationOptions options) {
  return Simulation(std::move(options)).Run();
}

}  // namespace skerry::simulation
