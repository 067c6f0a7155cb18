#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/random.h"
#include "crypto/sha256.h"
#include "learning/compression/dense.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using skerry::testing::Fails;
using ::testing::Each;
using ::testing::HasSubstr;
using Kind = Encoding::Kind;

constexpr RoundingKey kKey = {42, 3, "north"};

std::vector<float> Values(std::size_t size, double scale = 1) {
  RandomStream random(7, Purpose::kSimulation, 0, "", 0);
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(random.Normal() * scale);
  return values;
}

std::vector<char> Encode(const Encoding& encoding, std::span<const float> values,
                         const RoundingKey& key = kKey) {
  std::vector<char> bytes(
      static_cast<std::size_t>(EncodedBytes(encoding, static_cast<int64_t>(values.size()))));
  EXPECT_OK(EncodeDense(encoding, key, 0, values, bytes));
  EXPECT_OK(CheckDense(encoding, 0, bytes));
  return bytes;
}

std::vector<float> Decode(const Encoding& encoding, std::span<const char> bytes, std::size_t size) {
  std::vector<float> values(size);
  DecodeDense(encoding, bytes, 0, values);
  return values;
}

std::vector<float> RoundTrip(const Encoding& encoding, std::span<const float> values,
                             const RoundingKey& key = kKey) {
  return Decode(encoding, Encode(encoding, values, key), values.size());
}

float MaxAbs(std::span<const float> values) {
  float max = 0;
  for (const float value : values) max = std::max(max, std::abs(value));
  return max;
}

// ---- How far a value is from what was sent ----

TEST(DenseEncodingTest, F16IsWithinHalfAUnitOfElevenBits) {
  const std::vector<float> values = Values(1000, 1e-5);
  const std::vector<float> decoded = RoundTrip({Kind::kF16, 100, 0}, values);
  for (std::size_t block = 0; block < 10; ++block) {
    const auto in = std::span(values).subspan(block * 100, 100);
    // Below 2^-28 of the block's largest, halves are subnormal.
    const float floor = MaxAbs(in) * 0x1p-28F;
    for (std::size_t i = 0; i < 100; ++i) {
      const float allowed = std::max(std::abs(in[i]), floor) * 0x1p-11F;
      EXPECT_LE(std::abs(decoded[block * 100 + i] - in[i]), allowed);
    }
  }
}

TEST(DenseEncodingTest, F16NeitherOverflowsNorVanishes) {
  for (const float scale : {1e-37F, 1e-30F, 1.0F, 1e30F, 3e38F}) {
    const std::vector<float> values = {scale, -scale / 3, 0, scale / 1000};
    const std::vector<float> decoded = RoundTrip({Kind::kF16, 4, 0}, values);
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_NEAR(decoded[i] / scale, values[i] / scale, 0x1p-11) << scale;
    }
  }
}

TEST(DenseEncodingTest, BF16IsWithinHalfAUnitOfEightBits) {
  const std::vector<float> values = Values(5000, 1e-3);
  const std::vector<float> decoded = RoundTrip({Kind::kBF16, 0, 0}, values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_LE(std::abs(decoded[i] - values[i]), std::abs(values[i]) * 0x1p-8F);
  }
}

TEST(DenseEncodingTest, Int8IsWithinOneStepOfItsBlock) {
  const std::vector<float> values = Values(1000, 1e-3);
  const std::vector<float> decoded = RoundTrip({Kind::kInt8, 256, 0}, values);
  for (std::size_t begin = 0; begin < values.size(); begin += 256) {
    const auto in = std::span(values).subspan(begin, std::min<std::size_t>(256, 1000 - begin));
    const float step = MaxAbs(in) / 127;
    for (std::size_t i = 0; i < in.size(); ++i) {
      EXPECT_LE(std::abs(decoded[begin + i] - in[i]), step * 1.0001F);
    }
  }
}

TEST(DenseEncodingTest, Int8IsRightInTheMean) {
  const std::vector<float> values = {1, 0.3F, -0.3F, 0.001F, -0.77777F, 0};
  constexpr int kDraws = 20'000;
  std::vector<double> sum(values.size());
  std::vector<double> squares(values.size());
  for (int draw = 0; draw < kDraws; ++draw) {
    const std::vector<float> decoded =
        RoundTrip({Kind::kInt8, 256, 0}, values, {42, static_cast<uint64_t>(draw), "north"});
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto value = static_cast<double>(decoded[i]);
      sum[i] += value;
      squares[i] += value * value;
    }
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double mean = sum[i] / kDraws;
    const double variance = std::max(squares[i] / kDraws - mean * mean, 0.0);
    // Five standard errors, and what the last bits of a scale that is a float are worth.
    const double allowed = 5 * std::sqrt(variance / kDraws) + 0x1p-22;
    EXPECT_NEAR(mean, static_cast<double>(values[i]), allowed) << i;
  }
}

