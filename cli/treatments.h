#pragma once

#include <string>
#include <vector>

#include "skerry/v1/admin.pb.h"

// What the aggregation rule did to the updates of a round.
namespace skerry::cli {

// A table of the newest round of which there is something to tell, below an empty line; empty when
// there is none. `width` as in cli/output.h.
std::string TreatmentTable(const v1::ShowRunReply& run, int width);

// One row for each site and round of which there is something to tell; empty when there is nothing
// at all. RFC 4180.
std::string TreatmentsCsv(const std::vector<v1::RoundSummary>& rounds);

}  // namespace skerry::cli
