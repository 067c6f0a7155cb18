#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/exact_math.h"
#include "base/text.h"
#include "learning/features.h"
#include "learning/finite.h"
#include "learning/k_means/clusters.h"
#include "learning/programs/all.h"
#include "learning/programs/evaluation_rounds.h"
#include "learning/whole_units.h"

namespace skerry::learning {
namespace {

constexpr const char* kTrainInertia = "train.inertia";

std::optional<double> InertiaIn(const RoundOutcome& outcome) {
  for (const Metric& metric : outcome.metrics) {
    if (metric.name == kTrainInertia) return metric.value;
  }
  return std::nullopt;
}

// Round 0 counts and sums inputs; rounds 1 to num_rounds move the centers, fewer when they stand
// still; then validation and test rows are looked at.
class KMeansProgram final : public Program {
 public:
  KMeansProgram(v1::RunSpec spec, const ClusterShape& shape, std::unique_ptr<Strategy> strategy)
      : spec_(std::move(spec)), shape_(shape), strategy_(std::move(strategy)) {}

  std::optional<RoundSpec> Next(std::span<const RoundOutcome> committed) const override {
    if (committed.empty()) return StatisticsRound();
    const RoundOutcome& last = committed.back();
    const std::optional<double> inertia = InertiaIn(last);
    if (last.round > 0 && !inertia) return std::nullopt;  // that was the evaluation
    if (last.round < num_rounds() && !StandStill(committed)) return MovingRound(last.round + 1);
    if (EvaluatedSplits(spec_.data().split()).empty()) return std::nullopt;
    return EvaluatingRound(last.round + 1);
  }
  std::size_t rounds_looked_at() const override { return 2; }
  std::string WhyFinished(std::span<const RoundOutcome> committed) const override {
    if (committed.empty()) return "";
    const RoundOutcome& last = committed.back();
    const int64_t round = InertiaIn(last) ? last.round : last.round - 1;  // before the evaluation
    if (round >= num_rounds()) return "";
    return "the centers stand still after round " + std::to_string(round);
  }
  int64_t num_rounds() const override { return spec_.training().num_rounds(); }

  const Layout& parameters() const override { return none_; }
  void InitialParameters(int64_t /*first*/, std::span<double> /*out*/) const override {}
  const Strategy& strategy() const override { return *strategy_; }
  FixedTensors InitialFixed() const override {
    return WithTransform(InputTransform::Identity(NumInputs()), ClusterLayout(shape_));
  }

  int64_t max_sum_bytes() const override {
    return MakeResultLayout({ClusterSection(shape_)}).size_bytes();
  }

  Status ApplySums(const RoundSpec& spec, const Sums& sums, FixedTensors& fixed) const override {
    const std::size_t num_centers = static_cast<std::size_t>(shape_.num_clusters) * NumInputs();
    if (spec.kind == v1::STATISTICS) return Begin(sums, fixed);
    if (spec.kind != v1::TRAIN) return OkStatus();
    const std::span<double> model = std::span(fixed.values).subspan(3 * NumInputs());
    MoveCenters(shape_, sums.i64.at(kClusterSums), model.subspan(num_centers),
                model.first(num_centers));
    return OkStatus();
  }

  Result<std::vector<Metric>> Metrics(const RoundSpec& spec, const Sums& sums) const override {
    if (spec.kind == v1::STATISTICS) {
      SKERRY_RETURN_IF_ERROR(Features(sums).status());
      return std::vector<Metric>();
    }
    if (spec.kind == v1::TRAIN) SKERRY_RETURN_IF_ERROR(CheckSums(sums));
    std::vector<Metric> metrics;
    for (const char* split : {"train", "validation", "test"}) {
      if (!spec.result_layout.Find(InertiaCounts(split))) continue;
      const int64_t rows = sums.i64.at(InertiaCounts(split))[0];
      const double inertia = sums.f64.at(InertiaSums(split))[0];
      if (rows < 0 || !IsFinite(inertia) || inertia < 0) {
        return InvalidArgument("the sum of squared distances of " + std::string(split) +
                               " rows is none");
      }
      if (rows > 0) metrics.push_back({std::string(split) + ".inertia", inertia, rows, 0});
    }
    return metrics;
  }

 private:
  std::size_t NumInputs() const { return static_cast<std::size_t>(shape_.num_inputs); }

  // Lloyd's rounds only ever lower it: when it does not change, nothing does.
  bool StandStill(std::span<const RoundOutcome> committed) const {
    if (committed.size() < 2) return false;
    const RoundOutcome& before = committed[committed.size() - 2];
    const bool divides = before.round <= shape_.DividingRounds();
    return !divides && InertiaIn(before) == InertiaIn(committed.back());
  }

  RoundSpec StatisticsRound() const {
    RoundSpec spec;
    spec.kind = v1::STATISTICS;
    spec.needs_model = false;
    spec.result_layout = MakeResultLayout(FeatureSections(NumInputs(), 0));
    return spec;
  }

