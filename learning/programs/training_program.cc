#include <algorithm>
#include <utility>

#include "learning/compression/spec.h"
#include "learning/external.h"
#include "learning/features.h"
#include "learning/local_training.h"
#include "learning/model.h"
#include "learning/personal.h"
#include "learning/program.h"
#include "learning/programs/evaluation_rounds.h"
#include "learning/programs/training_rounds.h"
#include "learning/schedule.h"
#include "learning/strategies/statistics.h"
#include "learning/tensor_split.h"

namespace skerry::learning {
namespace {

class TrainingProgram final : public TrainingRounds {
 public:
  TrainingProgram(v1::RunSpec spec, std::unique_ptr<AnyModel> model, TensorSplit split,
                  std::unique_ptr<Strategy> strategy)
      : TrainingRounds(std::move(spec), std::move(strategy)),
        model_(std::move(model)),
        split_(std::move(split)) {}

  const Layout& parameters() const override { return split_.shared(); }

  void InitialParameters(int64_t first, std::span<double> out) const override {
    const auto count = static_cast<int64_t>(out.size());
    split_.ForShared(first, count, [&](int64_t in_all, int64_t after, int64_t n) {
      model_->InitialValues(
          spec().seed(), in_all,
          out.subspan(static_cast<std::size_t>(after), static_cast<std::size_t>(n)));
    });
  }

  FixedTensors InitialFixed() const override {
    return WithTransform(InputTransform::Identity(NumInputs()));
  }

  Result<std::vector<Metric>> Metrics(const RoundSpec& round, const Sums& sums) const override {
    return EvaluationMetrics(spec(), model_->output_kind(), AllSplits(v1::EVALUATE), round, sums);
  }

 private:
  // Those of the run's model, then those of the sites' own models.
  std::vector<std::string> AllSplits(v1::TaskKind kind) const {
    std::vector<std::string> splits = EvaluatedSplits(spec().data().split());
    if (!EvaluatesPersonal(spec().training().personal(), kind)) return splits;
    for (const std::string& split : EvaluatedSplits(spec().data().split())) {
      splits.push_back(kPersonalPrefix + split);
    }
    return splits;
  }

  // Sites keep a part of the model, or one of their own.
  bool SitesKeepModels() const {
    return split_.has_local() || spec().training().personal().kind() == "ditto";
  }

  std::optional<RoundSpec> RoundZero() const override {
    if (!NeedsStatistics(spec().data())) return std::nullopt;
    RoundSpec round;
    round.kind = v1::STATISTICS;
    round.needs_model = false;
    round.result_layout = MakeResultLayout(StatisticsSections());
    return round;
  }

  void AddTraining(RoundSpec& round, std::vector<Section>& sections) const override {
    round.site_state =
        HasErrorFeedback(spec().compression()) || strategy().KeepsSiteState() || SitesKeepModels();
    for (const std::string& name : strategy().Sections()) {
      sections.push_back({name, Rule::kAggregate, parameters(), {}});
    }
    sections[0].encoding = UpdateEncoding(spec().compression(), parameters().num_elements());
    if (round.evaluate) AppendEvaluation(model_->output_kind(), AllSplits(v1::TRAIN), sections);
  }

  RoundSpec LastRound(int64_t round) const override {
    RoundSpec made = EvaluationRound(model_->output_kind(), AllSplits(v1::EVALUATE), round);
    made.site_state = SitesKeepModels();
    return made;
  }

