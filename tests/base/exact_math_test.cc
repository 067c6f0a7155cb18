#include "base/exact_math.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "base/random.h"

namespace skerry::exact {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

static_assert(std::numeric_limits<long double>::digits >= 64,
              "the reference must be more exact than what is measured");

using Function = double (*)(double);
using Reference = long double (*)(long double);

long double SigmoidReference(long double x) { return 1 / (1 + expl(-x)); }
long double SoftplusReference(long double x) {
  return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x));
}
// The quarter turn nearest to x is taken away exactly before anything is rounded.
long double CosTurnReference(long double x) {
  const long double quarters = floorl(4 * x + 0.5L);
  const long double angle = 6.283185307179586476925286766559L * (x - quarters / 4);
  const auto quadrant = static_cast<int>(quarters - 4 * floorl(quarters / 4));
  switch (quadrant) {
    case 0:
      return cosl(angle);
    case 1:
      return -sinl(angle);
    case 2:
      return -cosl(angle);
    default:
      return sinl(angle);
  }
}

// The distance in units of the last place of the true value.
double ErrorInUlp(double value, long double truth) {
  const double magnitude = std::fabs(static_cast<double>(truth));
  const double ulp = std::nextafter(magnitude, kInf) - magnitude;
  return static_cast<double>(std::fabs((static_cast<long double>(value) - truth) / ulp));
}

struct Sweep {
  const char* name;
  Function function;
  Reference reference;
  double from;
  double to;
  double bound;              // just above the worst error found in 20 million samples
  bool logarithmic = false;  // even over the exponents, from and to of the same sign
};

double Sample(const Sweep& sweep, double u) {
  if (!sweep.logarithmic) return sweep.from + (sweep.to - sweep.from) * u;
  const double exponent =
      std::log2(std::fabs(sweep.from)) * (1 - u) + std::log2(std::fabs(sweep.to)) * u;
  return std::copysign(std::exp2(exponent), sweep.from);
}

class ExactMathSweepTest : public ::testing::TestWithParam<Sweep> {};

TEST_P(ExactMathSweepTest, StaysWithinItsBoundOfTheTrueValue) {
  const Sweep& sweep = GetParam();
  RandomStream stream(1, Purpose::kSimulation, 0, sweep.name, 0);
  double worst = 0;
  double at = 0;
  for (int i = 0; i < 200'000; ++i) {
    const double x = Sample(sweep, stream.Uniform());
    const double error =
        ErrorInUlp(sweep.function(x), sweep.reference(static_cast<long double>(x)));
    if (!(error <= worst)) {
      worst = error;
      at = x;
    }
  }
  RecordProperty("worst_ulp", std::to_string(worst));
  EXPECT_LE(worst, sweep.bound) << "at " << at;
  EXPECT_LE(sweep.bound, 2.0) << "what the header promises";
}