TEST(DenseEncodingTest, Int8OfOneLargestValueIsExactInBothSigns) {
  for (const float max : {1.0F, 0.1F, 3e-3F, 123456.78F}) {
    const std::vector<float> values = {max, -max};
    const std::vector<float> decoded = RoundTrip({Kind::kInt8, 2, 0}, values);
    EXPECT_NEAR(decoded[0], max, max * 1e-6F);
    EXPECT_NEAR(decoded[1], -max, max * 1e-6F);
  }
}

TEST(DenseEncodingTest, ABlockOfZerosIsZeros) {
  for (const Encoding& encoding :
       {Encoding{Kind::kF16, 8, 0}, Encoding{Kind::kInt8, 8, 0}, Encoding{Kind::kBF16, 0, 0}}) {
    EXPECT_THAT(RoundTrip(encoding, std::vector<float>(20)), Each(0.0F));
  }
}

TEST(DenseEncodingTest, WhatIsTooSmallForAScaleIsZero) {
  EXPECT_THAT(RoundTrip({Kind::kInt8, 8, 0}, std::vector<float>(8, 1e-38F)), Each(0.0F));
  const std::vector<float> tiny(8, std::numeric_limits<float>::denorm_min());
  EXPECT_THAT(RoundTrip({Kind::kInt8, 8, 0}, tiny), Each(0.0F));
  EXPECT_THAT(RoundTrip({Kind::kF16, 8, 0}, tiny), Each(tiny[0])) << "but not for F16";
}

TEST(DenseEncodingTest, AValueThatIsNotFiniteIsNamed) {
  for (const Encoding& encoding :
       {Encoding{Kind::kF16, 8, 0}, Encoding{Kind::kInt8, 8, 0}, Encoding{Kind::kBF16, 0, 0}}) {
    std::vector<float> values = Values(20);
    values[13] = std::numeric_limits<float>::quiet_NaN();
    std::vector<char> bytes(static_cast<std::size_t>(EncodedBytes(encoding, 20)));
    EXPECT_THAT(EncodeDense(encoding, kKey, 100, values, bytes),
                Fails(Code::kInvalidArgument, HasSubstr("element 113 of the update is nan")));
    values[13] = -std::numeric_limits<float>::infinity();
    EXPECT_THAT(EncodeDense(encoding, kKey, 100, values, bytes),
                Fails(Code::kInvalidArgument, HasSubstr("element 113")));
  }
}

// ---- Bits ----

TEST(DenseEncodingTest, Int8IsDrawnBySeedRoundSiteAndPlace) {
  const Encoding encoding = {Kind::kInt8, 16, 0};
  const std::vector<float> values = Values(64);
  const std::vector<char> bytes = Encode(encoding, values);
  EXPECT_EQ(Encode(encoding, values), bytes);
  EXPECT_NE(Encode(encoding, values, {43, 3, "north"}), bytes);
  EXPECT_NE(Encode(encoding, values, {42, 4, "north"}), bytes);
  EXPECT_NE(Encode(encoding, values, {42, 3, "south"}), bytes);
  const std::vector<float> same(32, 0.5F);
  std::vector<float> blocks = same;
  blocks[0] = blocks[16] = 1;
  const std::vector<char> encoded = Encode(encoding, blocks);
  EXPECT_NE(std::vector<char>(encoded.begin(), encoded.begin() + 20),
            std::vector<char>(encoded.begin() + 20, encoded.end()));
}

TEST(DenseEncodingTest, TheBytesAreTheSameOnEveryMachine) {
  std::string all;
  const std::vector<float> values = Values(1000);
  for (const Encoding& encoding :
       {Encoding{Kind::kF16, 256, 0}, Encoding{Kind::kInt8, 256, 0}, Encoding{Kind::kBF16, 0, 0}}) {
    const std::vector<char> bytes = Encode(encoding, values);
    all.append(bytes.data(), bytes.size());
  }
  EXPECT_EQ(all.size(), 2016U + 1016U + 2000U);
  EXPECT_EQ(crypto::Sha256(all).Hex(),
            "050b0b2497da48c44495dd0b3a7c7f9bbe667affde0fe46b9c0ce737bf01a4cf");
}