  RoundSpec MovingRound(int64_t round) const {
    RoundSpec spec;
    spec.round = round;
    const int64_t every = spec_.evaluation().every();
    spec.evaluate = every > 0 && (round - 1) % every == 0;
    std::vector<Section> sections = {ClusterSection(shape_)};
    Append("train", sections);
    if (spec.evaluate) AppendSplits(sections);
    spec.result_layout = MakeResultLayout(std::move(sections));
    return spec;
  }

  RoundSpec EvaluatingRound(int64_t round) const {
    RoundSpec spec;
    spec.round = round;
    spec.kind = v1::EVALUATE;
    spec.makes_model = false;
    spec.evaluate = true;
    std::vector<Section> sections;
    AppendSplits(sections);
    spec.result_layout = MakeResultLayout(std::move(sections));
    return spec;
  }

  static void Append(const std::string& split, std::vector<Section>& sections) {
    for (Section& section : InertiaSections(split)) sections.push_back(std::move(section));
  }
  void AppendSplits(std::vector<Section>& sections) const {
    for (const std::string& split : EvaluatedSplits(spec_.data().split())) Append(split, sections);
  }

  Result<FeatureSums> Features(const Sums& sums) const {
    return FeatureSumsFromValues(NumInputs(), 0, sums.i64.at(kFeatureCounts),
                                 sums.f64.at(kFeatureSums));
  }

  // Clusters cannot have more rows than there are, nor fewer than none.
  Status CheckSums(const Sums& sums) const {
    int64_t left = sums.i64.at(InertiaCounts("train"))[0];
    const std::vector<int64_t>& values = sums.i64.at(kClusterSums);
    for (std::size_t c = 0; c < static_cast<std::size_t>(shape_.num_clusters); ++c) {
      if (values[c] < 0 || values[c] > left) {
        return InvalidArgument("the clusters do not add up to the rows");
      }
      left -= values[c];
    }
    return left == 0 ? OkStatus() : InvalidArgument("the clusters do not add up to the rows");
  }

  // One cluster amid everything; and units so fine that sums of all rows stay below 2^39.
  Status Begin(const Sums& sums, FixedTensors& fixed) const {
    SKERRY_ASSIGN_OR_RETURN(const FeatureSums features, Features(sums));
    SKERRY_ASSIGN_OR_RETURN(const InputTransform transform,
                            TransformFromSums(spec_.data(), features));
    fixed = WithTransform(transform, ClusterLayout(shape_));
    const std::size_t width = NumInputs();
    const std::span<double> model = std::span(fixed.values).subspan(3 * width);
    const std::span<double> units = model.last(2 * width);
    std::fill(model.begin() + static_cast<std::ptrdiff_t>(width), model.end(),
              std::numeric_limits<double>::quiet_NaN());
    const double finest = std::ldexp(1.0, -BitsForSums(features.num_examples));
    const std::vector<FeatureColumn> columns = FeatureColumns(spec_.data());
    for (std::size_t j = 0; j < width; ++j) {
      const bool raw = columns[j].kind == FeatureColumn::Kind::kNumeric &&
                       !spec_.data().standardize() && features.count[j] > 0;
      const double size = raw ? RootMeanSquare(features, j) : 1;
      units[j] = size * finest;
      units[width + j] = size * size * finest;
    }
    return OkStatus();
  }

  // The next power of two.
  static double RootMeanSquare(const FeatureSums& features, std::size_t input) {
    const double mean_square =
        features.sum_squares[input] / static_cast<double>(features.count[input]);
    int exponent = 0;
    std::frexp(exact::Sqrt(mean_square), &exponent);
    return std::ldexp(1.0, std::clamp(exponent, -30, 50));
  }

  const v1::RunSpec spec_;
  const ClusterShape shape_;
  const std::unique_ptr<Strategy> strategy_;
  const Layout none_;
};

}  // namespace

Result<std::unique_ptr<Program>> MakeKMeansProgram(const v1::RunSpec& spec) {
  const auto num_inputs = static_cast<int64_t>(FeatureColumns(spec.data()).size());
  SKERRY_ASSIGN_OR_RETURN(const ClusterShape shape,
                          MakeClusterShape(spec.model().k_means(), num_inputs));
  SKERRY_RETURN_IF_ERROR(MakeModel(spec.model(), num_inputs, 0).status());
  SKERRY_RETURN_IF_ERROR(CheckSumSettings(spec));
  const bool asks_for_metrics = spec.evaluation().metrics_size() > 0;
  if (asks_for_metrics || !spec.evaluation().best_metric().empty()) {
    const char* const key = asks_for_metrics ? "metrics" : "best_metric";
    return InvalidArgument("evaluation." + std::string(key) +
                           ": a model of kind \"k_means\" has its inertia only")
        .WithHint("remove the key");
  }
  if (spec.training().num_rounds() <= shape.DividingRounds()) {
    return InvalidArgument("run.num_rounds: " + std::to_string(shape.num_clusters) +
                           " clusters need more than " + std::to_string(shape.DividingRounds()) +
                           " rounds: the first ones divide what there is in two");
  }
  SKERRY_ASSIGN_OR_RETURN(auto strategy, MakeSumStrategy());
  return std::unique_ptr<Program>(
      std::make_unique<KMeansProgram>(spec, shape, std::move(strategy)));
}

}  // namespace skerry::learning
