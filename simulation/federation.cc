#include "simulation/federation.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace skerry::simulation {
namespace {

constexpr int64_t kAll = std::numeric_limits<int64_t>::max();
// How long, after the run and once it is calm, sites are given to hear what became of their
// results.
constexpr Duration kLastWords = 30min;
// A pass over the rows without training: forward only.
constexpr double kForwardShare = 1.0 / 3;

// How often training looks at a site's rows.
double PassesOf(const v1::TrainingSpec& training, int64_t num_examples) {
  if (training.local_epochs() > 0) return static_cast<double>(training.local_epochs());
  const int64_t batch = training.batch_size();
  if (training.local_steps() == 0 || num_examples == 0) return 1;  // a model fitted by sums
  const int64_t rows_of_a_step = batch == 0 ? num_examples : std::min(batch, num_examples);
  return static_cast<double>(training.local_steps() * rows_of_a_step) /
         static_cast<double>(num_examples);
}

// The roster is the simulation's sites, whatever the run file lists.
coordinator::RunPlan PlanOf(const SimulationOptions& options) {
  coordinator::RunPlan plan = options.plan;
  plan.participation.all_sites = false;
  plan.participation.sites.clear();
  for (const SimulatedSite& site : options.sites) plan.participation.sites.push_back(site.name);
  return plan;
}

Result<std::string> ReadAll(rpc::ChunkSource& chunks) {
  std::string bytes;
  for (;;) {
    SKERRY_ASSIGN_OR_RETURN(const std::optional<v1::Chunk> chunk, chunks.Next());
    if (!chunk.has_value()) return bytes;
    bytes += chunk->data();
  }
}

// Whether sites may do their work side by side: nothing that they share is drawn or written down.
bool SideBySide(const SimulationOptions& options) {
  return !options.faults && !options.timeline && options.trace == nullptr;
}

}  // namespace

coordinator::CoordinatorOptions Federation::CoordinatorOptionsOf(const SimulationOptions& options) {
  coordinator::CoordinatorOptions of_coordinator;
  of_coordinator.state_dir = "coordinator";
  of_coordinator.version = options.version;
  of_coordinator.inline_bytes = options.inline_bytes;
  of_coordinator.spool_bytes = std::numeric_limits<uint64_t>::max();  // in memory, for a round
  if (side_by_side_) of_coordinator.on_call = this;
  return of_coordinator;
}

Federation::Federation(SimulationOptions options)
    : options_(std::move(options)),
      plan_(PlanOf(options_)),
      world_(options_.faults.value_or(FaultPlan()), options_.trace),
      side_by_side_(SideBySide(options_)),
      coordinator_(world_, CoordinatorOptionsOf(options_), side_by_side_ ? kOwnLane : kCommonLane),
      recorder_(options_.timeline ? plan_.participation.sites : std::vector<std::string>()) {
  const int others = options_.num_threads - (side_by_side_ ? 1 : 0);
  if (others > 0) pool_ = std::make_unique<ThreadPool>(others);
  if (side_by_side_) world_.queue().RunLanesOn(pool_.get());
  coordinator_.on_death = [this](bool power_loss) {
    for (const auto& client : clients_) {
      if (client != nullptr) client->link().CoordinatorDied(power_loss);
    }
  };
}

Federation::~Federation() = default;

Status Federation::Start() {
  SKERRY_RETURN_IF_ERROR(CheckSites(world_.plan(), plan_.participation.sites));
  if (options_.faults) SKERRY_RETURN_IF_ERROR(CheckRunFile());
  SKERRY_RETURN_IF_ERROR(coordinator_.Start());
  clients_.resize(options_.sites.size());
  SKERRY_RETURN_IF_ERROR(Submit());
  if (side_by_side_) return OkStatus();
  for (std::size_t place = 0; place < clients_.size(); ++place) {
    SKERRY_RETURN_IF_ERROR(StartClient(place));
  }
  return OkStatus();
}

// A coordinator that begins again reads the run file anew, so that must fit the simulation's sites.
Status Federation::CheckRunFile() const {
  SKERRY_ASSIGN_OR_RETURN(const coordinator::RunPlan plan,
                          coordinator::ParseRunFile(plan_.text, "run file"));
  Status status = coordinator::MakeContract(plan.participation, plan_.participation.sites).status();
  if (status.ok()) return status;
  return std::move(status).WithHint(
      "with faults, [participation] must fit the sites that are simulated");
}

Status Federation::Submit() {
  coordinator::Coordinator* coordinator = coordinator_.coordinator();
  if (coordinator == nullptr) return OkStatus();  // when it is there again
  auto history = options_.history == nullptr
                     ? nullptr
                     : std::make_unique<coordinator::Participants>(*options_.history);
  Status status;
  coordinator_.Call(coordinator_.life(), [&](coordinator::Coordinator& c) {
    Result<std::string> run_id = c.SubmitPlan(plan_, std::move(history));
    if (run_id.ok()) {
      run_id_ = *std::move(run_id);
    } else {
      status = std::move(run_id).status();
    }
  });
  return status;
}

