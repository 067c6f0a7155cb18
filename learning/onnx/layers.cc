#include "learning/onnx/layers.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace skerry::learning {
namespace {

// Layers one behind the other, which take their parameters from the model's tensors in order.
class LayerWriter {
 public:
  LayerWriter(const TrainedModel& trained, std::string features, OnnxGraph& graph)
      : layout_(trained.model.parameters()),
        parameters_(trained.parameters),
        values_(std::move(features)),
        graph_(graph) {}

  std::size_t tensors_left() const { return layout_.tensors().size() - next_; }
  const std::string& values() const { return values_; }

  // values * weight^T + bias, of a weight [outputs, inputs].
  void Dense() {
    const std::string weight = NextTensor();
    const std::string bias = NextTensor();
    values_ = graph_.AddNode("Gemm", {values_, weight, bias}, {{"transB", int64_t{1}}});
  }

  // Rows of images as [rows, channels, rows of pixels, columns].
  void MakeImages(std::span<const int64_t> shape) {
    const std::array<int64_t, 4> image = {-1, shape[0], shape[1], shape[2]};
    const std::string sizes =
        graph_.AddConstant(std::span<const int64_t>(image), std::array<int64_t, 1>{4});
    values_ = graph_.AddNode("Reshape", {values_, sizes});
  }

  void Convolution(const v1::LayerSpec& layer) {
    const int64_t stride = std::max<int64_t>(layer.stride(), 1);
    OnnxAttributes attributes = Window(layer.kernel(), stride);
    attributes["auto_pad"] = std::string(layer.padding() == "same" ? "SAME_UPPER" : "VALID");
    const std::string weight = NextTensor();
    const std::string bias = NextTensor();
    values_ = graph_.AddNode("Conv", {values_, weight, bias}, attributes);
  }

  void MaxPool(const v1::LayerSpec& layer) {
    const int64_t stride = layer.stride() == 0 ? layer.kernel() : layer.stride();
    values_ = graph_.AddNode("MaxPool", {values_}, Window(layer.kernel(), stride));
  }

  void Flatten() { values_ = graph_.AddNode("Flatten", {values_}, {{"axis", int64_t{1}}}); }

  // With the running means and variances, as evaluation does.
  void BatchNorm() {
    std::vector<std::string> inputs = {values_};
    for (int i = 0; i < 3; ++i) inputs.push_back(NextTensor());
    inputs.push_back(NextTensor(0.0F));  // below that, noise: models/batch_norm_layer.cc
    values_ = graph_.AddNode("BatchNormalization", inputs, {{"epsilon", 1e-5F}});
  }

  Status Activate(const std::string& activation) {
    if (activation == "relu") {
      values_ = graph_.AddNode("Relu", {values_});
    } else if (activation == "tanh") {
      values_ = graph_.AddNode("Tanh", {values_});
    } else if (activation == "gelu") {
      Gelu();
    } else {
      return FailedPrecondition("there is no ONNX for the activation \"" + activation + "\" yet");
    }
    return OkStatus();
  }

 private:
  // x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))): models/activation.h.
  void Gelu() {
    const std::string& x = values_;
    const std::string cube = graph_.AddNode("Mul", {graph_.AddNode("Mul", {x, x}), x});
    const std::string bent =
        graph_.AddNode("Add", {x, graph_.AddNode("Mul", {cube, Scalar(0.044715F)})});
    const std::string tanh =
        graph_.AddNode("Tanh", {graph_.AddNode("Mul", {bent, Scalar(0.79788456F)})});
    const std::string half = graph_.AddNode("Mul", {x, Scalar(0.5F)});
    values_ = graph_.AddNode("Mul", {half, graph_.AddNode("Add", {tanh, Scalar(1.0F)})});
  }

  std::string Scalar(float value) {
    return graph_.AddConstant(std::span<const float>(&value, 1), std::array<int64_t, 1>{1});
  }

  static OnnxAttributes Window(int64_t kernel, int64_t stride) {
    return {{"kernel_shape", std::vector<int64_t>{kernel, kernel}},
            {"strides", std::vector<int64_t>{stride, stride}}};
  }

  // What is less than `least` as that.
  std::string NextTensor(float least) {
    std::vector<float> values(Values().begin(), Values().end());
    for (float& value : values) value = std::max(value, least);
    const TensorSpec& spec = layout_.tensors()[next_++];
    return graph_.AddConstant(std::span<const float>(values), spec.shape, spec.name);
  }

  std::string NextTensor() {
    const std::span<const float> values = Values();
    const TensorSpec& spec = layout_.tensors()[next_++];
    return graph_.AddConstant(values, spec.shape, spec.name);
  }

  // Of the next tensor.
  std::span<const float> Values() const {
    const TensorSpec& spec = layout_.tensors()[next_];
    const auto first = static_cast<std::size_t>(layout_.offset_bytes(next_)) / sizeof(float);
    return parameters_.subspan(first, static_cast<std::size_t>(spec.NumElements()));
  }

  const Layout& layout_;
  const std::span<const float> parameters_;
  std::string values_;
  OnnxGraph& graph_;
  std::size_t next_ = 0;
};

Status AddMlp(const v1::ModelSpec& spec, LayerWriter& writer) {
  const std::string activation = spec.activation().empty() ? "relu" : spec.activation();
  for (;;) {
    writer.Dense();
    if (writer.tensors_left() == 0) return OkStatus();
    SKERRY_RETURN_IF_ERROR(writer.Activate(activation));
  }
}

Status AddLayer(const v1::LayerSpec& layer, LayerWriter& writer) {
  if (layer.kind() == "dense") {
    writer.Dense();
  } else if (layer.kind() == "conv") {
    writer.Convolution(layer);
  } else if (layer.kind() == "max_pool") {
    writer.MaxPool(layer);
  } else if (layer.kind() == "flatten") {
    writer.Flatten();
  } else if (layer.kind() == "batch_norm") {
    writer.BatchNorm();
  } else if (layer.kind() != "dropout") {  // which is for training
    return FailedPrecondition("there is no ONNX for a layer of kind \"" + layer.kind() + "\" yet");
  }
  return layer.activation().empty() ? OkStatus() : writer.Activate(layer.activation());
}

Status AddNetwork(const v1::ModelSpec& spec, LayerWriter& writer) {
  const std::vector<int64_t> shape(spec.input_shape().begin(), spec.input_shape().end());
  if (shape.size() == 3) writer.MakeImages(shape);
  for (const v1::LayerSpec& layer : spec.layers()) {
    SKERRY_RETURN_IF_ERROR(AddLayer(layer, writer));
  }
  return OkStatus();
}

}  // namespace

Result<std::string> AddLayers(const TrainedModel& trained, const std::string& features,
                              OnnxGraph& graph) {
  const v1::ModelSpec& spec = trained.spec.model();
  LayerWriter writer(trained, features, graph);
  if (spec.kind() == "linear" || spec.kind() == "logistic" || spec.kind() == "softmax") {
    writer.Dense();
  } else if (spec.kind() == "mlp" || spec.kind() == "cox") {
    SKERRY_RETURN_IF_ERROR(AddMlp(spec, writer));
  } else if (spec.kind() == "network") {
    SKERRY_RETURN_IF_ERROR(AddNetwork(spec, writer));
  } else {
    return FailedPrecondition("there is no ONNX for a model of kind \"" + spec.kind() + "\" yet")
        .WithHint("export it as safetensors; skerry model predict reads that");
  }
  return writer.values();
}

}  // namespace skerry::learning
