#include "coordinator/plan_updates.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "coordinator/plan_keys.h"
#include "learning/aggregators/all.h"
#include "learning/compression/spec.h"

namespace skerry::coordinator {
namespace {

int64_t ReadAttackers(TomlReader& toml) {
  const int64_t attackers = toml.Integer("aggregation.attackers", 1);
  CheckAtLeast(toml, "aggregation.attackers", static_cast<double>(attackers), 0);
  return attackers;
}

// Only what the rule has is read: other keys are refused as unknown.
void ReadRuleSettings(TomlReader& toml, v1::AggregationSpec& aggregation) {
  const std::string& rule = aggregation.rule();
  if (rule == "trimmed_mean") {
    aggregation.set_trim(toml.Number("aggregation.trim", 0.1));
    if (!(aggregation.trim() >= 0 && aggregation.trim() <= 0.5)) {
      toml.Fail("aggregation.trim", "must be at least 0 and at most 0.5");
    }
  }
  if (rule == "krum" || rule == "multi_krum" || rule == "bulyan") {
    aggregation.set_attackers(ReadAttackers(toml));
  }
  if (rule == "multi_krum") {
    aggregation.set_select(toml.Integer("aggregation.select", 0));
    if (toml.Has("aggregation.select")) {
      CheckAtLeast(toml, "aggregation.select", static_cast<double>(aggregation.select()), 1);
    }
  }
  if (rule == "centered_clipping") {
    aggregation.set_radius(ReadPositive(toml, "aggregation.radius", std::nullopt));
  }
}

const std::vector<std::string> kTakeRules = {"fedavg",     "fedprox", "fedavgm",
                                             "fedadagrad", "fedadam", "fedyogi"};

bool TakesRule(const std::string& strategy) {
  return std::find(kTakeRules.begin(), kTakeRules.end(), strategy) != kTakeRules.end();
}

}  // namespace

// The plain mean is not written down: runs of before there were rules keep their hashes.
void ReadAggregation(TomlReader& toml, v1::TrainingSpec& training) {
  const std::string rule = toml.String("aggregation.rule", "mean");
  Choose(toml, "aggregation.rule", rule, learning::AggregatorNames());
  v1::AggregationSpec aggregation;
  if (rule != "mean") aggregation.set_rule(rule);
  ReadRuleSettings(toml, aggregation);
  aggregation.set_clipping_norm(ReadPositive(toml, "aggregation.clipping_norm", 0.0));
  if (rule == "mean" && aggregation.clipping_norm() == 0) return;
  if (!TakesRule(training.strategy())) {
    toml.Fail(toml.Has("aggregation.rule") ? "aggregation.rule" : "aggregation.clipping_norm",
              "training.strategy = \"" + training.strategy() + "\" is defined for the plain mean",
              "strategies that take another rule: " + Join(kTakeRules, ", "));
  }
  *training.mutable_aggregation() = std::move(aggregation);
}

// An encoding has keys of its own; those of another are refused, lest somebody believe in them.
void ReadCompression(TomlReader& toml, v1::RunSpec& spec) {
  constexpr const char* kUpdate = "compression.update";
  constexpr const char* kBlock = "compression.block";
  constexpr const char* kRatio = "compression.ratio";
  const std::string update = toml.String(kUpdate, "f32");
  const auto kind =
      static_cast<v1::Encoding::Kind>(Choose(toml, kUpdate, update, learning::EncodingNames()));
  const int64_t block = toml.Integer(kBlock, 256);
  const double ratio = toml.Number(kRatio, 0.01);
  const bool has_blocks = kind == v1::Encoding::F16 || kind == v1::Encoding::INT8;
  const auto clash = [&](const char* key, const std::string& whose) {
    toml.Fail(key, "compression.update is \"" + update + "\", which has no such number",
              "remove the key, or set compression.update = " + whose);
  };
  if (toml.Has(kBlock) && !has_blocks) clash(kBlock, "\"int8\" or \"f16\"");
  if (toml.Has(kRatio) && kind != v1::Encoding::TOP_K) clash(kRatio, "\"top_k\"");
  if (block < 1 || block > learning::kMaxScaleBlock) {
    toml.Fail(kBlock, "must be 1 to " + std::to_string(learning::kMaxScaleBlock));
  }
  if (!(ratio > 0 && ratio <= 1)) toml.Fail(kRatio, "must be over 0 and at most 1");
  // At most coordinates most sites send nothing: the middle of their numbers is always 0.
  const std::string& rule = spec.training().aggregation().rule();
  if (kind == v1::Encoding::TOP_K &&
      (rule == "median" || rule == "trimmed_mean" || rule == "bulyan")) {
    toml.Fail(kUpdate,
              "aggregation.rule is \"" + rule +
                  "\", which goes by the middle of each number: with \"top_k\" that is 0",
              "set aggregation.rule = \"mean\", or another compression.update");
  }
  if (kind == v1::Encoding::PLAIN) return;
  spec.mutable_compression()->set_update(kind);
  if (has_blocks) spec.mutable_compression()->set_block(block);
  if (kind == v1::Encoding::TOP_K) spec.mutable_compression()->set_ratio(ratio);
}

}  // namespace skerry::coordinator
