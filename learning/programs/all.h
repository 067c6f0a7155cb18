#pragma once

#include <memory>

#include "base/status.h"
#include "learning/program.h"
#include "learning/strategy.h"

namespace skerry::learning {

// The programs of models that are fitted by sums alone. A [training] table means nothing to them.
// INVALID_ARGUMENT names the key that is wrong.

// model.kind = "trees": rounds that count rows to find the bins of inputs, then a round for each
// level of each tree.
Result<std::unique_ptr<Program>> MakeTreesProgram(const v1::RunSpec& spec);

// model.kind = "k_means": a round of statistics, then rounds that move the centers.
Result<std::unique_ptr<Program>> MakeKMeansProgram(const v1::RunSpec& spec);

// INVALID_ARGUMENT names a setting that means nothing without updates.
Status CheckSumSettings(const v1::RunSpec& spec);

// Of a program without updates.
Result<std::unique_ptr<Strategy>> MakeSumStrategy();

}  // namespace skerry::learning
