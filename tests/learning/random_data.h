#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"

namespace skerry::learning {

inline RandomStream TestStream(uint64_t seed) {
  return RandomStream(seed, Purpose::kSimulation, 0, "", 0);
}

// Standard normal numbers.
inline std::vector<float> RandomFloats(int64_t count, uint64_t seed) {
  RandomStream stream = TestStream(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(stream.Normal());
  return values;
}

// Whole numbers in [0, bound), as floats.
inline std::vector<float> RandomClasses(int64_t count, uint64_t bound, uint64_t seed) {
  RandomStream stream = TestStream(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(stream.Below(bound));
  return values;
}

// The bits of each value: equal bits are more than equal values (0 and -0, NaN).
inline std::vector<uint32_t> Bits(std::span<const float> values) {
  std::vector<uint32_t> bits;
  bits.reserve(values.size());
  for (const float value : values) bits.push_back(std::bit_cast<uint32_t>(value));
  return bits;
}

}  // namespace skerry::learning