INSTANTIATE_TEST_SUITE_P(
    All, ExactMathSweepTest,
    ::testing::Values(Sweep{"ExpSmall", Exp, expl, -1, 1, 0.65},
                      Sweep{"ExpMedium", Exp, expl, -40, 40, 0.7},
                      Sweep{"ExpAll", Exp, expl, -708, 709.7, 0.7},
                      Sweep{"ExpSubnormal", Exp, expl, -745, -708, 0.8},
                      Sweep{"Expm1Small", Expm1, expm1l, -0.36, 0.36, 1.55},
                      Sweep{"Expm1Medium", Expm1, expm1l, -1, 1, 1.55},
                      Sweep{"Expm1Negative", Expm1, expm1l, -45, -1, 0.75},
                      Sweep{"Expm1Large", Expm1, expm1l, 1, 709, 1.4},
                      Sweep{"Expm1Tiny", Expm1, expm1l, 1e-300, 1, 1.45, true},
                      Sweep{"Expm1TinyNegative", Expm1, expm1l, -1e-300, -1, 0.95, true},
                      Sweep{"LogNearOne", Log, logl, 0.99, 1.01, 0.55},
                      Sweep{"LogMedium", Log, logl, 0.5, 2, 0.85},
                      Sweep{"LogAll", Log, logl, 1e-307, 1e308, 0.75, true},
                      Sweep{"LogSubnormal", Log, logl, 1e-320, 1e-308, 0.55, true},
                      Sweep{"Log1pMedium", Log1p, log1pl, -0.999, 1, 1.25},
                      Sweep{"Log1pAll", Log1p, log1pl, 1e-300, 1e300, 1.2, true},
                      Sweep{"Log1pNegative", Log1p, log1pl, -1e-300, -0.9999, 1.5, true},
                      Sweep{"TanhMedium", Tanh, tanhl, -1, 1, 1.95},
                      Sweep{"TanhLarge", Tanh, tanhl, -25, 25, 1.85},
                      Sweep{"TanhTiny", Tanh, tanhl, 1e-300, 25, 1.95, true},
                      Sweep{"SigmoidSmall", Sigmoid, SigmoidReference, -2, 2, 1.7},
                      Sweep{"SigmoidMedium", Sigmoid, SigmoidReference, -40, 40, 1.7},
                      Sweep{"SigmoidNegative", Sigmoid, SigmoidReference, -700, -40, 0.7},
                      Sweep{"SoftplusSmall", Softplus, SoftplusReference, -2, 2, 1.9},
                      Sweep{"SoftplusMedium", Softplus, SoftplusReference, -40, 40, 1.95},
                      Sweep{"SoftplusNegative", Softplus, SoftplusReference, -700, -40, 0.7},
                      Sweep{"CosTurnOne", CosTurn, CosTurnReference, 0, 1, 1.85},
                      Sweep{"CosTurnSome", CosTurn, CosTurnReference, -3, 3, 1.85},
                      Sweep{"CosTurnMany", CosTurn, CosTurnReference, 1e-10, 1e6, 1.85, true}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(ExactMathTest, ThePowersErrorGrowsNoFasterThanItsHeaderSays) {
  RandomStream stream(2, Purpose::kSimulation, 0, "pow", 0);
  for (int i = 0; i < 300'000; ++i) {
    const double base = std::exp2(20 * stream.Uniform() - 10);
    const double exponent = 40 * stream.Uniform() - 20;
    const double error = ErrorInUlp(Pow(base, exponent), powl(base, exponent));
    const double bound = 2 + 2 * std::fabs(exponent * std::log(base));
    ASSERT_LE(error, bound) << base << "^" << exponent;
  }
}

TEST(ExactMathTest, RootsAreCorrectlyRounded) {
  RandomStream stream(3, Purpose::kSimulation, 0, "sqrt", 0);
  for (int i = 0; i < 100'000; ++i) {
    const double x = std::exp2(2000 * stream.Uniform() - 1000);
    EXPECT_LE(ErrorInUlp(Sqrt(x), sqrtl(x)), 0.5) << x;
  }
  EXPECT_EQ(Sqrt(0.0), 0.0);
  EXPECT_EQ(Sqrt(9.0), 3.0);
  EXPECT_EQ(Sqrt(kInf), kInf);
  EXPECT_TRUE(std::isnan(Sqrt(-1.0)));
}

TEST(ExactMathTest, TheExponentialIsExactAtItsEnds) {
  EXPECT_EQ(Exp(0.0), 1.0);
  EXPECT_EQ(Exp(-0.0), 1.0);
  EXPECT_EQ(Exp(kInf), kInf);
  EXPECT_EQ(Exp(-kInf), 0.0);
  EXPECT_TRUE(std::isnan(Exp(kNan)));
  const double largest = 709.782712893384;
  EXPECT_TRUE(std::isfinite(Exp(largest)));
  EXPECT_GT(Exp(largest), 1.7e308);
  EXPECT_EQ(Exp(std::nextafter(largest, kInf)), kInf);
  EXPECT_EQ(Exp(-745.13), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(Exp(-745.14), 0.0);
  EXPECT_EQ(Exp(-1e308), 0.0);
}

TEST(ExactMathTest, Expm1IsExactAtItsEnds) {
  EXPECT_EQ(Expm1(0.0), 0.0);
  EXPECT_EQ(Expm1(5e-324), 5e-324);
  EXPECT_EQ(Expm1(kInf), kInf);
  EXPECT_EQ(Expm1(-kInf), -1.0);
  EXPECT_EQ(Expm1(-1000.0), -1.0);
  EXPECT_TRUE(std::isnan(Expm1(kNan)));
}

TEST(ExactMathTest, LogarithmsAreExactAtTheirEnds) {
  EXPECT_EQ(Log(1.0), 0.0);
  EXPECT_EQ(Log(0.0), -kInf);
  EXPECT_EQ(Log(-0.0), -kInf);
  EXPECT_EQ(Log(kInf), kInf);
  EXPECT_TRUE(std::isnan(Log(-1.0)));
  EXPECT_TRUE(std::isnan(Log(-kInf)));
  EXPECT_TRUE(std::isnan(Log(kNan)));
  EXPECT_EQ(Log(2.0), 0x1.62e42fefa39efp-1);
  EXPECT_EQ(Log(5e-324), -0x1.74385446d71c3p9);
  EXPECT_EQ(Log1p(0.0), 0.0);
  EXPECT_EQ(Log1p(5e-324), 5e-324);
  EXPECT_EQ(Log1p(-1.0), -kInf);
  EXPECT_EQ(Log1p(kInf), kInf);
  EXPECT_TRUE(std::isnan(Log1p(-1.5)));
  EXPECT_TRUE(std::isnan(Log1p(kNan)));
}

TEST(ExactMathTest, TheSigmoidsAreExactAtTheirEnds) {
  EXPECT_EQ(Tanh(0.0), 0.0);
  EXPECT_EQ(Tanh(kInf), 1.0);
  EXPECT_EQ(Tanh(-kInf), -1.0);
  EXPECT_EQ(Tanh(1000.0), 1.0);
  EXPECT_EQ(Tanh(5e-324), 5e-324);
  EXPECT_TRUE(std::isnan(Tanh(kNan)));
  EXPECT_EQ(Sigmoid(0.0), 0.5);
  EXPECT_EQ(Sigmoid(kInf), 1.0);
  EXPECT_EQ(Sigmoid(-kInf), 0.0);
  EXPECT_EQ(Sigmoid(40.0), 1.0);
  EXPECT_TRUE(std::isnan(Sigmoid(kNan)));
  EXPECT_EQ(Softplus(0.0), 0x1.62e42fefa39efp-1);
  EXPECT_EQ(Softplus(kInf), kInf);
  EXPECT_EQ(Softplus(-kInf), 0.0);
  EXPECT_EQ(Softplus(1000.0), 1000.0);
  EXPECT_TRUE(std::isnan(Softplus(kNan)));
}

TEST(ExactMathTest, QuartersOfATurnAreExact) {
  EXPECT_EQ(CosTurn(0.0), 1.0);
  EXPECT_EQ(CosTurn(0.25), 0.0);
  EXPECT_EQ(CosTurn(0.5), -1.0);
  EXPECT_EQ(CosTurn(0.75), 0.0);
  EXPECT_EQ(CosTurn(-1.0), 1.0);
  EXPECT_EQ(CosTurn(-1e-300), 1.0);
  EXPECT_EQ(CosTurn(1e300), 1.0);
  EXPECT_TRUE(std::isnan(CosTurn(kInf)));
  EXPECT_TRUE(std::isnan(CosTurn(-kInf)));
  EXPECT_TRUE(std::isnan(CosTurn(kNan)));
}

TEST(ExactMathTest, PowersAreExactWhereOneIsInvolved) {
  EXPECT_EQ(Pow(1.0, 12345.678), 1.0);
  EXPECT_EQ(Pow(0.9, 0.0), 1.0);
  EXPECT_EQ(Pow(2.0, kInf), kInf);
  EXPECT_EQ(Pow(2.0, -kInf), 0.0);
  EXPECT_EQ(Pow(2.0, 2000.0), kInf);
  EXPECT_TRUE(std::isnan(Pow(-1.0, 0.5)));
}

TEST(ExactMathTest, SymmetriesHoldToTheLastBit) {
  RandomStream stream(4, Purpose::kSimulation, 0, "symmetry", 0);
  for (int i = 0; i < 50'000; ++i) {
    const double x = 50 * stream.Uniform() - 25;
    ASSERT_EQ(Tanh(-x), -Tanh(x)) << x;
    const double turns = std::floor(stream.Uniform() * 0x1p40) * 0x1p-40;
    ASSERT_EQ(CosTurn(turns + 1), CosTurn(turns)) << turns;
    ASSERT_EQ(CosTurn(turns - 7), CosTurn(turns)) << turns;
    ASSERT_EQ(CosTurn(turns + 0.5), -CosTurn(turns)) << turns;
  }
}

struct Grid {
  const char* name;
  Function function;
  double from;
  double to;
};

class MonotoneTest : public ::testing::TestWithParam<Grid> {};

TEST_P(MonotoneTest, NeverFallsOnAGrid) {
  constexpr int kPoints = 400'000;
  const Grid& grid = GetParam();
  double last = grid.function(grid.from);
  for (int i = 1; i <= kPoints; ++i) {
    const double x = grid.from + (grid.to - grid.from) * i / kPoints;
    const double value = grid.function(x);
    ASSERT_LE(last, value) << "at " << x;
    last = value;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, MonotoneTest,
    ::testing::Values(Grid{"Exp", Exp, -746, 710}, Grid{"ExpNear", Exp, -1, 1},
                      Grid{"Expm1", Expm1, -50, 50}, Grid{"Expm1Near", Expm1, -1, 1},
                      Grid{"Log", Log, 1e-3, 1e3}, Grid{"LogNear", Log, 0.5, 2},
                      Grid{"Log1p", Log1p, -0.9999, 1e3}, Grid{"Log1pNear", Log1p, -0.5, 0.5},
                      Grid{"Tanh", Tanh, -25, 25}, Grid{"TanhNear", Tanh, -1, 1},
                      Grid{"Sigmoid", Sigmoid, -50, 50}, Grid{"SigmoidNear", Sigmoid, -1, 1},
                      Grid{"Softplus", Softplus, -50, 50}, Grid{"CosRising", CosTurn, 0.5, 1}),
    [](const auto& test) { return std::string(test.param.name); });

// One number for the bits of 20 000 values. A run made with one binary is replayed with another:
// these may change only together with the version of the format.
uint64_t BitsOf(Function function, double from, double to) {
  std::string bits;
  for (int i = 0; i <= 20'000; ++i) {
    const auto word = std::bit_cast<uint64_t>(function(from + (to - from) * i / 20'000));
    bits.append(reinterpret_cast<const char*>(&word), sizeof(word));
  }
  return StableHash(bits);
}

TEST(ExactMathTest, TheBitsAreTheSameOnEveryMachineAndByEveryCompiler) {
  EXPECT_EQ(BitsOf(Exp, -746, 710), 0x8ed904456596754bU);
  EXPECT_EQ(BitsOf(Expm1, -50, 50), 0xbea5a1114cb0b855U);
  EXPECT_EQ(BitsOf(Log, 1e-3, 1e3), 0xcabfe11a821c4524U);
  EXPECT_EQ(BitsOf(Log1p, -0.999, 10), 0xda7852b28aaa472bU);
  EXPECT_EQ(BitsOf(Tanh, -25, 25), 0xd78849c48aa1d4ddU);
  EXPECT_EQ(BitsOf(Sigmoid, -50, 50), 0xa4a8300584ff9826U);
  EXPECT_EQ(BitsOf(Softplus, -50, 50), 0x65cdf966f198d9a6U);
  EXPECT_EQ(BitsOf(CosTurn, -3, 3), 0x674ac0c8d57ad264U);
}

}  // namespace
}  // namespace skerry::exact
