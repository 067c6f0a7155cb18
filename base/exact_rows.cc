#include "base/exact_rows.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/exact_math.h"
#include "base/exact_series.h"

namespace skerry::exact {
namespace {

constexpr std::size_t kSide = 4;
using Four = double __attribute__((vector_size(kSide * sizeof(double))));
using FourBits = int64_t __attribute__((vector_size(kSide * sizeof(int64_t))));

// A whole number |k| < 2^51 is k + 1.5 * 2^52 in the low bits of that sum.
constexpr double kShift = 0x1.8p52;
constexpr int64_t kShiftBits = 0x4338000000000000;
constexpr int64_t kFractionBits = 0x000fffffffffffff;
constexpr int64_t kOneBits = 0x3ff0000000000000;

bool All(const FourBits& holds) { return (holds[0] & holds[1] & holds[2] & holds[3]) != 0; }

// 2^k is a normal number for these, and so is the result: one factor does as well as the two that
// the scalar function needs at the ends of the range.
bool ExpIsOrdinary(const Four& x) { return All((x >= -700.0) & (x <= 700.0)); }

void ExpOrdinary(Four& x) {
  const Four k = Nearest(x * kInverseLn2);
  const Four mantissa = ExpOfReduced(x - k * kLn2High, -(k * kLn2Low));
  const FourBits exponent = (FourBits)(k + kShift) - kShiftBits;
  x = mantissa * (Four)((exponent << 52) + kOneBits);
}

bool Log1pIsOrdinary(const Four& x) { return All((x > -1.0) & (x < 0x1p1000)); }

void Log1pOrdinary(Four& x) {
  const Four u = 1.0 + x;
  const FourBits bits = (FourBits)u;
  const FourBits biased = (bits >> 52) - 1023;
  Four m = (Four)((bits & kFractionBits) | kOneBits);
  const FourBits halve = m > kSqrt2;
  m = halve ? m * 0.5 : m;
  const FourBits exponent = biased - halve;  // a condition that holds is -1
  const Four k = (Four)(exponent + kShiftBits) - kShift;
  const Four rounded_away = x < 1.0 ? x - (u - 1.0) : 1.0 - (u - x);
  const Four log = LogOfReduced(k, m) + rounded_away / u;
  x = u == 1.0 ? x : log;
}

template <class IsOrdinary, class Ordinary, class Scalar>
void Each(std::span<double> values, IsOrdinary is_ordinary, Ordinary ordinary, Scalar scalar) {
  for (std::size_t i = 0; i < values.size(); i += kSide) {
    const std::size_t count = std::min(kSide, values.size() - i);
    Four four = {};
    std::memcpy(&four, values.data() + i, count * sizeof(double));
    if (is_ordinary(four)) {
      ordinary(four);
      std::memcpy(values.data() + i, &four, count * sizeof(double));
    } else {
      for (std::size_t j = i; j < i + count; ++j) values[j] = scalar(values[j]);
    }
  }
}

}  // namespace

void ExpEach(std::span<double> values) { Each(values, ExpIsOrdinary, ExpOrdinary, Exp); }
void Log1pEach(std::span<double> values) { Each(values, Log1pIsOrdinary, Log1pOrdinary, Log1p); }

}  // namespace skerry::exact
