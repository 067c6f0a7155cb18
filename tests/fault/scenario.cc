#include "fault/scenario.h"

#include <utility>

#include "base/random.h"
#include "base/text.h"
#include "coordinator/history.h"
#include "crypto/sha256.h"
#include "fault/history_checker.h"
#include "simulation/random_plan.h"
#include "testing/patients.h"

namespace skerry::fault {
namespace {

using simulation::SimulationOptions;
using simulation::SimulationResult;

std::string ShortHash(const std::string& model) {
  return crypto::Sha256(model).Hex().substr(0, 16);
}

}  // namespace

struct Scenarios::Shape {
  int num_sites = 0;
  int num_rounds = 0;
  int64_t quorum = 0;
  bool everybody_counts = false;
  std::vector<std::string> required_sites;
  bool inline_models = false;
  std::string participation;
  std::string time;
  std::string compression;
  std::string training;

  std::string RunFile() const {
    return testing::PatientsRunFile(num_rounds, training + participation + time + compression);
  }
  // A statistics round first, an evaluation at the end.
  int64_t NumCommits() const { return num_rounds + 2; }

  // Every site takes part in the statistics before and the evaluation after.
  void TakeUpdatesAsTheyCome(RandomStream& random) {
    quorum = 1 + static_cast<int64_t>(random.Below(static_cast<uint64_t>(num_sites)));
    participation.clear();
    required_sites.clear();
    training = "strategy = \"fedbuff\"\nasync = { buffer = " + std::to_string(quorum) +
               ", max_staleness = " + std::to_string(1 + random.Below(6)) +
               ", max_lead = " + std::to_string(random.Below(2)) + " }\n";
  }
};

Scenarios::Scenarios(int num_threads) : num_threads_(num_threads) {}
Scenarios::~Scenarios() = default;

Scenarios::Shape Scenarios::ShapeOf(uint64_t seed) {
  RandomStream random(seed, Purpose::kFault, 0, "shape", 0);
  const auto draw = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random.Below(static_cast<uint64_t>(high - low + 1)));
  };
  Shape shape;
  shape.num_sites = static_cast<int>(draw(3, 6));
  shape.num_rounds = static_cast<int>(draw(5, 10));
  shape.inline_models = random.Below(2) == 0;
  shape.everybody_counts = random.Below(2) == 0;
  shape.quorum = shape.num_sites;
  if (!shape.everybody_counts) {
    const int64_t per_round = draw(1, shape.num_sites);
    shape.quorum = draw(1, per_round);
    shape.participation = "[participation]\nsites_per_round = " + std::to_string(per_round) +
                          "\nquorum = " + std::to_string(shape.quorum) +
                          "\nmin_sites = " + std::to_string(draw(shape.quorum, shape.num_sites)) +
                          "\n";
    if (random.Below(3) == 0) {
      shape.required_sites = {"site-" + std::to_string(100 + draw(0, shape.num_sites - 1))};
      shape.participation += "required_sites = [\"" + shape.required_sites[0] + "\"]\n";
    }
  }
  if (random.Below(2) == 0) {
    shape.time =
        "[time]\nheartbeat = \"2s\"\nround_deadline = \"" + std::to_string(draw(1, 5)) + "m\"\n";
  }
  RandomStream strategy(seed, Purpose::kFault, 0, "strategy", 0);
  if (!shape.everybody_counts && strategy.Below(3) == 0) shape.TakeUpdatesAsTheyCome(strategy);
  // What a site keeps of a run is where a fault could change bits; so most of them keep something.
  const uint64_t encoding = random.Below(6);
  if (encoding < 3) shape.compression = "[compression]\nupdate = \"top_k\"\nratio = 0.3\n";
  if (encoding == 3) shape.compression = "[compression]\nupdate = \"int8\"\nblock = 4\n";
  if (encoding == 4 && shape.training.empty()) {
    shape.training = "strategy = \"scaffold\"\npersonal = { kind = \"ditto\", lambda = 0.5 }\n";
  }
  return shape;
}

SimulationOptions Scenarios::OptionsFor(const Shape& shape) {
  auto& sites = sites_[shape.num_sites];
  if (sites.empty()) sites = testing::PatientSites(shape.num_sites, 12, 9);
  SimulationOptions options;
  Result<coordinator::RunPlan> plan = coordinator::ParseRunFile(shape.RunFile(), "run.toml");
  SKERRY_CHECK(plan.ok());
  options.plan = *std::move(plan);
  options.sites = sites;
  options.num_threads = num_threads_;
  if (!shape.inline_models) options.inline_bytes = 0;
  return options;
}

const std::string& Scenarios::UndisturbedModel(const Shape& shape) {
  std::string& model = undisturbed_[std::to_string(shape.num_sites) + shape.RunFile()];
  if (model.empty()) {
    Result<SimulationResult> result = simulation::Simulate(OptionsFor(shape));
    SKERRY_CHECK(result.ok());
    model = std::move(result->model);
  }
  return model;
}

Outcome Scenarios::Run(uint64_t seed, bool with_trace) {
  const Shape shape = ShapeOf(seed);
  SimulationOptions options = OptionsFor(shape);
  std::vector<std::string> names;
  for (const simulation::SimulatedSite& site : options.sites) names.push_back(site.name);
  options.faults = simulation::RandomPlan(seed, names);
  Outcome outcome;
  if (with_trace) options.trace = &outcome.trace;
  const Result<SimulationResult> result = simulation::Simulate(std::move(options));
  if (!result.ok()) {
    outcome.violations.push_back(result.status().ToString());
    return outcome;
  }
  outcome.deaths = result->evidence.deaths;
  outcome.what = std::to_string(shape.num_sites) + " sites, " + std::to_string(shape.num_rounds) +
                 " rounds, quorum " + std::to_string(shape.quorum) + ", " + result->run.state() +
                 " after " + FormatDuration(result->virtual_time) + ", " +
                 std::to_string(outcome.deaths) + " deaths, model " + ShortHash(result->model);
  outcome.violations =
      Violations(*result, {shape.NumCommits(), shape.quorum, shape.required_sites});
  if (!outcome.violations.empty()) return outcome;

  std::string expected;
  if (shape.everybody_counts) {
    expected = UndisturbedModel(shape);
  } else {
    SimulationOptions replay = OptionsFor(shape);
    auto history = coordinator::ParseHistory(result->history_json, "history.json");
    SKERRY_CHECK(history.ok());
    replay.history = std::make_unique<coordinator::Participants>(*std::move(history));
    Result<SimulationResult> replayed = simulation::Simulate(std::move(replay));
    if (!replayed.ok()) {
      outcome.violations.push_back("the replay failed: " + replayed.status().ToString());
      return outcome;
    }
    expected = std::move(replayed->model);
  }
  if (result->model != expected) {
    outcome.violations.push_back("the model is " + ShortHash(result->model) + ", not " +
                                 ShortHash(expected));
  }
  return outcome;
}

}  // namespace skerry::fault
