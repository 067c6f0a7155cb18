#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/status.h"
#include "learning/dataset.h"
#include "learning/layout.h"
#include "skerry/v1/task.pb.h"

namespace skerry::learning {

// What the outputs of a model mean, and so which loss and metrics belong to it.
enum class OutputKind : uint8_t {
  kValue,    // one number; loss (output - label)^2 / 2
  kBinary,   // one logit; loss log(1 + exp(z)) - label * z, label 0 or 1
  kClasses,  // a logit per class; loss log sum exp(z) - z[label]
  kRisk      // one log hazard; a partial likelihood, and labels are times: learning/survival.h
};

// What there is to say of a model whatever its parameters are made of.
class AnyModel {
 public:
  virtual ~AnyModel() = default;
  virtual const Layout& parameters() const = 0;  // F32 tensors, or F64 tensors
  virtual int64_t num_features() const = 0;
  virtual int64_t num_outputs() const = 0;
  virtual OutputKind output_kind() const = 0;
  // BasicModel::Initialize, in doubles.
  virtual void InitialValues(uint64_t seed, int64_t first, std::span<double> out) const = 0;
  // The names of those tensors that training measures, and no gradient moves.
  virtual std::vector<std::string> StatisticTensors() const { return {}; }
  // About how many numbers a workspace holds for a row.
  virtual int64_t values_per_row() const;
};

// A differentiable model as a function of one flat parameter vector, named by `parameters()`, that
// computes in T: float (F32 parameters) or double (F64). Immutable and thread-safe; what a
// computation scribbles on is in the Workspace. All results depend on the arguments alone, bit for
// bit.
template <class T>
class BasicModel : public AnyModel {
 public:
  // Scratch space of one thread. May be reused for any batch up to the rows it was made for.
  class Workspace {
   public:
    virtual ~Workspace() = default;
  };

  // Elements [first, first + out.size()) of the initial parameters; any split into ranges gives the
  // same values.
  virtual void Initialize(uint64_t seed, int64_t first, std::span<T> out) const = 0;
  void InitialValues(uint64_t seed, int64_t first, std::span<double> out) const final;

  virtual std::unique_ptr<Workspace> NewWorkspace(int64_t max_rows) const = 0;

  // The mean loss over the batch, as training sees it: what is drawn at random is drawn from
  // batch.step. `gradient` (as long as the parameters) receives its gradient. Of no rows, both are
  // 0. A label of kClasses must be a class number.
  virtual double Gradient(std::span<const T> parameters, const BasicBatch<T>& batch,
                          std::span<T> gradient, Workspace& workspace) const = 0;

  // Sets the parameters that are no matter of gradients, running means say, to what the last
  // Gradient with this workspace makes of them, whatever the optimizer did to them since.
  virtual void FinishStep(std::span<T> parameters, const Workspace& workspace) const {
    static_cast<void>(parameters);
    static_cast<void>(workspace);
  }

  // The outputs before any link function: values or logits, [rows, num_outputs]. Nothing is
  // random.
  virtual void Forward(std::span<const T> parameters, const BasicBatch<T>& batch,
                       std::span<T> outputs, Workspace& workspace) const = 0;
};
// So many rows at a time, of `rows`, that what a workspace holds of them takes no more than about
// 16 MB; at least 1, at most 4096.
int64_t RowsAtATime(const AnyModel& model, int64_t rows);

using Model = BasicModel<float>;
using ModelF64 = BasicModel<double>;

// F64 where model.dtype says so, else F32.
Result<DType> DTypeOf(const v1::ModelSpec& spec);

// The model that `spec` describes for so many inputs; `num_classes` is 0 for a numeric label.
// INVALID_ARGUMENT names the key of [model] that is wrong and the nearest known value; also when
// model.dtype is not of this kind of numbers.
Result<std::unique_ptr<Model>> MakeModel(const v1::ModelSpec& spec, int64_t num_features,
                                         int64_t num_classes);
Result<std::unique_ptr<ModelF64>> MakeModelF64(const v1::ModelSpec& spec, int64_t num_features,
                                               int64_t num_classes);
// Whichever of them model.dtype asks for.
Result<std::unique_ptr<AnyModel>> MakeAnyModel(const v1::ModelSpec& spec, int64_t num_features,
                                               int64_t num_classes);
// "cox", "k_means", "linear", "logistic", "mlp", "network", "softmax", "trees": those of which we
// know more than their tensors.
std::vector<std::string> ModelKinds();
// The kinds that read a key of [model], "hidden" say.
std::vector<std::string> KindsThatRead(std::string_view key);

// The mean loss of outputs [rows, num_outputs] against labels, in double, by exact_math. Of no
// rows: 0. Not finite when an output is not. Of kRisk: all rows are at risk together.
double MeanLoss(OutputKind kind, int64_t num_outputs, std::span<const float> outputs,
                std::span<const float> labels);
double MeanLoss(OutputKind kind, int64_t num_outputs, std::span<const double> outputs,
                std::span<const double> labels);

template <class T>
void BasicModel<T>::InitialValues(uint64_t seed, int64_t first, std::span<double> out) const {
  if constexpr (std::is_same_v<T, double>) {
    Initialize(seed, first, out);
  } else {
    std::vector<T> values(out.size());
    Initialize(seed, first, values);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(values[i]);
  }
}

}  // namespace skerry::learning
