#include "learning/trees/sums.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/exact_math.h"
#include "learning/loss.h"
#include "learning/trees/bins.h"
#include "learning/whole_units.h"

namespace skerry::learning {
namespace {

std::size_t Size(int64_t n) { return static_cast<std::size_t>(n); }

Status Contradiction(const std::string& what) {
  return InvalidArgument("the sums contradict themselves: " + what);
}

Status TooLarge() {
  return InvalidArgument(
      "a label is far beyond those that the run began with, or the model does not fit the run");
}

// The derivatives of a row's loss by the output.
struct Derivatives {
  double first = 0;
  double second = 1;

  Derivatives(OutputKind kind, double output, double label) {
    if (kind == OutputKind::kValue) {
      first = output - label;
      return;
    }
    const double p = exact::Sigmoid(output);
    first = p - label;
    second = p * (1 - p);
  }
};

std::span<const float> InputsOf(const Dataset& data, std::size_t row) {
  const std::size_t width = Size(data.num_features);
  return std::span(data.features).subspan(row * width, width);
}

int64_t NodesAt(int64_t depth) { return int64_t{1} << depth; }

Status CheckCounts(const ForestShape& shape, OutputKind kind, const TreeStep& step,
                   std::span<const int64_t> rows, std::span<const int64_t> cells) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool is_sum = kind == OutputKind::kValue && step.counting == 1 && i == 1;
    if (!is_sum && (rows[i] < 0 || rows[i] > rows[0])) {
      return Contradiction("a count of rows is negative, or more than all");
    }
  }
  for (int64_t input = 0; input < shape.num_inputs; ++input) {
    int64_t left = rows[0];
    for (const int64_t count :
         cells.subspan(Size(input * shape.num_cells()), Size(shape.num_cells()))) {
      if (count < 0 || count > left) {
        return Contradiction("the cells of input " + std::to_string(input) +
                             " count more rows than there are");
      }
      left -= count;
    }
  }
  return OkStatus();
}

Status CheckLevel(const ForestShape& shape, const TreeStep& step, std::span<const int64_t> sums) {
  const std::size_t bins = Size(shape.num_bins + 1);
  std::size_t at = 0;
  for (int64_t node = 0; node < NodesAt(step.depth); ++node) {
    uint64_t first_of_node[2] = {0, 0};
    for (int64_t input = 0; input < shape.num_inputs; ++input) {
      uint64_t totals[2] = {0, 0};  // wraps around: no overflow whatever a stranger sends
      for (std::size_t bin = 0; bin < bins; ++bin, at += 2) {
        if (sums[at + 1] < 0) return Contradiction("second derivatives have a negative sum");
        totals[0] += static_cast<uint64_t>(sums[at]);
        totals[1] += static_cast<uint64_t>(sums[at + 1]);
      }
      if (input == 0) std::copy_n(totals, 2, first_of_node);
      if (!std::equal(totals, totals + 2, first_of_node)) {
        return Contradiction("the inputs of a node do not add up to the same rows");
      }
    }
  }
  return OkStatus();
}

}  // namespace

TreeStep TreeStep::At(int64_t round, int64_t max_depth) {
  if (round < kCountRounds) return {.counting = round};
  const int64_t level = round - kCountRounds;
  return {.tree = level / max_depth, .depth = level % max_depth};
}

std::vector<Section> TreeSections(const ForestShape& shape, OutputKind kind, const TreeStep& step) {
  if (step.counting < 0) {
    return {{kTreeSums, Rule::kSumI64,
             OwnLayout({{"sums",
                         DType::kI64,
                         {NodesAt(step.depth), shape.num_inputs, shape.num_bins + 1, 2}}})}};
  }
  std::vector<TensorSpec> rows = {{"num_examples", DType::kI64, {}}};
  if (kind == OutputKind::kBinary) rows.push_back({"positives", DType::kI64, {}});
  if (kind == OutputKind::kValue && step.counting == 0) {
    rows.push_back({"label_cells", DType::kI64, {shape.num_cells()}});
  }
  if (kind == OutputKind::kValue && step.counting == 1) {
    rows.push_back({"label_sum", DType::kI64, {}});
  }
  return {{kTreeRows, Rule::kSumI64, OwnLayout(std::move(rows))},
          {kTreeCells, Rule::kSumI64,
           OwnLayout({{"counts", DType::kI64, {shape.num_inputs, shape.num_cells()}}})}};
}

