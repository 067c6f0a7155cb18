#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <type_traits>

#include "base/status.h"
#include "learning/dataset.h"
#include "learning/local_algorithm.h"
#include "learning/model.h"
#include "learning/optimizer.h"
#include "learning/progress.h"

namespace skerry::learning {

struct LocalTrainingOptions {
  int64_t local_epochs = 1;
  int64_t batch_size = 32;  // 0: all rows in one batch, in their own order
  // As in OptimizerOptions.
  double learning_rate = 0.1;
  double momentum = 0.0;
  double weight_decay = 0.0;
  uint64_t seed = 0;
  int64_t round = 0;
  std::string site = {};
  OptimizerOptions::Kind optimizer = OptimizerOptions::Kind::kSgd;
  bool nesterov = false;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double clipping_norm = 0;  // a longer gradient of the loss is shortened to this; 0: none is
  // So many steps instead of local_epochs; the order of rows goes on where the round before
  // stopped, so that every row has its turn.
  int64_t local_steps = 0;
};

// What [training] says, but for what differs from task to task: learning_rate, seed, round, site.
// INVALID_ARGUMENT names the key that is wrong.
Result<LocalTrainingOptions> ReadLocalTraining(const v1::TrainingSpec& spec);

struct LocalTrainingResult {
  int64_t num_examples = 0;
  int64_t num_steps = 0;
  // The mean over the examples of the last epoch (with local_steps: of all steps), each at its own
  // step.
  double train_loss = 0;
};

// Called with steps done and steps in all, from the training thread, often: it must be quick.
using StepProgress = std::function<void(int64_t done, int64_t total)>;

// In which order the rows of an epoch come. Thread-safe.
class RowOrder {
 public:
  virtual ~RowOrder() = default;
  // `rows` receives a permutation of 0 ... rows.size() - 1. The same epoch, the same order.
  virtual void Fill(int64_t epoch, std::span<uint32_t> rows) const = 0;
};

// One training at a site. Borrows all that it points to.
template <class T>
struct LocalTask {
  const BasicModel<T>& model;
  const BasicDataset<T>& data;
  const LocalTrainingOptions& options;
  // Has begun, and is asked before each step; null: nothing is added to the gradient.
  const LocalAlgorithm<T>* algorithm = nullptr;
  // Null: shuffled. The shuffle of epoch e is drawn from (seed, round, site, e); with local_steps
  // epochs are counted over all rounds, and it is drawn from (seed, 0, site, e).
  const RowOrder* order = nullptr;
};

// Mini-batch descent over the rows, in place; the last, shorter batch of an epoch is used.
// CANCELLED when `stop` is requested between two steps; OUT_OF_RANGE when the loss or a parameter
// is no longer finite; `parameters` is then of no use. INVALID_ARGUMENT names the option, or the
// row whose label the model does not know; FAILED_PRECONDITION when there are no rows.
Result<LocalTrainingResult> TrainLocally(const LocalTask<float>& task, std::span<float> parameters,
                                         const std::stop_token& stop, const StepProgress& progress);
Result<LocalTrainingResult> TrainLocally(const LocalTask<double>& task,
                                         std::span<double> parameters, const std::stop_token& stop,
                                         const StepProgress& progress);
template <class T>
Result<LocalTrainingResult> TrainLocally(const BasicModel<T>& model, const BasicDataset<T>& data,
                                         const LocalTrainingOptions& options,
                                         std::type_identity_t<std::span<T>> parameters,
                                         const std::stop_token& stop,
                                         const StepProgress& progress) {
  return TrainLocally(LocalTask<T>{model, data, options}, parameters, stop, progress);
}

// The mean loss over all rows, in their own order, computed for some at a time: memory does not
// grow with rows times the model's width. Of kRisk all rows are at risk together, as in evaluation.
template <class T>
Result<double> LossOverRows(const BasicModel<T>& model, const BasicDataset<T>& data,
                            std::span<const T> parameters, const RowProgress& progress);
// Where nobody asks how far it is.
template <class T>
double LossOverRows(const BasicModel<T>& model, const BasicDataset<T>& data,
                    std::span<const T> parameters) {
  return LossOverRows(model, data, parameters, nullptr).value();
}

}  // namespace skerry::learning
