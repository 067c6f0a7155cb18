#include "coordinator/plan_async.h"

#include <algorithm>
#include <array>
#include <string>

#include "coordinator/plan_keys.h"
#include "learning/strategies/staleness.h"

namespace skerry::coordinator {
namespace {

constexpr std::array kFunctions = {"polynomial", "hinge", "constant"};

// Only what the function has is read: other keys are refused as unknown. The defaults are those of
// the papers.
void ReadStaleness(TomlReader& toml, v1::AsyncSpec& async) {
  async.set_staleness(toml.String("training.async.staleness", "polynomial"));
  Choose(toml, "training.async.staleness", async.staleness(), kFunctions);
  if (async.staleness() == "constant") return;
  const bool hinge = async.staleness() == "hinge";
  async.set_a(toml.Number("training.async.a", hinge ? 10.0 : 0.5));
  CheckAtLeast(toml, "training.async.a", async.a(), 0);
  if (!hinge) return;
  async.set_b(toml.Number("training.async.b", 4.0));
  CheckAtLeast(toml, "training.async.b", async.b(), 0);
}

void ReadLimits(TomlReader& toml, v1::AsyncSpec& async) {
  constexpr const char* kMaxStaleness = "training.async.max_staleness";
  constexpr const char* kMaxLead = "training.async.max_lead";
  constexpr int64_t kMost = 1000;  // so many versions stay on the disk
  async.set_max_staleness(toml.Integer(kMaxStaleness, 10));
  CheckAtLeast(toml, kMaxStaleness, static_cast<double>(async.max_staleness()), 0);
  if (async.max_staleness() > kMost) {
    toml.Fail(kMaxStaleness, "must be at most 1000: so many versions stay on the disk");
  }
  async.set_max_lead(toml.Integer(kMaxLead, 0));
  CheckAtLeast(toml, kMaxLead, static_cast<double>(async.max_lead()), 0);
  if (async.max_lead() > async.max_staleness()) {
    toml.Fail(kMaxLead, "is more than training.async.max_staleness (" +
                            std::to_string(async.max_staleness()) +
                            "): such work is discarded before anybody waits for it");
  }
}

v1::AsyncSpec ReadKeys(TomlReader& toml, const std::string& strategy) {
  v1::AsyncSpec async;
  async.set_buffer(1);
  if (strategy == "fedbuff") {
    async.set_buffer(toml.Integer("training.async.buffer"));
    CheckAtLeast(toml, "training.async.buffer", static_cast<double>(async.buffer()), 1);
  } else {
    async.set_mixing(toml.Number("training.async.mixing", 0.6));
    if (!(async.mixing() > 0 && async.mixing() <= 1)) {
      toml.Fail("training.async.mixing", "must be over 0 and at most 1");
    }
  }
  ReadLimits(toml, async);
  ReadStaleness(toml, async);
  return async;
}

void RefuseClashes(TomlReader& toml, const RunPlan& plan) {
  const std::string strategy = "training.strategy = \"" + plan.spec.training().strategy() + "\"";
  const auto clash = [&](const char* key, const std::string& why) {
    toml.Fail(key, "does not go with " + strategy + ": " + why, "remove the key");
  };
  if (plan.participation.sites_per_round > 0) {
    clash("participation.sites_per_round", "every site works whenever it is free");
  }
  if (plan.participation.selection != Selection::kRandom) {
    clash("participation.selection", "nobody is drawn");
  }
  if (toml.Has("evaluation.every") && plan.spec.evaluation().every() > 0) {
    clash("evaluation.every", "its sites work from different versions; the last one is evaluated");
  }
  if (plan.spec.evaluation().has_early_stopping()) {
    clash("evaluation.early_stopping", "no version but the last is evaluated");
  }
}

}  // namespace

void ReadAsync(TomlReader& toml, RunPlan& plan) {
  const std::string& strategy = plan.spec.training().strategy();
  if (!learning::IsAsynchronous(strategy)) {
    if (!toml.Has("training.async")) return;
    toml.Skip("training.async");
    return toml.Fail("training.async",
                     "training.strategy is \"" + strategy + "\", which goes by rounds",
                     "remove the table, or set training.strategy = \"fedbuff\" or \"fedasync\"");
  }
  RefuseClashes(toml, plan);
  const v1::AsyncSpec async = ReadKeys(toml, strategy);
  plan.spec.mutable_evaluation()->set_every(0);
  plan.participation.buffer = async.buffer();
  // What sites may still be at work on.
  plan.keep.checkpoints = std::max(plan.keep.checkpoints, async.max_staleness() + 1);
  *plan.spec.mutable_training()->mutable_async() = async;
}

}  // namespace skerry::coordinator
