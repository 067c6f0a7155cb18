// linear, logistic, softmax, mlp and cox.
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "learning/models/activation.h"
#include "learning/models/dense.h"
#include "learning/models/kinds.h"
#include "learning/models/layers.h"
#include "learning/models/network.h"

namespace skerry::learning {
namespace {

constexpr int64_t kMaxUnits = int64_t{1} << 24;  // of one layer
constexpr int kMaxHidden = 64;

Status CheckHidden(const v1::ModelSpec& spec) {
  if (spec.hidden_size() > kMaxHidden) {
    return InvalidArgument("model.hidden: at most 64 hidden layers, not " +
                           std::to_string(spec.hidden_size()));
  }
  for (const int64_t units : spec.hidden()) {
    if (units >= 1 && units <= kMaxUnits) continue;
    return InvalidArgument("model.hidden: a layer has 1 to 2^24 units, not " +
                           std::to_string(units));
  }
  if (spec.dropout() >= 0 && spec.dropout() < 1) return OkStatus();
  return InvalidArgument("model.dropout: must be 0 or more and below 1, not " +
                         FormatExact(spec.dropout()));
}

// With what models/dense.h does not have: gelu, dropout.
Result<std::unique_ptr<Model>> MakeDeep(const ModelRequest& request, const std::string& activation,
                                        const Outputs& outputs) {
  std::vector<std::unique_ptr<Layer>> layers;
  int64_t inputs = request.num_features;
  for (int i = 0; i < request.spec.hidden_size(); ++i) {
    const int64_t units = request.spec.hidden(i);
    layers.push_back(MakeDenseLayer("layers." + std::to_string(i), inputs, units));
    SKERRY_ASSIGN_OR_RETURN(auto function, MakeActivation("model.activation", activation, units));
    layers.push_back(std::move(function));
    if (request.spec.dropout() > 0) {
      layers.push_back(MakeDropoutLayer(units, request.spec.dropout(), i));
    }
    inputs = units;
  }
  layers.push_back(MakeDenseLayer("layers." + std::to_string(request.spec.hidden_size()), inputs,
                                  outputs.count));
  return MakeNetwork(std::move(layers), outputs);
}

// A model that is described, but not made.
struct Hidden {
  DenseSpec dense;
  std::string activation;
  bool is_deep = false;  // with what models/dense.h does not have
};

Result<Hidden> ReadHidden(const ModelRequest& request, const Outputs& outputs) {
  SKERRY_RETURN_IF_ERROR(CheckHidden(request.spec));
  Hidden hidden;
  const std::string& activation = request.spec.activation();
  hidden.activation = activation.empty() ? "relu" : activation;
  hidden.is_deep =
      (hidden.activation != "relu" && hidden.activation != "tanh") || request.spec.dropout() > 0;
  DenseSpec& dense = hidden.dense;
  dense.num_features = request.num_features;
  dense.hidden.assign(request.spec.hidden().begin(), request.spec.hidden().end());
  dense.activation = hidden.activation == "tanh" ? Activation::kTanh : Activation::kRelu;
  dense.output_kind = outputs.kind;
  dense.num_outputs = outputs.count;
  return hidden;
}

Result<std::unique_ptr<Model>> MakeHidden(const ModelRequest& request,
                                          const Result<Outputs>& outputs) {
  SKERRY_RETURN_IF_ERROR(outputs.status());
  SKERRY_ASSIGN_OR_RETURN(const Hidden hidden, ReadHidden(request, *outputs));
  if (hidden.is_deep) return MakeDeep(request, hidden.activation, *outputs);
  return MakeDenseModel(hidden.dense);
}

Result<std::unique_ptr<ModelF64>> MakeHiddenF64(const ModelRequest& request,
                                                const Result<Outputs>& outputs) {
  SKERRY_RETURN_IF_ERROR(outputs.status());
  SKERRY_ASSIGN_OR_RETURN(const Hidden hidden, ReadHidden(request, *outputs));
  if (hidden.is_deep) {
    if (hidden.activation != "gelu" && hidden.activation != "tanh" && hidden.activation != "relu") {
      return UnknownName("model.activation", hidden.activation, ActivationNames());
    }
    return InvalidArgument("model.dtype: gelu and dropout compute in f32 only")
        .WithHint("remove the key, or use relu or tanh without dropout");
  }
  return MakeDenseModelF64(hidden.dense);
}

Result<Outputs> OutputsOfShallow(const ModelRequest& request) {
  const std::string& kind = request.spec.kind();
  return OutputsOf(kind == "linear" ? "squared" : kind, "model.kind", kind, request.num_classes);
}

Result<Outputs> OutputsOfMlp(const ModelRequest& request) {
  if (!request.spec.hidden().empty()) return OutputsOfLoss(request);
  return InvalidArgument("model.hidden: an mlp needs 1 to 64 hidden layers, not 0")
      .WithHint("for instance hidden = [32]");
}

Result<Outputs> OutputsOfCox(const ModelRequest& request) {
  const v1::ModelSpec& spec = request.spec;
  if (spec.hidden().empty() && (!spec.activation().empty() || spec.dropout() != 0)) {
    return InvalidArgument(std::string("model.") +
                           (spec.activation().empty() ? "dropout" : "activation") +
                           ": a risk without hidden layers does not have this")
        .WithHint("remove the key, or set hidden = [16], say");
  }
  return OutputsOf("cox", "model.kind", spec.kind(), request.num_classes);
}

}  // namespace

Result<std::unique_ptr<Model>> MakeShallow(const ModelRequest& request) {
  return MakeHidden(request, OutputsOfShallow(request));
}
Result<std::unique_ptr<Model>> MakeMlp(const ModelRequest& request) {
  return MakeHidden(request, OutputsOfMlp(request));
}
Result<std::unique_ptr<Model>> MakeCox(const ModelRequest& request) {
  return MakeHidden(request, OutputsOfCox(request));
}
Result<std::unique_ptr<ModelF64>> MakeShallowF64(const ModelRequest& request) {
  return MakeHiddenF64(request, OutputsOfShallow(request));
}
Result<std::unique_ptr<ModelF64>> MakeMlpF64(const ModelRequest& request) {
  return MakeHiddenF64(request, OutputsOfMlp(request));
}
Result<std::unique_ptr<ModelF64>> MakeCoxF64(const ModelRequest& request) {
  return MakeHiddenF64(request, OutputsOfCox(request));
}

}  // namespace skerry::learning
