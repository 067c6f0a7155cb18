// Sites that cannot be reached for longer than a round waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "linked_federation.h"

namespace skerry::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kShortRounds = "[time]\nheartbeat = \"1s\"\nround_deadline = \"3s\"\n";

// The sites whose results a round of the run counted, by round.
std::map<int, std::vector<std::string>> Counted(const nlohmann::json& run) {
  std::map<int, std::vector<std::string>> counted;
  for (const nlohmann::json& round : run["rounds"]) {
    if (round["phase"] != "committed") continue;
    for (const nlohmann::json& site : round["sites"]) {
      if (site["counted"]) counted[round["round"]].push_back(site["site"]);
    }
  }
  return counted;
}

// Committed rounds in which the site had a task and did not count, and which say why.
int RoundsThatLacked(const std::string& name, const nlohmann::json& show) {
  int lacked = 0;
  for (const nlohmann::json& round : show["rounds"]) {
    for (const nlohmann::json& site : round["sites"]) {
      const bool explained = !site["counted"] && site["reason"] != "";
      if (round["phase"] == "committed" && site["site"] == name && explained) ++lacked;
    }
  }
  return lacked;
}

TEST(PartitionTest, AQuorumGoesOnWithoutTheLostSitesAndTheyRejoinWhenItHeals) {
  LinkedFederation federation({"east", "north", "south", "west"});
  ASSERT_NO_FATAL_FAILURE(federation.Start());
  const std::string run = federation.Submit(RunFileWith(
      11, "300ms", std::string("[participation]\nmin_sites = 2\nquorum = 2\n") + kShortRounds));
  ASSERT_TRUE(federation.UntilRound(run, 3));
  for (const char* site : {"south", "west"}) federation.link(site).Partition();
  const int64_t before = federation.Show(run)["round"];
  ASSERT_TRUE(federation.UntilRound(run, static_cast<int>(before) + 2)) << federation.Story();
  for (const char* site : {"south", "west"}) federation.link(site).Heal();
  EXPECT_EQ(federation.deployment().WaitForEnd(run), 20) << "completed_degraded";
  const auto counted = Counted(federation.Show(run));
  std::size_t degraded = 0;
  for (const auto& [round, sites] : counted) degraded += sites.size() == 2 ? 1 : 0;
  EXPECT_GE(degraded, 1U);
  EXPECT_EQ(counted.rbegin()->second.size(), 4U) << "everybody is back in the last round";
  EXPECT_GE(RoundsThatLacked("south", federation.Show(run)), 1);
  EXPECT_EQ(federation.ModelSha256(run), federation.ReplayedSha256(run));
}

TEST(PartitionTest, WhenEverybodyIsNeededTheRunPausesAndGoesOnByItselfWhenItHeals) {
  LinkedFederation federation({"north", "south", "west"});
  ASSERT_NO_FATAL_FAILURE(federation.Start());
  const std::string run = federation.Submit(RunFileWith(8, "200ms", kShortRounds));
  ASSERT_TRUE(federation.UntilRound(run, 3));
  federation.link("south").Partition();
  ASSERT_TRUE(federation.UntilState(run, "paused")) << federation.Story();
  EXPECT_THAT(federation.ReasonOf(run), HasSubstr("quorum_lost"));
  EXPECT_THAT(federation.ReasonOf(run), HasSubstr("south"));
  federation.link("south").Heal();
  EXPECT_EQ(federation.deployment().WaitForEnd(run), 0) << federation.Story();
  EXPECT_EQ(federation.ModelSha256(run), federation.SimulatedSha256());
}

TEST(PartitionTest, WhenAllClientsDieTheRunPausesAndGoesOnWhenTheyComeBack) {
  LinkedFederation federation({"north", "south", "west"});
  ASSERT_NO_FATAL_FAILURE(federation.Start());
  const std::string run = federation.Submit(RunFileWith(8, "200ms", kShortRounds));
  ASSERT_TRUE(federation.UntilRound(run, 3));
  for (const std::string& site : federation.sites()) federation.deployment().client(site).Kill9();
  ASSERT_TRUE(federation.UntilState(run, "paused")) << federation.Story();
  EXPECT_THAT(federation.ReasonOf(run), HasSubstr("quorum_lost"));
  for (const std::string& site : federation.sites()) federation.deployment().StartClient(site);
  EXPECT_EQ(federation.deployment().WaitForEnd(run), 0) << federation.Story();
  EXPECT_EQ(federation.ModelSha256(run), federation.SimulatedSha256());
}

}  // namespace
}  // namespace skerry::testing
