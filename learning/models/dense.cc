#include "learning/models/dense.h"

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "base/exact_math.h"
#include "learning/kernels.h"
#include "learning/loss.h"
#include "learning/models/initial.h"

namespace skerry::learning {
namespace {

constexpr int64_t kMaxParameters = int64_t{1} << 34;

// Where a layer's tensors stand in the flat parameters.
struct Layer {
  int64_t inputs = 0;
  int64_t outputs = 0;
  int64_t weight = 0;
  int64_t bias = 0;
};

std::vector<Layer> MakeLayers(const DenseSpec& spec) {
  std::vector<Layer> layers;
  int64_t inputs = spec.num_features;
  int64_t offset = 0;
  for (std::size_t i = 0; i <= spec.hidden.size(); ++i) {
    const int64_t outputs = i < spec.hidden.size() ? spec.hidden[i] : spec.num_outputs;
    layers.push_back({inputs, outputs, offset, offset + outputs * inputs});
    offset += outputs * inputs + outputs;
    inputs = outputs;
  }
  return layers;
}

Result<Layout> MakeLayout(const DenseSpec& spec, DType dtype) {
  std::vector<TensorSpec> tensors;
  int64_t inputs = spec.num_features;
  for (std::size_t i = 0; i <= spec.hidden.size(); ++i) {
    const int64_t outputs = i < spec.hidden.size() ? spec.hidden[i] : spec.num_outputs;
    const std::string prefix = spec.hidden.empty() ? "" : "layers." + std::to_string(i) + ".";
    tensors.push_back({prefix + "weight", dtype, {outputs, inputs}});
    tensors.push_back({prefix + "bias", dtype, {outputs}});
    inputs = outputs;
  }
  SKERRY_ASSIGN_OR_RETURN(Layout layout, Layout::Create(std::move(tensors)));
  if (layout.num_elements() > kMaxParameters) {
    return InvalidArgument("model: " + std::to_string(layout.num_elements()) +
                           " parameters; at most 2^34 are allowed");
  }
  return layout;
}

template <class T>
class DenseWorkspace final : public BasicModel<T>::Workspace {
 public:
  DenseWorkspace(const std::vector<Layer>& layers, int64_t rows) : max_rows(rows) {
    SKERRY_CHECK(rows >= 0);
    int64_t widest = 0;
    for (const Layer& layer : layers) {
      values.emplace_back(static_cast<std::size_t>(rows * layer.outputs));
      widest = std::max(widest, layer.outputs);
    }
    derivatives.resize(static_cast<std::size_t>(rows * widest));
    next_derivatives.resize(layers.size() > 1 ? derivatives.size() : 0);
  }

  const int64_t max_rows;
  std::vector<std::vector<T>> values;  // of each layer, after the activation
  std::vector<T> derivatives;          // of the loss by the values of the layer at hand
  std::vector<T> next_derivatives;     // and of the layer before it
};

template <class T>
class DenseModel final : public BasicModel<T> {
 public:
  using Workspace = typename BasicModel<T>::Workspace;
  using Batch = BasicBatch<T>;
  using Matrix = BasicMatrixView<T>;

  DenseModel(DenseSpec spec, Layout layout)
      : spec_(std::move(spec)), layout_(std::move(layout)), layers_(MakeLayers(spec_)) {}

  const Layout& parameters() const override { return layout_; }
  int64_t num_features() const override { return spec_.num_features; }
  int64_t num_outputs() const override { return spec_.num_outputs; }
  OutputKind output_kind() const override { return spec_.output_kind; }

  void Initialize(uint64_t seed, int64_t first, std::span<T> out) const override;
  std::unique_ptr<Workspace> NewWorkspace(int64_t max_rows) const override {
    return std::make_unique<DenseWorkspace<T>>(layers_, max_rows);
  }
  double Gradient(std::span<const T> parameters, const Batch& batch, std::span<T> gradient,
                  Workspace& workspace) const override;
  void Forward(std::span<const T> parameters, const Batch& batch, std::span<T> outputs,
               Workspace& workspace) const override;

 private:
  // Checks what the caller must see to, before anything is computed.
  DenseWorkspace<T>& Checked(std::span<const T> parameters, const Batch& batch,
                             Workspace& workspace) const;
  // The input of a layer: the batch itself, or the values of the layer before.
  Matrix Input(std::size_t layer, const Batch& batch, const DenseWorkspace<T>& work) const;
  void RunLayer(std::size_t layer, const T* parameters, const Batch& batch,
                const DenseWorkspace<T>& work, T* out) const;
  void Activate(std::span<T> values) const;
  void Deactivate(std::span<const T> values, std::span<T> derivatives) const;

