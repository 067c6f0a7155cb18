#include "base/id_set.h"

#include <gmock/gmock.h>

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
