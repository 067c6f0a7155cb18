#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace skerry::learning {

// Rows ready for a model: nothing missing, standardised, in an order that is a function of their
// contents. Immutable once built.
struct Dataset {
  int64_t rows = 0;
  int64_t num_features = 0;
  std::vector<float> features;  // [rows, num_features], row-major
  std::vector<float> labels;    // [rows]; the class number for classifiers
};

// Some rows of a Dataset, or rows gathered from one. A view: the arrays must outlive it.
struct Batch {
  int64_t rows = 0;
  std::span<const float> features;  // [rows, num_features]
  std::span<const float> labels;    // [rows]
};

inline Batch AllRows(const Dataset& data) { return {data.rows, data.features, data.labels}; }

}  // namespace skerry::learning
