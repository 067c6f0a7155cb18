#include "coordinator/plan_sums.h"

#include <string>

#include "coordinator/plan_keys.h"

namespace skerry::coordinator {
namespace {

void ReadTrees(TomlReader& toml, int64_t num_trees, v1::TreesSpec& trees) {
  trees.set_num_trees(num_trees);
  trees.set_max_depth(toml.Integer("model.trees.max_depth", 4));
  trees.set_bins(toml.Integer("model.trees.bins", 64));
  trees.set_learning_rate(toml.Number("model.trees.learning_rate", 0.1));
  trees.set_l2(toml.Number("model.trees.l2", 1.0));
  trees.set_min_gain(toml.Number("model.trees.min_gain", 0.0));
  trees.set_min_child_weight(toml.Number("model.trees.min_child_weight", 1.0));
}

}  // namespace

void ReadSumModel(TomlReader& toml, v1::RunSpec& spec) {
  const std::string& kind = spec.model().kind();
  for (const char* table : {"training", "aggregation", "compression"}) {
    if (!toml.Has(table)) continue;
    toml.Fail(table, "a model of kind \"" + kind + "\" does not have this: sites send it sums",
              "remove the table; its settings are in [model." + kind + "]");
    toml.Skip(table);
  }
  const int64_t num_rounds = toml.Integer("run.num_rounds");
  CheckAtLeast(toml, "run.num_rounds", static_cast<double>(num_rounds), 1);
  spec.mutable_training()->set_num_rounds(num_rounds);
  if (kind == "k_means") {
    spec.mutable_model()->mutable_k_means()->set_clusters(toml.Integer("model.k_means.clusters"));
  }
  if (kind == "trees") ReadTrees(toml, num_rounds, *spec.mutable_model()->mutable_trees());
}

void RefuseSumTables(TomlReader& toml, const v1::ModelSpec& model) {
  for (const char* const name : {"trees", "k_means"}) {
    const std::string kind = name;
    const std::string table = "model." + kind;
    if (model.kind() == kind || !toml.Has(table)) continue;
    toml.Fail(table, "a model of kind \"" + model.kind() + "\" does not have this",
              "remove the table, or set model.kind = \"" + kind + "\"");
    toml.Skip(table);
  }
}

}  // namespace skerry::coordinator
