#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "skerry/v1/task.pb.h"

namespace skerry::client {

// What the site itself allows: [policy] of agent.toml. No coordinator can change it.
struct SitePolicy {
  std::vector<std::string> allowed_models;      // kinds; empty: all
  std::vector<std::string> allowed_strategies;  // empty: all
  int64_t min_examples = 0;                     // training rows below which the site takes no part
  int64_t max_rounds = 0;                       // of one run; 0: no limit
};

// PERMISSION_DENIED names the key of [policy] that forbids this run, and both values.
Status CheckRun(const SitePolicy& policy, const v1::RunSpec& spec);
Status CheckExamples(const SitePolicy& policy, int64_t num_examples);

}  // namespace skerry::client
