#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.h"
#include "learning/compression/spec.h"
#include "learning/external.h"
#include "learning/features.h"
#include "learning/programs/evaluation_rounds.h"
#include "learning/programs/training_rounds.h"
#include "learning/schedule.h"

namespace skerry::learning {
namespace {

// Of the round in which trainers say what the model begins with: their plain mean is the model.
// Rules that shorten updates, or look for those far from others, are for what comes later.
class BeginningStrategy final : public Strategy {
 public:
  explicit BeginningStrategy(std::vector<StateVector> vectors) : vectors_(std::move(vectors)) {}

  const Aggregator& aggregator() const override { return MeanAggregator(); }
  std::vector<StateVector> StateVectors() const override { return vectors_; }
  void Apply(const RoundBlock& block, const RoundScalars& /*scalars*/) const override {
    std::copy(block.reduced[0].begin(), block.reduced[0].end(), block.parameters.begin());
  }

 private:
  const std::vector<StateVector> vectors_;  // of the rounds after it
};

class ExternalProgram final : public TrainingRounds {
 public:
  ExternalProgram(v1::RunSpec spec, Layout parameters, std::unique_ptr<Strategy> strategy)
      : TrainingRounds(std::move(spec), std::move(strategy)),
        parameters_(std::move(parameters)),
        beginning_(this->strategy().StateVectors()) {}

  const Layout& parameters() const override { return parameters_; }
  const Strategy& StrategyOf(const RoundSpec& round) const override {
    if (round.kind == v1::INITIAL_MODEL) return beginning_;
    return strategy();
  }

  void InitialParameters(int64_t first, std::span<double> out) const override {
    InitializeExternal(spec(), first, out);
  }

  FixedTensors InitialFixed() const override {
    if (!HasPreparedRows(spec())) return {};
    return WithTransform(InputTransform::Identity(NumInputs()));
  }

  Result<std::vector<Metric>> Metrics(const RoundSpec& round, const Sums& sums) const override {
    std::vector<Metric> metrics;
    for (const std::string& split : EvaluatedSplits(spec().data().split())) {
      if (!round.result_layout.Find(EvaluationCounts(split))) continue;
      SKERRY_ASSIGN_OR_RETURN(const std::vector<Metric> of_split,
                              ExternalMetrics(spec().evaluation(), split, sums));
      metrics.insert(metrics.end(), of_split.begin(), of_split.end());
    }
    return metrics;
  }

 private:
  std::optional<RoundSpec> RoundZero() const override {
    if (!TrainersBegin(spec()) && !NeedsStatistics(spec().data())) return std::nullopt;
    RoundSpec round;
    round.kind = v1::STATISTICS;
    round.needs_model = false;
    std::vector<Section> sections;
    if (NeedsStatistics(spec().data())) sections = StatisticsSections();
    if (TrainersBegin(spec())) {
      round.kind = v1::INITIAL_MODEL;
      sections.push_back({kUpdateSection, Rule::kAggregate, parameters_});
    }
    round.result_layout = MakeResultLayout(std::move(sections));
    return round;
  }

  void AddTraining(RoundSpec& round, std::vector<Section>& sections) const override {
    round.site_state = HasErrorFeedback(spec().compression());
    sections.push_back({kUpdateSection, Rule::kAggregate, parameters_,
                        UpdateEncoding(spec().compression(), parameters_.num_elements())});
    if (round.evaluate) AppendEvaluation(sections);
  }

  RoundSpec LastRound(int64_t number) const override {
    RoundSpec round;
    round.round = number;
    round.kind = v1::EVALUATE;
    round.makes_model = false;
    round.evaluate = true;
    std::vector<Section> sections;
    AppendEvaluation(sections);
    round.result_layout = MakeResultLayout(std::move(sections));
    return round;
  }

  void AppendEvaluation(std::vector<Section>& sections) const {
    for (const std::string& split : EvaluatedSplits(spec().data().split())) {
      for (Section& section : ExternalSections(spec().evaluation(), split)) {
        sections.push_back(std::move(section));
      }
    }
  }

  const Layout parameters_;
  const BeginningStrategy beginning_;
};

// A trainer knows nothing of what some algorithms do at the sites.
Status CheckSites(const v1::RunSpec& spec, const Strategy& strategy) {
  constexpr std::array kWithSites = {"fednova", "qfedavg"};
  const std::string& name = spec.training().strategy();
  const bool has_side = strategy.KeepsSiteState() || strategy.Sections().size() > 1 ||
                        std::find(kWithSites.begin(), kWithSites.end(), name) != kWithSites.end();
  if (has_side) {
    return InvalidArgument("training.strategy: \"" + name +
                           "\" has a part at the sites, which trainers of theirs do not do")
        .WithHint("take for instance \"fedavg\", \"fedavgm\" or \"fedadam\"");
  }
  if (!spec.training().personal().kind().empty()) {
    return InvalidArgument("training.personal: a model of kind \"external\" does not have this");
  }
  return CheckSchedule(spec.training());
}

}  // namespace

Result<std::unique_ptr<Program>> MakeExternalProgram(const v1::RunSpec& spec) {
  SKERRY_ASSIGN_OR_RETURN(Layout parameters, ExternalLayout(spec));
  for (const std::string& name : ExternalSums(spec.evaluation())) {
    if (!IsMetricName(name)) {
      return InvalidArgument("evaluation.metrics: a name has letters, digits and '_', 1 to 63");
    }
  }
  SKERRY_ASSIGN_OR_RETURN(std::unique_ptr<Strategy> strategy, MakeStrategy(spec.training()));
  SKERRY_RETURN_IF_ERROR(CheckSites(spec, *strategy));
  const int64_t size = parameters.num_elements();
  SKERRY_RETURN_IF_ERROR(
      CheckEncoding(UpdateEncoding(spec.compression(), size), size).WithContext("compression"));
  return std::unique_ptr<Program>(
      std::make_unique<ExternalProgram>(spec, std::move(parameters), std::move(strategy)));
}

}  // namespace skerry::learning
