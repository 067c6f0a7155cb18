// Whoever is asked to end does, whatever is under way; the run goes on at the next start, to the
// same bits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <tuple>

#include "linked_federation.h"

namespace skerry::testing {
namespace {

constexpr const char* kCoordinator = "coordinator";
constexpr const char* kSite = "south";
constexpr auto kLimit = std::chrono::seconds(10);
constexpr const char* kPatient = "[time]\nheartbeat = \"1s\"\nround_deadline = \"10m\"\n";

enum class Phase { kIdle, kStatistics, kTraining, kUpload, kBetweenRounds, kPaused };
using Case = std::tuple<const char*, Phase>;

class ShutdownTest : public ::testing::Test {
 protected:
  Deployment& deployment() { return federation_.deployment(); }
  Process& Victim(const std::string& who) {
    return who == kCoordinator ? deployment().coordinator() : deployment().client(who);
  }
  std::string Data() { return deployment().File("data/south.csv"); }

  // The site's rows lie on something that hangs: whoever begins to read them never returns.
  void LetTheDataHang() {
    rows_ = ReadAll(Data());
    std::filesystem::remove(Data());
    ASSERT_EQ(::mkfifo(Data().c_str(), 0600), 0);
  }
  void MendTheData() {
    std::filesystem::remove(Data());
    WriteAll(Data(), rows_);
  }

  // The site's trainer computes: its result is there and has nothing in it yet.
  bool IsTraining() {
    const std::string results = deployment().Kit(kSite) + "/state/results";
    for (const auto& entry : std::filesystem::directory_iterator(results)) {
      if (entry.file_size() == 0) return true;
    }
    return false;
  }
  void SubmitTraining(const std::string& local_epochs, const std::string& hidden) {
    const std::string extra = "local_epochs = " + local_epochs + "\n" + kPatient;
    run_ = federation_.Submit(TrainOnly(BigModel(RunFileWith(1, "0s", extra), hidden)));
    ASSERT_TRUE(deployment().client(kSite).WaitFor("training: taken"));
    ASSERT_TRUE(Eventually([&] { return IsTraining(); })) << federation_.Story();
  }

  void Reach(Phase phase);
  void End(const std::string& who, int signal = SIGTERM);
  void GoOn(const std::string& who, Phase phase);

  LinkedFederation federation_{{"north", kSite}};
  std::string run_;

