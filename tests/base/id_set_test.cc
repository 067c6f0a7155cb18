#include "base/id_set.h"

#include <gmock/gmock.h>

#include <utility>
#include <vector>

namespace skerry {
namespace {

using testing::ElementsAre;

std::vector<int64_t> All(const IdSet& ids) { return {ids.begin(), ids.end()}; }

TEST(IdSetTest, HoldsEachNumberOnceInAscendingOrder) {
  IdSet ids;
  for (const int64_t id : {7, 3, 7, 5, 3}) ids.insert(id);
  EXPECT_THAT(All(ids), ElementsAre(3, 5, 7));
  EXPECT_TRUE(ids.contains(5));
  EXPECT_FALSE(ids.contains(4));
}

TEST(IdSetTest, ManyInAnyOrderAreSortedOnce) {
  EXPECT_THAT(All(IdSet({7, 3, 7, 5, 3})), ElementsAre(3, 5, 7));
  constexpr int64_t kMany = 2'000'000;  // of which each would otherwise move all others
  std::vector<int64_t> descending(kMany);
  for (int64_t i = 0; i < kMany; ++i) descending[static_cast<std::size_t>(i)] = kMany - i;
  const IdSet ids(std::move(descending));
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(kMany));
  EXPECT_EQ(*ids.begin(), 1);
}

TEST(IdSetTest, WhatIsErasedOrClearedIsGone) {
  IdSet ids;
  ids.insert(1);
  ids.insert(2);
  ids.erase(1);
  ids.erase(9);
  EXPECT_THAT(All(ids), ElementsAre(2));
  ids.clear();
  EXPECT_TRUE(ids.empty());
}

}  // namespace
}  // namespace skerry
