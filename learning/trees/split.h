#pragma once

#include <cstdint>
#include <span>

#include "learning/trees/forest.h"
#include "skerry/v1/task.pb.h"

namespace skerry::learning {

// Gradients and second derivatives of some rows, added up in whole units.
struct RowSums {
  int64_t gradient = 0;
  int64_t hessian = 0;

  void Add(const RowSums& other) {
    gradient += other.gradient;
    hessian += other.hessian;
  }
  RowSums Minus(const RowSums& other) const {
    return {gradient - other.gradient, hessian - other.hessian};
  }
};

// How a node is divided (Chen and Guestrin: "XGBoost: a scalable tree boosting system", KDD 2016,
// section 2.2 and algorithm 3).
struct Split {
  int64_t feature = -1;  // -1: it is not
  int64_t edge = 0;      // rows below this edge of the input go left; an infinite one: all but
                         // those that lack it
  bool missing_left = false;
  double gain = 0;
  RowSums left;
  RowSums right;
};

// What the settings of the trees make of sums. Pure; the results depend on the arguments alone, bit
// for bit.
class SplitRules {
 public:
  SplitRules(const v1::TreesSpec& spec, double gradient_unit, double hessian_unit)
      : spec_(spec), gradient_unit_(gradient_unit), hessian_unit_(hessian_unit) {}

  // The division with the largest gain
  //   (GL^2 / (HL + l2) + GR^2 / (HR + l2) - G^2 / (H + l2)) / 2 - min_gain > 0
  // that leaves both sides min_child_weight. Of equal ones that of the first input, then of the
  // lowest edge, then the one that sends missing cells to the right. Where no row of the node lacks
  // the input, missing cells will go where more rows go. `sums` are those of the node, [inputs,
  // bins + 1, 2]; `edges` of the inputs as in the model.
  Split Best(const ForestShape& shape, std::span<const int64_t> sums,
             std::span<const double> edges) const;

  // What a leaf of these rows adds to the output: -learning_rate G / (H + l2); 0 of no rows.
  double LeafValue(const RowSums& rows) const;

 private:
  double Score(const RowSums& rows) const;
  bool IsHeavyEnough(const RowSums& rows) const;
  void Consider(const RowSums& all, const Split& candidate, Split& best) const;

  const v1::TreesSpec& spec_;
  const double gradient_unit_;
  const double hessian_unit_;
};

}  // namespace skerry::learning
