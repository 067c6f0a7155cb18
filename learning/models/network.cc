#include "learning/models/network.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"
#include "learning/loss.h"

namespace skerry::learning {
namespace {

using Layers = std::vector<std::unique_ptr<Layer>>;

constexpr int64_t kMaxParameters = int64_t{1} << 34;

class NetworkWorkspace final : public Model::Workspace {
 public:
  NetworkWorkspace(const Layers& layers, int64_t rows) : max_rows(rows) {
    SKERRY_CHECK(rows >= 0);
    int64_t widest = 0;
    for (const auto& layer : layers) {
      values.emplace_back(static_cast<std::size_t>(rows * layer->outputs()));
      scratches.push_back(layer->NewScratch(rows));
      widest = std::max(widest, layer->outputs());
    }
    derivatives.resize(static_cast<std::size_t>(rows * widest));
    next_derivatives.resize(derivatives.size());
  }

  const int64_t max_rows;
  std::vector<std::vector<float>> values;  // of each layer
  std::vector<std::unique_ptr<Layer::Scratch>> scratches;
  std::vector<float> derivatives;       // of the loss by the values of the layer at hand
  std::vector<float> next_derivatives;  // and of the layer before it
};

class Network final : public Model {
 public:
  Network(Layers layers, std::vector<InitialTensor> tensors, Layout layout, const Outputs& outputs)
      : layers_(std::move(layers)),
        tensors_(std::move(tensors)),
        layout_(std::move(layout)),
        outputs_(outputs) {
    int64_t offset = 0;
    for (const auto& layer : layers_) {
      offsets_.push_back(offset);
      for (const InitialTensor& tensor : layer->Tensors()) offset += tensor.tensor.NumElements();
    }
    offsets_.push_back(offset);
    while (!HasParameters(first_trained_)) ++first_trained_;
  }

  const Layout& parameters() const override { return layout_; }
  int64_t num_features() const override { return layers_.front()->inputs(); }
  int64_t num_outputs() const override { return outputs_.count; }
  OutputKind output_kind() const override { return outputs_.kind; }
  std::vector<std::string> StatisticTensors() const override {
    std::vector<std::string> names;
    for (const InitialTensor& tensor : tensors_) {
      if (tensor.statistic) names.push_back(tensor.tensor.name);
    }
    return names;
  }
  int64_t values_per_row() const override {
    int64_t values = 0;
    int64_t widest = 0;
    for (const auto& layer : layers_) {
      values += layer->outputs() + layer->scratch_per_row();
      widest = std::max(widest, layer->outputs());
    }
    return values + 2 * widest;  // and derivatives
  }

  void Initialize(uint64_t seed, int64_t first, std::span<float> out) const override {
    SKERRY_CHECK(first >= 0 && static_cast<int64_t>(out.size()) <= layout_.num_elements() - first);
    DrawInitial(seed, tensors_, first, out);
  }
  std::unique_ptr<Workspace> NewWorkspace(int64_t max_rows) const override {
    return std::make_unique<NetworkWorkspace>(layers_, max_rows);
  }
  double Gradient(std::span<const float> parameters, const Batch& batch, std::span<float> gradient,
                  Workspace& workspace) const override;
  void FinishStep(std::span<float> parameters, const Workspace& workspace) const override;
  void Forward(std::span<const float> parameters, const Batch& batch, std::span<float> outputs,
               Workspace& workspace) const override;

 private:
  bool HasParameters(std::size_t layer) const { return offsets_[layer] < offsets_[layer + 1]; }
  NetworkWorkspace& Checked(std::span<const float> parameters, const Batch& batch,
                            Workspace& workspace) const;
  const float* Input(std::size_t layer, const Batch& batch, const NetworkWorkspace& work) const {
    return layer == 0 ? batch.features.data() : work.values[layer - 1].data();
  }
  void RunLayers(const float* parameters, const Batch& batch, const StepKey* training, float* out,
                 NetworkWorkspace& work) const;
  void RunBack(const float* parameters, const Batch& batch, float* gradient,
               NetworkWorkspace& work) const;

