#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "learning/dataset.h"
#include "learning/layout.h"
#include "learning/progress.h"
#include "learning/trees/forest.h"

namespace skerry::learning {

// What sites add up for trees. All of it is whole numbers: sums over sites are exact, and the same
// as over all rows in one place.

// A round that counts. kTreeRows (SUM_I64): "num_examples" and, of a label of two classes,
// "positives"; of a number in the first round "label_cells" over FirstEdges(num_edges), and in the
// second "label_sum" in units of a gradient. kTreeCells (SUM_I64): "counts" [inputs, cells].
constexpr const char* kTreeRows = "trees.rows";
constexpr const char* kTreeCells = "trees.cells";
// A level of a tree. kTreeSums (SUM_I64): "sums" [nodes of the level, inputs, bins + 1, 2],
// gradients and second derivatives of rows by node and bin, in the model's units; the last bin is
// that of missing cells.
constexpr const char* kTreeSums = "trees.sums";

// In which tree and at which depth a round counts rows or adds up gradients.
struct TreeStep {
  static constexpr int64_t kCountRounds = 4;

  int64_t counting = -1;  // 0 to 3: it counts rows in cells; -1: it grows a tree
  int64_t tree = 0;
  int64_t depth = 0;  // of the nodes that are divided

  // Of round `round` of a run whose trees have this depth.
  static TreeStep At(int64_t round, int64_t max_depth);
  static int64_t NumRounds(const ForestShape& shape) {
    return kCountRounds + shape.num_trees * shape.max_depth;
  }
};

std::vector<Section> TreeSections(const ForestShape& shape, OutputKind kind, const TreeStep& step);

// The values of kTreeRows and kTreeCells over some rows. `edges` as in the model; in the first
// round FirstEdges for every input. INVALID_ARGUMENT when a label is far beyond what the run began
// with.
Result<std::vector<int64_t>> CountRows(const ForestShape& shape, OutputKind kind,
                                       const TreeStep& step, double gradient_unit,
                                       const Dataset& data);
std::vector<int64_t> CountCells(const ForestShape& shape, std::span<const float> edges,
                                const Dataset& data);

// The bin of every input of every row, as trees divide them: [rows, inputs].
std::vector<uint16_t> BinsOf(const Forest<const float>& forest, const Dataset& data);

// The values of kTreeSums, and the loss of the trees before this one.
struct LevelSums {
  std::vector<int64_t> sums;
  double mean_loss = 0;
};
// `bins` is BinsOf(forest, data). INVALID_ARGUMENT as above.
Result<LevelSums> SumGradients(const Forest<const float>& forest, OutputKind kind,
                               const TreeStep& step, const Dataset& data,
                               std::span<const uint16_t> bins,
                               const RowProgress& progress = nullptr);

// INVALID_ARGUMENT for sums that no rows have: negative counts or second derivatives, inputs of one
// node that do not add up to the same.
Status CheckTreeSums(const ForestShape& shape, OutputKind kind, const TreeStep& step,
                     std::span<const int64_t> rows, std::span<const int64_t> values);

}  // namespace skerry::learning