TEST(DenseEncodingTest, APieceAtATimeIsTheSameAsAllAtOnce) {
  for (const Encoding& encoding :
       {Encoding{Kind::kF16, 32, 0}, Encoding{Kind::kInt8, 32, 0}, Encoding{Kind::kBF16, 0, 0}}) {
    const std::vector<float> values = Values(1000);
    std::vector<char> bytes;
    for (int64_t first = 0; first < 1000; first += 96) {
      const int64_t count = std::min<int64_t>(96, 1000 - first);
      const DenseRange range = BlocksAround(encoding, 1000, first, count);
      EXPECT_EQ(range.offset, static_cast<int64_t>(bytes.size()));
      EXPECT_EQ(range.first, first);
      bytes.resize(bytes.size() + static_cast<std::size_t>(range.bytes));
      ASSERT_OK(EncodeDense(encoding, kKey, first,
                            std::span(values).subspan(static_cast<std::size_t>(first),
                                                      static_cast<std::size_t>(count)),
                            std::span(bytes).subspan(static_cast<std::size_t>(range.offset))));
    }
    EXPECT_EQ(bytes, Encode(encoding, values));
  }
}

TEST(DenseEncodingTest, AnyRangeIsDecodedFromTheBlocksAroundIt) {
  for (const Encoding& encoding : {Encoding{Kind::kF16, 32, 0}, Encoding{Kind::kInt8, 7, 0},
                                   Encoding{Kind::kBF16, 0, 0}, Encoding{Kind::kInt8, 1, 0}}) {
    const std::vector<char> bytes = Encode(encoding, Values(300));
    const std::vector<float> all = Decode(encoding, bytes, 300);
    for (int64_t first = 0; first < 300; first += 11) {
      for (int64_t count = 0; first + count <= 300; count += 13) {
        const DenseRange range = BlocksAround(encoding, 300, first, count);
        std::vector<float> out(static_cast<std::size_t>(count));
        DecodeDense(encoding,
                    std::span(bytes).subspan(static_cast<std::size_t>(range.offset),
                                             static_cast<std::size_t>(range.bytes)),
                    first - range.first, out);
        ASSERT_EQ(out, std::vector<float>(all.begin() + first, all.begin() + first + count))
            << first << " " << count;
      }
    }
  }
}

// ---- What strangers send ----

template <class T>
void Put(std::vector<char>& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
}

TEST(DenseEncodingTest, ScalesMustBeFiniteAndNotNegative) {
  for (const Encoding& encoding : {Encoding{Kind::kF16, 8, 0}, Encoding{Kind::kInt8, 8, 0}}) {
    const std::vector<char> good = Encode(encoding, Values(16));
    const std::size_t second = good.size() / 2;
    for (const float scale : {-1.0F, -0.0F, std::numeric_limits<float>::infinity(),
                              std::numeric_limits<float>::quiet_NaN()}) {
      std::vector<char> bytes = good;
      Put(bytes, second, scale);
      EXPECT_THAT(CheckDense(encoding, 40, bytes),
                  Fails(Code::kInvalidArgument,
                        HasSubstr("the block of element 48 has a scale that is no finite number")));
    }
  }
}

TEST(DenseEncodingTest, AScaleOfHalvesMustBeAPowerOfTwoAndHalvesFinite) {
  const Encoding encoding = {Kind::kF16, 8, 0};
  std::vector<char> bytes = Encode(encoding, Values(12));
  Put(bytes, 20, 3.0F);
  EXPECT_THAT(CheckDense(encoding, 0, bytes),
              Fails(Code::kInvalidArgument, HasSubstr("no power of 2")));
  Put(bytes, 20, 2.0F);
  EXPECT_OK(CheckDense(encoding, 0, bytes));
  Put<uint16_t>(bytes, 30, 0x7c00);
  EXPECT_THAT(CheckDense(encoding, 0, bytes),
              Fails(Code::kInvalidArgument, HasSubstr("element 8 has a half that is not finite")));
}

TEST(DenseEncodingTest, TheByteThatIsNeverSentIsRefused) {
  const Encoding encoding = {Kind::kInt8, 8, 0};
  std::vector<char> bytes = Encode(encoding, Values(12));
  bytes.back() = static_cast<char>(-128);
  EXPECT_THAT(CheckDense(encoding, 0, bytes),
              Fails(Code::kInvalidArgument, HasSubstr("element 8 has the byte -128")));
}

}  // namespace
}  // namespace skerry::learning
