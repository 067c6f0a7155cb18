#include "learning/optimizer.h"

#include <cmath>
#include <type_traits>

#include "base/check.h"
#include "base/exact_math.h"
#include "base/text.h"
#include "learning/aggregator.h"
#include "learning/finite.h"
#include "learning/kernels.h"

namespace skerry::learning {
namespace {

using Kind = OptimizerOptions::Kind;

bool IsShare(double value) { return value >= 0 && value < 1; }

Status CheckAdam(const OptimizerOptions& options) {
  if (options.momentum != 0) {
    return InvalidArgument(
        "training.momentum and training.optimizer clash: adam and adamw have training.beta1");
  }
  if (!IsShare(options.beta1)) return BadOption("beta1", options.beta1, "0 or more and below 1");
  if (!IsShare(options.beta2)) return BadOption("beta2", options.beta2, "0 or more and below 1");
  if (!(options.epsilon > 0)) return BadOption("epsilon", options.epsilon, "over 0");
  return OkStatus();
}

template <class T>
void Clip(std::span<T> gradient, double squared_norm, double norm) {
  const double length = exact::Sqrt(squared_norm);
  if (!(length > norm)) return;
  const T factor = static_cast<T>(norm / length);
  for (T& g : gradient) g *= factor;
}

}  // namespace

Status BadOption(const char* key, double value, const char* needed) {
  return InvalidArgument(std::string("training.") + key + ": must be " + needed + ", not " +
                         FormatExact(value));
}

Status CheckOptimizer(const OptimizerOptions& options) {
  if (!(options.learning_rate > 0) || !IsFinite(options.learning_rate)) {
    return BadOption("learning_rate", options.learning_rate, "positive");
  }
  if (!IsShare(options.momentum)) {
    return BadOption("momentum", options.momentum, "0 or more and below 1");
  }
  if (!(options.weight_decay >= 0) || !IsFinite(options.weight_decay)) {
    return BadOption("weight_decay", options.weight_decay, "0 or more");
  }
  if (options.nesterov && options.momentum == 0) {
    return InvalidArgument("training.nesterov needs training.momentum over 0");
  }
  return options.kind == Kind::kSgd ? OkStatus() : CheckAdam(options);
}

std::vector<std::string> OptimizerNames() { return {"sgd", "adam", "adamw"}; }

Result<OptimizerOptions> ReadOptimizer(const v1::TrainingSpec& spec) {
  OptimizerOptions options;
  if (spec.optimizer() == "adam") {
    options.kind = Kind::kAdam;
  } else if (spec.optimizer() == "adamw") {
    options.kind = Kind::kAdamW;
  } else if (!spec.optimizer().empty() && spec.optimizer() != "sgd") {
    return InvalidArgument("training.optimizer: there is no \"" + spec.optimizer().substr(0, 64) +
                           "\"")
        .WithHint("there are " + Join(OptimizerNames(), ", "));
  }
  options.momentum = spec.momentum();
  options.nesterov = spec.nesterov();
  options.weight_decay = spec.weight_decay();
  if (options.kind == Kind::kSgd) return options;
  options.beta1 = spec.beta1();
  options.beta2 = spec.beta2();
  options.epsilon = spec.epsilon();
  return options;
}

template <class T>
Optimizer<T>::Optimizer(const OptimizerOptions& options, std::size_t num_parameters)
    : options_(options) {
  const bool adam = options.kind != Kind::kSgd;
  if (adam || options.momentum != 0) first_.resize(num_parameters);
  if (adam) second_.resize(num_parameters);
}

template <class T>
void Optimizer<T>::Step(std::span<const T> gradient, std::span<T> parameters) {
  if (options_.kind != Kind::kSgd) return AdamStep(gradient, parameters);
  if (options_.nesterov) return NesterovStep(gradient, parameters);
  using Rates = std::conditional_t<std::is_same_v<T, double>, SgdRatesF64, SgdRates>;
  const Rates rates = {static_cast<T>(options_.learning_rate), static_cast<T>(options_.momentum),
                       static_cast<T>(options_.weight_decay)};
  SgdStep(rates, gradient, std::span<T>(first_), parameters);
}

template <class T>
void Optimizer<T>::NesterovStep(std::span<const T> gradient, std::span<T> parameters) {
  SKERRY_CHECK(gradient.size() == parameters.size() && first_.size() == parameters.size());
  const T rate = static_cast<T>(options_.learning_rate);
  const T momentum = static_cast<T>(options_.momentum);
  const T decay = static_cast<T>(options_.weight_decay);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const T g = gradient[i] + decay * parameters[i];
    first_[i] = momentum * first_[i] + g;
    parameters[i] -= rate * (g + momentum * first_[i]);
  }
}

template <class T>
void Optimizer<T>::AdamStep(std::span<const T> gradient, std::span<T> parameters) {
  SKERRY_CHECK(gradient.size() == parameters.size() && first_.size() == parameters.size());
  beta1_power_ *= options_.beta1;
  beta2_power_ *= options_.beta2;
  const T beta1 = static_cast<T>(options_.beta1);
  const T beta2 = static_cast<T>(options_.beta2);
  const T rest1 = static_cast<T>(1 - options_.beta1);
  const T rest2 = static_cast<T>(1 - options_.beta2);
  const T step = static_cast<T>(options_.learning_rate / (1 - beta1_power_));
  const T root = static_cast<T>(1 / exact::Sqrt(1 - beta2_power_));
  const T epsilon = static_cast<T>(options_.epsilon);
  const bool decoupled = options_.kind == Kind::kAdamW;
  const T decay = static_cast<T>(decoupled ? 0.0 : options_.weight_decay);
  const T shrink = static_cast<T>(decoupled ? options_.learning_rate * options_.weight_decay : 0.0);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const T g = gradient[i] + decay * parameters[i];
    first_[i] = beta1 * first_[i] + rest1 * g;
    second_[i] = beta2 * second_[i] + rest2 * g * g;
    parameters[i] -= shrink * parameters[i];
    parameters[i] -= step * first_[i] / (std::sqrt(second_[i]) * root + epsilon);
  }
}

template class Optimizer<float>;
template class Optimizer<double>;

void ClipNorm(std::span<float> gradient, double norm) {
  Clip(gradient, CheckF32(gradient).squared_norm, norm);
}
void ClipNorm(std::span<double> gradient, double norm) {
  Clip(gradient, CheckF64(gradient).squared_norm, norm);
}

}  // namespace skerry::learning
