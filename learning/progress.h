#pragma once

#include <cstdint>
#include <functional>

#include "base/status.h"

namespace skerry::learning {

// Asked again and again in a long loop over rows, with the rows done and those in all; an error
// ends the loop, and is what it returns. From the thread that works: it must be quick. Null: nobody
// is asked.
using RowProgress = std::function<Status(int64_t done, int64_t total)>;

// For every row of such a loop: asks at some of them.
inline Status AskAtRow(const RowProgress& progress, int64_t row, int64_t rows) {
  constexpr int64_t kRowsBetween = 1024;
  if (!progress || row % kRowsBetween != 0) return OkStatus();
  return progress(row, rows);
}

}  // namespace skerry::learning
