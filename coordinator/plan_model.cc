#include "coordinator/plan_model.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

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

bool IsShallow(const std::string& kind) {
  const std::vector<std::string> kinds = learning::ModelKinds();
  return kind != "mlp" && std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
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
  model.set_loss(toml.String("model.loss", ""));
  for (const char* key : {"model.hidden", "model.activation", "model.loss"}) {
    if (is_mlp || !IsShallow(model.kind()) || !toml.Has(key)) continue;
    toml.Fail(key, "a model of kind \"" + model.kind() + "\" does not have this",
              "remove the key, or set model.kind = \"mlp\"");
  }
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
