#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "skerry/v1/admin.pb.h"

namespace skerry::cli {

// What somebody who is to use a version of a run's model (-1: the newest) should know, as Markdown:
// what it predicts from what, data and participation of each site as counts, metrics with
// intervals, privacy, hashes, the run file, limits. All of it is from the run's journal, and tells
// of what led to this version and how good it is; what a site has not told is "-". `run` has all
// rounds. FAILED_PRECONDITION: it has no model yet. NOT_FOUND: no such version.
// INVALID_ARGUMENT: its run file cannot be read by this release.
Result<std::string> ModelCard(const v1::ShowRunReply& run, int64_t version = -1);

}  // namespace skerry::cli
