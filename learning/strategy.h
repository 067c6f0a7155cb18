#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "learning/aggregator.h"
#include "skerry/v1/task.pb.h"

namespace skerry::learning {

// Numbers that a strategy derives once per round from who was counted, before any block is touched
// (an effective step count, a bias correction). They are part of the round's record.
using RoundScalars = std::map<std::string, double>;

// The coordinator's side of a training algorithm. No I/O, no clock, no thread; what it remembers
// from round to round is in state vectors, checkpointed with the model. Immutable and thread-safe.
class Strategy {
 public:
  virtual ~Strategy() = default;
  virtual const Aggregator& aggregator() const = 0;
  // Names of the F32 vectors, each as long as the parameters, that it keeps; they begin at zero.
  virtual std::vector<std::string> StateVectors() const { return {}; }
  // FAILED_PRECONDITION when the round cannot be applied (too few updates for the rule).
  virtual Result<RoundScalars> Prepare(int64_t round, std::span<const UpdateInfo> counted) const;
  // One block: `reduced` is the aggregate of the updates, `parameters` and each of `state` change
  // in place. All are equally long. Called from many threads on disjoint blocks.
  virtual void Apply(std::span<const double> reduced, const RoundScalars& scalars,
                     std::span<float> parameters,
                     std::span<const std::span<float>> state) const = 0;
};

// The strategy that [training] names. INVALID_ARGUMENT names the nearest known one.
Result<std::unique_ptr<Strategy>> MakeStrategy(const v1::TrainingSpec& spec);
std::vector<std::string> StrategyNames();

// Adds a strategy to those that a run file may name: for a program of one's own, at the beginning
// of its main, before anything else of Skerry runs. Those of this tree are listed in
// strategies/all.cc. `make` refuses settings with INVALID_ARGUMENT. A name that is taken is a bug.
using StrategyMaker = std::function<Result<std::unique_ptr<Strategy>>(const v1::TrainingSpec&)>;
void RegisterStrategy(const std::string& name, StrategyMaker make);

}  // namespace skerry::learning
