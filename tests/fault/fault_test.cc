// Random faults from seeds. One seed again: SKERRY_SEED=17 ctest -R SeedFromTheEnvironment, or,
// with what happened when: fault_seeds --seed 17 --trace

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "base/text.h"
#include "fault/scenario.h"

namespace skerry::fault {
namespace {

using ::testing::IsEmpty;

void ExpectNoViolations(Scenarios& scenarios, uint64_t seed) {
  const Outcome outcome = scenarios.Run(seed);
  EXPECT_THAT(outcome.violations, IsEmpty())
      << outcome.what << "\nagain: SKERRY_SEED=" << seed
      << " ctest -R SeedFromTheEnvironment\nstep by step: fault_seeds --seed " << seed
      << " --trace";
}

// A slice of the seeds that fault_seeds runs for as long as one likes.
class RandomFaults : public ::testing::TestWithParam<uint64_t> {};

TEST_P(RandomFaults, KeepEveryPromise) {
  constexpr uint64_t kSeeds = 125;
  Scenarios scenarios;
  for (uint64_t i = 0; i < kSeeds && !HasFailure(); ++i) {
    ExpectNoViolations(scenarios, GetParam() * kSeeds + i);
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomFaults, ::testing::Range<uint64_t>(0, 4));

TEST(FaultTest, SeedFromTheEnvironment) {
  const char* const seed = std::getenv("SKERRY_SEED");
  if (seed == nullptr) GTEST_SKIP() << "SKERRY_SEED is not set";
  Scenarios scenarios;
  ExpectNoViolations(scenarios, std::strtoull(seed, nullptr, 10));
}

TEST(FaultTest, TheSameSeedTellsTheSameStory) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Outcome first = Scenarios().Run(seed, true);
    const Outcome second = Scenarios().Run(seed, true);
    ASSERT_FALSE(first.trace.empty());
    EXPECT_EQ(first.trace, second.trace) << "seed " << seed;
    EXPECT_EQ(first.what, second.what);
  }
}

TEST(FaultTest, AnotherSeedTellsAnotherStory) {
  EXPECT_NE(Scenarios().Run(1, true).trace, Scenarios().Run(2, true).trace);
}

TEST(FaultTest, TheStoryDoesNotDependOnTheNumberOfThreadsThatTrain) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    EXPECT_EQ(Scenarios(0).Run(seed, true).trace, Scenarios(3).Run(seed, true).trace)
        << "seed " << seed;
  }
}

}  // namespace
}  // namespace skerry::fault
