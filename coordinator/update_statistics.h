#pragma once

#include <cstdint>
#include <span>

#include "base/executor.h"
#include "base/files.h"
#include "base/status.h"
#include "coordinator/update_reader.h"
#include "learning/aggregator.h"
#include "learning/layout.h"
#include "learning/strategy.h"

namespace skerry::coordinator {

// The updates of a round, to be looked at as a whole. Borrows all of it.
struct UpdatePass {
  std::span<const Update> updates;  // in bytewise order of site names
  int64_t num_elements = 0;
  learning::DType dtype = learning::DType::kF32;
  Executor& compute;
  int num_threads = 1;
  std::span<const learning::ParameterRange> statistics = {};  // not trained, and so left out
};

// Norms and distances of the updates: summed in fixed lanes in blocks of 64 Ki elements, and those
// in order, so that any number of threads gives the same bits. One pass over the files. DATA_LOSS
// when a file is shorter than that.
Result<learning::UpdateStatistics> MeasureUpdates(const UpdatePass& pass);

// Fills in the squared norm of each update, to the same bits with any number of threads.
Status MeasureNorms(const UpdatePass& pass, std::span<learning::UpdateInfo> infos);

// The coefficients of a round: by what is known of the updates, and by their statistics if the rule
// wants them.
Result<learning::Coefficients> WeighUpdates(const learning::Strategy& strategy,
                                            std::span<const learning::UpdateInfo> infos,
                                            const UpdatePass& pass);

}  // namespace skerry::coordinator
