#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "learning/layout.h"

namespace skerry::learning {

// A tensor of a model, and what it begins with: uniform in +-bound, or `value` where that is 0.
struct InitialTensor {
  TensorSpec tensor;
  double bound = 0;
  float value = 0;
  bool statistic = false;  // measured in training, no matter of gradients
};

// Where the random numbers of some initial elements come from.
struct InitialStream {
  uint64_t seed = 0;
  uint64_t index = 0;
  std::string_view name = {};
};

// Elements [first, first + out.size()) of a sequence uniform in +-bound: each is drawn in double
// and rounded once. Any split into ranges gives the same values.
template <class T>  // float or double
void DrawUniform(const InitialStream& from, double bound, int64_t first, std::span<T> out);

// Elements [first, first + out.size()) of the tensors one after the other. Every block of 4096
// elements of a tensor has random numbers of its own, so that any split into ranges gives the same
// values, and no range needs the draws before it.
template <class T>  // float or double
void DrawInitial(uint64_t seed, std::span<const InitialTensor> tensors, int64_t first,
                 std::span<T> out);

}  // namespace skerry::learning