TaskTime Federation::TaskTimeOf(const std::string& site) const {
  if (options_.task_time) {
    return [this, site](const v1::Task& task, int64_t) { return options_.task_time(site, task); };
  }
  const SiteFaults& faults = world_.plan().Of(site);
  if (faults.seconds_per_example <= 0 && faults.task_overhead <= Duration{0}) {
    return [time = FromSeconds(faults.slower)](const v1::Task&, int64_t) { return time; };
  }
  return [&faults, this](const v1::Task& task, int64_t num_examples) {
    const double passes =
        task.kind() == v1::TRAIN ? PassesOf(plan_.spec.training(), num_examples) : kForwardShare;
    const double seconds =
        passes * static_cast<double>(num_examples) * faults.seconds_per_example * faults.slower;
    return faults.task_overhead + FromSeconds(seconds);
  };
}

Status Federation::StartClient(std::size_t place) {
  const SimulatedSite& site = options_.sites[place];
  ClientHostOptions client;
  client.site = site.name;
  client.rows = site.rows;
  client.source = plan_.spec.data().source();
  client.version = options_.version;
  client.task_time = TaskTimeOf(site.name);
  if (options_.trainer_of) {
    client.other_trainer = [this, name = site.name](client::Trainer& own) {
      return options_.trainer_of(name, own);
    };
  }
  client.pool = pool_.get();
  client.failures = &failures_;
  client.models = &models_;
  client.trainers = options_.trainers.get();
  client.data = site.source;
  if (side_by_side_) {
    client.lane = static_cast<Lane>(place + 1);
    client.boots = num_calls_++;
  }
  if (options_.faults || options_.timeline) client.evidence = &evidence_;
  clients_[place] = std::make_unique<ClientHost>(world_, coordinator_, std::move(client));
  return clients_[place]->StartAll();
}

// ---- Sites on call -----------------------------------------------------------------------------

void Federation::Call(const std::string& site) {
  const std::vector<std::string>& names = plan_.participation.sites;
  const auto found = std::lower_bound(names.begin(), names.end(), site);
  const auto place = static_cast<std::size_t>(found - names.begin());
  if (clients_[place] != nullptr) return;
  called_.push_back(place);
  if (Status status = StartClient(place); !status.ok()) call_failed_ = std::move(status);
}

// Only when nothing is due: then a client without a task has nothing under way but the call that
// the coordinator holds.
void Federation::LetIdleClientsRest() {
  coordinator::Coordinator* coordinator = coordinator_.coordinator();
  if (coordinator == nullptr) return;
  if (sites_keep_state_) return;
  const auto most = static_cast<std::size_t>(options_.max_idle_clients);
  for (std::size_t tries = called_.size(); called_.size() > most && tries > 0; --tries) {
    const std::size_t place = called_.front();
    called_.pop_front();
    const client::Session* session = clients_[place]->session();
    // What a site keeps between rounds is on the disk that goes with its client.
    if (session != nullptr && session->keeps_state()) {
      sites_keep_state_ = true;
      called_.push_front(place);
      return;
    }
    const bool idle = session != nullptr && session->joined() && session->num_tasks() == 0;
    if (idle && coordinator->Rest(options_.sites[place].name)) {
      clients_[place].reset();
    } else {
      called_.push_back(place);
    }
  }
}

// ---- Time --------------------------------------------------------------------------------------

Status Federation::Run() {
  for (;;) {
    do {
      coordinator_.Flush();
      ReportRound();
    } while (world_.queue().RunDue());
    if (Over()) return OkStatus();
    SKERRY_RETURN_IF_ERROR(call_failed_);
    if (side_by_side_) LetIdleClientsRest();
    const bool tells = !ended_ || *ended_ == world_.Now();
    if (options_.timeline && tells) recorder_.Observe(world_.Now().since_origin, SnapshotNow());
    SKERRY_RETURN_IF_ERROR(AdvanceTime());
  }
}

Status Federation::AdvanceTime() {
  std::optional<Timestamp> next = world_.queue().Next();
  const std::optional<Timestamp> due = coordinator_.NextDue();
  if (due) next = next ? std::min(*next, *due) : *due;
  if (!next) return Internal("the simulation has come to a standstill");
  constexpr int64_t kMostSteps = 100'000;
  steps_without_time_ = *next > world_.Now() ? 0 : steps_without_time_ + 1;
  if (steps_without_time_ > kMostSteps) return Internal("the simulation runs on the spot");
  world_.clock().AdvanceTo(*next);
  return OkStatus();
}

// Null: it is not there now. A run whose submission was not committed is submitted again.
const coordinator::Run* Federation::TheRun() {
  const coordinator::Coordinator* coordinator = coordinator_.coordinator();
  if (coordinator == nullptr) return nullptr;
  const coordinator::Run* run = coordinator->FindRun(run_id_);
  if (run != nullptr) return run;
  static_cast<void>(Submit().ok());
  coordinator = coordinator_.coordinator();
  return coordinator == nullptr ? nullptr : coordinator->FindRun(run_id_);
}