  const Layers layers_;
  const std::vector<InitialTensor> tensors_;
  const Layout layout_;
  const Outputs outputs_;
  std::vector<int64_t> offsets_;   // of each layer's parameters, and the end
  std::size_t first_trained_ = 0;  // no layer before it has parameters
};

NetworkWorkspace& Network::Checked(std::span<const float> parameters, const Batch& batch,
                                   Workspace& workspace) const {
  auto* work = dynamic_cast<NetworkWorkspace*>(&workspace);
  SKERRY_CHECK(work != nullptr && work->values.size() == layers_.size());
  SKERRY_CHECK(batch.rows >= 0 && batch.rows <= work->max_rows);
  SKERRY_CHECK(static_cast<int64_t>(parameters.size()) == layout_.num_elements());
  SKERRY_CHECK(static_cast<int64_t>(batch.features.size()) == batch.rows * num_features());
  return *work;
}

void Network::RunLayers(const float* parameters, const Batch& batch, const StepKey* training,
                        float* out, NetworkWorkspace& work) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const bool is_last = i + 1 == layers_.size();
    layers_[i]->Forward({.parameters = parameters + offsets_[i],
                         .rows = batch.rows,
                         .in = Input(i, batch, work),
                         .out = is_last ? out : work.values[i].data(),
                         .scratch = work.scratches[i].get(),
                         .training = training});
  }
}

void Network::Forward(std::span<const float> parameters, const Batch& batch,
                      std::span<float> outputs, Workspace& workspace) const {
  NetworkWorkspace& work = Checked(parameters, batch, workspace);
  SKERRY_CHECK(static_cast<int64_t>(outputs.size()) == batch.rows * outputs_.count);
  if (batch.rows == 0) return;
  RunLayers(parameters.data(), batch, nullptr, outputs.data(), work);
}

double Network::Gradient(std::span<const float> parameters, const Batch& batch,
                         std::span<float> gradient, Workspace& workspace) const {
  NetworkWorkspace& work = Checked(parameters, batch, workspace);
  SKERRY_CHECK(gradient.size() == parameters.size());
  SKERRY_CHECK(static_cast<int64_t>(batch.labels.size()) == batch.rows);
  if (batch.rows == 0) {
    std::fill(gradient.begin(), gradient.end(), 0.0F);
    return 0;
  }
  RunLayers(parameters.data(), batch, &batch.step, work.values.back().data(), work);
  const auto size = static_cast<std::size_t>(batch.rows * outputs_.count);
  const double loss =
      LossAndDerivatives(outputs_.kind, outputs_.count, {work.values.back().data(), size},
                         batch.labels, {work.derivatives.data(), size});
  RunBack(parameters.data(), batch, gradient.data(), work);
  return loss;
}

void Network::RunBack(const float* parameters, const Batch& batch, float* gradient,
                      NetworkWorkspace& work) const {
  for (std::size_t i = layers_.size(); i-- > first_trained_;) {
    layers_[i]->Backward(
        {.parameters = parameters + offsets_[i],
         .rows = batch.rows,
         .in = Input(i, batch, work),
         .out = work.values[i].data(),
         .out_derivatives = work.derivatives.data(),
         .gradient = gradient + offsets_[i],
         .in_derivatives = i == first_trained_ ? nullptr : work.next_derivatives.data(),
         .scratch = work.scratches[i].get()});
    work.derivatives.swap(work.next_derivatives);
  }
}

void Network::FinishStep(std::span<float> parameters, const Workspace& workspace) const {
  const auto* work = dynamic_cast<const NetworkWorkspace*>(&workspace);
  SKERRY_CHECK(work != nullptr && work->scratches.size() == layers_.size());
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    layers_[i]->FinishStep(parameters.data() + offsets_[i], work->scratches[i].get());
  }
}

}  // namespace

Result<std::unique_ptr<Model>> MakeNetwork(Layers layers, const Outputs& outputs) {
  std::vector<InitialTensor> tensors;
  std::vector<TensorSpec> specs;
  for (const auto& layer : layers) {
    for (InitialTensor& tensor : layer->Tensors()) {
      specs.push_back(tensor.tensor);
      tensors.push_back(std::move(tensor));
    }
  }
  SKERRY_ASSIGN_OR_RETURN(Layout layout, Layout::Create(std::move(specs)));
  if (layout.num_elements() < 1 || layout.num_elements() > kMaxParameters) {
    return InvalidArgument("model: " + std::to_string(layout.num_elements()) +
                           " parameters; it needs 1 to 2^34");
  }
  return std::unique_ptr<Model>(
      std::make_unique<Network>(std::move(layers), std::move(tensors), std::move(layout), outputs));
}

}  // namespace skerry::learning
