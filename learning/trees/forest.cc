#include "learning/trees/forest.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "learning/finite.h"

namespace skerry::learning {
namespace {

constexpr int64_t kMaxNodes = int64_t{1} << 24;  // of all trees
constexpr int64_t kMaxSums = int64_t{1} << 24;   // of a round: 128 MiB from each site

Status OutOfRange(const char* key, const char* range, double value) {
  return InvalidArgument(std::string("model.trees.") + key + " must be " + range + ", not " +
                         FormatExact(value));
}

Status CheckNumbers(const v1::TreesSpec& spec) {
  const bool rate_fits = spec.learning_rate() > 0 && spec.learning_rate() <= 1;
  if (!rate_fits) {
    return OutOfRange("learning_rate", "over 0 and at most 1", spec.learning_rate());
  }
  const std::pair<const char*, double> others[] = {{"l2", spec.l2()},
                                                   {"min_gain", spec.min_gain()},
                                                   {"min_child_weight", spec.min_child_weight()}};
  for (const auto& [key, value] : others) {
    if (!(value >= 0) || !IsFinite(value)) return OutOfRange(key, "at least 0", value);
  }
  return OkStatus();
}

class ForestModel final : public Model {
 public:
  ForestModel(const ForestShape& shape, OutputKind kind)
      : shape_(shape), kind_(kind), layout_(ForestLayout(shape)) {}

  const Layout& parameters() const override { return layout_; }
  int64_t num_features() const override { return shape_.num_inputs; }
  int64_t num_outputs() const override { return 1; }
  OutputKind output_kind() const override { return kind_; }

  void Initialize(uint64_t /*seed*/, int64_t /*first*/, std::span<float> out) const override {
    std::fill(out.begin(), out.end(), 0.0F);
  }
  std::unique_ptr<Workspace> NewWorkspace(int64_t /*max_rows*/) const override {
    return std::make_unique<Workspace>();
  }
  double Gradient(std::span<const float> /*parameters*/, const Batch& /*batch*/,
                  std::span<float> /*gradient*/, Workspace& /*workspace*/) const override {
    SKERRY_CHECK(false);  // trees have no gradient
    return 0;
  }
  void Forward(std::span<const float> parameters, const Batch& batch, std::span<float> outputs,
               Workspace& /*workspace*/) const override {
    const Forest<const float> forest(shape_, parameters);
    const auto width = static_cast<std::size_t>(shape_.num_inputs);
    SKERRY_CHECK(batch.features.size() == static_cast<std::size_t>(batch.rows) * width);
    for (std::size_t row = 0; row < static_cast<std::size_t>(batch.rows); ++row) {
      outputs[row] = static_cast<float>(
          OutputOf(forest, shape_.num_trees, batch.features.subspan(row * width, width)));
    }
  }

 private:
  const ForestShape shape_;
  const OutputKind kind_;
  const Layout layout_;
};

}  // namespace

Result<ForestShape> MakeForestShape(const v1::TreesSpec& spec, int64_t num_inputs) {
  constexpr int64_t kMaxDepth = 12;
  constexpr int64_t kMaxBins = 256;
  if (spec.max_depth() < 1 || spec.max_depth() > kMaxDepth) {
    return OutOfRange("max_depth", "1 to 12", static_cast<double>(spec.max_depth()));
  }
  if (spec.bins() < 2 || spec.bins() > kMaxBins) {
    return OutOfRange("bins", "2 to 256", static_cast<double>(spec.bins()));
  }
  SKERRY_RETURN_IF_ERROR(CheckNumbers(spec));
  const ForestShape shape = {num_inputs, spec.num_trees(), spec.max_depth(), spec.bins()};
  if (shape.num_trees < 1 || shape.num_trees > kMaxNodes / shape.num_nodes()) {
    return InvalidArgument("run.num_rounds: " + std::to_string(shape.num_trees) +
                           " trees of depth " + std::to_string(shape.max_depth) +
                           " are too many: together they may have 2^24 nodes")
        .WithHint("lower run.num_rounds or model.trees.max_depth");
  }
  const int64_t nodes = int64_t{1} << (shape.max_depth - 1);
  if (shape.num_inputs > kMaxSums / (2 * nodes * (shape.num_bins + 1))) {
    return InvalidArgument(
               "model.trees: the last level of a tree would take more than 2^24 sums "
               "from each site, inputs x bins x nodes x 2")
        .WithHint("lower model.trees.max_depth or model.trees.bins");
  }
  return shape;
}

Layout ForestLayout(const ForestShape& shape) {
  std::vector<TensorSpec> tensors = {
      {"trees.edges", DType::kF32, {shape.num_inputs, shape.num_edges()}},
      {"trees.units", DType::kF32, {2}},
      {"trees.base", DType::kF32, {1}}};
  for (const char* name :
       {"trees.feature", "trees.threshold", "trees.missing_left", "trees.value"}) {
    tensors.push_back({name, DType::kF32, {shape.num_trees, shape.num_nodes()}});
  }
  // The names are our own and the sizes have been checked, so that the layout is always good.
  return OwnLayout(std::move(tensors));
}

int64_t NodeOf(const Forest<const float>& forest, int64_t tree, std::span<const float> inputs,
               int64_t max_depth) {
  int64_t node = 0;
  for (int64_t depth = 0; depth < std::min(max_depth, forest.shape.max_depth); ++depth) {
    const std::size_t at = forest.At(tree, node);
    const float feature = forest.feature[at];
    if (!(feature >= 0) || !(feature < static_cast<float>(inputs.size()))) break;
    const float x = inputs[static_cast<std::size_t>(feature)];
    const bool left = std::isnan(x) ? forest.missing_left[at] != 0 : x < forest.threshold[at];
    node = 2 * node + (left ? 1 : 2);
  }
  return node;
}

double OutputOf(const Forest<const float>& forest, int64_t num_trees,
                std::span<const float> inputs) {
  auto output = static_cast<double>(forest.base[0]);
  for (int64_t tree = 0; tree < num_trees; ++tree) {
    const int64_t node = NodeOf(forest, tree, inputs, forest.shape.max_depth);
    output += static_cast<double>(forest.value[forest.At(tree, node)]);
  }
  return output;
}

Result<std::unique_ptr<Model>> MakeTreesModel(const ModelRequest& request) {
  if (request.num_classes != 0 && request.num_classes != 2) {
    return InvalidArgument(
        "model.kind: \"trees\" needs a label that is a number or one of 2 "
        "classes, but it is one of " +
        std::to_string(request.num_classes) + " classes");
  }
  const OutputKind kind = request.num_classes == 0 ? OutputKind::kValue : OutputKind::kBinary;
  const std::string fitting = request.num_classes == 0 ? "squared" : "logistic";
  if (!request.spec.loss().empty() && request.spec.loss() != fitting) {
    return InvalidArgument("model.loss: for this label trees have the loss \"" + fitting + "\"");
  }
  SKERRY_ASSIGN_OR_RETURN(const ForestShape shape,
                          MakeForestShape(request.spec.trees(), request.num_features));
  return std::unique_ptr<Model>(std::make_unique<ForestModel>(shape, kind));
}

}  // namespace skerry::learning
