#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>

#include "base/status.h"
#include "learning/dataset.h"
#include "learning/model.h"

namespace skerry::learning {

struct LocalTrainingOptions {
  int64_t local_epochs = 1;
  int64_t batch_size = 32;
  double learning_rate = 0.1;
  double momentum = 0.0;      // v <- momentum v + g; w <- w - learning_rate v; v starts at 0
  double weight_decay = 0.0;  // g <- g + weight_decay w
  uint64_t seed = 0;
  int64_t round = 0;
  std::string site = {};
};

struct LocalTrainingResult {
  int64_t num_examples = 0;
  int64_t num_steps = 0;
  double train_loss = 0;  // the mean over the examples of the last epoch, each at its own step
};

// Called with steps done and steps in all, from the training thread, often: it must be quick.
using StepProgress = std::function<void(int64_t done, int64_t total)>;

// Mini-batch SGD over shuffled rows, in place. The shuffle of epoch e is drawn from
// (seed, round, site, e); the last, shorter batch of an epoch is used. CANCELLED when `stop` is
// requested between two steps; OUT_OF_RANGE when the loss or a parameter is no longer finite;
// `parameters` is then of no use. INVALID_ARGUMENT names the option, or the row whose label the
// model does not know; FAILED_PRECONDITION when there are no rows.
Result<LocalTrainingResult> TrainLocally(const Model& model, const Dataset& data,
                                         const LocalTrainingOptions& options,
                                         std::span<float> parameters, const std::stop_token& stop,
                                         const StepProgress& progress);
Result<LocalTrainingResult> TrainLocally(const ModelF64& model, const BasicDataset<double>& data,
                                         const LocalTrainingOptions& options,
                                         std::span<double> parameters, const std::stop_token& stop,
                                         const StepProgress& progress);

}  // namespace skerry::learning
