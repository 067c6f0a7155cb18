#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/executor.h"
#include "base/files.h"
#include "base/status.h"
#include "coordinator/left_out.h"
#include "coordinator/slice.h"
#include "coordinator/update_reader.h"
#include "learning/layout.h"
#include "learning/strategy.h"

namespace skerry::coordinator {

// What the parameters of a new version are made of. All of it must outlive the pass.
struct BlockPassInput {
  int64_t num_elements = 0;
  learning::DType dtype = learning::DType::kF32;  // of parameters, state vectors and updates
  const learning::Strategy& strategy;
  const learning::Coefficients& coefficients;
  const learning::RoundScalars& scalars;
  // Of each of the strategy's sections, in bytewise order of site names; none: nothing to apply.
  std::vector<std::vector<Update>> sections;
  Slice<const File> base_model;  // no file: `initial` tells the parameters
  std::function<void(int64_t first, std::span<double> out)> initial;
  std::vector<Slice<const File>> base_state;  // of each state vector; no file: zeros
  LeftOutCounter* left_out = nullptr;         // looks at each block of the first section
};

// Where the new parameters and state vectors go.
struct BlockPassOutput {
  Slice<File> model;
  std::vector<Slice<File>> state;  // of each state vector
};

// Reads a block of every update, reduces it, applies it to the block of the base version and writes
// that; block after block, on this thread and up to num_threads - 1 tasks of `compute`. Parameters
// and state are doubles meanwhile, and rounded once, to their dtype. The same input gives the same
// bytes with any number of threads. Each thread works in about 2 MiB, however large the model is.
// FAILED_PRECONDITION when a parameter or state would be no finite number; DATA_LOSS when a file is
// shorter than it should be; otherwise what the files say.
Status RunBlockPass(const BlockPassInput& input, const BlockPassOutput& output, Executor& compute,
                    int num_threads);

}  // namespace skerry::coordinator
