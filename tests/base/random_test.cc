#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <vector>

namespace skerry {
namespace {

using Words = std::array<uint32_t, 4>;

RandomStream StreamForTest(uint64_t seed) { return {seed, Purpose::kSimulation, 0, "", 0}; }

// From the known-answer file of the authors' Random123 library.
TEST(PhiloxTest, KnownKeysAndCountersHaveTheirPublishedBlocks) {
  EXPECT_EQ(Philox({0, 0}, {0, 0, 0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox({0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox({0xa4093822, 0x299f31d0}, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(StableHashTest, IsFnv1a) {
  EXPECT_EQ(StableHash(""), 0xcbf29ce484222325U);
  EXPECT_EQ(StableHash("a"), 0xaf63dc4c8601ec8cU);
  EXPECT_EQ(StableHash("foobar"), 0x85944171f73967e8U);
}

// Worked out apart from this code. These numbers may never change: runs are replayed with them.
TEST(RandomStreamTest, KnownArgumentsHaveKnownNumbers) {
  RandomStream stream(42, Purpose::kShuffle, 7, "north", 3);
  for (const uint32_t word :
       {0x7187ed5cU, 0xcd40e0bcU, 0x4fb3f178U, 0xbd08232aU, 0xddb77250U, 0x8cdd0dc9U}) {
    EXPECT_EQ(stream.NextWord(), word);
  }
  RandomStream wide((uint64_t{1} << 40) + 1, Purpose::kSimulation, uint64_t{1} << 33, "",
                    (uint64_t{1} << 35) + 5);
  for (const uint32_t word :
       {0xca3db6afU, 0xbd8f04cfU, 0xe22602acU, 0x21620986U, 0xf6a77530U, 0x1584188fU}) {
    EXPECT_EQ(wide.NextWord(), word);
  }
  RandomStream doubles(42, Purpose::kShuffle, 7, "north", 3);
  EXPECT_EQ(doubles.Uniform(), 0x1.9a81c178e30fdp-1);
  EXPECT_EQ(doubles.Uniform(), 0x1.7a1046549f67ep-1);
  RandomStream longs(42, Purpose::kShuffle, 7, "north", 3);
  EXPECT_EQ(longs.Next64(), 0xcd40e0bc7187ed5cU);
  RandomStream normals(42, Purpose::kShuffle, 7, "north", 3);
  EXPECT_NEAR(normals.Normal(), -0.13094828165796096, 1e-15);
}

TEST(RandomStreamTest, ItsWordsAreThoseOfItsBlocksOneAfterTheOther) {
  const Words first = Philox({42, 0}, {static_cast<uint32_t>(Purpose::kShuffle), 7, 0, 0x736b6572});
  const uint64_t site = StableHash("north");
  const Words second = Philox(
      {first[0], first[1]}, {static_cast<uint32_t>(site), static_cast<uint32_t>(site >> 32), 3, 0});
  RandomStream stream(42, Purpose::kShuffle, 7, "north", 3);
  for (uint32_t block = 0; block < 100; ++block) {
    const Words words =
        Philox({second[0], second[1]}, {block, 0, second[2] ^ first[2], second[3] ^ first[3]});
    for (const uint32_t word : words) ASSERT_EQ(stream.NextWord(), word) << "block " << block;
  }
}

TEST(RandomStreamTest, A64BitNumberIsTwoWordsWhereverItBegins) {
  for (int before = 0; before < 20; ++before) {
    RandomStream words(7, Purpose::kShuffle, 3, "a", 1);
    RandomStream numbers = words;
    for (int i = 0; i < before; ++i) EXPECT_EQ(numbers.NextWord(), words.NextWord());
    for (int i = 0; i < 40; ++i) {
      const uint64_t low = words.NextWord();
      const uint64_t high = words.NextWord();
      EXPECT_EQ(numbers.Next64(), low | (high << 32)) << before << " words before, number " << i;
    }
  }
}

TEST(RandomStreamTest, EqualArgumentsGiveEqualNumbers) {
  RandomStream a(1, Purpose::kSplit, 2, "s", 3);
  RandomStream b(1, Purpose::kSplit, 2, "s", 3);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(a.NextWord(), b.NextWord());
}

TEST(RandomStreamTest, ACopyGoesOnByItself) {
  RandomStream a(1, Purpose::kSplit, 2, "s", 3);
  (void)a.NextWord();
  RandomStream b = a;
  const uint32_t next = a.NextWord();
  EXPECT_EQ(b.NextWord(), next);
}

TEST(RandomStreamTest, EveryArgumentMakesAnotherStream) {
  std::vector<RandomStream> streams;
  for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32, ~uint64_t{0}}) {
    for (const Purpose purpose :
         {Purpose::kInitialParameters, Purpose::kShuffle, Purpose::kJitter}) {
      for (const uint64_t round : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32}) {
        for (const char* site : {"", "north", "south", "htron"}) {
          for (const uint64_t step : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32}) {
            streams.emplace_back(seed, purpose, round, site, step);
          }
        }
      }
    }
  }
  // Not one word of the first eight of any stream stands at the same place in another, bar chance:
  // 432 streams make 93 096 pairs at 8 places each, and 2^32 words.
  std::set<std::pair<int, uint32_t>> words;
  for (RandomStream& stream : streams) {
    for (int i = 0; i < 8; ++i) words.emplace(i, stream.NextWord());
  }
  EXPECT_GE(words.size(), 8 * streams.size() - 2);
}

TEST(RandomStreamTest, ConsecutiveStepsAreNotShiftedCopies) {
  std::set<uint64_t> seen;
  for (uint64_t step = 0; step < 2000; ++step) {
    RandomStream stream(9, Purpose::kDropout, 1, "s", step);
    for (int i = 0; i < 20; ++i) seen.insert(stream.Next64());
  }
  EXPECT_EQ(seen.size(), 2000U * 20U);
}

TEST(RandomStreamTest, EveryBitIsSetHalfOfTheTime) {
  RandomStream stream = StreamForTest(3);
  constexpr int kDraws = 100'000;
  std::array<int, 64> ones{};
  for (int i = 0; i < kDraws; ++i) {
    const uint64_t draw = stream.Next64();
    for (std::size_t bit = 0; bit < 64; ++bit) ones[bit] += static_cast<int>((draw >> bit) & 1);
  }
  // Five standard errors of a fair coin.
  for (const int count : ones) EXPECT_NEAR(count, kDraws / 2.0, 5 * 0.5 * std::sqrt(kDraws));
}

TEST(BelowTest, StaysBelowAndReachesEveryValue) {
  RandomStream stream = StreamForTest(4);
  for (const uint64_t bound : {uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{10}, uint64_t{97}}) {
    std::map<uint64_t, int> counts;
    const auto draws = static_cast<int>(2000 * bound);
    for (int i = 0; i < draws; ++i) ++counts[stream.Below(bound)];
    ASSERT_EQ(counts.size(), bound);
    EXPECT_EQ(counts.rbegin()->first, bound - 1);
    // Pearson's statistic: mean bound - 1, variance 2 (bound - 1).
    double statistic = 0;
    for (const auto& [value, count] : counts) statistic += std::pow(count - 2000.0, 2) / 2000.0;
    const auto freedom = static_cast<double>(bound - 1);
    EXPECT_LE(statistic, freedom + 6 * std::sqrt(2 * freedom)) << bound;
  }
}

// With a bound of 3/4 of the range, a multiplication without rejection gives every third number
// twice as often as the two others.
TEST(BelowTest, IsUnbiasedForBoundsNearTheRange) {
  RandomStream stream = StreamForTest(5);
  constexpr int kDraws = 300'000;
  const uint64_t bound = uint64_t{3} << 62;
  std::array<int, 3> counts{};
  for (int i = 0; i < kDraws; ++i) ++counts[stream.Below(bound) % 3];
  for (const int count : counts)
    EXPECT_NEAR(count, kDraws / 3.0, 5 * std::sqrt(kDraws * 2.0 / 9.0));
}

TEST(BelowDeathTest, NothingIsBelowZero) {
  RandomStream stream = StreamForTest(6);
  EXPECT_DEATH((void)stream.Below(0), "broken invariant");
}

TEST(UniformTest, IsAMultipleOfTwoToTheMinus53BelowOne) {
  RandomStream stream = StreamForTest(7);
  for (int i = 0; i < 100'000; ++i) {
    const double value = stream.Uniform();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    const double scaled = value * 0x1p53;
    ASSERT_EQ(scaled, std::floor(scaled));
  }
}

// Kolmogorov and Smirnov: the largest distance between the sample's distribution and the claimed
// one, times the root of the sample's size. Above 1.95 in one sample of a thousand.
template <class Distribution>
double KolmogorovSmirnov(std::vector<double> sample, Distribution distribution) {
  std::sort(sample.begin(), sample.end());
  const auto n = static_cast<double>(sample.size());
  double largest = 0;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double claimed = distribution(sample[i]);
    const auto at = static_cast<double>(i);
    largest = std::max({largest, claimed - at / n, (at + 1) / n - claimed});
  }
  return largest * std::sqrt(n);
}

TEST(UniformTest, IsUniform) {
  RandomStream stream = StreamForTest(8);
  std::vector<double> sample(200'000);
  for (double& value : sample) value = stream.Uniform();
  EXPECT_LT(KolmogorovSmirnov(sample, [](double x) { return x; }), 1.95);
}

TEST(NormalTest, HasTheMomentsOfTheStandardNormal) {
  RandomStream stream = StreamForTest(9);
  constexpr int kDraws = 1'000'000;
  std::array<double, 5> moments{};
  for (int i = 0; i < kDraws; ++i) {
    const double x = stream.Normal();
    double power = 1;
    for (double& moment : moments) {
      moment += power;
      power *= x;
    }
  }
  for (double& moment : moments) moment /= kDraws;
  // Five standard errors: the variance of x^k is E x^2k - (E x^k)^2.
  const double root = std::sqrt(kDraws);
  EXPECT_NEAR(moments[1], 0, 5 * std::sqrt(1) / root);
  EXPECT_NEAR(moments[2], 1, 5 * std::sqrt(2) / root);
  EXPECT_NEAR(moments[3], 0, 5 * std::sqrt(15) / root);
  EXPECT_NEAR(moments[4], 3, 5 * std::sqrt(96) / root);
}

TEST(NormalTest, IsNormal) {
  RandomStream stream = StreamForTest(10);
  std::vector<double> sample(200'000);
  for (double& value : sample) value = stream.Normal();
  EXPECT_LT(KolmogorovSmirnov(sample, [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2)); }),
            1.95);
}

TEST(NormalTest, NeighboursDoNotKnowEachOther) {
  RandomStream stream = StreamForTest(11);
  constexpr int kDraws = 200'000;
  double sum = 0;
  double last = stream.Normal();
  for (int i = 0; i < kDraws; ++i) {
    const double next = stream.Normal();
    sum += last * next;
    last = next;
  }
  EXPECT_NEAR(sum / kDraws, 0, 5 / std::sqrt(kDraws));
}

TEST(ShuffleTest, KeepsEveryValueOnce) {
  RandomStream stream = StreamForTest(12);
  std::vector<uint32_t> values(1000);
  std::iota(values.begin(), values.end(), 0U);
  const std::vector<uint32_t> sorted = values;
  Shuffle(stream, values);
  EXPECT_NE(values, sorted);
  std::sort(values.begin(), values.end());
  EXPECT_EQ(values, sorted);
}

TEST(ShuffleTest, EveryOrderIsEquallyLikely) {
  RandomStream stream = StreamForTest(13);
  std::map<std::vector<uint32_t>, int> counts;
  constexpr int kDraws = 24'000;
  for (int i = 0; i < kDraws; ++i) {
    std::vector<uint32_t> values = {0, 1, 2, 3};
    Shuffle(stream, values);
    ++counts[values];
  }
  EXPECT_EQ(counts.size(), 24U);
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, 1000, 5 * std::sqrt(1000));
}

TEST(ShuffleTest, TheOrderDependsOnTheStreamAlone) {
  std::vector<uint32_t> a(100);
  std::iota(a.begin(), a.end(), 0U);
  std::vector<uint32_t> b = a;
  RandomStream first = StreamForTest(14);
  RandomStream second = StreamForTest(14);
  Shuffle(first, a);
  Shuffle(second, b);
  EXPECT_EQ(a, b);
}

TEST(ShuffleTest, NothingAndOneStayAsTheyAre) {
  RandomStream stream = StreamForTest(15);
  Shuffle(stream, {});
  std::vector<uint32_t> one = {7};
  Shuffle(stream, one);
  EXPECT_EQ(one[0], 7U);
  EXPECT_EQ(stream.NextWord(), StreamForTest(15).NextWord()) << "and no number is used up";
}

}  // namespace
}  // namespace skerry
