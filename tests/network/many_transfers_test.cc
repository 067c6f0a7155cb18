// More sites transfer than may at the same time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "linked_federation.h"

namespace skerry::testing {
namespace {

constexpr uint64_t kChunk = 1 << 20;
constexpr int64_t kSlow = 2 << 20;  // bytes a second

class ManyTransfersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // One chunk at a time each way.
    const std::string config = federation_.deployment().Kit("coordinator") + "/coordinator.toml";
    WriteAll(config, ReadAll(config) + "\n[limits]\ntransfers = 1\n");
    ASSERT_NO_FATAL_FAILURE(federation_.Start());
  }
  // Models and results of 8 MB.
  std::string SubmitBig() {
    const std::string patient = "[time]\nheartbeat = \"1s\"\nround_deadline = \"10m\"\n";
    return federation_.Submit(TrainOnly(BigModel(RunFileWith(1, "0s", patient), "[2000, 1000]")));
  }
  void EndsInTheSameBits(const std::string& run) {
    EXPECT_EQ(federation_.deployment().WaitForEnd(run), 0) << federation_.Story();
    EXPECT_EQ(federation_.ModelSha256(run), federation_.SimulatedSha256());
  }

  LinkedFederation federation_{{"east", "north", "south", "west"}};
};

TEST_F(ManyTransfersTest, TheyTakeTurnsAndAllEnd) {
  EndsInTheSameBits(SubmitBig());
  for (const std::string& site : federation_.sites()) {
    EXPECT_EQ(federation_.link(site).connections().size(), 2U)
        << site << " was sent away while it waited\n"
        << federation_.Story();
  }
}

TEST_F(ManyTransfersTest, ChunkByChunkSoThatNobodyWaitsForTheEndOfAnother) {
  for (const std::string& site : federation_.sites()) federation_.link(site).Throttle(kSlow);
  const std::string run = SubmitBig();
  const auto all_have_some = [&] {
    for (const std::string& site : federation_.sites()) {
      if (federation_.link(site).total().down_sent < 2 * kChunk) return false;
    }
    return true;
  };
  ASSERT_TRUE(Eventually(all_have_some)) << federation_.Story();
  for (const std::string& site : federation_.sites()) {
    EXPECT_LT(federation_.link(site).total().down_sent, 7 * kChunk) << site;
    federation_.link(site).Calm();
  }
  EndsInTheSameBits(run);
}

TEST_F(ManyTransfersTest, ASiteThatIsKilledAmongThemHoldsUpNobody) {
  for (const std::string& site : federation_.sites()) federation_.link(site).Throttle(kSlow);
  const std::string run = SubmitBig();
  ASSERT_TRUE(Eventually([&] { return federation_.link("south").total().down_sent > kChunk; }))
      << federation_.Story();
  // With one place and four sites it most likely waits for its turn.
  federation_.deployment().client("south").Kill9();
  for (const std::string& site : federation_.sites()) federation_.link(site).Calm();
  const auto others_have_sent_theirs = [&] {
    for (const std::string& site : federation_.sites()) {
      if (site != "south" && federation_.link(site).total().up_sent < 7 * kChunk) return false;
    }
    return true;
  };
  EXPECT_TRUE(Eventually(others_have_sent_theirs)) << federation_.Story();
  federation_.deployment().StartClient("south");
  EndsInTheSameBits(run);
}

// Nobody is told that its line is dead: what it had on its way keeps its place.
TEST_F(ManyTransfersTest, ASiteWhoseLinkGoesSilentInItsTurnIsPassed) {
  for (const std::string& site : federation_.sites()) federation_.link(site).Throttle(kSlow);
  const std::string run = SubmitBig();
  for (const char* silent : {"south", "west"}) {
    ASSERT_TRUE(Eventually([&] { return federation_.link(silent).total().down_sent > kChunk; }))
        << federation_.Story();
    federation_.link(silent).Partition();
  }
  for (const char* site : {"east", "north"}) federation_.link(site).Calm();
  const auto others_have_sent_theirs = [&] {
    return federation_.link("east").total().up_sent > 7 * kChunk &&
           federation_.link("north").total().up_sent > 7 * kChunk;
  };
  // Ten seconds for each of the silent ones, and then some.
  EXPECT_TRUE(Eventually(others_have_sent_theirs, std::chrono::seconds(60))) << federation_.Story();
  for (const char* silent : {"south", "west"}) federation_.link(silent).Heal();
  EndsInTheSameBits(run);
}

}  // namespace
}  // namespace skerry::testing
