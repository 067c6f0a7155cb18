#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "learning/features.h"
#include "skerry/v1/task.pb.h"

namespace skerry::client {

// What the site itself allows: [policy] of agent.toml. No coordinator can change it.
struct SitePolicy {
  std::vector<std::string> allowed_models;      // kinds; empty: all
  std::vector<std::string> allowed_strategies;  // empty: all
  // Fewer rows than this say nothing: the site takes no part with fewer training rows, tells
  // nothing of an input that is filled in for fewer, and does not evaluate on fewer. The sums of a
  // node of a tree, or of a cluster, are told of however few rows are in it: without them there is
  // no such model (docs/trees-and-k-means.md).
  int64_t min_examples = 0;
  int64_t max_rounds = 0;  // of one run; 0: no limit
};

// INVALID_ARGUMENT: there is no such round, of that kind of task. PERMISSION_DENIED names the key
// of [policy] that forbids it. How many rows there are stands in the hint alone, which stays at the
// site.
Status CheckTask(const SitePolicy& policy, const v1::RunSpec& spec, const v1::Task& task);
Status CheckExamples(const SitePolicy& policy, int64_t num_examples);
// Of the inputs whose sums the run needs: with a model that sums alone fit, all.
Status CheckInputs(const SitePolicy& policy, const v1::RunSpec& spec,
                   const learning::FeatureSums& sums);
// Whether sums over so many rows may leave the site.
bool MayTell(const SitePolicy& policy, int64_t num_rows);

}  // namespace skerry::client
