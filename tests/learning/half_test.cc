#include "learning/compression/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"

namespace skerry::learning {
namespace {

// The value of a finite half by the standard's definition.
double ValueOf(uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const double fraction = half & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

TEST(HalfTest, EveryFiniteHalfIsItsValueAndComesBack) {
  for (uint32_t half = 0; half < 65536; ++half) {
    const auto h = static_cast<uint16_t>(half);
    if (!IsFiniteHalf(h)) continue;
    ASSERT_EQ(static_cast<double>(FromHalf(h)), ValueOf(h)) << half;
    ASSERT_EQ(ToHalf(FromHalf(h)), h);
  }
  EXPECT_FALSE(IsFiniteHalf(0x7c00));
  EXPECT_FALSE(IsFiniteHalf(0xfe01));
  EXPECT_TRUE(IsFiniteHalf(0x7bff));
}

TEST(HalfTest, AFloatBecomesTheNearestHalf) {
  RandomStream random(1, Purpose::kSimulation, 0, "", 0);
  for (int i = 0; i < 200'000; ++i) {
    const auto value = static_cast<float>((random.Uniform() - 0.5) *
                                          std::ldexp(1.0, static_cast<int>(random.Below(42)) - 26));
    const uint16_t half = ToHalf(value);
    const double error = std::abs(ValueOf(half) - static_cast<double>(value));
    for (const int step : {-1, 1}) {
      const auto other = static_cast<uint16_t>(half + step);
      if (!IsFiniteHalf(other) || ((other ^ half) & 0x8000) != 0) continue;
      const double others = std::abs(ValueOf(other) - static_cast<double>(value));
      ASSERT_TRUE(error < others || (error == others && half % 2 == 0)) << value;
    }
  }
}

TEST(HalfTest, HalfwayGoesToTheEvenOne) {
  EXPECT_EQ(ToHalf(1 + 0x1p-11F), ToHalf(1));
  EXPECT_EQ(ToHalf(1 + 3 * 0x1p-11F), ToHalf(1 + 0x1p-9F));
  EXPECT_EQ(ToHalf(0x1p-25F), 0) << "half of the smallest";
  EXPECT_EQ(ToHalf(3 * 0x1p-25F), 2);
  EXPECT_EQ(ToHalf(-0.0F), 0x8000);
  EXPECT_EQ(ToHalf(65519.99F), 0x7bff);
}

TEST(HalfTest, BFloat16KeepsTheUpperHalfAndRoundsToTheNearestEven) {
  EXPECT_EQ(FromBFloat16(ToBFloat16(1.0F)), 1.0F);
  EXPECT_EQ(FromBFloat16(ToBFloat16(1 + 0x1p-8F)), 1.0F);
  EXPECT_EQ(FromBFloat16(ToBFloat16(1 + 3 * 0x1p-8F)), 1 + 0x1p-6F);
  EXPECT_EQ(FromBFloat16(ToBFloat16(1 + 0x1.1p-8F)), 1 + 0x1p-7F);
  EXPECT_EQ(FromBFloat16(ToBFloat16(-0x1p-149F)), 0.0F);
  EXPECT_TRUE(std::isinf(FromBFloat16(ToBFloat16(std::numeric_limits<float>::max()))));
}

}  // namespace
}  // namespace skerry::learning