  const DenseSpec spec_;
  const Layout layout_;
  const std::vector<Layer> layers_;
};

template <class T>
DenseWorkspace<T>& DenseModel<T>::Checked(std::span<const T> parameters, const Batch& batch,
                                          Workspace& workspace) const {
  auto* work = dynamic_cast<DenseWorkspace<T>*>(&workspace);
  SKERRY_CHECK(work != nullptr && work->values.size() == layers_.size());
  SKERRY_CHECK(batch.rows >= 0 && batch.rows <= work->max_rows);
  SKERRY_CHECK(static_cast<int64_t>(parameters.size()) == layout_.num_elements());
  SKERRY_CHECK(static_cast<int64_t>(batch.features.size()) == batch.rows * spec_.num_features);
  return *work;
}

template <class T>
BasicMatrixView<T> DenseModel<T>::Input(std::size_t layer, const Batch& batch,
                                        const DenseWorkspace<T>& work) const {
  const T* data = layer == 0 ? batch.features.data() : work.values[layer - 1].data();
  return {data, batch.rows, layers_[layer].inputs};
}

template <class T>
void DenseModel<T>::RunLayer(std::size_t layer, const T* parameters, const Batch& batch,
                             const DenseWorkspace<T>& work, T* out) const {
  const Layer& at = layers_[layer];
  Affine(Input(layer, batch, work), {parameters + at.weight, at.outputs, at.inputs},
         parameters + at.bias, out);
  if (layer + 1 == layers_.size()) return;
  Activate({out, static_cast<std::size_t>(batch.rows * at.outputs)});
}

template <class T>
void DenseModel<T>::Activate(std::span<T> values) const {
  switch (spec_.activation) {
    case Activation::kRelu:
      return Relu(values);
    case Activation::kTanh:
      return Tanh(values);
  }
}

template <class T>
void DenseModel<T>::Deactivate(std::span<const T> values, std::span<T> derivatives) const {
  switch (spec_.activation) {
    case Activation::kRelu:
      return ReluBackward(values, derivatives);
    case Activation::kTanh:
      return TanhBackward(values, derivatives);
  }
}

template <class T>
void DenseModel<T>::Forward(std::span<const T> parameters, const Batch& batch, std::span<T> outputs,
                            Workspace& workspace) const {
  DenseWorkspace<T>& work = Checked(parameters, batch, workspace);
  SKERRY_CHECK(static_cast<int64_t>(outputs.size()) == batch.rows * spec_.num_outputs);
  const std::size_t last = layers_.size() - 1;
  for (std::size_t i = 0; i <= last; ++i) {
    T* to = i == last ? outputs.data() : work.values[i].data();
    RunLayer(i, parameters.data(), batch, work, to);
  }
}

template <class T>
double DenseModel<T>::Gradient(std::span<const T> parameters, const Batch& batch,
                               std::span<T> gradient, Workspace& workspace) const {
  DenseWorkspace<T>& work = Checked(parameters, batch, workspace);
  SKERRY_CHECK(gradient.size() == parameters.size());
  SKERRY_CHECK(static_cast<int64_t>(batch.labels.size()) == batch.rows);
  const auto count = [&](int64_t width) { return static_cast<std::size_t>(batch.rows * width); };

  for (std::size_t i = 0; i < layers_.size(); ++i) {
    RunLayer(i, parameters.data(), batch, work, work.values[i].data());
  }
  const std::size_t num_outputs = count(spec_.num_outputs);
  const double loss = LossAndDerivatives(spec_.output_kind, spec_.num_outputs,
                                         {work.values.back().data(), num_outputs}, batch.labels,
                                         {work.derivatives.data(), num_outputs});
  for (std::size_t i = layers_.size(); i-- > 0;) {
    const Layer& layer = layers_[i];
    const Matrix delta = {work.derivatives.data(), batch.rows, layer.outputs};
    WeightGradient(delta, Input(i, batch, work), gradient.data() + layer.weight);
    ColumnSums(delta, gradient.data() + layer.bias);
    if (i == 0) break;
    const Matrix weight = {parameters.data() + layer.weight, layer.outputs, layer.inputs};
    InputGradient(delta, weight, work.next_derivatives.data());
    const std::size_t size = count(layer.inputs);
    Deactivate({work.values[i - 1].data(), size}, {work.next_derivatives.data(), size});
    work.derivatives.swap(work.next_derivatives);
  }
  return loss;
}

template <class T>
void DenseModel<T>::Initialize(uint64_t seed, int64_t first, std::span<T> out) const {
  SKERRY_CHECK(first >= 0 && static_cast<int64_t>(out.size()) <= layout_.num_elements() - first);
  std::vector<InitialTensor> tensors;
  for (std::size_t i = 0; i < layout_.tensors().size(); ++i) {
    const Layer& layer = layers_[i / 2];  // each has a weight and a bias
    const bool one_layer = spec_.hidden.empty();
    tensors.push_back({layout_.tensors()[i],
                       one_layer ? 0 : 1.0 / exact::Sqrt(static_cast<double>(layer.inputs))});
  }
  DrawInitial(seed, tensors, first, out);
}

template <class T>
Result<std::unique_ptr<BasicModel<T>>> Make(const DenseSpec& spec) {
  constexpr DType kDType = std::is_same_v<T, double> ? DType::kF64 : DType::kF32;
  SKERRY_ASSIGN_OR_RETURN(Layout layout, MakeLayout(spec, kDType));
  return std::unique_ptr<BasicModel<T>>(std::make_unique<DenseModel<T>>(spec, std::move(layout)));
}

}  // namespace

Result<std::unique_ptr<Model>> MakeDenseModel(const DenseSpec& spec) { return Make<float>(spec); }

Result<std::unique_ptr<ModelF64>> MakeDenseModelF64(const DenseSpec& spec) {
  return Make<double>(spec);
}

}  // namespace skerry::learning
