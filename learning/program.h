#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "learning/layout.h"
#include "learning/metrics.h"
#include "learning/strategy.h"
#include "skerry/v1/task.pb.h"

namespace skerry::learning {

// What one round asks of its sites.
struct RoundSpec {
  int64_t round = 0;
  v1::TaskKind kind = v1::TRAIN;
  bool needs_model = true;  // sites get the newest model
  bool makes_model = true;  // the round ends with a new version
  bool evaluate = false;    // a training task evaluates the model that it starts from
  // A site's state of this run is an input of its task; what the task makes of it is the site's
  // state once the task has counted. It stays at the site.
  bool site_state = false;
  double learning_rate = 0;
  // Where the round stands, for people, when its number does not say it: "tree 3 of 100".
  std::string part;
  ResultLayout result_layout;
};

// What became of a committed round.
struct RoundOutcome {
  int64_t round = 0;
  std::vector<Metric> metrics;
};

// The sections that are plainly added, by section name.
struct Sums {
  std::map<std::string, std::vector<double>> f64;
  std::map<std::string, std::vector<int64_t>> i64;
};

// The tensors of a model version that no update changes, such as "input.mean", in order; they stand
// before its parameters. They may be F32, F64 or I64: a value is one that its tensor can hold.
struct FixedTensors {
  Layout layout;
  std::vector<double> values;
};

// What a run does, round by round: a pure function of what has been committed. Immutable,
// thread-safe.
class Program {
 public:
  virtual ~Program() = default;
  // The round after those; nullopt: the run is finished. It looks at the newest
  // rounds_looked_at() of them, so that no one has to remember more.
  virtual std::optional<RoundSpec> Next(std::span<const RoundOutcome> committed) const = 0;
  virtual std::size_t rounds_looked_at() const { return 1; }
  // Why it is finished, once Next() says so before all rounds; "" otherwise.
  virtual std::string WhyFinished(std::span<const RoundOutcome> /*committed*/) const { return ""; }
  virtual int64_t num_rounds() const = 0;  // for "round 12 of 50"

  // All F32, or all F64; none when sums alone make the model.
  virtual const Layout& parameters() const = 0;
  // The model before any round: elements [first, first + out.size()) of the parameters, and the
  // rest.
  virtual void InitialParameters(int64_t first, std::span<double> out) const = 0;
  virtual FixedTensors InitialFixed() const = 0;
  // Of the sums that a round asks of a site, at most; 0: too few to matter.
  virtual int64_t max_sum_bytes() const { return 0; }

  // How the section "update" is reduced and applied.
  virtual const Strategy& strategy() const = 0;
  // The one of a round, with the same sections and state vectors.
  virtual const Strategy& StrategyOf(const RoundSpec& /*round*/) const { return strategy(); }
  // Takes the summed sections into the fixed tensors. FAILED_PRECONDITION: no model can be made of
  // them (the message is for the researcher).
  virtual Status ApplySums(const RoundSpec& spec, const Sums& sums, FixedTensors& fixed) const = 0;
  // What sums (of one site, or of all) say about the model they evaluated. INVALID_ARGUMENT when
  // they contradict themselves.
  virtual Result<std::vector<Metric>> Metrics(const RoundSpec& spec, const Sums& sums) const = 0;
};

// The program of a run file that has a [training] table: federated statistics as round 0 when the
// data need them, then training rounds 1 to num_rounds, then an evaluation of the last model.
// INVALID_ARGUMENT names the key that is wrong.
Result<std::unique_ptr<Program>> MakeTrainingProgram(const v1::RunSpec& spec);

// The program of a run file, by its model: the one above, or one of those that fit a model by sums
// alone (learning/programs/all.h).
Result<std::unique_ptr<Program>> MakeProgram(const v1::RunSpec& spec);
// Whether it is one of the latter. These have no updates and no strategy.
bool IsFittedBySums(const std::string& model_kind);

// The section that training updates travel in.
constexpr const char* kUpdateSection = "update";

}  // namespace skerry::learning
