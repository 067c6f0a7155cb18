#pragma once

#include <cstdint>
#include <vector>

#include "base/files.h"
#include "base/status.h"
#include "coordinator/plain_floats.h"
#include "crypto/digest.h"
#include "learning/layout.h"
#include "learning/program.h"
#include "skerry/v1/task.pb.h"

namespace skerry::coordinator {

// Whether a header can belong to a result of this layout, before a byte of it is taken.
// `layout_hash`: rpc::LayoutHash(layout).
// INVALID_ARGUMENT names the field: another layout (tensors of other names, shapes or order), a
// size that does not fit it, num_examples below 1, a scalar that is not finite.
Status CheckHeader(const v1::ResultHeader& header, const learning::ResultLayout& layout,
                   const crypto::Digest& layout_hash);

// The largest magnitude of an integer: sums over a million sites stay exact.
constexpr int64_t kMaxCount = int64_t{1} << 42;
// The largest magnitude of a sum: sums over a million sites stay finite.
constexpr double kMaxSum = 1e300;

// Reads a received result once, but no tensor of plain floats that lies in `good` chunks alone.
// INVALID_ARGUMENT names section, tensor and element of the first value that is NaN, infinite, or
// larger than kMaxMagnitude (of what is aggregated), kMaxSum (F64) or kMaxCount (I64).
Status CheckValues(const File& file, const learning::ResultLayout& layout,
                   const GoodChunks& good = {});

// CheckValues, and what the result says by itself: its metrics. INVALID_ARGUMENT also for
// evaluation counts that contradict each other.
Result<std::vector<learning::Metric>> CheckResult(const File& file, const v1::ResultHeader& header,
                                                  const learning::RoundSpec& spec,
                                                  const learning::Program& program,
                                                  const GoodChunks& good = {});

}  // namespace skerry::coordinator
