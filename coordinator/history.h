#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "coordinator/run.h"
#include "storage/records.h"

namespace skerry::coordinator {

// Who was counted in which committed round, with what, and in an asynchronous one, from which
// version and in which order: all that a simulation needs to come to the same model. JSON, for
// people and programs.
std::string HistoryToJson(const storage::RunRecord& run,
                          const std::vector<storage::RoundRecord>& rounds,
                          const std::vector<storage::TaskRecord>& tasks);

// What HistoryToJson wrote. INVALID_ARGUMENT says where the text is not a history.
Result<Participants> ParseHistory(std::string_view json, const std::string& name);
// "" when the history came from a run with this run file; otherwise a sentence that says so.
std::string OtherRunFile(std::string_view history_json, std::string_view run_file);

}  // namespace skerry::coordinator
