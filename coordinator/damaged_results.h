#pragma once

#include <cstddef>
#include <vector>

#include "base/executor.h"
#include "coordinator/finalizer.h"

namespace skerry::coordinator {

// Which of `results` can no longer be used, by index: their files are gone, or do not hold what was
// checked when it arrived. Reads all of them, on this thread and up to `helpers` tasks of
// `compute`.
std::vector<std::size_t> FindDamaged(const std::vector<CountedResult>& results, Executor& compute,
                                     int helpers);

}  // namespace skerry::coordinator
