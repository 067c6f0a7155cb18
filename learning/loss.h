#pragma once

#include <cstdint>
#include <span>

#include "learning/model.h"

namespace skerry::learning {

// The loss of one row, whose outputs are `outputs`, in double. Not finite when an output is not.
// The label of kClasses must be a class number; anything else is a bug of the caller, and so is
// kRisk, where rows have no loss of their own.
double RowLoss(OutputKind kind, std::span<const float> outputs, float label);
double RowLoss(OutputKind kind, std::span<const double> outputs, double label);

// The mean loss, as MeanLoss gives it, and in `derivatives` its derivative by each output, each
// computed in double and rounded once. No rows: 0.
double LossAndDerivatives(OutputKind kind, int64_t num_outputs, std::span<const float> outputs,
                          std::span<const float> labels, std::span<float> derivatives);
double LossAndDerivatives(OutputKind kind, int64_t num_outputs, std::span<const double> outputs,
                          std::span<const double> labels, std::span<double> derivatives);

}  // namespace skerry::learning
