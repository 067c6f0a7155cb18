#include "coordinator/plan_external.h"

#include <array>
#include <string>

#include "base/text.h"
#include "coordinator/plan_keys.h"
#include "learning/external.h"

namespace skerry::coordinator {
namespace {

constexpr const char* kTrainer = "model.external.trainer";
constexpr const char* kTensors = "model.external.tensors";
constexpr const char* kInitial = "model.external.initial";
constexpr const char* kScale = "model.external.initial_scale";
constexpr const char* kSettings = "model.external.settings";

void ReadTensors(TomlReader& toml, v1::ExternalSpec& external) {
  for (const std::string& name : toml.Keys(kTensors)) {
    const std::string key = std::string(kTensors) + "." + name;
    v1::TensorSpec& tensor = *external.add_tensors();
    tensor.set_name(name);
    tensor.set_dtype(v1::F32);
    for (const int64_t length : toml.Integers(key)) {
      if (length < 1) toml.Fail(key, "must be a list of lengths of at least 1");
      tensor.add_shape(length);
    }
  }
  if (toml.Keys(kTensors).empty()) {
    toml.Fail(toml.Has(kTensors) ? kTensors : "model.external", "the model needs tensors",
              "add [model.external.tensors] with a line NAME = [LENGTHS] for each; names with dots "
              "in quotes");
  }
}

void ReadInitial(TomlReader& toml, v1::ExternalSpec& external) {
  constexpr std::array kKinds = {"zeros", "uniform", "trainer"};
  const std::string initial = toml.String(kInitial, "zeros");
  Choose(toml, kInitial, initial, kKinds);
  if (initial != "zeros") external.set_initial(initial);
  if (initial == "uniform") {
    external.set_initial_scale(toml.Number(kScale));
    if (!(external.initial_scale() > 0)) toml.Fail(kScale, "must be over 0");
  } else if (toml.Has(kScale)) {
    toml.Fail(kScale, "model.external.initial is \"" + initial + "\", which has no scale",
              "remove the key, or set model.external.initial = \"uniform\"");
    toml.Skip(kScale);
  }
}

}  // namespace

bool IsForTrainers(TomlReader& toml) {
  return toml.IsString("model.kind") && toml.String("model.kind") == learning::kExternalKind;
}

void ReadExternalModel(TomlReader& toml, v1::RunSpec& spec) {
  v1::ExternalSpec& external = *spec.mutable_model()->mutable_external();
  external.set_trainer(toml.String(kTrainer));
  if (!IsName(external.trainer())) {
    toml.Fail(kTrainer, "must be made of a-z, 0-9 and '-', 1 to 63 of them");
  }
  ReadTensors(toml, external);
  ReadInitial(toml, external);
  for (const std::string& name : toml.Keys(kSettings)) {
    (*external.mutable_settings())[name] = toml.String(std::string(kSettings) + "." + name);
  }
}

void CheckTrainersData(TomlReader& toml, v1::DataSpec& data) {
  if (data.features_size() + data.categories_size() > 0) return;
  for (const char* key : {"data.missing", "data.standardize"}) {
    if (!toml.Has(key)) continue;
    toml.Fail(key, "there are no data.features, so the sites' trainers read the data themselves",
              "remove the key, or list the features");
  }
  data.set_standardize(false);
  data.set_missing(v1::DROP);
}

}  // namespace skerry::coordinator
