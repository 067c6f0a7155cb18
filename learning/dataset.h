#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace skerry::learning {

// Rows ready for a model: nothing missing, standardised, in an order that is a function of their
// contents. Immutable once built. T: what the model computes with, float or double.
template <class T>
struct BasicDataset {
  int64_t rows = 0;
  int64_t num_features = 0;
  std::vector<T> features;  // [rows, num_features], row-major
  std::vector<T> labels;    // [rows]; the class number for classifiers
};
using Dataset = BasicDataset<float>;

// A step of somebody's training: what random numbers of a model (dropout) are drawn from.
struct StepKey {
  uint64_t seed = 0;
  int64_t round = 0;
  std::string_view site = {};
  int64_t step = 0;  // within the round
};

// Some rows of a Dataset, or rows gathered from one. A view: the arrays must outlive it.
template <class T>
struct BasicBatch {
  int64_t rows = 0;
  std::span<const T> features;  // [rows, num_features]
  std::span<const T> labels;    // [rows]
  StepKey step = {};            // of no matter to a model's Forward
};
using Batch = BasicBatch<float>;

template <class T>
BasicBatch<T> AllRows(const BasicDataset<T>& data) {
  return {data.rows, data.features, data.labels};
}

}  // namespace skerry::learning
