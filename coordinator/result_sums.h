#pragma once

#include <span>
#include <vector>

#include "base/files.h"
#include "base/status.h"
#include "learning/program.h"
#include "skerry/v1/task.pb.h"

namespace skerry::coordinator {

// Adds the plainly summed sections of one result to `sums` (empty before the first). DATA_LOSS: the
// file is shorter than the layout. OUT_OF_RANGE: a count overflows.
Status AddSums(const File& file, const learning::RoundSpec& spec, learning::Sums& sums);

// Appends "train.loss": the mean over the results' examples of the loss that training reported;
// nothing when it is not finite.
void AppendTrainLoss(std::span<const v1::ResultHeader* const> headers,
                     std::vector<learning::Metric>& metrics);

}  // namespace skerry::coordinator
