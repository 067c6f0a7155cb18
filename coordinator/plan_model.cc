#include "coordinator/plan_model.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "coordinator/plan_external.h"
#include "coordinator/plan_keys.h"
#include "learning/external.h"
#include "learning/model.h"

namespace skerry::coordinator {
namespace {

// The value of a list that may be absent, or nothing: then it is required.
std::optional<std::vector<int64_t>> NoneUnless(bool required) {
  if (required) return std::nullopt;
  return std::vector<int64_t>();
}

std::vector<std::string> Kinds() {
  std::vector<std::string> kinds = learning::ModelKinds();
  kinds.emplace_back(learning::kExternalKind);
  return kinds;
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// A key that the kind does not read is a mistake.
void RefuseKeysOfOthers(TomlReader& toml, const std::string& kind) {
  if (!Contains(learning::ModelKinds(), kind)) return;  // which is said already
  for (const char* key : {"hidden", "activation", "dropout", "loss", "input_shape", "layers"}) {
    const std::string path = std::string("model.") + key;
    const std::vector<std::string> readers = learning::KindsThatRead(key);
    if (!toml.Has(path) || Contains(readers, kind)) continue;
    toml.Fail(path, "a model of kind \"" + kind + "\" does not have this",
              "remove the key, or set model.kind = \"" + Join(readers, "\" or \"") + "\"");
  }
}

void ReadLayer(TomlReader& toml, const std::string& table, v1::LayerSpec& layer) {
  layer.set_kind(toml.String(table + ".kind"));
  layer.set_units(toml.Integer(table + ".units", 0));
  layer.set_activation(toml.String(table + ".activation", ""));
  layer.set_kernel(toml.Integer(table + ".kernel", 0));
  layer.set_stride(toml.Integer(table + ".stride", 0));
  layer.set_padding(toml.String(table + ".padding", ""));
  layer.set_rate(toml.Number(table + ".rate", 0));
}

// What cannot be is refused where the model is made: learning/models/network_kind.cc.
void ReadNetwork(TomlReader& toml, v1::ModelSpec& model) {
  for (const int64_t length : toml.Integers("model.input_shape", std::vector<int64_t>())) {
    model.add_input_shape(length);
  }
  const int64_t layers = toml.NumTables("model.layers");
  for (int64_t i = 0; i < layers; ++i) {
    ReadLayer(toml, "model.layers." + std::to_string(i), *model.add_layers());
  }
}

// A model of risks needs times that did or did not end in an event; no other does.
void CheckEvent(TomlReader& toml, const v1::RunSpec& spec) {
  const bool is_risk = spec.model().kind() == "cox" || spec.model().loss() == "cox";
  const bool has_event = !spec.data().event().empty();
  if (is_risk && !has_event) {
    toml.Fail("data.event", "is missing; a model of risks needs it",
              "name the 0/1 column that says whether the label, a time, ended in an event");
  }
  if (!is_risk && has_event) {
    toml.Fail("data.event", "only a model of risks reads it",
              "remove the key, or set model.kind = \"cox\"");
  }
}

}  // namespace

void ReadModel(TomlReader& toml, v1::RunSpec& spec) {
  v1::ModelSpec& model = *spec.mutable_model();
  model.set_kind(toml.String("model.kind"));
  if (!model.kind().empty()) Choose(toml, "model.kind", model.kind(), Kinds());
  if (learning::IsExternal(spec)) return ReadExternalModel(toml, spec);
  const bool is_mlp = model.kind() == "mlp";
  for (const int64_t units : toml.Integers("model.hidden", NoneUnless(is_mlp))) {
    CheckAtLeast(toml, "model.hidden", static_cast<double>(units), 1);
    model.add_hidden(units);
  }
  model.set_activation(toml.String("model.activation", is_mlp ? "relu" : ""));
  model.set_dropout(toml.Number("model.dropout", 0));
  model.set_loss(toml.String("model.loss", ""));
  ReadNetwork(toml, model);
  RefuseKeysOfOthers(toml, model.kind());
  CheckEvent(toml, spec);
  for (std::string& name : toml.Strings("model.local_tensors", std::vector<std::string>{})) {
    model.add_local_tensors(std::move(name));
  }
  constexpr std::array kTypes = {"f32", "f64"};
  const std::string dtype = toml.String("model.dtype", "f32");
  if (Choose(toml, "model.dtype", dtype, kTypes) == 1) model.set_dtype(dtype);
  // A label of two classes is usually written as 0 and 1.
  const bool binary = model.kind() == "logistic" || model.loss() == "logistic";
  if (binary && spec.data().label_classes().empty()) {
    spec.mutable_data()->add_label_classes("0");
    spec.mutable_data()->add_label_classes("1");
  }
}

}  // namespace skerry::coordinator
