#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "skerry/v1/task.pb.h"

namespace skerry::learning {

struct OptimizerOptions {
  enum class Kind : uint8_t { kSgd, kAdam, kAdamW };
  Kind kind = Kind::kSgd;
  double learning_rate = 0.1;
  double momentum = 0.0;      // kSgd: v <- momentum v + g; w <- w - learning_rate v; v starts at 0
  bool nesterov = false;      // kSgd: w <- w - learning_rate (g + momentum v) instead
  double weight_decay = 0.0;  // g <- g + weight_decay w; kAdamW: w <- w - learning_rate wd w first
  double beta1 = 0.9;         // kAdam, kAdamW
  double beta2 = 0.999;
  double epsilon = 1e-8;
};

// INVALID_ARGUMENT: the key of [training] "must be `needed`, not `value`".
Status BadOption(const char* key, double value, const char* needed);

// INVALID_ARGUMENT names the key of [training] that is wrong, or the two that clash.
Status CheckOptimizer(const OptimizerOptions& options);
// What [training] says, but for the learning rate, which is each round's own.
Result<OptimizerOptions> ReadOptimizer(const v1::TrainingSpec& spec);
std::vector<std::string> OptimizerNames();  // "sgd", "adam", "adamw"

// Steps down a gradient. What it remembers begins at nothing, and so is of one round: a site that
// takes part in some rounds only would go on with what belongs to another model. Adam: Kingma, Ba,
// "Adam: a method for stochastic optimization" (ICLR 2015), algorithm 1; AdamW: Loshchilov, Hutter,
// "Decoupled weight decay regularization" (ICLR 2019), algorithm 2 with a constant schedule.
// T: float or double. Not thread-safe.
template <class T>
class Optimizer {
 public:
  // Of options that CheckOptimizer lets pass.
  Optimizer(const OptimizerOptions& options, std::size_t num_parameters);
  void Step(std::span<const T> gradient, std::span<T> parameters);

 private:
  void NesterovStep(std::span<const T> gradient, std::span<T> parameters);
  void AdamStep(std::span<const T> gradient, std::span<T> parameters);

  const OptimizerOptions options_;
  std::vector<T> first_;   // the velocity, or the mean of the gradients
  std::vector<T> second_;  // Adam's mean of their squares
  double beta1_power_ = 1;
  double beta2_power_ = 1;
};

// Shortens a gradient that is longer than `norm` to this length. Of a gradient that is not finite,
// nothing is right.
void ClipNorm(std::span<float> gradient, double norm);
void ClipNorm(std::span<double> gradient, double norm);

}  // namespace skerry::learning
