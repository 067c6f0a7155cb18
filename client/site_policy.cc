#include "client/site_policy.h"

#include <algorithm>

#include "base/text.h"
#include "learning/program.h"
#include "learning/trees/sums.h"

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

// The run file says how many rounds there are, the task which one it is for: the site believes
// neither alone. The evaluation of the last model is a round more.
int64_t RoundsOf(const v1::RunSpec& spec, const v1::Task& task) {
  int64_t round = task.round() - (task.kind() == v1::EVALUATE ? 1 : 0);
  if (spec.model().kind() == "trees") {  // as many as there are trees
    const auto step =
        learning::TreeStep::At(round, std::max<int64_t>(1, spec.model().trees().max_depth()));
    round = step.counting >= 0 ? 0 : step.tree + 1;
  }
  return std::max<int64_t>(spec.training().num_rounds(), round);
}

// Of no other round anything is computed: rounds count steps, and steps must be countable.
Status CheckRound(const v1::Task& task) {
  constexpr int64_t kMost = int64_t{1} << 31;
  const bool trained = task.kind() == v1::TRAIN || task.kind() == v1::EVALUATE;
  const int64_t least = trained ? 1 : 0;
  if (task.round() >= least && task.round() <= kMost) return OkStatus();
  return InvalidArgument("the task is for round " + std::to_string(task.round()) + "; it must be " +
                         std::to_string(least) + " to 2^31");
}

std::string Rows(int64_t count) { return std::to_string(count) + (count == 1 ? " row" : " rows"); }

}  // namespace

Status CheckTask(const SitePolicy& policy, const v1::RunSpec& spec, const v1::Task& task) {
  SKERRY_RETURN_IF_ERROR(CheckRound(task));
  SKERRY_RETURN_IF_ERROR(
      CheckAllowed("allowed_models", policy.allowed_models, spec.model().kind()));
  if (!learning::IsFittedBySums(spec.model().kind())) {
    SKERRY_RETURN_IF_ERROR(
        CheckAllowed("allowed_strategies", policy.allowed_strategies, spec.training().strategy()));
  }
  const int64_t rounds = RoundsOf(spec, task);
  if (policy.max_rounds <= 0 || rounds <= policy.max_rounds) return OkStatus();
  return PermissionDenied("the run has " + std::to_string(rounds) +
                          " rounds; this site's policy.max_rounds is " +
                          std::to_string(policy.max_rounds))
      .WithHint(kHint);
}

bool MayTell(const SitePolicy& policy, int64_t num_rows) { return num_rows >= policy.min_examples; }

Status CheckExamples(const SitePolicy& policy, int64_t num_examples) {
  if (MayTell(policy, num_examples)) return OkStatus();
  return PermissionDenied("there are fewer rows than this site's policy.min_examples asks for")
      .WithHint("there are " + Rows(num_examples) + " to train on, and policy.min_examples is " +
                std::to_string(policy.min_examples) + "; " + kHint);
}

Status CheckInputs(const SitePolicy& policy, const v1::RunSpec& spec,
                   const learning::FeatureSums& sums) {
  const bool all = learning::IsFittedBySums(spec.model().kind());
  const std::vector<learning::FeatureColumn> columns = learning::FeatureColumns(spec.data());
  for (std::size_t j = 0; j < columns.size(); ++j) {
    const int64_t count = sums.count[j];
    const bool told = (all || learning::NeedsSums(spec.data(), columns[j])) && count > 0;
    if (!told || MayTell(policy, count)) continue;
    return PermissionDenied("the input \"" + columns[j].name +
                            "\" is filled in for fewer rows than this site's policy.min_examples "
                            "asks for")
        .WithHint("it is for " + Rows(count) + " to train on, and policy.min_examples is " +
                  std::to_string(policy.min_examples) + "; leave the column out of the run, or " +
                  kHint);
  }
  return OkStatus();
}

}  // namespace skerry::client
