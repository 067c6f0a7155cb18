#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "learning/aggregator.h"
#include "learning/finite.h"

namespace skerry::learning {
namespace {

constexpr std::size_t kBlock = 65536;  // elements whose squares are summed by themselves
constexpr std::size_t kWidth = 8;
// Magnitudes order like the integers of their bits, with infinity and NaN above all numbers: one
// maximum finds both the largest value and what is not finite.
constexpr int32_t kMagnitude = 0x7fffffff;  // all bits of a float but the sign
constexpr int32_t kInfinity = 0x7f800000;   // magnitudes from here on are infinite or NaN

struct BlockCheck {
  int32_t largest = 0;
  double squared_norm = 0;
};

// Lane l takes elements l, l + 8, ... of the block, whatever the width of the machine's registers.
using Floats = float __attribute__((vector_size(4 * sizeof(float))));
using Doubles = double __attribute__((vector_size(4 * sizeof(double))));
using Words = int32_t __attribute__((vector_size(8 * sizeof(int32_t))));

BlockCheck CheckBlock(const float* values, std::size_t size) {
  Doubles low_squares = {};
  Doubles high_squares = {};
  Words largest = {};
  for (std::size_t i = 0; i < size; i += kWidth) {
    float last[kWidth] = {};  // zeros add nothing to any of the sums
    const float* from = values + i;
    if (size - i < kWidth) from = static_cast<float*>(std::memcpy(last, from, 4 * (size - i)));
    Floats low;
    Floats high;
    Words words;
    std::memcpy(&low, from, sizeof(low));
    std::memcpy(&high, from + 4, sizeof(high));
    std::memcpy(&words, from, sizeof(words));
    const Doubles low_values = __builtin_convertvector(low, Doubles);
    const Doubles high_values = __builtin_convertvector(high, Doubles);
    low_squares += low_values * low_values;
    high_squares += high_values * high_values;
    words &= kMagnitude;
    largest = words > largest ? words : largest;
  }
  BlockCheck check;
  for (std::size_t l = 0; l < kWidth; ++l) check.largest = std::max(check.largest, largest[l]);
  const Doubles pairs = low_squares + high_squares;  // lanes 0 + 4, 1 + 5, 2 + 6, 3 + 7
  check.squared_norm = (pairs[0] + pairs[2]) + (pairs[1] + pairs[3]);
  return check;
}

}  // namespace

UpdateCheck CheckF32(std::span<const float> values) {
  UpdateCheck check;
  int32_t largest = 0;
  for (std::size_t begin = 0; begin < values.size(); begin += kBlock) {
    const BlockCheck block =
        CheckBlock(values.data() + begin, std::min(kBlock, values.size() - begin));
    largest = std::max(largest, block.largest);
    check.squared_norm += block.squared_norm;
  }
  check.finite = largest < kInfinity;
  check.max_abs = static_cast<double>(std::bit_cast<float>(largest));
  return check;
}

UpdateCheck CheckF64(std::span<const double> values) {
  UpdateCheck check;
  for (std::size_t begin = 0; begin < values.size(); begin += kBlock) {
    const std::span<const double> block =
        values.subspan(begin, std::min(kBlock, values.size() - begin));
    double squares[kWidth] = {};
    for (std::size_t i = 0; i < block.size(); ++i) {
      const double value = block[i];
      check.finite = check.finite && IsFinite(value);
      check.max_abs = std::max(check.max_abs, std::abs(value));
      squares[i % kWidth] += value * value;
    }
    check.squared_norm += ((squares[0] + squares[4]) + (squares[2] + squares[6])) +
                          ((squares[1] + squares[5]) + (squares[3] + squares[7]));
  }
  return check;
}

}  // namespace skerry::learning
