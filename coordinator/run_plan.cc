#include "coordinator/run_plan.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/text.h"
#include "base/toml_reader.h"
#include "coordinator/plan_keys.h"
#include "coordinator/plan_updates.h"
#include "learning/features.h"
#include "learning/metrics.h"
#include "learning/model.h"
#include "learning/program.h"

namespace skerry::coordinator {
namespace {

// Seeds are numbers that a person can write down anywhere.
uint64_t ReadSeed(TomlReader& toml, const char* key, int64_t otherwise) {
  const int64_t seed = toml.Integer(key, otherwise);
  CheckAtLeast(toml, key, static_cast<double>(seed), 0);
  return static_cast<uint64_t>(seed);
}

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

void ReadSplit(TomlReader& toml, v1::Split& split) {
  const bool given = toml.Has("data.split");
  split.set_train(toml.Number("data.split.train", given ? 0.0 : 0.8));
  split.set_validation(toml.Number("data.split.validation", 0.0));
  split.set_test(toml.Number("data.split.test", given ? 0.0 : 0.2));
  split.set_seed(ReadSeed(toml, "data.split.seed", 1));
  split.set_key(toml.String("data.split.key", ""));
  const double sum = split.train() + split.validation() + split.test();
  if (split.train() <= 0 || split.validation() < 0 || split.test() < 0 || sum < 1 - 1e-9 ||
      sum > 1 + 1e-9) {
    toml.Fail("data.split",
              "train, validation and test must be shares that add up to 1, train > 0");
  }
}

void CheckColumns(TomlReader& toml, const v1::DataSpec& data) {
  std::set<std::string> seen;
  const auto once = [&](const std::string& column, const char* key) {
    if (column.empty()) toml.Fail(key, "a column name is empty");
    if (!seen.insert(column).second) toml.Fail(key, "column \"" + column + "\" is named twice");
  };
  for (const std::string& column : data.features()) once(column, "data.features");
  for (const v1::Category& category : data.categories()) {
    once(category.column(), "data.categories");
    std::set<std::string> levels(category.levels().begin(), category.levels().end());
    if (levels.empty() || static_cast<int>(levels.size()) != category.levels_size()) {
      toml.Fail("data.categories." + category.column(), "must list each level once");
    }
  }
  if (seen.empty()) toml.Fail("data.features", "there is no feature");
  once(data.label(), "data.label");
  const std::set<std::string> classes(data.label_classes().begin(), data.label_classes().end());
  if (static_cast<int>(classes.size()) != data.label_classes_size()) {
    toml.Fail("data.label_classes", "must list each class once");
  }
}

void ReadData(TomlReader& toml, v1::DataSpec& data) {
  constexpr std::array kRules = {"drop", "mean", "indicator"};
  data.set_source(toml.String("data.source"));
  for (std::string& name : toml.Strings("data.features", std::vector<std::string>{})) {
    data.add_features(std::move(name));
  }
  for (const std::string& column : toml.Keys("data.categories")) {
    v1::Category& category = *data.add_categories();
    category.set_column(column);
    for (std::string& level : toml.Strings("data.categories." + column)) {
      category.add_levels(std::move(level));
    }
  }
  data.set_label(toml.String("data.label"));
  for (std::string& name : toml.Strings("data.label_classes", std::vector<std::string>{})) {
    data.add_label_classes(std::move(name));
  }
  const std::string missing = toml.String("data.missing", "drop");
  data.set_missing(
      static_cast<v1::MissingRule>(v1::DROP + Choose(toml, "data.missing", missing, kRules)));
  data.set_standardize(toml.Boolean("data.standardize", true));
  ReadSplit(toml, *data.mutable_split());
  CheckColumns(toml, data);
}

// The value of a list that may be absent, or nothing: then it is required.
std::optional<std::vector<int64_t>> NoneUnless(bool required) {
  if (required) return std::nullopt;
  return std::vector<int64_t>();
}

bool IsShallow(const std::string& kind) {
  const std::vector<std::string> kinds = learning::ModelKinds();
  return kind != "mlp" && std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

void ReadModel(TomlReader& toml, v1::RunSpec& spec) {
  v1::ModelSpec& model = *spec.mutable_model();
  model.set_kind(toml.String("model.kind"));
  if (!model.kind().empty()) Choose(toml, "model.kind", model.kind(), learning::ModelKinds());
  const bool is_mlp = model.kind() == "mlp";
  for (const int64_t units : toml.Integers("model.hidden", NoneUnless(is_mlp))) {
    CheckAtLeast(toml, "model.hidden", static_cast<double>(units), 1);
    model.add_hidden(units);
  }
  model.set_activation(toml.String("model.activation", is_mlp ? "relu" : ""));
  model.set_loss(toml.String("model.loss", ""));
  for (const char* key : {"model.hidden", "model.activation", "model.loss"}) {
    if (is_mlp || !IsShallow(model.kind()) || !toml.Has(key)) continue;
    toml.Fail(key, "a model of kind \"" + model.kind() + "\" does not have this",
              "remove the key, or set model.kind = \"mlp\"");
  }
  // A label of two classes is usually written as 0 and 1.
  const bool binary = model.kind() == "logistic" || model.loss() == "logistic";
  if (binary && spec.data().label_classes().empty()) {
    spec.mutable_data()->add_label_classes("0");
    spec.mutable_data()->add_label_classes("1");
  }
}

void ReadTraining(TomlReader& toml, v1::RunSpec& spec) {
  v1::TrainingSpec& training = *spec.mutable_training();
  training.set_num_rounds(toml.Integer("run.num_rounds"));
  CheckAtLeast(toml, "run.num_rounds", static_cast<double>(training.num_rounds()), 1);
  training.set_strategy(toml.String("training.strategy", "fedavg"));
  Choose(toml, "training.strategy", training.strategy(), learning::StrategyNames());
  training.set_local_epochs(toml.Integer("training.local_epochs", 1));
  CheckAtLeast(toml, "training.local_epochs", static_cast<double>(training.local_epochs()), 1);
  training.set_batch_size(toml.Integer("training.batch_size", 32));
  CheckAtLeast(toml, "training.batch_size", static_cast<double>(training.batch_size()), 1);
  training.set_learning_rate(toml.Number("training.learning_rate"));
  if (!(training.learning_rate() > 0) || training.learning_rate() > 1e6) {
    toml.Fail("training.learning_rate", "must be over 0");
  }
  training.set_momentum(toml.Number("training.momentum", 0.0));
  if (!(training.momentum() >= 0 && training.momentum() < 1)) {
    toml.Fail("training.momentum", "must be at least 0 and below 1");
  }
  training.set_weight_decay(toml.Number("training.weight_decay", 0.0));
  CheckAtLeast(toml, "training.weight_decay", training.weight_decay(), 0);
}

constexpr std::array kMetrics = {"auc", "log_loss", "accuracy", "mse", "mae", "r2"};

// Each metric must be one that the model has.
void CheckMetrics(TomlReader& toml, const v1::RunSpec& spec) {
  const auto num_inputs = static_cast<int64_t>(learning::FeatureColumns(spec.data()).size());
  const auto model =
      learning::MakeModel(spec.model(), num_inputs, spec.data().label_classes_size());
  if (!model.ok()) return;  // which is said elsewhere
  const std::vector<std::string> known = learning::MetricNames((*model)->output_kind());
  for (const std::string& name : spec.evaluation().metrics()) {
    const bool misspelt = std::find(kMetrics.begin(), kMetrics.end(), name) == kMetrics.end();
    if (misspelt || std::find(known.begin(), known.end(), name) != known.end()) continue;
    toml.Fail("evaluation.metrics",
              "a model with model.kind = \"" + spec.model().kind() + "\" and " +
                  (spec.data().label_classes().empty()
                       ? "a number as its label"
                       : std::to_string(spec.data().label_classes_size()) + " label_classes") +
                  " has no \"" + name + "\"",
              "it has: " + Join(known, ", "));
  }
}

void ReadEvaluation(TomlReader& toml, v1::RunSpec& spec) {
  v1::EvaluationSpec& evaluation = *spec.mutable_evaluation();
  evaluation.set_every(toml.Integer("evaluation.every", 1));
  CheckAtLeast(toml, "evaluation.every", static_cast<double>(evaluation.every()), 0);
  for (std::string& name : toml.Strings("evaluation.metrics", std::vector<std::string>{})) {
    Choose(toml, "evaluation.metrics", name, kMetrics);
    evaluation.add_metrics(std::move(name));
  }
  CheckMetrics(toml, spec);
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
  ReadTraining(toml, plan.spec);
  ReadAggregation(toml, *plan.spec.mutable_training());
  ReadEvaluation(toml, plan.spec);
  ReadCompression(toml, plan.spec);
  ReadParticipation(toml, plan.participation);
  ReadTimes(toml, plan.time);
  ReadKeep(toml, plan.keep);
  plan.simulation.sites = toml.String("simulation.sites", "");
  toml.Skip("simulation.faults");  // simulation/fault_plan_file.h
  SKERRY_RETURN_IF_ERROR(toml.Finish());

  const Result<std::unique_ptr<learning::Program>> program =
      learning::MakeTrainingProgram(plan.spec);
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
  contract.quorum =
      or_else(participation.quorum, std::min(contract.min_sites, contract.sites_per_round));
  const Named sites = {"sites", size};
  const Named min_sites = {"min_sites", contract.min_sites};
  const Named per_round = {"sites_per_round", contract.sites_per_round};
  const Named quorum = {"quorum", contract.quorum};
  SKERRY_RETURN_IF_ERROR(CheckOrder(min_sites, sites, "no round could begin"));
  SKERRY_RETURN_IF_ERROR(CheckOrder(per_round, sites, "there are not so many to draw"));
  SKERRY_RETURN_IF_ERROR(CheckOrder(quorum, per_round, "no round could reach it"));
  SKERRY_RETURN_IF_ERROR(
      CheckOrder(quorum, min_sites, "a round could begin that can never reach its quorum"));
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
