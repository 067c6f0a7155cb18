#include "coordinator/plan_training.h"

#include "coordinator/plan_keys.h"
#include "learning/strategy.h"

namespace skerry::coordinator {

void ReadTraining(TomlReader& toml, v1::RunSpec& spec) {
  v1::TrainingSpec& training = *spec.mutable_training();
  training.set_num_rounds(toml.Integer("run.num_rounds"));
  CheckAtLeast(toml, "run.num_rounds", static_cast<double>(training.num_rounds()), 1);
  training.set_strategy(toml.String("training.strategy", "fedavg"));
  Choose(toml, "training.strategy", training.strategy(), learning::StrategyNames());
  training.set_local_epochs(toml.Integer("training.local_epochs", 1));
  CheckAtLeast(toml, "training.local_epochs", static_cast<double>(training.local_epochs()), 1);
  training.set_batch_size(toml.Integer("training.batch_size", 32));
  CheckAtLeast(toml, "training.batch_size", static_cast<double>(training.batch_size()), 1);
  training.set_learning_rate(toml.Number("training.learning_rate"));
  if (!(training.learning_rate() > 0) || training.learning_rate() > 1e6) {
    toml.Fail("training.learning_rate", "must be over 0");
  }
  training.set_momentum(toml.Number("training.momentum", 0.0));
  if (!(training.momentum() >= 0 && training.momentum() < 1)) {
    toml.Fail("training.momentum", "must be at least 0 and below 1");
  }
  training.set_weight_decay(toml.Number("training.weight_decay", 0.0));
  CheckAtLeast(toml, "training.weight_decay", training.weight_decay(), 0);
}

}  // namespace skerry::coordinator