bool Federation::Over() {
  if (world_.Now().since_origin >= world_.plan().limit) return gave_up_ = true;
  const coordinator::Run* run = TheRun();
  if (run == nullptr) return false;
  if (run->ended()) {
    if (!ended_) ended_ = world_.Now();
    const Timestamp calm = std::max(*ended_, Timestamp{world_.plan().calm_after});
    return !options_.faults || Settled() || world_.Now() - calm > kLastWords;
  }
  // Somebody would have to come; nobody does.
  return run->paused() && !(options_.faults && run->resumes_itself());
}

// Every site has heard of every outcome, and the coordinator knows.
bool Federation::Settled() {
  const auto unconfirmed = coordinator_.journal().UnconfirmedOutcomes();
  if (!unconfirmed.ok() || !unconfirmed->empty()) return false;
  return std::all_of(clients_.begin(), clients_.end(), [](const auto& client) {
    return client->session() != nullptr && client->session()->num_tasks() == 0;
  });
}

void Federation::ReportRound() {
  const coordinator::Run* run = TheRun();
  if (run == nullptr) return;
  const auto& round = run->last_committed();
  if (!round || round->kind() == "initialize" || run->last_committed_round() == reported_) return;
  reported_ = run->last_committed_round();
  if (options_.on_model) ReportModel(round->model_version());
  if (options_.on_round && !options_.on_round(coordinator::Summarize(*run), *round)) {
    coordinator_.Call(coordinator_.life(), [this](coordinator::Coordinator& coordinator) {
      coordinator.StopRun(run_id_, [](const Result<v1::StopRunReply>&) {});
    });
  }
}

void Federation::ReportModel(int64_t version) {
  coordinator_.Call(coordinator_.life(), [this, version](coordinator::Coordinator& coordinator) {
    v1::ExportModelRequest request;
    request.set_run_id(run_id_);
    request.set_version(version);
    coordinator.ExportModel(request,
                            [this, version](Result<coordinator::Coordinator::ExportedModel> model) {
                              if (!model.ok()) return;
                              const Result<std::string> bytes = ReadAll(*model->chunks);
                              if (bytes.ok()) options_.on_model(version, *bytes);
                            });
  });
}

// ---- The end -----------------------------------------------------------------------------------

Result<SimulationResult> Federation::Collect() {
  SimulationResult result;
  result.virtual_time = ended_.value_or(world_.Now()).since_origin;
  result.gave_up = gave_up_;
  result.failures = failures_;
  world_.EndChance();
  SKERRY_RETURN_IF_ERROR(coordinator_.Revive());
  SKERRY_RETURN_IF_ERROR(CollectRun(result));
  if (options_.faults || options_.timeline) CollectEvidence(result.evidence);
  if (options_.timeline) result.timeline = FinishTimeline(result.evidence);
  return result;
}

Status Federation::CollectRun(SimulationResult& result) {
  coordinator::Coordinator& coordinator = *coordinator_.coordinator();
  Status failure;
  v1::ShowRunRequest request;
  request.set_run_id(run_id_);
  coordinator.ShowRun(request, [&](Result<v1::ShowRunReply> reply) {
    if (!reply.ok()) return void(failure = reply.status());
    result.run = reply->run();
    result.rounds.assign(std::move_iterator(reply->mutable_rounds()->begin()),
                         std::move_iterator(reply->mutable_rounds()->end()));
  });
  coordinator.ExportHistory(run_id_, [&](Result<v1::ExportHistoryReply> reply) {
    if (!reply.ok()) return void(failure = reply.status());
    result.history_json = reply->history_json();
  });
  v1::ExportModelRequest newest;
  newest.set_run_id(run_id_);
  newest.set_version(-1);
  coordinator.ExportModel(newest, [&](Result<coordinator::Coordinator::ExportedModel> model) {
    if (!model.ok()) return;  // a run that ended before its first version has none
    Result<std::string> bytes = ReadAll(*model->chunks);
    if (!bytes.ok()) return void(failure = bytes.status());
    result.model = *std::move(bytes);
  });
  SKERRY_RETURN_IF_ERROR(coordinator.Flush());
  return failure;
}

void Federation::CollectEvidence(Evidence& evidence) {
  evidence = std::move(evidence_);
  if (auto rounds = coordinator_.journal().Rounds(run_id_, 0, kAll); rounds.ok()) {
    evidence.rounds = *std::move(rounds);
  }
  if (auto tasks = coordinator_.journal().Tasks(run_id_, 0, kAll); tasks.ok()) {
    evidence.tasks = *std::move(tasks);
  }
  if (auto events = coordinator_.journal().Events(run_id_, kAll); events.ok()) {
    evidence.events = *std::move(events);
  }
  evidence.complaints = world_.complaints();
  evidence.deaths = coordinator_.deaths();
  for (const auto& client : clients_) {
    evidence.deaths += client->deaths();
    if (client->session() == nullptr) continue;
    evidence.tasks_left_at_sites += static_cast<int64_t>(client->session()->num_tasks());
  }
}

}  // namespace skerry::simulation