  const std::unique_ptr<AnyModel> model_;
  const TensorSplit split_;
};

Status CheckPersonal(const v1::PersonalSpec& spec) {
  if (spec.kind().empty()) return OkStatus();
  if (spec.kind() != "ditto" && spec.kind() != "fine_tuning") {
    return InvalidArgument("training.personal.kind: there is no \"" + spec.kind().substr(0, 64) +
                           "\"")
        .WithHint("there are ditto and fine_tuning");
  }
  if (!(spec.learning_rate() >= 0)) {
    return InvalidArgument("training.personal.learning_rate: must be over 0");
  }
  if (spec.kind() == "ditto" && !(spec.lambda() > 0)) {
    return InvalidArgument("training.personal.lambda: must be over 0");
  }
  if (spec.kind() == "fine_tuning" && spec.steps() < 1) {
    return InvalidArgument("training.personal.steps: must be at least 1");
  }
  return OkStatus();
}

// Vectors of other lengths, or in another file, do not go together.
Status CheckWhatSitesKeep(const v1::RunSpec& spec, const Strategy& strategy) {
  std::string with_top_k;  // what can be with the part of an update that is not sent
  if (strategy.KeepsSiteState()) {
    with_top_k = "training.strategy = \"" + spec.training().strategy() + "\"";
  }
  if (spec.training().personal().kind() == "ditto") {
    with_top_k = "training.personal.kind = \"ditto\"";
  }
  std::string clash;
  if (spec.model().local_tensors_size() > 0) {
    clash = HasErrorFeedback(spec.compression()) ? "compression.update = \"top_k\"" : with_top_k;
    if (!clash.empty()) clash = "model.local_tensors and " + clash;
  } else if (HasErrorFeedback(spec.compression()) && !with_top_k.empty()) {
    clash = "compression.update = \"top_k\" and " + with_top_k;
  }
  if (clash.empty()) return OkStatus();
  return InvalidArgument(clash + " clash: a site keeps one or the other between rounds");
}

// What sites do in their training.
Status CheckSites(const v1::RunSpec& spec, const Strategy& strategy) {
  const v1::TrainingSpec& training = spec.training();
  SKERRY_RETURN_IF_ERROR(ReadLocalTraining(training).status());
  SKERRY_RETURN_IF_ERROR(CheckSchedule(training));
  SKERRY_RETURN_IF_ERROR(CheckPersonal(training.personal()));
  return CheckWhatSitesKeep(spec, strategy);
}

// Where they are among the parameters.
std::vector<ParameterRange> Statistics(const AnyModel& model, const Layout& parameters) {
  const std::vector<std::string> names = model.StatisticTensors();
  std::vector<ParameterRange> ranges;
  int64_t begin = 0;
  for (const TensorSpec& tensor : parameters.tensors()) {
    if (std::find(names.begin(), names.end(), tensor.name) != names.end()) {
      ranges.push_back({begin, tensor.NumElements()});
    }
    begin += tensor.NumElements();
  }
  return ranges;
}

// What works with floats only.
Status CheckF64(const v1::RunSpec& spec, const Strategy& strategy) {
  if (spec.compression().update() != v1::Encoding::PLAIN) {
    return InvalidArgument(
        "model.dtype = \"f64\" and compression.update clash: only f32 updates are encoded");
  }
  if (strategy.aggregator().TakesF64()) return OkStatus();
  const v1::AggregationSpec& aggregation = spec.training().aggregation();
  const std::string key = aggregation.clipping_norm() > 0
                              ? "aggregation.clipping_norm"
                              : "aggregation.rule = \"" + aggregation.rule() + "\"";
  return InvalidArgument("model.dtype = \"f64\" and " + key + " clash: the rule reduces f32 only")
      .WithHint("remove model.dtype, or take another rule");
}

}  // namespace

Result<std::unique_ptr<Program>> MakeTrainingProgram(const v1::RunSpec& spec) {
  if (IsExternal(spec)) return MakeExternalProgram(spec);
  const auto num_inputs = static_cast<int64_t>(FeatureColumns(spec.data()).size());
  SKERRY_ASSIGN_OR_RETURN(auto model,
                          MakeAnyModel(spec.model(), num_inputs, spec.data().label_classes_size()));
  SKERRY_RETURN_IF_ERROR(CheckMetrics(spec, model->output_kind()));
  SKERRY_ASSIGN_OR_RETURN(auto strategy, MakeStrategy(spec.training()));
  if (model->parameters().tensors().front().dtype == DType::kF64) {
    SKERRY_RETURN_IF_ERROR(CheckF64(spec, *strategy));
  }
  SKERRY_RETURN_IF_ERROR(CheckSites(spec, *strategy));
  SKERRY_ASSIGN_OR_RETURN(TensorSplit split,
                          TensorSplit::Create(model->parameters(), spec.model()));
  const int64_t num_elements = split.shared().num_elements();
  SKERRY_RETURN_IF_ERROR(
      CheckEncoding(UpdateEncoding(spec.compression(), num_elements), num_elements)
          .WithContext("compression"));
  strategy = AverageStatistics(std::move(strategy), Statistics(*model, split.shared()));
  return std::unique_ptr<Program>(std::make_unique<TrainingProgram>(
      spec, std::move(model), std::move(split), std::move(strategy)));
}

}  // namespace skerry::learning
