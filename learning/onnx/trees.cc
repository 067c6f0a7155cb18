#include "learning/onnx/trees.h"

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "learning/onnx/preprocessing.h"
#include "learning/trees/forest.h"

namespace skerry::learning {
namespace {

// The nodes of trees as the operator TreeEnsembleRegressor wants them: lists, one element for each
// node, and others with one for each leaf.
class NodeLists {
 public:
  explicit NodeLists(const Forest<const float>& forest) : forest_(forest) {}

  // What a row can come to, and no more, by increasing depth. Nodes are numbered anew, without
  // gaps: some runtimes take a node's number for its place.
  void AddTree(int64_t tree) {
    std::vector<int64_t> nodes = {0};
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const int64_t node = nodes[i];
      const auto number = static_cast<int64_t>(i);
      if (Ends(tree, node)) {
        AddLeaf(tree, node, number);
      } else {
        AddBranch(tree, node, number, static_cast<int64_t>(nodes.size()));
        nodes.insert(nodes.end(), {2 * node + 1, 2 * node + 2});
      }
    }
  }

  // Every tree is a target of its own, whose value is that of its leaf: runtimes add trees up in
  // floats, and in an order of their own.
  OnnxAttributes Attributes() && {
    return {{"n_targets", forest_.shape.num_trees},
            {"nodes_treeids", std::move(trees_)},
            {"nodes_nodeids", std::move(numbers_)},
            {"nodes_modes", std::move(modes_)},
            {"nodes_featureids", std::move(features_)},
            {"nodes_values", std::move(thresholds_)},
            {"nodes_truenodeids", std::move(lefts_)},
            {"nodes_falsenodeids", std::move(rights_)},
            {"nodes_missing_value_tracks_true", std::move(missing_left_)},
            {"target_treeids", leaf_trees_},
            {"target_ids", leaf_trees_},
            {"target_nodeids", std::move(leaf_numbers_)},
            {"target_weights", std::move(leaf_values_)}};
  }

 private:
  // As for NodeOf, which does not trust the model either.
  bool Ends(int64_t tree, int64_t node) const {
    const float feature = forest_.feature[forest_.At(tree, node)];
    const bool looks = feature >= 0 && feature < static_cast<float>(forest_.shape.num_inputs);
    return !looks || 2 * node + 2 >= forest_.shape.num_nodes();
  }

  // A row goes left when its input is below the threshold: that of the operator is as much a float
  // as ours and as the input, so that BRANCH_LT decides the same, also of inputs that are equal.
  void AddBranch(int64_t tree, int64_t node, int64_t number, int64_t left) {
    const std::size_t at = forest_.At(tree, node);
    AddNode(tree, number, "BRANCH_LT");
    features_.push_back(static_cast<int64_t>(forest_.feature[at]));
    thresholds_.push_back(forest_.threshold[at]);
    lefts_.push_back(left);
    rights_.push_back(left + 1);
    missing_left_.push_back(forest_.missing_left[at] != 0 ? 1 : 0);
  }

  void AddLeaf(int64_t tree, int64_t node, int64_t number) {
    AddNode(tree, number, "LEAF");
    features_.push_back(0);
    thresholds_.push_back(0.0F);
    lefts_.push_back(0);
    rights_.push_back(0);
    missing_left_.push_back(0);
    leaf_trees_.push_back(tree);
    leaf_numbers_.push_back(number);
    leaf_values_.push_back(forest_.value[forest_.At(tree, node)]);
  }

  void AddNode(int64_t tree, int64_t number, const char* mode) {
    trees_.push_back(tree);
    numbers_.push_back(number);
    modes_.emplace_back(mode);
  }

  const Forest<const float>& forest_;
  std::vector<int64_t> trees_;
  std::vector<int64_t> numbers_;
  std::vector<std::string> modes_;
  std::vector<int64_t> features_;
  std::vector<float> thresholds_;
  std::vector<int64_t> lefts_;
  std::vector<int64_t> rights_;
  std::vector<int64_t> missing_left_;
  std::vector<int64_t> leaf_trees_;
  std::vector<int64_t> leaf_numbers_;
  std::vector<float> leaf_values_;
};

// base + the sum of every row of `leaves`, in double.
std::string AddUp(const std::string& leaves, float base, OnnxGraph& graph) {
  const auto cast = [&](const std::string& value, OnnxType type) {
    return graph.AddNode("Cast", {value}, {{"to", static_cast<int64_t>(type)}});
  };
  const std::array<int64_t, 1> over_trees = {1};
  const std::string axes =
      graph.AddConstant(std::span<const int64_t>(over_trees), std::array<int64_t, 1>{1});
  const std::array<double, 1> first = {static_cast<double>(base)};
  const std::string offset =
      graph.AddConstant(std::span<const double>(first), std::array<int64_t, 2>{1, 1}, "trees.base");
  const std::string sum = graph.AddNode("ReduceSum", {cast(leaves, OnnxType::kDouble), axes},
                                        {{"keepdims", int64_t{1}}});
  return cast(graph.AddNode("Add", {sum, offset}), OnnxType::kFloat);
}

}  // namespace

Result<std::string> AddTrees(const TrainedModel& trained, const std::string& features,
                             OnnxGraph& graph) {
  SKERRY_ASSIGN_OR_RETURN(const ForestShape shape, MakeForestShape(trained.spec.model().trees(),
                                                                   trained.model.num_features()));
  const Forest<const float> forest(shape, trained.parameters);
  NodeLists nodes(forest);
  for (int64_t tree = 0; tree < shape.num_trees; ++tree) nodes.AddTree(tree);
  const std::string leaves = graph.AddNode("TreeEnsembleRegressor", {features},
                                           std::move(nodes).Attributes(), "", kOnnxMl);
  return AddUp(leaves, forest.base[0], graph);
}

}  // namespace skerry::learning
