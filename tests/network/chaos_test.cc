// Whole runs over links that break again and again, at seeded moments.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>

#include "linked_federation.h"

namespace skerry::testing {
namespace {

// SKERRY_CHAOS_SEEDS=FIRST:COUNT in the environment tries others, and more.
std::vector<uint64_t> Seeds() {
  uint64_t first = 1;
  uint64_t count = 3;
  if (const char* wanted = std::getenv("SKERRY_CHAOS_SEEDS")) {  // NOLINT(concurrency-mt-unsafe)
    char* rest = nullptr;
    first = std::strtoull(wanted, &rest, 10);
    count = *rest == ':' ? std::strtoull(rest + 1, nullptr, 10) : 1;
  }
  std::vector<uint64_t> seeds(count);
  std::iota(seeds.begin(), seeds.end(), first);
  return seeds;
}

class ChaosTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(ChaosTest, ARunOverBreakingLinksEndsInTheBitsOfTheSimulation) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  LinkedFederation federation({"north", "south", "west"}, GetParam());
  ASSERT_NO_FATAL_FAILURE(federation.Start());
  for (const std::string& site : federation.sites()) federation.link(site).Chaos(400ms);
  // A quarter of a megabyte each way in every round, no model inside a task.
  const std::string run = federation.Submit(BigModel(RunFileWith(3, "300ms", ""), "[300, 200]"));
  const int exit_code = federation.deployment().WaitForEnd(run);
  std::size_t connections = 0;
  for (const std::string& site : federation.sites()) {
    federation.link(site).Calm();
    connections += federation.link(site).connections().size();
    if (exit_code != 0)
      std::printf("%s\n%s\n", site.c_str(), federation.link(site).diary().c_str());
  }
  ASSERT_EQ(exit_code, 0) << federation.Story();
  EXPECT_EQ(federation.ModelSha256(run), federation.SimulatedSha256());
  std::printf("seed %llu: %zu connections of three sites\n",
              static_cast<unsigned long long>(GetParam()), connections);
  EXPECT_GT(connections, 6U) << "nothing has happened to the links";
}

INSTANTIATE_TEST_SUITE_P(Seeds, ChaosTest, ::testing::ValuesIn(Seeds()));

}  // namespace
}  // namespace skerry::testing
