#pragma once

#include <cstdint>
#include <string>

#include "storage/records.h"

// Records in which no field has the value it has when it is left out, and texts hold what is hard
// to store: quotes, line ends, a NUL byte, letters beyond ASCII.
namespace skerry::storage {

RunRecord SampleRun(const std::string& run_id, int64_t number);
RoundRecord SampleRound(const std::string& run_id, int64_t round, int64_t attempt = 1);
TaskRecord SampleTask(int64_t task_id, const std::string& run_id, int64_t round,
                      const std::string& site);
SiteRecord SampleSite(const std::string& site);
EventRecord SampleEvent(const std::string& run_id, const std::string& message);

}  // namespace skerry::storage
