#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.h"
#include "learning/compression/spec.h"
#include "learning/early_stopping.h"
#include "learning/external.h"
#include "learning/features.h"
#include "learning/programs/evaluation_rounds.h"
#include "learning/schedule.h"

namespace skerry::learning {
namespace {

constexpr const char* kBegins = "initial_model";

// As another one, but for the round in which trainers say what the model begins with.
class BeginningStrategy final : public Strategy {
 public:
  explicit BeginningStrategy(std::unique_ptr<Strategy> later) : later_(std::move(later)) {}

  const Aggregator& aggregator() const override { return later_->aggregator(); }
  std::vector<StateVector> StateVectors() const override { return later_->StateVectors(); }
  bool NeedsNorms() const override { return later_->NeedsNorms(); }
  Result<RoundScalars> Prepare(const RoundContext& context,
                               std::span<const UpdateInfo> counted) const override {
    if (context.round > 0) return later_->Prepare(context, counted);
    return RoundScalars{{kBegins, 1}};
  }
  Result<Coefficients> Weigh(std::span<const UpdateInfo> counted) const override {
    return later_->Weigh(counted);
  }
  void Apply(const RoundBlock& block, const RoundScalars& scalars) const override {
    if (!scalars.contains(kBegins)) return later_->Apply(block, scalars);
    std::copy(block.reduced[0].begin(), block.reduced[0].end(), block.parameters.begin());
  }

 private:
  const std::unique_ptr<Strategy> later_;
};

class ExternalProgram final : public Program {
 public:
  ExternalProgram(v1::RunSpec spec, Layout parameters, std::unique_ptr<Strategy> strategy)
      : spec_(std::move(spec)),
        parameters_(std::move(parameters)),
        strategy_(std::move(strategy)) {}

  std::optional<RoundSpec> Next(std::span<const RoundOutcome> committed) const override {
    const int64_t first = TrainersBegin(spec_) || NeedsStatistics(spec_.data()) ? 0 : 1;
    const int64_t round = committed.empty() ? first : committed.back().round + 1;
    if (round == 0) return RoundZero();
    const std::optional<EarlyStop> stop = StopIn(committed);
    const int64_t last = stop ? stop->round : num_rounds();
    if (round <= last) return TrainingRound(round);
    if (round == last + 1 && !EvaluatedSplits(spec_.data().split()).empty()) {
      return EvaluationRound(round);
    }
    return std::nullopt;
  }

  std::size_t rounds_looked_at() const override {
    if (!spec_.evaluation().has_early_stopping()) return 1;
    return static_cast<std::size_t>(num_rounds()) + 2;  // and those before and after training
  }
  std::string WhyFinished(std::span<const RoundOutcome> committed) const override {
    const std::optional<EarlyStop> stop = StopIn(committed);
    if (!stop || stop->round >= num_rounds()) return "";
    return InWords(spec_.evaluation().early_stopping(), *stop);
  }

  int64_t num_rounds() const override { return spec_.training().num_rounds(); }
  const Layout& parameters() const override { return parameters_; }
  const Strategy& strategy() const override { return *strategy_; }

  void InitialParameters(int64_t first, std::span<double> out) const override {
    InitializeExternal(spec_, first, out);
  }

  FixedTensors InitialFixed() const override {
    if (!HasPreparedRows(spec_)) return {};
    return WithTransform(InputTransform::Identity(NumInputs()));
  }

  Status ApplySums(const RoundSpec& round, const Sums& sums, FixedTensors& fixed) const override {
    if (!round.result_layout.Find(kFeatureCounts)) return OkStatus();
    SKERRY_ASSIGN_OR_RETURN(
        const FeatureSums features,
        FeatureSumsFromValues(NumInputs(), NumClasses(), sums.i64.at(kFeatureCounts),
                              sums.f64.at(kFeatureSums)));
    SKERRY_ASSIGN_OR_RETURN(const InputTransform transform,
                            TransformFromSums(spec_.data(), features));
    fixed = WithTransform(transform);
    return OkStatus();
  }

  Result<std::vector<Metric>> Metrics(const RoundSpec& round, const Sums& sums) const override {
    std::vector<Metric> metrics;
    for (const std::string& split : EvaluatedSplits(spec_.data().split())) {
      if (!round.result_layout.Find(EvaluationCounts(split))) continue;
      SKERRY_ASSIGN_OR_RETURN(const std::vector<Metric> of_split,
                              ExternalMetrics(spec_.evaluation(), split, sums));
      metrics.insert(metrics.end(), of_split.begin(), of_split.end());
    }
    return metrics;
  }

 private:
  std::size_t NumInputs() const { return FeatureColumns(spec_.data()).size(); }
  std::size_t NumClasses() const {
    return static_cast<std::size_t>(spec_.data().label_classes_size());
  }
  std::optional<EarlyStop> StopIn(std::span<const RoundOutcome> committed) const {
    return FindEarlyStop(spec_.evaluation().early_stopping(), committed);
  }

  RoundSpec RoundZero() const {
    RoundSpec round;
    round.kind = v1::STATISTICS;
    round.needs_model = false;
    std::vector<Section> sections;
    if (NeedsStatistics(spec_.data())) sections = FeatureSections(NumInputs(), NumClasses());
    if (TrainersBegin(spec_)) {
      round.kind = v1::INITIAL_MODEL;
      sections.push_back({kUpdateSection, Rule::kAggregate, parameters_});
    }
    round.result_layout = MakeResultLayout(std::move(sections));
    return round;
  }

  RoundSpec TrainingRound(int64_t number) const {
    RoundSpec round;
    round.round = number;
    round.learning_rate = spec_.training().learning_rate() *
                          ScheduledShare(spec_.training().schedule(), number, num_rounds());
    const int64_t every = spec_.evaluation().every();
    round.evaluate = every > 0 && (number - 1) % every == 0;
    round.site_state = HasErrorFeedback(spec_.compression());
    std::vector<Section> sections = {
        {kUpdateSection, Rule::kAggregate, parameters_,
         UpdateEncoding(spec_.compression(), parameters_.num_elements())}};
    if (round.evaluate) AppendEvaluation(sections);
    round.result_layout = MakeResultLayout(std::move(sections));
    return round;
  }

  RoundSpec EvaluationRound(int64_t number) const {
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
    for (const std::string& split : EvaluatedSplits(spec_.data().split())) {
      for (Section& section : ExternalSections(spec_.evaluation(), split)) {
        sections.push_back(std::move(section));
      }
    }
  }

  const v1::RunSpec spec_;
  const Layout parameters_;
  const std::unique_ptr<Strategy> strategy_;
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
  if (TrainersBegin(spec)) strategy = std::make_unique<BeginningStrategy>(std::move(strategy));
  return std::unique_ptr<Program>(
      std::make_unique<ExternalProgram>(spec, std::move(parameters), std::move(strategy)));
}

}  // namespace skerry::learning
