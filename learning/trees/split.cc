#include "learning/trees/split.h"

#include "learning/finite.h"

namespace skerry::learning {
namespace {

// The sums of one input's bins.
class InputSums {
 public:
  explicit InputSums(std::span<const int64_t> sums) : sums_(sums) {}

  int64_t num_bins() const { return static_cast<int64_t>(sums_.size() / 2) - 1; }
  RowSums Bin(int64_t bin) const {
    const auto at = static_cast<std::size_t>(2 * bin);
    return {sums_[at], sums_[at + 1]};
  }
  RowSums Missing() const { return Bin(num_bins()); }
  RowSums All() const {
    RowSums all;
    for (int64_t bin = 0; bin <= num_bins(); ++bin) all.Add(Bin(bin));
    return all;
  }

 private:
  const std::span<const int64_t> sums_;
};

}  // namespace

double SplitRules::Score(const RowSums& rows) const {
  const double gradient = static_cast<double>(rows.gradient) * gradient_unit_;
  const double weight = static_cast<double>(rows.hessian) * hessian_unit_ + spec_.l2();
  return weight > 0 ? gradient * gradient / weight : 0;
}

bool SplitRules::IsHeavyEnough(const RowSums& rows) const {
  return rows.hessian > 0 &&
         static_cast<double>(rows.hessian) * hessian_unit_ >= spec_.min_child_weight();
}

double SplitRules::LeafValue(const RowSums& rows) const {
  const double gradient = static_cast<double>(rows.gradient) * gradient_unit_;
  const double weight = static_cast<double>(rows.hessian) * hessian_unit_ + spec_.l2();
  return weight > 0 ? -spec_.learning_rate() * gradient / weight : 0;
}

void SplitRules::Consider(const RowSums& all, const Split& candidate, Split& best) const {
  if (!IsHeavyEnough(candidate.left) || !IsHeavyEnough(candidate.right)) return;
  const double gain =
      0.5 * (Score(candidate.left) + Score(candidate.right) - Score(all)) - spec_.min_gain();
  if (!(gain > best.gain)) return;
  best = candidate;
  best.gain = gain;
}

Split SplitRules::Best(const ForestShape& shape, std::span<const int64_t> sums,
                       std::span<const double> edges) const {
  Split best;
  const auto per_input = static_cast<std::size_t>(2 * (shape.num_bins + 1));
  for (int64_t feature = 0; feature < shape.num_inputs; ++feature) {
    const auto at = static_cast<std::size_t>(feature);
    const InputSums input(sums.subspan(at * per_input, per_input));
    const auto edges_of_input = edges.subspan(at * static_cast<std::size_t>(shape.num_edges()));
    const RowSums all = input.All();
    const RowSums missing = input.Missing();
    const bool any_missing = missing.gradient != 0 || missing.hessian != 0;
    RowSums below;
    for (int64_t edge = 0; edge < shape.num_bins; ++edge) {
      const bool is_last =
          edge + 1 == shape.num_bins || !IsFinite(edges_of_input[static_cast<std::size_t>(edge)]);
      if (is_last && !any_missing) break;
      below.Add(input.Bin(edge));
      Split split = {.feature = feature, .edge = edge, .left = below, .right = all.Minus(below)};
      if (!any_missing) split.missing_left = split.left.hessian > split.right.hessian;
      Consider(all, split, best);
      if (is_last) break;
      if (!any_missing) continue;
      split.missing_left = true;
      split.left.Add(missing);
      split.right = all.Minus(split.left);
      Consider(all, split, best);
    }
  }
  return best;
}

}  // namespace skerry::learning
