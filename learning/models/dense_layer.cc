#include "base/exact_math.h"
#include "learning/kernels.h"
#include "learning/models/layers.h"

namespace skerry::learning {
namespace {

class DenseLayer final : public Layer {
 public:
  DenseLayer(std::string name, int64_t inputs, int64_t outputs)
      : name_(std::move(name)), inputs_(inputs), outputs_(outputs) {}

  int64_t inputs() const override { return inputs_; }
  int64_t outputs() const override { return outputs_; }
  std::vector<InitialTensor> Tensors() const override {
    const double bound = 1.0 / exact::Sqrt(static_cast<double>(inputs_));
    return {{{name_ + ".weight", DType::kF32, {outputs_, inputs_}}, bound},
            {{name_ + ".bias", DType::kF32, {outputs_}}, bound}};
  }

  void Forward(const Pass& pass) const override {
    Affine({pass.in, pass.rows, inputs_}, Weight(pass.parameters),
           pass.parameters + outputs_ * inputs_, pass.out);
  }
  void Backward(const WayBack& back) const override {
    const MatrixView delta = {back.out_derivatives, back.rows, outputs_};
    learning::WeightGradient(delta, {back.in, back.rows, inputs_}, back.gradient);
    ColumnSums(delta, back.gradient + outputs_ * inputs_);
    if (back.in_derivatives == nullptr) return;
    learning::InputGradient(delta, Weight(back.parameters), back.in_derivatives);
  }

 private:
  MatrixView Weight(const float* parameters) const { return {parameters, outputs_, inputs_}; }

  const std::string name_;
  const int64_t inputs_;
  const int64_t outputs_;
};

}  // namespace

std::unique_ptr<Layer> MakeDenseLayer(const std::string& name, int64_t inputs, int64_t outputs) {
  return std::make_unique<DenseLayer>(name, inputs, outputs);
}

}  // namespace skerry::learning
