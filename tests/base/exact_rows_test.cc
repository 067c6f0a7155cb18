#include "base/exact_rows.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/exact_math.h"
#include "base/random.h"

namespace skerry::exact {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using Scalar = double (*)(double);
using Each = void (*)(std::span<double>);

void ExpectTheScalarBits(const std::vector<double>& arguments, Each each, Scalar scalar) {
  std::vector<double> values = arguments;
  each(values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(std::bit_cast<uint64_t>(values[i]), std::bit_cast<uint64_t>(scalar(arguments[i])))
        << "of " << arguments[i];
  }
}

// Even over [-largest, largest], then over the exponents of both signs.
std::vector<double> Sweep(double largest) {
  RandomStream random(1, Purpose::kSimulation, 0, "", 0);
  std::vector<double> values;
  for (int i = 0; i < 100'000; ++i) values.push_back((2 * random.Uniform() - 1) * largest);
  for (int i = 0; i < 100'000; ++i) {
    const double magnitude = Exp((2 * random.Uniform() - 1) * Log(largest) - 20);
    values.push_back(random.Below(2) == 0 ? magnitude : -magnitude);
  }
  return values;
}

TEST(ExactRowsTest, EachExponentialHasTheBitsOfTheScalarFunction) {
  ExpectTheScalarBits(Sweep(700), ExpEach, Exp);
  ExpectTheScalarBits(Sweep(800), ExpEach, Exp);  // some over- and underflow
}

TEST(ExactRowsTest, EachLogarithmHasTheBitsOfTheScalarFunction) {
  ExpectTheScalarBits(Sweep(1), Log1pEach, Log1p);
  ExpectTheScalarBits(Sweep(1e6), Log1pEach, Log1p);  // many below -1
}

TEST(ExactRowsTest, UnusualNumbersAreTreatedAsAmongOthers) {
  const std::vector<double> unusual = {0.0,
                                       -0.0,
                                       kNan,
                                       kInf,
                                       -kInf,
                                       709.7,
                                       709.8,
                                       -745.,
                                       -745.3,
                                       5e-324,
                                       -1.0,
                                       1.0,
                                       0x1p-53,
                                       0x1p-54,
                                       1e308,
                                       1.0e-300,
                                       0x1p1000,
                                       -1e308,
                                       -0.9999999999999999};
  for (const auto& [each, scalar] : {std::pair<Each, Scalar>{ExpEach, Exp}, {Log1pEach, Log1p}}) {
    ExpectTheScalarBits(unusual, each, scalar);
    for (const double x : unusual) {
      for (const std::size_t size : std::initializer_list<std::size_t>{4, 12, 16}) {
        for (std::size_t place = 0; place < size; ++place) {
          std::vector<double> among(size, 0.75);
          among[place] = x;
          ExpectTheScalarBits(among, each, scalar);
        }
      }
    }
  }
}

TEST(ExactRowsTest, AnyNumberOfThemMayBeGiven) {
  const std::vector<double> some = Sweep(0.9);
  for (std::size_t n = 0; n < 40; ++n) {
    const std::vector<double> values(some.begin(), some.begin() + static_cast<std::ptrdiff_t>(n));
    ExpectTheScalarBits(values, ExpEach, Exp);
    ExpectTheScalarBits(values, Log1pEach, Log1p);
  }
}

}  // namespace
}  // namespace skerry::exact
