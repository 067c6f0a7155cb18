// A site whose link gives 100 kB/s has its own troubles, and the others have none of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "linked_federation.h"

namespace skerry::testing {
namespace {

constexpr int64_t kSlow = 100'000;
constexpr const char* kPatient =
    "heartbeat = \"1s\"\nround_deadline = \"10m\"\n[participation]\nsites = ";

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

class SlowSiteTest : public ::testing::Test {
 protected:
  static std::string RunOf(int rounds, const std::string& hidden, const std::string& sites) {
    return BigModel(RunFileWith(rounds, "0s", std::string("[time]\n") + kPatient + sites + "\n"),
                    hidden);
  }
  // The seconds of each training round of a run of the fast sites.
  std::vector<double> FastRounds() {
    const std::string run = federation_.Submit(RunOf(12, "[300, 200]", "[\"north\", \"south\"]"));
    EXPECT_EQ(federation_.deployment().WaitForEnd(run), 0) << federation_.Story();
    const nlohmann::json shown = federation_.Show(run);
    std::vector<double> seconds;
    for (const nlohmann::json& round : shown["rounds"]) {
      if (round["kind"] == "train") seconds.push_back(round["seconds"]);
    }
    return seconds;
  }

  LinkedFederation federation_{{"north", "slow", "south"}};
};

TEST_F(SlowSiteTest, TheOthersRoundsTakeAsLongAsWithoutIt) {
  ASSERT_NO_FATAL_FAILURE(federation_.Start());
  ChaosProxy& link = federation_.link("slow");
  // 2 MB: the model comes at a better rate, the result goes back at the slow one, for 17 s.
  link.Throttle(1'000'000);
  const std::string slow = federation_.Submit(TrainOnly(RunOf(1, "[1000, 500]", "[\"slow\"]")));
  ASSERT_TRUE(Eventually([&] { return link.total().up_passed > 300'000; }));
  link.Throttle(kSlow);
  FastRounds();  // everything is warm
  double ratio = 0;
  for (int attempt = 0; attempt < 3 && (attempt == 0 || ratio > 1.1); ++attempt) {
    // In turns, so that whatever else this machine does hits both alike.
    std::vector<double> alone;
    std::vector<double> beside;
    for (int turn = 0; turn < 5; ++turn) {
      link.Partition();  // shorter than anybody notices
      const std::vector<double> without = FastRounds();
      link.Heal();
      const uint64_t before = link.total().up_passed;
      const std::vector<double> with = FastRounds();
      EXPECT_GT(link.total().up_passed, before + 10'000) << "no upload beside it";
      alone.insert(alone.end(), without.begin(), without.end());
      beside.insert(beside.end(), with.begin(), with.end());
    }
    ratio = Median(beside) / Median(alone);
    std::printf(
        "median of %zu rounds: %.1f ms without the slow site, %.1f ms beside it: %+.1f %%\n",
        alone.size(), 1e3 * Median(alone), 1e3 * Median(beside), 100 * (ratio - 1));
  }
  EXPECT_LE(ratio, 1.1);
  EXPECT_EQ(federation_.deployment().WaitForEnd(slow), 0) << federation_.Story();
  EXPECT_EQ(link.connections().size(), 2U) << "a slow link was taken for a dead one\n"
                                           << federation_.Story();
}

}  // namespace
}  // namespace skerry::testing
