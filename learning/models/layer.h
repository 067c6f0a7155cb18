#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "learning/dataset.h"
#include "learning/models/initial.h"

namespace skerry::learning {

// One layer of a network: a differentiable function of rows of `inputs()` floats to rows of
// `outputs()` floats. Immutable; what a pass remembers for its way back is in the Scratch. Results
// depend on the arguments alone, bit for bit.
class Layer {
 public:
  // Of one thread; for passes of up to the rows that it was made for.
  class Scratch {
   public:
    virtual ~Scratch() = default;
  };

  // Pointers to the first element: `parameters` and `gradient` those of this layer.
  struct Pass {
    const float* parameters = nullptr;
    int64_t rows = 0;
    const float* in = nullptr;
    float* out = nullptr;
    Scratch* scratch = nullptr;
    const StepKey* training = nullptr;  // null: evaluation, where nothing is random
  };
  struct WayBack {
    const float* parameters = nullptr;
    int64_t rows = 0;
    const float* in = nullptr;         // as in the pass before
    const float* out = nullptr;        // as it left them
    float* out_derivatives = nullptr;  // may be scribbled on
    float* gradient = nullptr;         // set, not added to
    float* in_derivatives = nullptr;   // set; null: nobody needs them
    Scratch* scratch = nullptr;
  };

  virtual ~Layer() = default;
  virtual int64_t inputs() const = 0;
  virtual int64_t outputs() const = 0;
  // F32, in the order in which they lie in `parameters`.
  virtual std::vector<InitialTensor> Tensors() const { return {}; }
  // Numbers that a scratch holds for each row.
  virtual int64_t scratch_per_row() const { return 0; }
  virtual std::unique_ptr<Scratch> NewScratch(int64_t max_rows) const {
    static_cast<void>(max_rows);
    return nullptr;
  }
  virtual void Forward(const Pass& pass) const = 0;
  // After Forward in training with the same rows and scratch.
  virtual void Backward(const WayBack& back) const = 0;
  // See Model::FinishStep.
  virtual void FinishStep(float* parameters, const Scratch* scratch) const {
    static_cast<void>(parameters);
    static_cast<void>(scratch);
  }
};

}  // namespace skerry::learning
