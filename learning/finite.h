#pragma once

#include <bit>
#include <cstdint>

namespace skerry::learning {

// Neither infinite nor NaN, by the bits: no compiler flag and no libm can make it say otherwise.
inline bool IsFinite(double value) {
  constexpr uint64_t kExponent = 0x7ff0000000000000;
  return (std::bit_cast<uint64_t>(value) & kExponent) != kExponent;
}

}  // namespace skerry::learning
