#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/exact_math.h"
#include "learning/features.h"
#include "learning/finite.h"
#include "learning/programs/all.h"
#include "learning/programs/evaluation_rounds.h"
#include "learning/trees/bins.h"
#include "learning/trees/forest.h"
#include "learning/trees/split.h"
#include "learning/trees/sums.h"
#include "learning/whole_units.h"

namespace skerry::learning {
namespace {

// 2^exponent.
double PowerOfTwo(int exponent) { return std::ldexp(1.0, exponent); }

// The least power of two that no label in these cells is beyond, or infinity.
double BoundOf(std::span<const float> edges, std::span<const int64_t> counts) {
  double bound = 0;
  for (std::size_t cell = 0; cell < counts.size(); ++cell) {
    if (counts[cell] == 0) continue;
    if (cell == 0 || cell == edges.size()) return std::numeric_limits<double>::infinity();
    bound = std::max({bound, std::fabs(static_cast<double>(edges[cell - 1])),
                      std::fabs(static_cast<double>(edges[cell]))});
  }
  int exponent = 0;
  std::frexp(bound, &exponent);
  return PowerOfTwo(exponent);
}

class TreesProgram final : public Program {
 public:
  TreesProgram(v1::RunSpec spec, const ForestShape& shape, OutputKind kind,
               std::unique_ptr<Strategy> strategy)
      : spec_(std::move(spec)), shape_(shape), kind_(kind), strategy_(std::move(strategy)) {}

  std::optional<RoundSpec> Next(std::span<const RoundOutcome> committed) const override {
    const int64_t round = committed.empty() ? 0 : committed.back().round + 1;
    if (round < TreeStep::NumRounds(shape_)) return RoundAt(round);
    const bool evaluates = !EvaluatedSplits(spec_.data().split()).empty();
    if (round > TreeStep::NumRounds(shape_) || !evaluates) return std::nullopt;
    return EvaluationRound(kind_, EvaluatedSplits(spec_.data().split()), round);
  }

  int64_t num_rounds() const override { return TreeStep::NumRounds(shape_) - 1; }
  const Layout& parameters() const override { return none_; }
  void InitialParameters(int64_t /*first*/, std::span<double> /*out*/) const override {}
  const Strategy& strategy() const override { return *strategy_; }

  FixedTensors InitialFixed() const override {
    InputTransform transform =
        InputTransform::Identity(static_cast<std::size_t>(shape_.num_inputs));
    // What is missing stays so.
    std::fill(transform.fill.begin(), transform.fill.end(),
              std::numeric_limits<double>::quiet_NaN());
    FixedTensors fixed = WithTransform(transform, ForestLayout(shape_));
    const Forest<double> forest = ForestOf(fixed);
    const std::vector<float> edges = FirstEdges(shape_.num_edges());
    for (int64_t input = 0; input < shape_.num_inputs; ++input) {
      std::copy(edges.begin(), edges.end(), forest.EdgesOf(input).begin());
    }
    std::fill(forest.feature.begin(), forest.feature.end(), -1.0);
    return fixed;
  }

  int64_t max_sum_bytes() const override {
    const TreeStep last = {.depth = shape_.max_depth - 1};
    return MakeResultLayout(TreeSections(shape_, kind_, last)).size_bytes();
  }

  Status ApplySums(const RoundSpec& spec, const Sums& sums, FixedTensors& fixed) const override {
    const TreeStep step = StepAt(spec.round);
    const Forest<double> forest = ForestOf(fixed);
    if (step.counting < 0) return Grow(step, sums.i64.at(kTreeSums), forest);
    const std::vector<int64_t>& rows = sums.i64.at(kTreeRows);
    if (step.counting == 0) SKERRY_RETURN_IF_ERROR(SetUnits(rows, forest));
    if (step.counting == 1 && kind_ == OutputKind::kValue) {
      forest.base[0] =
          ToFloat(static_cast<double>(rows[1]) * forest.units[0] / static_cast<double>(rows[0]));
    }
    SetEdges(step, sums.i64.at(kTreeCells), forest);
    return OkStatus();
  }

