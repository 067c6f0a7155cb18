#include "learning/compression/top_k.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/random.h"
#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using skerry::testing::Fails;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Taken {
  std::vector<uint32_t> indices;
  std::vector<float> kept;
  std::vector<float> rest;
};

Taken Take(std::vector<float> values, std::size_t k) {
  Taken taken{std::vector<uint32_t>(k), std::vector<float>(k), std::move(values)};
  TakeTopK(taken.rest, taken.indices, taken.kept);
  return taken;
}

// By sorting: what TakeTopK must find.
std::vector<uint32_t> LargestBySorting(const std::vector<float>& values, std::size_t k) {
  std::vector<uint32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::abs(values[a]) > std::abs(values[b]);
  });
  order.resize(k);
  std::sort(order.begin(), order.end());
  return order;
}

TEST(TopKTest, TheLargestMagnitudesAreTakenAndZerosStay) {
  const Taken taken = Take({1, -5, 2, 0, 4, -3}, 3);
  EXPECT_THAT(taken.indices, ElementsAre(1, 4, 5));
  EXPECT_THAT(taken.kept, ElementsAre(-5, 4, -3));
  EXPECT_THAT(taken.rest, ElementsAre(1, 0, 2, 0, 0, 0));
}

TEST(TopKTest, OfEqualOnesTheLowestIndicesAreTaken) {
  const Taken taken = Take({1, -2, 2, 1, -2, 2, 3}, 3);
  EXPECT_THAT(taken.indices, ElementsAre(1, 2, 6));
  EXPECT_THAT(Take({0, 0, 0, 0}, 2).indices, ElementsAre(0, 1));
}

TEST(TopKTest, AllOrNone) {
  EXPECT_THAT(Take({3, 1, 2}, 3).kept, ElementsAre(3, 1, 2));
  EXPECT_THAT(Take({3, 1, 2}, 0).rest, ElementsAre(3, 1, 2));
  EXPECT_THAT(Take({}, 0).rest, IsEmpty());
}

TEST(TopKTest, ItFindsWhatSortingFinds) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomStream random(seed, Purpose::kSimulation, 0, "", 0);
    std::vector<float> values(1 + random.Below(2000));
    // Many equal ones in every other case, and magnitudes that differ in low bits only.
    for (float& value : values) {
      value = static_cast<float>(
          seed % 2 == 0 ? random.Normal() : 1 + static_cast<double>(random.Below(9)) * 0x1p-22);
    }
    const std::size_t k = random.Below(values.size() + 1);
    const Taken taken = Take(values, k);
    EXPECT_EQ(taken.indices, LargestBySorting(values, k));
    std::vector<float> whole = taken.rest;
    Scatter(taken.indices, taken.kept, 0, whole);
    EXPECT_EQ(whole, values) << "nothing is lost or changed";
  }
}

TEST(TopKTest, WhatIsKeptBackIsSentLater) {
  // The sum of all that was sent and of what is left is the sum of all deltas: exactly, where no
  // addition rounds.
  RandomStream random(5, Purpose::kSimulation, 0, "", 0);
  std::vector<float> residual(500);
  std::vector<float> sent(500);
  std::vector<float> deltas(500);
  for (int round = 0; round < 40; ++round) {
    for (std::size_t i = 0; i < residual.size(); ++i) {
      const auto delta = static_cast<float>(static_cast<int>(random.Below(2001)) - 1000);
      deltas[i] += delta;
      residual[i] += delta;
    }
    Taken taken = Take(residual, 5);
    residual = taken.rest;
    for (std::size_t j = 0; j < taken.kept.size(); ++j) sent[taken.indices[j]] += taken.kept[j];
  }
  for (std::size_t i = 0; i < residual.size(); ++i) EXPECT_EQ(sent[i] + residual[i], deltas[i]);
}

TEST(TopKTest, AShareIsAtLeastOneAndAtMostAll) {
  EXPECT_EQ(KeptOf(0.01, 1000), 10);
  EXPECT_EQ(KeptOf(0.01, 1099), 10);
  EXPECT_EQ(KeptOf(0.01, 5), 1);
  EXPECT_EQ(KeptOf(1, 7), 7);
  EXPECT_EQ(KeptOf(0.5, 0), 0);
}

TEST(TopKTest, APieceGetsItsOwnEntries) {
  const std::vector<uint32_t> indices = {2, 5, 6, 9};
  const std::vector<float> values = {20, 50, 60, 90};
  std::vector<float> out(4, 1);
  Scatter(indices, values, 5, out);
  EXPECT_THAT(out, ElementsAre(50, 60, 1, 1));
}

TEST(TopKTest, IndicesMustAscendBelowTheSize) {
  const std::vector<uint32_t> indices = {2, 5, 6};
  EXPECT_OK(CheckIndices(indices, -1, 7));
  EXPECT_THAT(CheckIndices(indices, -1, 6),
              Fails(Code::kInvalidArgument, HasSubstr("index 6 of 6 elements")));
  EXPECT_THAT(CheckIndices(indices, 2, 7),
              Fails(Code::kInvalidArgument, HasSubstr("index 2 follows index 2")));
  const std::vector<uint32_t> back = {5, 4};
  EXPECT_THAT(CheckIndices(back, -1, 7), Fails(Code::kInvalidArgument, HasSubstr("ascend")));
}

}  // namespace
}  // namespace skerry::learning
