#include "client/data/accurate_sum.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "testing/status_matchers.h"

namespace skerry::client {
namespace {

double SumOf(const std::vector<double>& values) {
  AccurateSum sum;
  for (const double value : values) sum.Add(value);
  return sum.Value();
}

TEST(AccurateSumTest, KeepsWhatAPlainSumLoses) {
  EXPECT_EQ(SumOf({1e16, 1, 1, 1, -1e16}), 3.0);
  EXPECT_EQ(SumOf({1e30, 1, -1e30}), 1.0);
  EXPECT_EQ(SumOf(std::vector<double>(10, 0.1)), 1.0);
  EXPECT_EQ(SumOf({}), 0.0);
}

TEST(AccurateSumTest, AgreesWithIntegersThatHoldEveryBit) {
  // Values are k * 2^-30 with |k| < 2^62, so that 128-bit integers add them exactly.
  RandomStream random(5, Purpose::kSimulation, 0, "sum", 0);
  AccurateSum sum;
  __extension__ using Int128 = __int128;
  Int128 exact = 0;
  for (int i = 0; i < 100000; ++i) {
    const auto k = static_cast<int64_t>(random.Next64() >> (11 + random.Below(40)));
    const int64_t signed_k = random.Below(2) == 0 ? k : -k;
    exact += signed_k;
    sum.Add(static_cast<double>(signed_k) * 0x1p-30);
  }
  EXPECT_EQ(sum.Value(), static_cast<double>(exact) * 0x1p-30);
}

TEST(AccurateSumTest, SquaresOfIntegersAddUpExactly) {
  RandomStream random(6, Purpose::kSimulation, 0, "squares", 0);
  __extension__ using Int128 = __int128;
  for (int i = 0; i < 1000; ++i) {
    // One number several times, so that the rounding errors of its squares have one sign.
    const auto k = static_cast<int64_t>(random.Below(uint64_t{1} << 53));
    AccurateSum sum;
    Int128 exact = 0;
    for (int j = 0; j < 100; ++j) {
      exact += static_cast<Int128>(k) * k;
      sum.AddSquare(static_cast<double>(k));
    }
    ASSERT_EQ(sum.Value(), static_cast<double>(exact)) << k;
  }
}

TEST(AccurateSumTest, TheOrderOfTheTermsDoesNotShow) {
  RandomStream random(7, Purpose::kSimulation, 0, "order", 0);
  std::vector<double> values;
  for (int i = 0; i < 10000; ++i) values.push_back(50 + 20 * random.Normal());
  const double sum = SumOf(values);
  std::sort(values.begin(), values.end());
  EXPECT_EQ(SumOf(values), sum);
  std::reverse(values.begin(), values.end());
  EXPECT_EQ(SumOf(values), sum);
}

}  // namespace
}  // namespace skerry::client