  Result<std::vector<Metric>> Metrics(const RoundSpec& spec, const Sums& sums) const override {
    if (spec.kind != v1::EVALUATE) {
      const TreeStep step = StepAt(spec.round);
      const bool counts = step.counting >= 0;
      SKERRY_RETURN_IF_ERROR(CheckTreeSums(
          shape_, kind_, step,
          counts ? std::span<const int64_t>(sums.i64.at(kTreeRows)) : std::span<const int64_t>(),
          sums.i64.at(counts ? kTreeCells : kTreeSums)));
    }
    return EvaluationMetrics(spec_, kind_, EvaluatedSplits(spec_.data().split()), spec, sums);
  }

 private:
  TreeStep StepAt(int64_t round) const { return TreeStep::At(round, shape_.max_depth); }

  // What the model keeps is F32: rounded at once, so that everybody computes with the same.
  static double ToFloat(double value) { return static_cast<double>(static_cast<float>(value)); }

  Forest<double> ForestOf(FixedTensors& fixed) const {
    const auto transform = static_cast<std::size_t>(3 * shape_.num_inputs);
    return {shape_, std::span<double>(fixed.values).subspan(transform)};
  }

  RoundSpec RoundAt(int64_t round) const {
    const TreeStep step = StepAt(round);
    RoundSpec spec;
    spec.round = round;
    spec.kind = step.counting >= 0 ? v1::STATISTICS : v1::TRAIN;
    spec.needs_model = round > 0;
    if (step.counting < 0) {
      spec.part =
          "tree " + std::to_string(step.tree + 1) + " of " + std::to_string(shape_.num_trees);
    }
    // The first level of a tree evaluates the trees before it.
    const int64_t every = spec_.evaluation().every();
    spec.evaluate = step.counting < 0 && step.depth == 0 && every > 0 && step.tree % every == 0;
    std::vector<Section> sections = TreeSections(shape_, kind_, step);
    if (spec.evaluate) AppendEvaluation(kind_, EvaluatedSplits(spec_.data().split()), sections);
    spec.result_layout = MakeResultLayout(std::move(sections));
    return spec;
  }

  Status SetUnits(std::span<const int64_t> rows, const Forest<double>& forest) const {
    const double finest = PowerOfTwo(-BitsForSums(rows[0]));
    forest.units[0] = forest.units[1] = finest;
    if (kind_ == OutputKind::kValue) {
      const double bound = BoundOf(FirstEdges(shape_.num_edges()), rows.subspan(1));
      if (!IsFinite(bound)) {
        return FailedPrecondition("labels beyond 2^44 are too large for trees")
            .WithHint("let the label be in a larger unit");
      }
      forest.units[0] *= 2 * bound;  // of a label less another
      return OkStatus();
    }
    const auto positives = static_cast<double>(rows[1]);
    const double negatives = static_cast<double>(rows[0]) - positives;
    if (positives == 0 || negatives == 0) {
      return FailedPrecondition("the training rows of all sites have one class only");
    }
    forest.base[0] = ToFloat(exact::Log(positives / negatives));
    return OkStatus();
  }

  void SetEdges(const TreeStep& step, std::span<const int64_t> cells,
                const Forest<double>& forest) const {
    const auto num_cells = static_cast<std::size_t>(shape_.num_cells());
    const bool is_last = step.counting == TreeStep::kCountRounds - 1;
    for (int64_t input = 0; input < shape_.num_inputs; ++input) {
      const std::span<double> kept = forest.EdgesOf(input);
      const std::vector<float> edges(kept.begin(), kept.end());
      const auto counts = cells.subspan(static_cast<std::size_t>(input) * num_cells, num_cells);
      const std::vector<float> next = is_last ? BinEdges(edges, counts, shape_.num_bins)
                                              : RefinedEdges(edges, counts, shape_.num_bins);
      std::copy(next.begin(), next.end(), kept.begin());
    }
  }

