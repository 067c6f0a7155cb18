#include "learning/model.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "base/text.h"
#include "learning/external.h"
#include "learning/models/dense.h"

namespace skerry::learning {
namespace {

constexpr int64_t kMaxUnits = int64_t{1} << 24;  // of one layer
constexpr int kMaxHidden = 64;

// Every kind but mlp has no hidden layer and the loss beside it.
struct Kind {
  std::string_view name;
  std::string_view loss;
};
constexpr std::string_view kMlp = "mlp";
constexpr Kind kKinds[] = {
    {"linear", "squared"}, {"logistic", "logistic"}, {kMlp, ""}, {"softmax", "softmax"}};

// Cut, since what strangers wrote may be of any length.
std::string Quoted(std::string_view text) { return "\"" + std::string(text.substr(0, 64)) + "\""; }

Status UnknownName(std::string_view key, const std::string& value,
                   std::span<const std::string> known) {
  const std::string nearest = NearestName(value.substr(0, 64), known);
  return InvalidArgument(std::string(key) + ": " + Quoted(value) + " is unknown")
      .WithHint((nearest.empty() ? "" : "did you mean " + Quoted(nearest) + "? ") + "there are " +
                Join(known, ", "));
}

Status CheckSizes(int64_t num_features, int64_t num_classes) {
  if (num_features < 1 || num_features > kMaxUnits) {
    return InvalidArgument("data.features: a model needs 1 to 2^24 inputs, not " +
                           std::to_string(num_features));
  }
  if (num_classes < 0 || num_classes == 1 || num_classes > kMaxUnits) {
    return InvalidArgument("data.label_classes: a label has 2 to 2^24 classes, not " +
                           std::to_string(num_classes))
        .WithHint("leave the key out when the label is a number");
  }
  return OkStatus();
}

// What the label is, for messages.
std::string LabelText(int64_t num_classes) {
  return num_classes == 0 ? "a number" : "one of " + std::to_string(num_classes) + " classes";
}

std::string_view LossFor(int64_t num_classes) {
  if (num_classes == 0) return "squared";
  return num_classes == 2 ? "logistic" : "softmax";
}

// The value of `key` that this label allows.
std::string_view FittingValue(std::string_view key, int64_t num_classes) {
  const std::string_view loss = LossFor(num_classes);
  if (key == "model.loss") return loss;
  return std::find_if(std::begin(kKinds), std::end(kKinds),
                      [&](const Kind& kind) { return kind.loss == loss; })
      ->name;
}

// Sets the outputs that go with a loss, or says why the label does not allow it. `key` and `value`
// are what the researcher wrote.
Status SetOutputs(std::string_view loss, std::string_view key, const std::string& value,
                  int64_t num_classes, DenseSpec& dense) {
  const auto refuse = [&](const char* needed) {
    return InvalidArgument(std::string(key) + ": " + Quoted(value) + " needs a label that is " +
                           needed + ", but it is " + LabelText(num_classes))
        .WithHint("for this label use " + Quoted(FittingValue(key, num_classes)));
  };
  dense.num_outputs = 1;
  if (loss == "squared") {
    dense.output_kind = OutputKind::kValue;
    return num_classes == 0 ? OkStatus() : refuse("a number");
  }
  if (loss == "logistic") {
    dense.output_kind = OutputKind::kBinary;
    return num_classes == 2 ? OkStatus() : refuse("one of 2 classes");
  }
  dense.output_kind = OutputKind::kClasses;
  dense.num_outputs = num_classes;
  return num_classes >= 2 ? OkStatus() : refuse("one of 2 or more classes");
}

// A key that the kind does not read is a mistake of the one who wrote it.
Status RefuseMlpKeys(const v1::ModelSpec& spec) {
  const char* key = spec.hidden_size() > 0       ? "model.hidden"
                    : !spec.activation().empty() ? "model.activation"
                    : !spec.loss().empty()       ? "model.loss"
                                                 : nullptr;
  if (key == nullptr) return OkStatus();
  return InvalidArgument(std::string(key) + ": a model of kind " + Quoted(spec.kind()) +
                         " does not have this")
      .WithHint("remove the key, or set model.kind = \"mlp\"");
}

Status ReadHidden(const v1::ModelSpec& spec, DenseSpec& dense) {
  if (spec.hidden_size() < 1 || spec.hidden_size() > kMaxHidden) {
    return InvalidArgument("model.hidden: an mlp needs 1 to 64 hidden layers, not " +
                           std::to_string(spec.hidden_size()))
        .WithHint("for instance hidden = [32]");
  }
  for (const int64_t units : spec.hidden()) {
    if (units < 1 || units > kMaxUnits) {
      return InvalidArgument("model.hidden: a layer has 1 to 2^24 units, not " +
                             std::to_string(units));
    }
    dense.hidden.push_back(units);
  }
  return OkStatus();
}

Status ReadActivation(const v1::ModelSpec& spec, DenseSpec& dense) {
  static const std::vector<std::string> known = {"relu", "tanh"};
  if (spec.activation().empty() || spec.activation() == "relu") {
    dense.activation = Activation::kRelu;
  } else if (spec.activation() == "tanh") {
    dense.activation = Activation::kTanh;
  } else {
    return UnknownName("model.activation", spec.activation(), known);
  }
  return OkStatus();
}

Status ReadMlp(const v1::ModelSpec& spec, int64_t num_classes, DenseSpec& dense) {
  static const std::vector<std::string> losses = {"squared", "logistic", "softmax"};
  SKERRY_RETURN_IF_ERROR(ReadHidden(spec, dense));
  SKERRY_RETURN_IF_ERROR(ReadActivation(spec, dense));
  const std::string loss = spec.loss().empty() ? std::string(LossFor(num_classes)) : spec.loss();
  if (std::find(losses.begin(), losses.end(), loss) == losses.end()) {
    return UnknownName("model.loss", loss, losses);
  }
  return SetOutputs(loss, "model.loss", loss, num_classes, dense);
}

}  // namespace

std::vector<std::string> ModelKinds() {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

namespace {

Result<DenseSpec> ReadDense(const v1::ModelSpec& spec, int64_t num_features, int64_t num_classes) {
  const auto* kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                  [&](const Kind& known) { return known.name == spec.kind(); });
  if (kind == std::end(kKinds)) return UnknownName("model.kind", spec.kind(), ModelKinds());
  SKERRY_RETURN_IF_ERROR(CheckSizes(num_features, num_classes));
  DenseSpec dense;
  dense.num_features = num_features;
  if (kind->name == kMlp) {
    SKERRY_RETURN_IF_ERROR(ReadMlp(spec, num_classes, dense));
  } else {
    SKERRY_RETURN_IF_ERROR(RefuseMlpKeys(spec));
    SKERRY_RETURN_IF_ERROR(SetOutputs(kind->loss, "model.kind", spec.kind(), num_classes, dense));
  }
  return dense;
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
  SKERRY_ASSIGN_OR_RETURN(const DenseSpec dense, ReadDense(spec, num_features, num_classes));
  Result<std::unique_ptr<Model>> model = MakeDenseModel(dense);
  if (!model.ok()) return std::move(model).status().WithContext("model");
  return model;
}

Result<std::unique_ptr<ModelF64>> MakeModelF64(const v1::ModelSpec& spec, int64_t num_features,
                                               int64_t num_classes) {
  SKERRY_RETURN_IF_ERROR(CheckDType(spec, DType::kF64));
  SKERRY_ASSIGN_OR_RETURN(const DenseSpec dense, ReadDense(spec, num_features, num_classes));
  Result<std::unique_ptr<ModelF64>> model = MakeDenseModelF64(dense);
  if (!model.ok()) return std::move(model).status().WithContext("model");
  return model;
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
