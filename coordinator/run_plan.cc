#include "coordinator/run_plan.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "base/toml_reader.h"
#include "coordinator/plan_async.h"
#include "coordinator/plan_data.h"
#include "coordinator/plan_evaluation.h"
#include "coordinator/plan_keys.h"
#include "coordinator/plan_model.h"
#include "coordinator/plan_sums.h"
#include "coordinator/plan_training.h"
#include "coordinator/plan_updates.h"
#include "learning/program.h"

namespace skerry::coordinator {
namespace {

// A key that holds a count or "all" (0 here).
int64_t CountOrAll(TomlReader& toml, const char* key) {
  if (!toml.IsString(key)) {
    if (!toml.Has(key)) return toml.Integer(key, 0);
    const int64_t count = toml.Integer(key);
    CheckAtLeast(toml, key, static_cast<double>(count), 1);
    return count;
  }
  if (toml.String(key) != "all") toml.Fail(key, "must be a whole number or \"all\"");
  return 0;
}

// A way to draw has keys of its own; those of another are refused, lest somebody believe in them.
void ReadSelection(TomlReader& toml, Participation& participation) {
  constexpr const char* kSelection = "participation.selection";
  constexpr const char* kProbability = "participation.probability";
  constexpr const char* kCandidates = "participation.candidates";
  const std::string name = toml.String(kSelection, "random");
  participation.selection =
      static_cast<Selection>(Choose(toml, kSelection, name, SelectionNames()));
  const bool by_coins = participation.selection == Selection::kPoisson;
  if (by_coins) {
    participation.probability = toml.Number(kProbability);
    if (!(participation.probability > 0 && participation.probability <= 1)) {
      toml.Fail(kProbability, "must be over 0 and at most 1");
    }
    if (participation.sites_per_round != 0) {
      toml.Fail("participation.sites_per_round",
                "clashes with participation.selection = \"poisson\", which draws as many sites as "
                "its coins say",
                "remove the key; participation.probability says how many are expected");
    }
  }
  if (participation.selection == Selection::kPowerOfChoice) {
    participation.candidates = toml.Integer(kCandidates, 0);
    if (toml.Has(kCandidates)) {
      CheckAtLeast(toml, kCandidates, static_cast<double>(participation.candidates),
                   static_cast<double>(std::max<int64_t>(1, participation.sites_per_round)));
    }
  }
  const bool must_draw = !by_coins && participation.selection != Selection::kRandom;
  if (must_draw && participation.sites_per_round == 0) {
    toml.Fail(kSelection,
              "\"" + name + "\" draws participation.sites_per_round sites, and that is all",
              "set participation.sites_per_round to fewer sites than there are");
  }
}

void ReadParticipation(TomlReader& toml, Participation& participation) {
  constexpr const char* kSites = "participation.sites";
  participation.all_sites = !toml.Has(kSites) || toml.IsString(kSites);
  if (participation.all_sites) {
    if (toml.String(kSites, "all") != "all") {
      toml.Fail(kSites, "must be \"all\" or a list of site names");
    }
  } else {
    participation.sites = toml.Strings(kSites);
    std::sort(participation.sites.begin(), participation.sites.end());
    if (participation.sites.empty()) toml.Fail(kSites, "the list is empty");
    for (const std::string& site : participation.sites) {
      if (!IsName(site)) toml.Fail(kSites, "\"" + site + "\" is no site name");
    }
    if (std::adjacent_find(participation.sites.begin(), participation.sites.end()) !=
        participation.sites.end()) {
      toml.Fail(kSites, "a site is listed twice");
    }
  }
  participation.min_sites = CountOrAll(toml, "participation.min_sites");
  participation.sites_per_round = CountOrAll(toml, "participation.sites_per_round");
  participation.quorum = CountOrAll(toml, "participation.quorum");
  participation.required_sites =
      toml.Strings("participation.required_sites", std::vector<std::string>{});
  ReadSelection(toml, participation);
  const std::string late = toml.String("participation.late_policy", "discard");
  if (late != "discard") {
    toml.Fail("participation.late_policy",
              "\"" + late + "\" is not built; only \"discard\" is: a late update is not counted");
  }
}

void ReadTimes(TomlReader& toml, TimeSettings& time) {
  time.heartbeat = toml.Time("time.heartbeat", time.heartbeat);
  time.no_progress = toml.Time("time.no_progress", time.no_progress);
  time.round_deadline = toml.Time("time.round_deadline", time.round_deadline);
  constexpr Duration kYear = 24h * 366;
  bool in_range = true;  // so that sums of them are
  for (const auto& [key, value] : {std::pair("time.heartbeat", time.heartbeat),
                                   std::pair("time.no_progress", time.no_progress),
                                   std::pair("time.round_deadline", time.round_deadline)}) {
    if (value <= kYear) continue;
    toml.Fail(key, "must be at most 366d");
    in_range = false;
  }
  if (!in_range) return;
  if (time.heartbeat < 1s) toml.Fail("time.heartbeat", "must be at least 1s");
  if (time.no_progress < time.heartbeat) {
    toml.Fail("time.no_progress", "must not be shorter than time.heartbeat (" +
                                      FormatDuration(time.heartbeat) +
                                      "): progress is only heard with a heartbeat");
  }
  if (time.round_deadline < time.JoinWait()) {
    toml.Fail("time.round_deadline", "must be at least three times time.heartbeat (" +
                                         FormatDuration(time.JoinWait()) + ")");
  }
}

void ReadKeep(TomlReader& toml, Keep& keep) {
  keep.checkpoints = toml.Integer("keep.checkpoints", keep.checkpoints);
  CheckAtLeast(toml, "keep.checkpoints", static_cast<double>(keep.checkpoints), 1);
  keep.best = toml.Integer("keep.best", keep.best);
  CheckAtLeast(toml, "keep.best", static_cast<double>(keep.best), 0);
  keep.updates = toml.Integer("keep.updates", keep.updates);
  CheckAtLeast(toml, "keep.updates", static_cast<double>(keep.updates), 0);
  keep.history_days = toml.Integer("keep.history_days", keep.history_days);
  CheckAtLeast(toml, "keep.history_days", static_cast<double>(keep.history_days), 0);
  constexpr int64_t kMaxDays = 36'500;  // a century: still a Duration
  if (keep.history_days > kMaxDays) {
    toml.Fail("keep.history_days", "must be at most " + std::to_string(kMaxDays) + "; 0: for ever");
  }
  constexpr int64_t kFewestRounds = 10;
  keep.history_rounds = toml.Integer("keep.history_rounds", keep.history_rounds);
  if (keep.history_rounds != 0 && keep.history_rounds < std::max(keep.updates, kFewestRounds)) {
    toml.Fail("keep.history_rounds",
              "must be at least 10 and at least keep.updates; or 0: every round stays");
  }
}

void ReadSimulation(TomlReader& toml, SimulationSettings& simulation) {
  simulation.sites = toml.String("simulation.sites", "");
  if (!toml.Has("simulation.idx")) return;
  simulation.idx.images = toml.String("simulation.idx.images");
  simulation.idx.labels = toml.String("simulation.idx.labels");
  simulation.idx.parts = toml.String("simulation.idx.parts", "");
  simulation.idx.divisor = toml.Number("simulation.idx.divisor", 1);
  if (simulation.idx.divisor <= 0) toml.Fail("simulation.idx.divisor", "must be over 0");
  if (!simulation.sites.empty()) {
    toml.Fail("simulation.idx", "the sites have CSV files (simulation.sites) or these images",
              "remove one of the two");
  }
}

// A count of 0 here means "all", the roster's size, or the key that it defaults to.
struct Named {
  const char* key;
  int64_t value;
};

Status CheckOrder(const Named& smaller, const Named& larger, const char* why) {
  if (smaller.value <= larger.value) return OkStatus();
  return InvalidArgument(std::string("participation.") + smaller.key + " (" +
                         std::to_string(smaller.value) + ") is more than " + larger.key + " (" +
                         std::to_string(larger.value) + "): " + why)
      .WithHint(std::string("lower ") + smaller.key + " or raise " + larger.key);
}

}  // namespace

Result<RunPlan> ParseRunFile(std::string_view text, const std::string& file_name) {
  SKERRY_ASSIGN_OR_RETURN(TomlReader toml, TomlReader::Parse(text, file_name));
  RunPlan plan;
  plan.text = text;
  plan.spec.set_name(toml.String("run.name"));
  if (!IsName(plan.spec.name())) {
    toml.Fail("run.name", "must be made of a-z, 0-9 and '-', 1 to 63 of them");
  }
  plan.spec.set_seed(ReadSeed(toml, "run.seed", 0));
  plan.min_round = toml.Time("run.min_round", Duration{0});
  if (plan.min_round > 24h) toml.Fail("run.min_round", "must be at most 24h: it only paces");
  ReadData(toml, *plan.spec.mutable_data());
  ReadModel(toml, plan.spec);
  RefuseSumTables(toml, plan.spec.model());
  const bool has_updates = !learning::IsFittedBySums(plan.spec.model().kind());
  if (!has_updates) ReadSumModel(toml, plan.spec);
  if (has_updates) {
    ReadTraining(toml, plan.spec);
    ReadAggregation(toml, *plan.spec.mutable_training());
  }
  ReadEvaluation(toml, plan.spec);
  if (has_updates) ReadCompression(toml, plan.spec);
  ReadParticipation(toml, plan.participation);
  ReadTimes(toml, plan.time);
  ReadKeep(toml, plan.keep);
  const bool looks_back = NeedsTrackRecord(plan.participation.selection);
  if (plan.keep.history_rounds != 0 &&
      (looks_back || plan.spec.evaluation().has_early_stopping())) {
    toml.Fail("keep.history_rounds",
              std::string("clashes with ") +
                  (looks_back ? "participation.selection" : "evaluation.early_stopping") +
                  ", which looks at all rounds of the run",
              "remove one of the two");
  }
  ReadAsync(toml, plan);
  ReadSimulation(toml, plan.simulation);
  toml.Skip("simulation.faults");  // simulation/fault_plan_file.h
  SKERRY_RETURN_IF_ERROR(toml.Finish());

  const Result<std::unique_ptr<learning::Program>> program = learning::MakeProgram(plan.spec);
  if (!program.ok()) return program.status().WithContext(file_name);
  if (!plan.participation.all_sites) {
    const Result<Contract> contract = MakeContract(plan.participation, plan.participation.sites);
    if (!contract.ok()) return contract.status().WithContext(file_name);
    const Status enough = CheckRule(**program, *contract);
    if (!enough.ok()) return enough.WithContext(file_name);
  }
  return plan;
}

Status CheckRule(const learning::Program& program, const Contract& contract) {
  const learning::Aggregator& aggregator = program.strategy().aggregator();
  if (contract.buffer > 0) return aggregator.CheckNumUpdates(contract.buffer);
  for (int64_t n = contract.quorum; n <= contract.sites_per_round; ++n) {
    const Status status = aggregator.CheckNumUpdates(n);
    if (status.ok()) continue;
    return InvalidArgument("aggregation.rule and participation.quorum (" +
                           std::to_string(contract.quorum) + ") clash: " + status.message())
        .WithHint(status.hint());
  }
  return OkStatus();
}

Result<Contract> MakeContract(const Participation& participation,
                              const std::vector<std::string>& roster) {
  const auto size = static_cast<int64_t>(roster.size());
  if (size == 0) {
    return InvalidArgument("participation.sites: no site is registered yet")
        .WithHint("start the clients first, or list the sites by name: sites = [\"north\", ...]");
  }
  const auto or_else = [](int64_t value, int64_t otherwise) {
    return value == 0 ? otherwise : value;
  };
  Contract contract;
  contract.min_sites = or_else(participation.min_sites, size);
  contract.sites_per_round = or_else(participation.sites_per_round, size);
  const bool by_coins = participation.selection == Selection::kPoisson;
  contract.draws = by_coins || contract.sites_per_round < size;
  contract.quorum = or_else(participation.quorum,
                            by_coins ? 1 : std::min(contract.min_sites, contract.sites_per_round));
  const Named sites = {"sites", size};
  const Named min_sites = {"min_sites", contract.min_sites};
  const Named per_round = {"sites_per_round", contract.sites_per_round};
  const Named quorum = {"quorum", contract.quorum};
  SKERRY_RETURN_IF_ERROR(CheckOrder(min_sites, sites, "no round could begin"));
  SKERRY_RETURN_IF_ERROR(CheckOrder(per_round, sites, "there are not so many to draw"));
  SKERRY_RETURN_IF_ERROR(CheckOrder(quorum, per_round, "no round could reach it"));
  SKERRY_RETURN_IF_ERROR(
      CheckOrder(quorum, min_sites, "a round could begin that can never reach its quorum"));
  contract.buffer = participation.buffer;
  if (contract.buffer > size) {
    return InvalidArgument("training.async.buffer (" + std::to_string(contract.buffer) +
                           ") is more than participation.sites (" + std::to_string(size) +
                           "): a version takes one update of a site at most")
        .WithHint("lower training.async.buffer, or list more sites");
  }
  contract.required.assign(roster.size(), false);
  for (const std::string& site : participation.required_sites) {
    const auto found = std::lower_bound(roster.begin(), roster.end(), site);
    if (found == roster.end() || *found != site) {
      const std::string nearest = NearestName(site, roster);
      return InvalidArgument("participation.required_sites: \"" + site +
                             "\" is not among the sites" +
                             (nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"));
    }
    contract.required[static_cast<std::size_t>(found - roster.begin())] = true;
  }
  const auto num_required = std::count(contract.required.begin(), contract.required.end(), true);
  SKERRY_RETURN_IF_ERROR(
      CheckOrder({"required_sites", num_required}, per_round, "they could not all be drawn"));
  return contract;
}

}  // namespace skerry::coordinator
