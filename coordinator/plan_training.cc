#include "coordinator/plan_training.h"

#include <array>

#include "coordinator/plan_keys.h"
#include "coordinator/plan_strategy.h"
#include "learning/optimizer.h"
#include "learning/schedule.h"
#include "learning/strategy.h"

namespace skerry::coordinator {
namespace {

// How long a site trains in a round.
void ReadLength(TomlReader& toml, v1::TrainingSpec& training) {
  constexpr const char* kEpochs = "training.local_epochs";
  constexpr const char* kSteps = "training.local_steps";
  if (toml.Has(kSteps)) {
    training.set_local_steps(toml.Integer(kSteps));
    CheckAtLeast(toml, kSteps, static_cast<double>(training.local_steps()), 1);
    if (toml.Has(kEpochs)) {
      toml.Fail(kSteps, "training.local_epochs says already how long a site trains",
                "keep one of the two");
    }
  } else {
    training.set_local_epochs(toml.Integer(kEpochs, 1));
    CheckAtLeast(toml, kEpochs, static_cast<double>(training.local_epochs()), 1);
  }
  training.set_batch_size(toml.Integer("training.batch_size", 32));
  CheckAtLeast(toml, "training.batch_size", static_cast<double>(training.batch_size()), 0);
}

// Only what the optimizer has is read: other keys are refused as unknown.
void ReadOptimizer(TomlReader& toml, v1::TrainingSpec& training) {
  constexpr const char* kOptimizer = "training.optimizer";
  const std::string optimizer = toml.String(kOptimizer, "sgd");
  const bool sgd = Choose(toml, kOptimizer, optimizer, learning::OptimizerNames()) == 0;
  if (sgd) {
    training.set_momentum(ReadShare(toml, "training.momentum", 0.0));
    constexpr const char* kNesterov = "training.nesterov";
    training.set_nesterov(toml.Boolean(kNesterov, false));
    if (training.nesterov() && training.momentum() == 0) {
      toml.Fail(kNesterov, "needs training.momentum over 0");
    }
  } else {
    training.set_optimizer(optimizer);
    training.set_beta1(ReadShare(toml, "training.beta1", 0.9));
    training.set_beta2(ReadShare(toml, "training.beta2", 0.999));
    training.set_epsilon(toml.Number("training.epsilon", 1e-8));
    if (!(training.epsilon() > 0)) toml.Fail("training.epsilon", "must be over 0");
    if (toml.Has("training.momentum")) {
      toml.Fail("training.momentum",
                "training.optimizer is \"" + optimizer + "\", which has training.beta1 instead");
    }
  }
  training.set_weight_decay(toml.Number("training.weight_decay", 0.0));
  CheckAtLeast(toml, "training.weight_decay", training.weight_decay(), 0);
  constexpr const char* kClip = "training.clipping_norm";
  training.set_clipping_norm(toml.Number(kClip, 0.0));
  if (toml.Has(kClip) && !(training.clipping_norm() > 0)) toml.Fail(kClip, "must be over 0");
}

void ReadSchedule(TomlReader& toml, v1::TrainingSpec& training) {
  if (!toml.Has("training.schedule")) return;
  constexpr const char* kKind = "training.schedule.kind";
  v1::ScheduleSpec& schedule = *training.mutable_schedule();
  const std::string kind = toml.String(kKind, "constant");
  if (Choose(toml, kKind, kind, learning::ScheduleNames()) > 0) schedule.set_kind(kind);
  if (kind == "step") {
    schedule.set_every(toml.Integer("training.schedule.every"));
    CheckAtLeast(toml, "training.schedule.every", static_cast<double>(schedule.every()), 1);
  }
  if (kind == "step" || kind == "exponential") {
    constexpr const char* kFactor = "training.schedule.factor";
    schedule.set_factor(toml.Number(kFactor));
    if (!(schedule.factor() > 0 && schedule.factor() <= 1)) {
      toml.Fail(kFactor, "must be over 0 and at most 1");
    }
  }
  if (kind == "cosine") {
    constexpr const char* kMinimum = "training.schedule.minimum";
    schedule.set_minimum(toml.Number(kMinimum, 0.0));
    if (!(schedule.minimum() >= 0 && schedule.minimum() <= 1)) {
      toml.Fail(kMinimum, "must be at least 0 and at most 1");
    }
  }
  schedule.set_warm_up(toml.Integer("training.schedule.warm_up", 0));
  CheckAtLeast(toml, "training.schedule.warm_up", static_cast<double>(schedule.warm_up()), 0);
}

}  // namespace

void ReadTraining(TomlReader& toml, v1::RunSpec& spec) {
  v1::TrainingSpec& training = *spec.mutable_training();
  training.set_num_rounds(toml.Integer("run.num_rounds"));
  CheckAtLeast(toml, "run.num_rounds", static_cast<double>(training.num_rounds()), 1);
  training.set_strategy(toml.String("training.strategy", "fedavg"));
  Choose(toml, "training.strategy", training.strategy(), learning::StrategyNames());
  ReadLength(toml, training);
  training.set_learning_rate(toml.Number("training.learning_rate"));
  if (!(training.learning_rate() > 0) || training.learning_rate() > 1e6) {
    toml.Fail("training.learning_rate", "must be over 0");
  }
  ReadOptimizer(toml, training);
  ReadSchedule(toml, training);
  ReadStrategy(toml, training);
}

}  // namespace skerry::coordinator
