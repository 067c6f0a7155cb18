#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/status.h"
#include "learning/layout.h"
#include "learning/model.h"
#include "learning/models/kinds.h"
#include "skerry/v1/task.pb.h"

namespace skerry::learning {

// The sizes of a model of boosted trees.
struct ForestShape {
  int64_t num_inputs = 0;
  int64_t num_trees = 0;
  int64_t max_depth = 0;
  int64_t num_bins = 0;  // of an input, without that of missing cells

  // Of one tree; node i has the children 2 i + 1 and 2 i + 2.
  int64_t num_nodes() const { return (int64_t{2} << max_depth) - 1; }
  // Finer than bins: what bins are made of.
  int64_t num_cells() const { return num_bins < 32 ? 64 : 2 * num_bins; }
  int64_t num_edges() const { return num_cells() - 1; }
};

// INVALID_ARGUMENT names the key of [model.trees] that is out of range, or says that the model
// would be too large.
Result<ForestShape> MakeForestShape(const v1::TreesSpec& spec, int64_t num_inputs);

// The tensors of the model, all F32 though some of them hold whole numbers:
//   "trees.edges"        [inputs, edges]: of the bins, rising; unused ones are infinite. While bins
//                        are sought, of the cells that are counted next
//   "trees.units"        [2]: what 1 stands for in sums of gradients and of second derivatives
//   "trees.base"         [1]: the output before any tree
//   "trees.feature"      [trees, nodes]: the input that a node looks at; -1: it is a leaf, or not
//                        there at all
//   "trees.threshold"    [trees, nodes]: a row goes left when its input is below
//   "trees.missing_left" [trees, nodes]: 1: it goes left when its input is missing; 0: right
//   "trees.value"        [trees, nodes]: what a leaf adds to the output
Layout ForestLayout(const ForestShape& shape);

// Those tensors in the flat vector of a model's parameters. T is float, const float or double (as
// a program holds them). Borrows both.
template <class T>
struct Forest {
  ForestShape shape;
  std::span<T> edges;
  std::span<T> units;
  std::span<T> base;
  std::span<T> feature;
  std::span<T> threshold;
  std::span<T> missing_left;
  std::span<T> value;

  Forest(const ForestShape& s, std::span<T> parameters) : shape(s) {
    std::size_t first = 0;
    const auto take = [&](int64_t count) {
      const std::span<T> part = parameters.subspan(first, static_cast<std::size_t>(count));
      first += part.size();
      return part;
    };
    edges = take(shape.num_inputs * shape.num_edges());
    units = take(2);
    base = take(1);
    for (std::span<T>* nodes : {&feature, &threshold, &missing_left, &value}) {
      *nodes = take(shape.num_trees * shape.num_nodes());
    }
  }

  std::span<T> EdgesOf(int64_t input) const {
    const auto size = static_cast<std::size_t>(shape.num_edges());
    return edges.subspan(static_cast<std::size_t>(input) * size, size);
  }
  // Where a node stands in the tensors of nodes.
  std::size_t At(int64_t tree, int64_t node) const {
    return static_cast<std::size_t>(tree * shape.num_nodes() + node);
  }
  bool IsLeaf(int64_t tree, int64_t node) const { return feature[At(tree, node)] < 0; }
};

// The node of a tree that a row comes to: a leaf, or one `max_depth` below the root. `inputs` are
// those of the row. A model from a stranger may look at inputs that are not there: it ends there.
int64_t NodeOf(const Forest<const float>& forest, int64_t tree, std::span<const float> inputs,
               int64_t max_depth);
// The output of the first `num_trees` trees, added in their order, in double.
double OutputOf(const Forest<const float>& forest, int64_t num_trees,
                std::span<const float> inputs);

// A model of trees, for applying it. Its inputs may be missing (NaN). There is no gradient. The
// label is a number or one of two classes. INVALID_ARGUMENT names the key that is wrong.
Result<std::unique_ptr<Model>> MakeTreesModel(const ModelRequest& request);

}  // namespace skerry::learning