  // Divides the nodes of a level. What a child adds to the output is known at once: should it not
  // be divided further, it is a leaf.
  Status Grow(const TreeStep& step, std::span<const int64_t> sums,
              const Forest<double>& forest) const {
    const SplitRules rules(spec_.model().trees(), forest.units[0], forest.units[1]);
    const int64_t nodes = int64_t{1} << step.depth;
    const auto per_node = sums.size() / static_cast<std::size_t>(nodes);
    for (int64_t i = 0; i < nodes; ++i) {
      const int64_t node = nodes - 1 + i;
      const auto of_node = sums.subspan(static_cast<std::size_t>(i) * per_node, per_node);
      if (node == 0) SetLeaf(step.tree, 0, rules.LeafValue(RowsOf(of_node)), forest);
      const bool exists = node == 0 || !forest.IsLeaf(step.tree, (node - 1) / 2);
      if (!exists) continue;
      const Split split = rules.Best(shape_, of_node, forest.edges);
      if (split.feature >= 0) Divide(step.tree, node, split, rules, forest);
    }
    return OkStatus();
  }

  // All rows of a node, as its first input counts them.
  RowSums RowsOf(std::span<const int64_t> sums) const {
    RowSums rows;
    for (std::size_t bin = 0; bin <= static_cast<std::size_t>(shape_.num_bins); ++bin) {
      rows.Add({sums[2 * bin], sums[2 * bin + 1]});
    }
    return rows;
  }

  static void SetLeaf(int64_t tree, int64_t node, double value, const Forest<double>& forest) {
    forest.value[forest.At(tree, node)] = ToFloat(value);
  }

  void Divide(int64_t tree, int64_t node, const Split& split, const SplitRules& rules,
              const Forest<double>& forest) const {
    const std::size_t at = forest.At(tree, node);
    const double edge = forest.EdgesOf(split.feature)[static_cast<std::size_t>(split.edge)];
    const bool last_bin = split.edge + 1 == shape_.num_bins || !IsFinite(edge);
    forest.feature[at] = static_cast<double>(split.feature);
    forest.threshold[at] = last_bin ? static_cast<double>(std::numeric_limits<float>::max()) : edge;
    forest.missing_left[at] = split.missing_left ? 1 : 0;
    forest.value[at] = 0;
    SetLeaf(tree, 2 * node + 1, rules.LeafValue(split.left), forest);
    SetLeaf(tree, 2 * node + 2, rules.LeafValue(split.right), forest);
  }

  const v1::RunSpec spec_;
  const ForestShape shape_;
  const OutputKind kind_;
  const std::unique_ptr<Strategy> strategy_;
  const Layout none_;
};

}  // namespace

Result<std::unique_ptr<Program>> MakeTreesProgram(const v1::RunSpec& spec) {
  const auto num_inputs = static_cast<int64_t>(FeatureColumns(spec.data()).size());
  SKERRY_ASSIGN_OR_RETURN(const ForestShape shape,
                          MakeForestShape(spec.model().trees(), num_inputs));
  SKERRY_ASSIGN_OR_RETURN(const auto model,
                          MakeModel(spec.model(), num_inputs, spec.data().label_classes_size()));
  SKERRY_RETURN_IF_ERROR(CheckSumSettings(spec));
  SKERRY_RETURN_IF_ERROR(CheckMetrics(spec, model->output_kind()));
  if (shape.num_trees != spec.training().num_rounds()) {
    return InvalidArgument("a run of trees grows as many as it has rounds");
  }
  SKERRY_ASSIGN_OR_RETURN(auto strategy, MakeSumStrategy());
  return std::unique_ptr<Program>(
      std::make_unique<TreesProgram>(spec, shape, model->output_kind(), std::move(strategy)));
}

}  // namespace skerry::learning