 private:
  std::string rows_;
};

void ShutdownTest::Reach(Phase phase) {
  if (phase == Phase::kStatistics) LetTheDataHang();
  if (phase == Phase::kPaused) Edit(Data(), "south-3,", "south-3,x");
  ASSERT_NO_FATAL_FAILURE(federation_.Start());
  switch (phase) {
    case Phase::kIdle:
      return;
    case Phase::kStatistics:
      run_ = federation_.Submit(RunFileWith(2, "0s", kPatient));
      ASSERT_TRUE(deployment().client(kSite).WaitFor("statistics: taken"));
      return;
    case Phase::kTraining:
      return SubmitTraining("2000", "[300, 200]");
    case Phase::kUpload:
      // 2 MB, of which 100 kB go in a second.
      ASSERT_NO_FATAL_FAILURE(SubmitTraining("20", "[1000, 500]"));
      federation_.link(kSite).Throttle(100'000);
      ASSERT_TRUE(Eventually([&] { return federation_.link(kSite).total().up_passed > 300'000; }));
      return;
    case Phase::kBetweenRounds:
      run_ = federation_.Submit(RunFileWith(3, "1s", kPatient));
      ASSERT_TRUE(federation_.UntilRound(run_, 1));
      return;
    case Phase::kPaused:
      run_ = federation_.Submit(RunFileWith(2, "0s", kPatient));
      ASSERT_TRUE(federation_.UntilState(run_, "paused"));
      return;
  }
}

void ShutdownTest::End(const std::string& who, int signal) {
  const Stopwatch watch;
  Victim(who).Signal(signal);
  ASSERT_EQ(Victim(who).Wait(kLimit), 0) << federation_.Story();
  std::printf("%s has ended after %.2f s\n", who.c_str(), watch.Seconds());
}

void ShutdownTest::GoOn(const std::string& who, Phase phase) {
  federation_.link(kSite).Calm();
  if (phase == Phase::kStatistics) {
    deployment().client(kSite).Kill9();  // if it still reads: nothing would ever come
    MendTheData();
    deployment().StartClient(kSite);
  } else if (who != kCoordinator) {
    deployment().StartClient(who);
  }
  if (who == kCoordinator) deployment().StartCoordinator();
  ASSERT_TRUE(Eventually([&] { return deployment().Skerry({"site", "list"}).exit_code == 0; }));
  if (phase == Phase::kPaused) {
    EXPECT_EQ(federation_.StateOf(run_), "paused") << "it waits for a person, as before";
    Edit(Data(), "south-3,x", "south-3,");
    ASSERT_EQ(deployment().Skerry({"run", "resume", run_}).exit_code, 0);
  }
}

class ShutdownInPhaseTest : public ShutdownTest, public ::testing::WithParamInterface<Case> {};

TEST_P(ShutdownInPhaseTest, EndsWithZeroWithinTenSecondsAndTheRunGoesOnToTheSameBits) {
  const auto& [who, phase] = GetParam();
  ASSERT_NO_FATAL_FAILURE(Reach(phase));
  ASSERT_NO_FATAL_FAILURE(End(who));
  ASSERT_NO_FATAL_FAILURE(GoOn(who, phase));
  if (phase == Phase::kIdle) run_ = federation_.Submit(RunFileWith(2, "0s", kPatient));
  ASSERT_EQ(deployment().WaitForEnd(run_), 0) << federation_.Story();
  EXPECT_EQ(federation_.ModelSha256(run_), federation_.SimulatedSha256());
}

std::string NameOf(const ::testing::TestParamInfo<Case>& parameter) {
  constexpr std::array<const char*, 6> kPhases = {"WhenIdle",   "InStatistics",  "InTraining",
                                                  "InAnUpload", "BetweenRounds", "WhenPaused"};
  const std::string who = std::get<0>(parameter.param);
  return (who == kCoordinator ? "Coordinator" : "Client") +
         std::string(kPhases[static_cast<std::size_t>(std::get<1>(parameter.param))]);
}

INSTANTIATE_TEST_SUITE_P(
    All, ShutdownInPhaseTest,
    ::testing::Combine(::testing::Values(kCoordinator, kSite),
                       ::testing::Values(Phase::kIdle, Phase::kStatistics, Phase::kTraining,
                                         Phase::kUpload, Phase::kBetweenRounds, Phase::kPaused)),
    NameOf);

// It would take hours; what is lost of it is trained again.
TEST_F(ShutdownTest, ATrainingOfHoursIsCutShort) {
  ASSERT_NO_FATAL_FAILURE(federation_.Start());
  ASSERT_NO_FATAL_FAILURE(SubmitTraining("1000000", "[300, 200]"));
  ASSERT_NO_FATAL_FAILURE(End(kSite));
  ASSERT_NO_FATAL_FAILURE(End(kCoordinator));
}

// The terminal was closed, or the network session ended.
TEST_F(ShutdownTest, AHangUpIsAnOrderlyEndToo) {
  ASSERT_NO_FATAL_FAILURE(federation_.Start());
  run_ = federation_.Submit(RunFileWith(6, "200ms", kPatient));
  ASSERT_TRUE(federation_.UntilRound(run_, 1));
  ASSERT_NO_FATAL_FAILURE(End(kSite, SIGHUP));
  ASSERT_NO_FATAL_FAILURE(End(kCoordinator, SIGHUP));
  deployment().StartCoordinator();
  deployment().StartClient(kSite);
  ASSERT_EQ(deployment().WaitForEnd(run_), 0) << federation_.Story();
  EXPECT_EQ(federation_.ModelSha256(run_), federation_.SimulatedSha256());
}

}  // namespace
}  // namespace skerry::testing
