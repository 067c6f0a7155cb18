#include "base/exact_math.h"

#include <bit>
#include <cmath>
#include <limits>

#include "base/exact_series.h"

namespace skerry::exact {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
// x = k ln 2 + high + low with |high + low| <= ln(2)/2; `high` is exact.
struct Reduced {
  double k;
  double high;
  double low;
};

Reduced Reduce(double x) {
  const double k = Nearest(x * kInverseLn2);
  return {k, x - k * kLn2High, -(k * kLn2Low)};
}

// 2^k for k in [-1022, 1023].
double PowerOfTwo(int64_t k) {
  return std::bit_cast<double>(static_cast<uint64_t>(k + 1023) << 52);
}

// dividend / (large + small) for |large| >= |small|: the bits that the sum rounds away are made
// good.
double DivideBySum(double dividend, double large, double small) {
  const double sum = large + small;
  const double rounded_away = (large - sum) + small;
  const double quotient = dividend / sum;
  return quotient - quotient * (rounded_away / sum);
}

}  // namespace

double Exp(double x) {
  constexpr double kLargest = 0x1.62e42fefa39efp+9;  // the double below ln of the largest double
  if (!(x <= kLargest)) return x > 0 ? kInf : x;     // overflow, or NaN
  if (x < -745.2) return 0.0;
  const Reduced r = Reduce(x);
  const double mantissa = ExpOfReduced(r.high, r.low);
  const auto exponent = static_cast<int64_t>(r.k);
  // In two factors, so that neither 2^1024 nor a subnormal scale is needed.
  const int64_t half = exponent / 2;
  return mantissa * PowerOfTwo(half) * PowerOfTwo(exponent - half);
}

double Expm1(double x) {
  if (!(x < 40.0)) return Exp(x);  // 1 is below half a unit in the last place; NaN as well
  if (x < -40.0) return -1.0;
  const Reduced r = Reduce(x);
  const double rest = r.high + (r.low + Expm1Tail(r.high + r.low));
  const double scale = PowerOfTwo(static_cast<int64_t>(r.k));
  return scale * rest + (scale - 1.0);
}

// x = 2^k m with m in [sqrt(1/2), sqrt(2)).
double Log(double x) {
  if (!(x > 0)) return x == 0 ? -kInf : std::numeric_limits<double>::quiet_NaN();
  if (x == kInf) return kInf;
  int64_t exponent = 0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    exponent = -54;
  }
  auto bits = std::bit_cast<uint64_t>(x);
  exponent += static_cast<int64_t>(bits >> 52) - 1023;
  bits = (bits & 0x000fffffffffffff) | 0x3ff0000000000000;
  double m = std::bit_cast<double>(bits);
  if (m > kSqrt2) {
    m *= 0.5;
    ++exponent;
  }
  return LogOfReduced(static_cast<double>(exponent), m);
}

double Log1p(double x) {
  const double u = 1.0 + x;
  if (u == 1.0) return x;
  if (!(u > 0) || u == kInf) return Log(u);
  const double rounded_away = x < 1.0 ? x - (u - 1.0) : 1.0 - (u - x);
  return Log(u) + rounded_away / u;
}

double Tanh(double x) {
  const double magnitude = x < 0 ? -x : x;
  if (magnitude > 22.0) return x < 0 ? -1.0 : 1.0;
  if (!(magnitude >= 0)) return x;
  const double t = Expm1(2.0 * magnitude);
  // Towards 1 the distance from 1 is what can be computed well, and without wavering.
  const double y = t < 2.0 ? DivideBySum(t, 2.0, t) : 1.0 - 2.0 / (t + 2.0);
  return x < 0 ? -y : y;
}

double Sigmoid(double x) {
  const double e = Exp(x < 0 ? x : -x);
  return DivideBySum(x < 0 ? e : 1.0, 1.0, e);
}

double Softplus(double x) {
  const double magnitude = x < 0 ? -x : x;
  return (x > 0 ? x : 0.0) + Log1p(Exp(-magnitude));
}

double CosTurn(double turns) {
  double y = turns - std::floor(turns);
  if (!(y >= 0)) return std::numeric_limits<double>::quiet_NaN();  // infinite, or NaN
  const auto quadrant = static_cast<int>(std::floor(4.0 * y + 0.5));
  y -= 0.25 * quadrant;
  const double x = 6.283185307179586 * y;
  const double z = x * x;
  double sine = 1.0 / 355687428096000.0;  // 1/17!
  sine = -sine * z + 1.0 / 1307674368000.0;
  sine = -sine * z + 1.0 / 6227020800.0;
  sine = -sine * z + 1.0 / 39916800.0;
  sine = -sine * z + 1.0 / 362880.0;
  sine = -sine * z + 1.0 / 5040.0;
  sine = -sine * z + 1.0 / 120.0;
  sine = -sine * z + 1.0 / 6.0;
  sine = x - x * z * sine;
  double cosine = 1.0 / 20922789888000.0;  // 1/16!
  cosine = -cosine * z + 1.0 / 87178291200.0;
  cosine = -cosine * z + 1.0 / 479001600.0;
  cosine = -cosine * z + 1.0 / 3628800.0;
  cosine = -cosine * z + 1.0 / 40320.0;
  cosine = -cosine * z + 1.0 / 720.0;
  cosine = -cosine * z + 1.0 / 24.0;
  cosine = -cosine * z + 0.5;
  cosine = 1.0 - z * cosine;
  switch (quadrant & 3) {
    case 0:
      return cosine;
    case 1:
      return -sine;
    case 2:
      return -cosine;
    default:
      return sine;
  }
}

double Sqrt(double x) { return std::sqrt(x); }

double Pow(double base, double exponent) { return Exp(exponent * Log(base)); }

}  // namespace skerry::exact
