#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/executor.h"
#include "base/files.h"
#include "base/status.h"
#include "coordinator/slice.h"
#include "coordinator/update_reader.h"
#include "learning/strategy.h"

namespace skerry::coordinator {

// What the parameters of a new version are made of. All of it must outlive the pass.
struct BlockPassInput {
  int64_t num_elements = 0;
  const learning::Strategy& strategy;
  const learning::Coefficients& coefficients;
  const learning::RoundScalars& scalars;
  std::vector<Update> updates;   // in bytewise order of site names; none: nothing to apply
  Slice<const File> base_model;  // no file: `initial` tells the parameters
  std::function<void(int64_t first, std::span<float> out)> initial;
  Slice<const File> base_state;  // the state vectors one after the other; no file: zeros
};

// Where the new parameters and state vectors go.
struct BlockPassOutput {
  Slice<File> model;
  Slice<File> state;  // no file needed when the strategy keeps no state
};

// Reads a block of every update, reduces it, applies it to the block of the base version and writes
// that; block after block, on this thread and up to num_threads - 1 tasks of `compute`. The same
// input gives the same bytes with any number of threads. Each thread works in about 2 MiB, however
// large the model is. DATA_LOSS when a file is shorter than it should be; otherwise what the
// files say.
Status RunBlockPass(const BlockPassInput& input, const BlockPassOutput& output, Executor& compute,
                    int num_threads);

}  // namespace skerry::coordinator
