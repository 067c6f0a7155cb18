#pragma once

#include <string>

#include "base/status.h"
#include "client/task_runner.h"

namespace skerry::bench {

// Stands in for local training of any model: reads the model piece by piece, writes the result
// piece by piece, and never holds more than a piece of either. Each parameter's update is a small
// multiple of the parameter and a term of the site and round, so that no two updates are equal and
// the coordinator has every byte to move and to check. Thread-safe.
class StreamingTrainer final : public client::Trainer {
 public:
  explicit StreamingTrainer(std::string site) : site_(std::move(site)) {}
  // INVALID_ARGUMENT for a task that is no training. Sections other than the update are zeros.
  Result<client::WorkDone> Run(const client::WorkOrder& order) override;

 private:
  const std::string site_;
};

}  // namespace skerry::bench
