#pragma once

#include <cstdint>
#include <string>

#include "cli/admin_client.h"
#include "cli/output.h"

namespace skerry::cli {

// What `run watch` and `run wait` wait for.
struct FollowOptions {
  int64_t round = -1;  // until this round has committed; -1: until the run has ended
  std::string timeout;
  bool pause_is_end = true;  // a paused run waits for a person
  bool quiet = false;
  Format format = Format::kText;  // kJson: a line on standard output for each change, no progress
};

// Follows a run until what was asked for has come, and returns the exit code that says what it was.
// A coordinator that is away is waited for, if it has answered before.
int FollowRun(const AdminAddress& address, const std::string& run_id, const FollowOptions& options);

// The exit code for the state of a run.
int ExitCodeOf(const v1::RunSummary& run);

}  // namespace skerry::cli
