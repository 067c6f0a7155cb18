#pragma once

#include <cstddef>
#include <functional>

#include "base/executor.h"

namespace skerry {

// Runs body(0) ... body(count - 1), in any order, on this thread and up to `helpers` tasks of
// `executor`; returns when all have run. May be called from a task of that executor: this thread
// alone suffices.
void ParallelFor(Executor& executor, int helpers, std::size_t count,
                 const std::function<void(std::size_t)>& body);

// The same, and then(0) ... then(count - 1) in this order, on this thread: each as soon as its body
// and all before it have run, while later ones still do. With one
// helper and bodies that take about as long as the last time, most run on the thread on which they
// ran then, and find in its caches what they left.
void ParallelInOrder(Executor& executor, int helpers, std::size_t count,
                     const std::function<void(std::size_t)>& body,
                     const std::function<void(std::size_t)>& then);

}  // namespace skerry
