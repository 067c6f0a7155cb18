#pragma once

#include <bit>
#include <cstdint>

namespace skerry::learning {

// Conversions of 32-bit floats to 16 bits and back, in integers and exact steps: the same bits on
// every machine, and without branches, so that a compiler can do eight at once.

// The nearest IEEE 754 binary16, ties to even. For |value| < 65520, which round to finite ones.
inline uint16_t ToHalf(float value) {
  constexpr uint32_t kSmallestNormal = 0x38800000;  // 2^-14
  constexpr uint32_t kRebias = 0xc8000fff;          // exponent less 112; and half a unit, less one
  constexpr uint32_t kHalf = 0x3f000000;            // 0.5: its unit in the last place is 2^-24
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t magnitude = bits & 0x7fffffff;
  const uint32_t normal = (magnitude + kRebias + ((magnitude >> 13) & 1)) >> 13;
  // The sum is rounded to a multiple of 2^-24, as subnormal halves are.
  const uint32_t subnormal =
      std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - kHalf;
  const uint32_t half = magnitude < kSmallestNormal ? subnormal : normal;
  return static_cast<uint16_t>(half | ((bits >> 16) & 0x8000));
}

// Exact. For finite halves.
inline float FromHalf(uint16_t half) {
  constexpr float kRebias = 0x1p112F;
  const auto wide = static_cast<uint32_t>(half);
  const float magnitude = std::bit_cast<float>((wide & 0x7fff) << 13) * kRebias;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | ((wide & 0x8000) << 16));
}

// Neither infinity nor NaN.
inline bool IsFiniteHalf(uint16_t half) { return (half & 0x7c00) != 0x7c00; }

// The nearest bfloat16 (the upper half of a float), ties to even. A finite value near the end of
// the range becomes infinity.
inline uint16_t ToBFloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// Exact.
inline float FromBFloat16(uint16_t value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}

}  // namespace skerry::learning
