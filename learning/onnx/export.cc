#include "learning/onnx/export.h"

#include <array>
#include <limits>
#include <utility>
#include <vector>

#include "base/check.h"
#include "learning/onnx/clusters.h"
#include "learning/onnx/graph.h"
#include "learning/onnx/layers.h"
#include "learning/onnx/preprocessing.h"
#include "learning/onnx/trees.h"

namespace skerry::learning {
namespace {

// A protocol buffer ends at 2 GB, and the graph is not all of it.
constexpr int64_t kMostParameterBytes = int64_t{3} << 29;

class Outputs {
 public:
  Outputs(const v1::DataSpec& data, std::string unusable, OnnxGraph& graph)
      : data_(data), unusable_(std::move(unusable)), graph_(graph) {}

  void AddValue(const std::string& values) {
    AddNanWhereUnusable(values, "prediction");
    graph_.AddOutput("prediction", OnnxType::kFloat, 1);
  }

  // Of a logit, class 1 is what is above 0.
  void AddBinary(const std::string& logits) {
    const std::string one = graph_.AddNode("Sigmoid", {logits});
    const std::string other = graph_.AddNode("Sigmoid", {graph_.AddNode("Neg", {logits})});
    const std::string place =
        Cast(graph_.AddNode("Greater", {logits, Constant<float>(0.0F)}), OnnxType::kInt64);
    AddClasses(graph_.AddNode("Concat", {other, one}, {{"axis", int64_t{1}}}), place);
  }

  void AddSoftmax(const std::string& logits) {
    const std::string place =
        graph_.AddNode("ArgMax", {logits}, {{"axis", int64_t{1}}, {"keepdims", int64_t{1}}});
    AddClasses(graph_.AddNode("Softmax", {logits}, {{"axis", int64_t{1}}}), place);
  }

 private:
  // `place` is INT64 [rows, 1].
  void AddClasses(const std::string& probabilities, std::string place) {
    AddNanWhereUnusable(probabilities, "probabilities");
    if (!unusable_.empty()) {
      place = graph_.AddNode("Where", {unusable_, Constant<int64_t>(-1), place});
    }
    const std::array<int64_t, 1> axis = {1};
    const std::string flat = graph_.AddNode(
        "Squeeze",
        {place, graph_.AddConstant(std::span<const int64_t>(axis), std::array<int64_t, 1>{1})});
    std::vector<int64_t> places;
    for (int64_t i = 0; i < data_.label_classes_size(); ++i) places.push_back(i);
    const std::vector<std::string> names(data_.label_classes().begin(),
                                         data_.label_classes().end());
    graph_.AddNode("LabelEncoder", {flat},
                   {{"keys_int64s", places}, {"values_strings", names}, {"default_string", ""}},
                   "class", kOnnxMl);
    graph_.AddOutput("probabilities", OnnxType::kFloat, data_.label_classes_size());
    graph_.AddOutput("class", OnnxType::kString, 0);
  }

  void AddNanWhereUnusable(const std::string& values, const std::string& output) {
    if (unusable_.empty()) {
      graph_.AddNode("Identity", {values}, {}, output);
    } else {
      graph_.AddNode("Where",
                     {unusable_, Constant<float>(std::numeric_limits<float>::quiet_NaN()), values},
                     {}, output);
    }
  }

  std::string Cast(const std::string& value, OnnxType type) {
    return graph_.AddNode("Cast", {value}, {{"to", static_cast<int64_t>(type)}});
  }
  template <class T>
  std::string Constant(T value) {
    const std::array<T, 1> values = {value};
    return graph_.AddConstant(std::span<const T>(values), std::array<int64_t, 2>{1, 1});
  }

  const v1::DataSpec& data_;
  const std::string unusable_;
  OnnxGraph& graph_;
};

// The model's outputs before any link function, FLOAT [rows, outputs].
Result<std::string> AddModel(const TrainedModel& trained, const std::string& features,
                             OnnxGraph& graph) {
  const std::string& kind = trained.spec.model().kind();
  if (kind == "trees") return AddTrees(trained, features, graph);
  if (kind == "k_means") return AddClusters(trained, features, graph);
  return AddLayers(trained, features, graph);
}

}  // namespace

Result<std::string> ToOnnx(const TrainedModel& trained,
                           const std::map<std::string, std::string>& metadata) {
  if (trained.model.parameters().size_bytes() > kMostParameterBytes) {
    return FailedPrecondition("the model is too large for an ONNX file, which ends at 2 GB")
        .WithHint("export it as safetensors");
  }
  OnnxGraph graph;
  const OnnxFeatures features = AddPreprocessing(trained.spec.data(), trained.transform, graph);
  SKERRY_ASSIGN_OR_RETURN(const std::string raw, AddModel(trained, features.values, graph));
  Outputs outputs(trained.spec.data(), features.unusable, graph);
  switch (trained.model.output_kind()) {
    case OutputKind::kValue:
    case OutputKind::kRisk:
      outputs.AddValue(raw);
      break;
    case OutputKind::kBinary:
      outputs.AddBinary(raw);
      break;
    case OutputKind::kClasses:
      outputs.AddSoftmax(raw);
      break;
  }
  return std::move(graph).ToFile(trained.spec.name(), metadata);
}

}  // namespace skerry::learning
