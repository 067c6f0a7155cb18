#include "client/site_policy.h"

#include <algorithm>

#include "base/text.h"

namespace skerry::client {
namespace {

constexpr const char* kHint = "only this site can change its [policy], in agent.toml";

Status CheckAllowed(const char* key, const std::vector<std::string>& allowed,
                    const std::string& asked) {
  if (allowed.empty() || std::find(allowed.begin(), allowed.end(), asked) != allowed.end()) {
    return OkStatus();
  }
  return PermissionDenied("the run asks for \"" + asked + "\"; this site's policy." + key +
                          " has: " + Join(allowed, ", "))
      .WithHint(kHint);
}

}  // namespace

Status CheckRun(const SitePolicy& policy, const v1::RunSpec& spec) {
  SKERRY_RETURN_IF_ERROR(
      CheckAllowed("allowed_models", policy.allowed_models, spec.model().kind()));
  SKERRY_RETURN_IF_ERROR(
      CheckAllowed("allowed_strategies", policy.allowed_strategies, spec.training().strategy()));
  if (policy.max_rounds > 0 && spec.training().num_rounds() > policy.max_rounds) {
    return PermissionDenied("the run has " + std::to_string(spec.training().num_rounds()) +
                            " rounds; this site's policy.max_rounds is " +
                            std::to_string(policy.max_rounds))
        .WithHint(kHint);
  }
  return OkStatus();
}

Status CheckExamples(const SitePolicy& policy, int64_t num_examples) {
  if (num_examples >= policy.min_examples) return OkStatus();
  return PermissionDenied("there are " + std::to_string(num_examples) +
                          " training rows; this site's policy.min_examples is " +
                          std::to_string(policy.min_examples))
      .WithHint(kHint);
}

}  // namespace skerry::client
