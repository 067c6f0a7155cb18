#include "testing/link_fault.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace skerry::testing {
namespace {

using Kind = LinkFault::Kind;

TEST(LinkFaultTest, EveryFaultIsReadAsItIsWritten) {
  for (const char* text :
       {"delay 50ms", "throttle 100000", "throttle-each 2000", "reset", "half-open", "partition",
        "lose-up", "lose-down", "heal", "truncate 77", "duplicate 500", "chaos 300ms", "calm"}) {
    const Result<LinkFault> fault = ParseLinkFault(text);
    ASSERT_TRUE(fault.ok()) << text;
    EXPECT_EQ(ToString(*fault), text);
  }
}

TEST(LinkFaultTest, WhatIsNoFaultIsRefused) {
  for (const char* text : {"", "explode", "delay", "delay 50", "reset now", "throttle -5",
                           "throttle 10 20", "truncate many"}) {
    EXPECT_FALSE(ParseLinkFault(text).ok()) << text;
  }
}

TEST(LinkFaultTest, APlanIsInTheOrderOfItsTimes) {
  const auto plan = ParseLinkPlan("15s heal; 5s partition;1s delay 20ms;");
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->size(), 3U);
  EXPECT_EQ((*plan)[0].fault.kind, Kind::kDelay);
  EXPECT_EQ((*plan)[1].at, 5s);
  EXPECT_EQ((*plan)[2].fault.kind, Kind::kHeal);
  EXPECT_FALSE(ParseLinkPlan("soon reset").ok());
  EXPECT_FALSE(ParseLinkPlan("1s").ok());
}

TEST(LinkFaultTest, EqualSeedsDrawEqualFaults) {
  const auto draw = [](uint64_t seed) {
    RandomStream random(seed, Purpose::kFault, 0, "", 0);
    std::string faults;
    for (int i = 0; i < 200; ++i) faults += ToString(DrawLinkFault(random).fault) + "\n";
    return faults;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
  for (const char* word : {"reset", "truncate", "duplicate", "delay", "throttle", "partition"}) {
    EXPECT_THAT(draw(1), ::testing::HasSubstr(word));
  }
}

}  // namespace
}  // namespace skerry::testing
