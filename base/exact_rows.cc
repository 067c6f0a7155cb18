#include "base/exact_rows.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/exact_math.h"
#include "base/exact_series.h"

namespace skerry::exact {
namespace {

constexpr std::size_t kSide = 4;
using Four = double __attribute__((vector_size(kSide * sizeof(double))));
using FourBits = int64_t __attribute__((vector_size(kSide * sizeof(int64_t))));

// Fours that are worked on side by side: each operation of a series waits for the one before it, so
// that others fit in between.
template <std::size_t kFours>
struct Row {
  Four fours[kFours];
};

template <std::size_t kFours, class Function>
Row<kFours> OfEach(Function function) {
  Row<kFours> row;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < kFours; ++i) row.fours[i] = function(i);
  return row;
}

template <std::size_t kFours>
Row<kFours> operator+(const Row<kFours>& a, const Row<kFours>& b) {
  return OfEach<kFours>([&](std::size_t i) { return a.fours[i] + b.fours[i]; });
}
template <std::size_t kFours>
Row<kFours> operator-(const Row<kFours>& a, const Row<kFours>& b) {
  return OfEach<kFours>([&](std::size_t i) { return a.fours[i] - b.fours[i]; });
}
template <std::size_t kFours>
Row<kFours> operator*(const Row<kFours>& a, const Row<kFours>& b) {
  return OfEach<kFours>([&](std::size_t i) { return a.fours[i] * b.fours[i]; });
}
template <std::size_t kFours>
Row<kFours> operator/(const Row<kFours>& a, const Row<kFours>& b) {
  return OfEach<kFours>([&](std::size_t i) { return a.fours[i] / b.fours[i]; });
}
template <std::size_t kFours>
Row<kFours> operator-(const Row<kFours>& a) {
  return OfEach<kFours>([&](std::size_t i) { return -a.fours[i]; });
}
template <std::size_t kFours>
Row<kFours> operator+(const Row<kFours>& a, double b) {
  return OfEach<kFours>([&](std::size_t i) { return a.fours[i] + b; });
}
template <std::size_t kFours>
Row<kFours> operator+(double a, const Row<kFours>& b) {
  return OfEach<kFours>([&](std::size_t i) { return a + b.fours[i]; });
}
template <std::size_t kFours>
Row<kFours> operator-(const Row<kFours>& a, double b) {
  return OfEach<kFours>([&](std::size_t i) { return a.fours[i] - b; });
}
template <std::size_t kFours>
Row<kFours> operator-(double a, const Row<kFours>& b) {
  return OfEach<kFours>([&](std::size_t i) { return a - b.fours[i]; });
}
template <std::size_t kFours>
Row<kFours> operator*(const Row<kFours>& a, double b) {
  return OfEach<kFours>([&](std::size_t i) { return a.fours[i] * b; });
}
template <std::size_t kFours>
Row<kFours> operator*(double a, const Row<kFours>& b) {
  return OfEach<kFours>([&](std::size_t i) { return a * b.fours[i]; });
}

// A whole number |k| < 2^51 is k + 1.5 * 2^52 in the low bits of that sum.
constexpr double kShift = 0x1.8p52;
constexpr int64_t kShiftBits = 0x4338000000000000;
constexpr int64_t kFractionBits = 0x000fffffffffffff;
constexpr int64_t kOneBits = 0x3ff0000000000000;

bool All(const FourBits& holds) { return (holds[0] & holds[1] & holds[2] & holds[3]) != 0; }

struct ExpOf {
  static double Scalar(double x) { return Exp(x); }

  // 2^k is a normal number for these, and so is the result: one factor does as well as the two that
  // the scalar function needs at the ends of the range.
  static FourBits IsOrdinary(const Four& x) { return (x >= -700.0) & (x <= 700.0); }

  template <std::size_t kFours>
  static Row<kFours> Ordinary(const Row<kFours>& x) {
    const Row<kFours> k = Nearest(x * kInverseLn2);
    const Row<kFours> mantissa = ExpOfReduced(x - k * kLn2High, -(k * kLn2Low));
    const Row<kFours> shifted = k + kShift;
    return OfEach<kFours>([&](std::size_t i) {
      const FourBits exponent = (FourBits)shifted.fours[i] - kShiftBits;
      return mantissa.fours[i] * (Four)((exponent << 52) + kOneBits);
    });
  }
};

struct Log1pOf {
  static double Scalar(double x) { return Log1p(x); }

  static FourBits IsOrdinary(const Four& x) { return (x > -1.0) & (x < 0x1p1000); }

  template <std::size_t kFours>
  static Row<kFours> Ordinary(const Row<kFours>& x) {
    const Row<kFours> u = 1.0 + x;
    Row<kFours> m;
    Row<kFours> k;
    for (std::size_t i = 0; i < kFours; ++i) {
      const FourBits bits = (FourBits)u.fours[i];
      const Four fraction = (Four)((bits & kFractionBits) | kOneBits);
      const FourBits halve = fraction > kSqrt2;
      m.fours[i] = halve ? fraction * 0.5 : fraction;
      const FourBits exponent = ((bits >> 52) - 1023) - halve;  // a condition that holds is -1
      k.fours[i] = (Four)(exponent + kShiftBits) - kShift;
    }
    const Row<kFours> log = LogOfReduced(k, m);
    return OfEach<kFours>([&](std::size_t i) {
      const Four& x_i = x.fours[i];
      const Four& u_i = u.fours[i];
      const Four rounded_away = x_i < 1.0 ? x_i - (u_i - 1.0) : 1.0 - (u_i - x_i);
      return u_i == 1.0 ? x_i : log.fours[i] + rounded_away / u_i;
    });
  }
};

// The next `values`, at most a row of them.
template <class Function, std::size_t kFours>
void OneRow(std::span<double> values) {
  Row<kFours> row = {};
  // Rarely less: a copy of known size is two instructions a four.
  const bool full = values.size() == kFours * kSide;
  if (full) {
    std::memcpy(&row, values.data(), sizeof(row));
  } else {
    std::memcpy(&row, values.data(), values.size_bytes());
  }
  FourBits ordinary = Function::IsOrdinary(row.fours[0]);
  for (std::size_t i = 1; i < kFours; ++i) ordinary &= Function::IsOrdinary(row.fours[i]);
  if (!All(ordinary)) {
    for (double& value : values) value = Function::Scalar(value);
    return;
  }
  row = Function::Ordinary(row);
  if (full) {
    std::memcpy(values.data(), &row, sizeof(row));
  } else {
    std::memcpy(values.data(), &row, values.size_bytes());
  }
}

template <class Function>
void Each(std::span<double> values) {
  constexpr std::size_t kMostFours = 4;
  constexpr std::size_t kMost = kMostFours * kSide;
  for (; values.size() > kMost; values = values.subspan(kMost)) {
    OneRow<Function, kMostFours>(values.first(kMost));
  }
  switch ((values.size() + kSide - 1) / kSide) {
    case 0:
      return;
    case 1:
      return OneRow<Function, 1>(values);
    case 2:
      return OneRow<Function, 2>(values);
    case 3:
      return OneRow<Function, 3>(values);
    default:
      return OneRow<Function, kMostFours>(values);
  }
}

}  // namespace

void ExpEach(std::span<double> values) { Each<ExpOf>(values); }
void Log1pEach(std::span<double> values) { Each<Log1pOf>(values); }

}  // namespace skerry::exact
