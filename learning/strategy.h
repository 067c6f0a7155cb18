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

// What a strategy may know of a round besides its updates.
struct RoundContext {
  int64_t round = 0;
  int64_t num_sites = 0;     // of the run, whether or not they take part in this round
  double learning_rate = 0;  // of the sites in this round
};

// A vector that a strategy keeps from round to round, as long as the parameters and of their kind
// of numbers. It begins at zero.
struct StateVector {
  std::string name;
  // Part of what sites download with the model, as the tensor "state.NAME" after the parameters.
  // Others never leave the coordinator.
  bool sent_to_sites = false;
};

// The name of such a tensor in a model file.
inline std::string SentTensor(const std::string& name) { return "state." + name; }

// Parameters [begin, begin + count).
struct ParameterRange {
  int64_t begin = 0;
  int64_t count = 0;
};

// What one block of the parameters becomes in a round. All spans are equally long.
struct RoundBlock {
  std::span<const std::span<const double>> reduced;  // the aggregate of each of Sections()
  std::span<double> parameters;                      // changes in place
  std::span<const std::span<double>> state;          // one of each of StateVectors(); likewise
  int64_t first = 0;                                 // which parameter the block begins with
};

// The coordinator's side of a training algorithm. No I/O, no clock, no thread; what it remembers
// from round to round is in state vectors, checkpointed with the model. Immutable and thread-safe.
class Strategy {
 public:
  virtual ~Strategy() = default;
  virtual const Aggregator& aggregator() const = 0;
  virtual std::vector<StateVector> StateVectors() const { return {}; }
  // The sections of an update, each as long as the parameters, the first of which is "update": the
  // parameters after training minus those before. All are reduced with the same coefficients.
  virtual std::vector<std::string> Sections() const { return {"update"}; }
  // Whether RoundBlock::reduced has one more at its end: the parameters that each update began
  // with, reduced like it. In asynchronous runs they differ.
  virtual bool NeedsBases() const { return false; }
  // Whether ApplyToStatistics() looks at them, though Apply() does not.
  virtual bool StatisticsNeedBases() const { return false; }
  // Whether a site's task has the site's state of the run as an input, and makes the next.
  virtual bool KeepsSiteState() const { return false; }
  // Whether Prepare() and Weigh() look at UpdateInfo::squared_norm. It takes one more pass.
  virtual bool NeedsNorms() const { return false; }
  // FAILED_PRECONDITION when the round cannot be applied (too few updates for the rule).
  virtual Result<RoundScalars> Prepare(const RoundContext& context,
                                       std::span<const UpdateInfo> counted) const;
  // How much each update counts; what aggregator().Weigh() says unless a strategy knows better.
  virtual Result<Coefficients> Weigh(std::span<const UpdateInfo> counted) const {
    return aggregator().Weigh(counted);
  }
  // Why one site's scalars cannot be used: its result is refused when it comes. INVALID_ARGUMENT.
  virtual Status CheckScalars(const std::map<std::string, double>& /*scalars*/) const {
    return OkStatus();
  }
  // Called from many threads on disjoint blocks. Each result is rounded once, to the numbers of the
  // parameters, after this.
  virtual void Apply(const RoundBlock& block, const RoundScalars& scalars) const = 0;
  // The same for parameters that are no matter of gradients, the running means and variances of
  // batch normalisation: they become a weighted mean of what the sites have, and of what they were,
  // whatever the strategy does to others. Here, the aggregate is added. That is such a mean if the
  // weights add up to no more than 1 and all updates began with the same version.
  virtual void ApplyToStatistics(const RoundBlock& block, const RoundScalars& scalars) const;
  // Which parameters those are, in order and apart from each other: AverageStatistics() in
  // strategies/statistics.h says so. They are no part of norms and distances.
  virtual std::span<const ParameterRange> Statistics() const { return {}; }
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
