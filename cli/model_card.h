#pragma once

#include <string>

#include "base/status.h"
#include "skerry/v1/admin.pb.h"

namespace skerry::cli {

// What somebody who is to use a run's newest model should know, as Markdown: what it predicts from
// what, data and participation of each site as counts, metrics with intervals, privacy, hashes, the
// run file, limits. All of it is from the run's journal; what a site has not told is "-". `run` has
// all rounds. FAILED_PRECONDITION: it has no model yet.
// INVALID_ARGUMENT: its run file cannot be read by this version.
Result<std::string> ModelCard(const v1::ShowRunReply& run);

}  // namespace skerry::cli
