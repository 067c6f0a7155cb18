#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "client/result_writer.h"
#include "client/task_runner.h"

namespace skerry::client {

// Puts an update into the section "update" of a task's result, in the encoding that the task's
// layout asks for. Where that sends only a part, the rest stays at this site as its state of the
// run, and counts in with the next update. INVALID_ARGUMENT: the layout does not fit the update, or
// (encodings other than plain) a value is not finite.
Status WriteUpdate(const WorkOrder& order, const std::string& site, std::vector<float> update,
                   ResultWriter& writer, WorkDone& done);
// Of doubles: only plain.
Status WriteUpdate(const WorkOrder& order, const std::string& site, std::vector<double> update,
                   ResultWriter& writer, WorkDone& done);

}  // namespace skerry::client