Result<std::vector<int64_t>> CountRows(const ForestShape& shape, OutputKind kind,
                                       const TreeStep& step, double gradient_unit,
                                       const Dataset& data) {
  std::vector<int64_t> values = {data.rows};
  if (kind == OutputKind::kBinary) {
    values.push_back(std::count_if(data.labels.begin(), data.labels.end(),
                                   [](float label) { return label > 0.5F; }));
  } else if (step.counting == 0) {
    const std::vector<float> edges = FirstEdges(shape.num_edges());
    values.resize(Size(1 + shape.num_cells()));
    for (const float label : data.labels) ++values[1 + Size(CellOf(edges, label))];
  } else if (step.counting == 1) {
    const WholeUnits units(data.rows);
    values.push_back(0);
    for (const float label : data.labels) {
      if (!units.Add(static_cast<double>(label), gradient_unit, values[1])) return TooLarge();
    }
  }
  return values;
}

std::vector<int64_t> CountCells(const ForestShape& shape, std::span<const float> edges,
                                const Dataset& data) {
  std::vector<int64_t> counts(Size(shape.num_inputs * shape.num_cells()));
  const std::size_t num_edges = Size(shape.num_edges());
  for (std::size_t row = 0; row < Size(data.rows); ++row) {
    const std::span<const float> inputs = InputsOf(data, row);
    for (std::size_t j = 0; j < inputs.size(); ++j) {
      if (std::isnan(inputs[j])) continue;
      const int64_t cell = CellOf(edges.subspan(j * num_edges, num_edges), inputs[j]);
      ++counts[j * Size(shape.num_cells()) + Size(cell)];
    }
  }
  return counts;
}

std::vector<uint16_t> BinsOf(const Forest<const float>& forest, const Dataset& data) {
  std::vector<uint16_t> bins;
  bins.reserve(data.features.size());
  const auto missing = static_cast<uint16_t>(forest.shape.num_bins);
  // A model from a stranger may have more edges than bins.
  const int64_t last = forest.shape.num_bins - 1;
  for (std::size_t row = 0; row < Size(data.rows); ++row) {
    const std::span<const float> inputs = InputsOf(data, row);
    for (std::size_t j = 0; j < inputs.size(); ++j) {
      const bool is_missing = std::isnan(inputs[j]);
      bins.push_back(is_missing
                         ? missing
                         : static_cast<uint16_t>(std::min(
                               CellOf(forest.EdgesOf(static_cast<int64_t>(j)), inputs[j]), last)));
    }
  }
  return bins;
}

Result<LevelSums> SumGradients(const Forest<const float>& forest, OutputKind kind,
                               const TreeStep& step, const Dataset& data,
                               std::span<const uint16_t> bins, const RowProgress& progress) {
  const ForestShape& shape = forest.shape;
  const std::size_t width = Size(shape.num_inputs);
  const std::size_t per_input = Size(2 * (shape.num_bins + 1));
  LevelSums level;
  level.sums.resize(Size(NodesAt(step.depth)) * width * per_input);
  const WholeUnits units(data.rows);
  const auto first_unit = static_cast<double>(forest.units[0]);
  const auto second_unit = static_cast<double>(forest.units[1]);
  for (std::size_t row = 0; row < Size(data.rows); ++row) {
    SKERRY_RETURN_IF_ERROR(AskAtRow(progress, static_cast<int64_t>(row), data.rows));
    const std::span<const float> inputs = InputsOf(data, row);
    const double output = OutputOf(forest, step.tree, inputs);
    const auto shown = static_cast<float>(output);
    level.mean_loss += RowLoss(kind, {&shown, 1}, data.labels[row]);
    const int64_t node = NodeOf(forest, step.tree, inputs, step.depth) - (NodesAt(step.depth) - 1);
    if (node < 0) continue;  // it has come to a leaf
    const Derivatives derivatives(kind, output, static_cast<double>(data.labels[row]));
    int64_t gradient = 0;
    int64_t hessian = 0;
    const bool added = units.Add(derivatives.first, first_unit, gradient) &&
                       units.Add(derivatives.second, second_unit, hessian);
    if (!added) return TooLarge();
    const std::size_t begin = Size(node) * width * per_input;
    for (std::size_t j = 0; j < width; ++j) {
      const std::size_t at = begin + j * per_input + Size(2 * bins[row * width + j]);
      level.sums[at] += gradient;
      level.sums[at + 1] += hessian;
    }
  }
  if (data.rows > 0) level.mean_loss /= static_cast<double>(data.rows);
  return level;
}

Status CheckTreeSums(const ForestShape& shape, OutputKind kind, const TreeStep& step,
                     std::span<const int64_t> rows, std::span<const int64_t> values) {
  return step.counting >= 0 ? CheckCounts(shape, kind, step, rows, values)
                            : CheckLevel(shape, step, values);
}

}  // namespace skerry::learning
