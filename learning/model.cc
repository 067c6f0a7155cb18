#include "learning/model.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "learning/external.h"
#include "learning/k_means/clusters.h"
#include "learning/models/kinds.h"
#include "learning/trees/forest.h"

namespace skerry::learning {
namespace {

constexpr int64_t kMaxInputs = int64_t{1} << 24;

// A kind, and the keys of [model] that it reads beside `kind`.
struct Kind {
  std::string_view name;
  Result<std::unique_ptr<Model>> (*make)(const ModelRequest& request);
  Result<std::unique_ptr<ModelF64>> (*make_f64)(
      const ModelRequest& request);  // null: there is none
  std::vector<std::string_view> keys;
};

const std::vector<Kind>& Kinds() {
  static const std::vector<Kind> kinds = {
      {"cox", MakeCox, MakeCoxF64, {"hidden", "activation", "dropout"}},
      {"k_means", MakeKMeansModel, nullptr, {}},
      {"linear", MakeShallow, MakeShallowF64, {}},
      {"logistic", MakeShallow, MakeShallowF64, {}},
      {"mlp", MakeMlp, MakeMlpF64, {"hidden", "activation", "dropout", "loss"}},
      {"network", MakeLayeredNetwork, nullptr, {"input_shape", "layers", "loss"}},
      {"softmax", MakeShallow, MakeShallowF64, {}},
      {"trees", MakeTreesModel, nullptr, {"loss"}},
  };
  return kinds;
}

// What is set of a key of [model] that not every kind reads.
struct Key {
  std::string_view name;
  bool is_set;
};

std::vector<Key> KeysOf(const v1::ModelSpec& spec) {
  return {{"hidden", spec.hidden_size() > 0},
          {"activation", !spec.activation().empty()},
          {"dropout", spec.dropout() != 0},
          {"loss", !spec.loss().empty()},
          {"input_shape", !spec.input_shape().empty()},
          {"layers", !spec.layers().empty()}};
}

const Kind* FindKind(std::string_view name) {
  const auto found = std::find_if(Kinds().begin(), Kinds().end(),
                                  [&](const Kind& kind) { return kind.name == name; });
  return found == Kinds().end() ? nullptr : &*found;
}

Status CheckSizes(int64_t num_features, int64_t num_classes) {
  if (num_features < 1 || num_features > kMaxInputs) {
    return InvalidArgument("data.features: a model needs 1 to 2^24 inputs, not " +
                           std::to_string(num_features));
  }
  if (num_classes < 0 || num_classes == 1 || num_classes > kMaxInputs) {
    return InvalidArgument("data.label_classes: a label has 2 to 2^24 classes, not " +
                           std::to_string(num_classes))
        .WithHint("leave the key out when the label is a number");
  }
  return OkStatus();
}

}  // namespace

int64_t AnyModel::values_per_row() const {
  int64_t widest = 1;
  for (const TensorSpec& tensor : parameters().tensors()) {
    for (const int64_t length : tensor.shape) widest = std::max(widest, length);
  }
  return widest;
}

int64_t RowsAtATime(const AnyModel& model, int64_t rows) {
  constexpr int64_t kMostRows = 4096;
  constexpr int64_t kMostValues = 4 << 20;
  const int64_t most = std::clamp<int64_t>(kMostValues / model.values_per_row(), 1, kMostRows);
  return std::min(most, std::max<int64_t>(rows, 1));
}

std::vector<std::string> ModelKinds() {
  std::vector<std::string> names;
  for (const Kind& kind : Kinds()) names.emplace_back(kind.name);
  return names;
}

std::vector<std::string> KindsThatRead(std::string_view key) {
  std::vector<std::string> names;
  for (const Kind& kind : Kinds()) {
    if (std::find(kind.keys.begin(), kind.keys.end(), key) == kind.keys.end()) continue;
    names.emplace_back(kind.name);
  }
  return names;
}

namespace {

// A key that the kind does not read is a mistake of the one who wrote it.
Status CheckModelKeys(const v1::ModelSpec& spec) {
  for (const Key& key : KeysOf(spec)) {
    if (!key.is_set) continue;
    const std::vector<std::string> readers = KindsThatRead(key.name);
    if (std::find(readers.begin(), readers.end(), spec.kind()) != readers.end()) continue;
    return InvalidArgument("model." + std::string(key.name) + ": a model of kind " +
                           QuotedName(spec.kind()) + " does not have this")
        .WithHint("remove the key, or set model.kind = \"" + Join(readers, "\" or \"") + "\"");
  }
  return OkStatus();
}

Result<Kind> KindOf(const v1::ModelSpec& spec, int64_t num_features, int64_t num_classes) {
  const Kind* kind = FindKind(spec.kind());
  if (kind == nullptr) return UnknownName("model.kind", spec.kind(), ModelKinds());
  SKERRY_RETURN_IF_ERROR(CheckSizes(num_features, num_classes));
  SKERRY_RETURN_IF_ERROR(CheckModelKeys(spec));
  return *kind;
}

Status CheckDType(const v1::ModelSpec& spec, DType wanted) {
  SKERRY_ASSIGN_OR_RETURN(const DType dtype, DTypeOf(spec));
  if (dtype == wanted) return OkStatus();
  return InvalidArgument("model.dtype: this needs a model of " + std::string(DTypeName(wanted)) +
                         ", and it is of " + std::string(DTypeName(dtype)));
}

}  // namespace

Result<DType> DTypeOf(const v1::ModelSpec& spec) {
  static const std::vector<std::string> known = {"f32", "f64"};
  if (spec.dtype().empty() || spec.dtype() == known[0]) return DType::kF32;
  if (spec.dtype() == known[1]) return DType::kF64;
  return UnknownName("model.dtype", spec.dtype(), known);
}

Result<std::unique_ptr<Model>> MakeModel(const v1::ModelSpec& spec, int64_t num_features,
                                         int64_t num_classes) {
  SKERRY_RETURN_IF_ERROR(CheckDType(spec, DType::kF32));
  SKERRY_ASSIGN_OR_RETURN(const Kind kind, KindOf(spec, num_features, num_classes));
  return kind.make({spec, num_features, num_classes});
}

Result<std::unique_ptr<ModelF64>> MakeModelF64(const v1::ModelSpec& spec, int64_t num_features,
                                               int64_t num_classes) {
  SKERRY_RETURN_IF_ERROR(CheckDType(spec, DType::kF64));
  SKERRY_ASSIGN_OR_RETURN(const Kind kind, KindOf(spec, num_features, num_classes));
  if (kind.make_f64 == nullptr) {
    return InvalidArgument("model.dtype: a model of kind " + QuotedName(spec.kind()) +
                           " computes in f32 only")
        .WithHint("remove the key");
  }
  return kind.make_f64({spec, num_features, num_classes});
}

Result<std::unique_ptr<AnyModel>> MakeAnyModel(const v1::ModelSpec& spec, int64_t num_features,
                                               int64_t num_classes) {
  SKERRY_ASSIGN_OR_RETURN(const DType dtype, DTypeOf(spec));
  if (dtype == DType::kF64) {
    SKERRY_ASSIGN_OR_RETURN(auto model, MakeModelF64(spec, num_features, num_classes));
    return std::unique_ptr<AnyModel>(std::move(model));
  }
  SKERRY_ASSIGN_OR_RETURN(auto model, MakeModel(spec, num_features, num_classes));
  return std::unique_ptr<AnyModel>(std::move(model));
}

}  // namespace skerry::learning
