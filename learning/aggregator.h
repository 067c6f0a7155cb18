#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace skerry::learning {

// What the server knows of one counted update besides its numbers.
struct UpdateInfo {
  std::string site;
  int64_t num_examples = 0;
  int64_t staleness = 0;  // rounds between the model trained on and the model now
  std::map<std::string, double> scalars = {};  // that the site sent with it
  // Of what is trained in the section "update"; only where the strategy NeedsNorms().
  double squared_norm = 0;
};

// What a rule did to one update, for people. What it does not do is absent.
struct Treatment {
  std::optional<double> norm;     // of what is trained in the update as it came
  std::optional<double> factor;   // by which it was shortened
  std::optional<bool> selected;   // by a rule that chooses updates
  std::optional<double> score;    // by which it chose: smaller is better
  std::optional<double> trimmed;  // share of the coordinates in which its value was left out
  std::optional<double> share;    // of the aggregate, where the rule decides on it

  friend bool operator==(const Treatment&, const Treatment&) = default;
};

// Per counted site, in bytewise order of site names: the mean is sum(w s x) / sum(w) over the sites
// in use. Rules that order values take no account of weights.
struct Coefficients {
  std::vector<double> weight;
  std::vector<double> scale;
  std::vector<bool> use;
  std::vector<Treatment> treatments = {};  // empty: there is nothing to tell
};

// What one pass over all counted updates measures, for rules that compare them. Of what is trained:
// running values (Strategy::Statistics()) are of other sizes and would drown it.
struct UpdateStatistics {
  explicit UpdateStatistics(std::size_t num_updates);
  std::size_t size() const { return squared_norm.size(); }
  double SquaredDistance(std::size_t i, std::size_t j) const {
    return squared_distance[i * size() + j];
  }

  std::vector<double> squared_norm;      // from the version that the round began with
  std::vector<double> squared_distance;  // size() times size(), symmetric
};

// Reduces one block of an update section. Pure; called from many threads on disjoint blocks.
class Aggregator {
 public:
  virtual ~Aggregator() = default;
  // FAILED_PRECONDITION when the rule cannot work with so many updates; says why.
  virtual Status CheckNumUpdates(int64_t n) const;
  // Why the rule protects less with so many updates than its name says; empty: it does not.
  virtual std::string WeaknessOf(int64_t n) const;
  // Coefficients for a round. The plain mean weighs by num_examples. FAILED_PRECONDITION when there
  // are too few sites for the rule.
  virtual Result<Coefficients> Weigh(std::span<const UpdateInfo> updates) const = 0;
  // Whether Judge() looks at statistics. They take one more pass over the updates.
  virtual bool NeedsStatistics() const { return false; }
  // Coefficients after a look at what the updates are like, from those of Weigh(). Called only if
  // NeedsStatistics().
  virtual Result<Coefficients> Judge(const UpdateStatistics& statistics, Coefficients in) const;
  // Whether Reduce() leaves out values of single coordinates. Then, from the values of one
  // coordinate of the updates in use, `marks`, as long and all 0, become 1 for those.
  virtual bool TrimsCoordinates() const { return false; }
  virtual void MarkLeftOut(std::span<const double> /*values*/, std::span<char> /*marks*/) const {}
  // rows[k] is site k's block; all are as long as `out`.
  virtual void Reduce(std::span<const std::span<const float>> rows,
                      const Coefficients& coefficients, std::span<double> out) const = 0;
  // Whether there is ReduceF64(): the same for updates of a model of doubles.
  virtual bool TakesF64() const { return false; }
  virtual void ReduceF64(std::span<const std::span<const double>> rows,
                         const Coefficients& coefficients, std::span<double> out) const;
};

// The weighted mean, each element accumulated in double over the sites in order, divided once.
// Weigh() fails with INVALID_ARGUMENT when a site claims a negative number of examples.
const Aggregator& MeanAggregator();

// Adds `values` to `sum` in double, element by element.
void AddF64(std::span<const double> values, std::span<double> sum);
// The same for integers; OUT_OF_RANGE when an element overflows, and then `sum` is as it was.
Status AddI64(std::span<const int64_t> values, std::span<int64_t> sum);

// What one look at an update finds, before it may be counted.
struct UpdateCheck {
  bool finite = true;       // no NaN, no infinity, by bits
  double max_abs = 0;       // like the norm, of no use when not finite
  double squared_norm = 0;  // in 8 fixed lanes per 64 Ki elements, whose sums are added in order
};
UpdateCheck CheckF32(std::span<const float> values);
UpdateCheck CheckF64(std::span<const double> values);

}  // namespace skerry::learning
