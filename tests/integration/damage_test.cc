// A byte that has changed on a disk: refused by name, with the command that helps; never a crash,
// never another model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "deployment.h"

namespace skerry::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

void Flip(const std::string& path, std::size_t at) {
  std::string bytes = ReadAll(path);
  ASSERT_LT(at, bytes.size()) << path;
  bytes[at] = static_cast<char>(bytes[at] ^ 0x20);
  WriteAll(path, bytes);
}

// The only file in a directory.
std::string OnlyFile(const std::string& directory) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    files.push_back(entry.path());
  }
  EXPECT_EQ(files.size(), 1U) << directory;
  return files.empty() ? "" : files.front();
}

class DamageTest : public ::testing::Test {
 protected:
  bool has_larger_model_ = false;  // set it first
  // A run of slow rounds, committed up to `round`.
  void BeginRun(int round) {
    federation_.StartAll();
    std::string file = Deployment::RunFile(8);
    if (has_larger_model_) file = Deployment::WithLargerModel(std::move(file));
    file.replace(file.find("seed = 3"), 8, "seed = 3\nmin_round = \"150ms\"");
    run_ = federation_.Submit(file);
    ASSERT_EQ(federation_.Skerry({"run", "wait", run_, "--round", std::to_string(round)}).exit_code,
              0);
  }
  // north's result of some round is with the coordinator, which waits for south's.
  void StopBetweenTwoResults() {
    BeginRun(2);
    federation_.client("south").Signal(SIGSTOP);
    ASSERT_TRUE(Eventually([&] {
      return federation_.Skerry({"run", "show", run_}).out.find("north  reported") !=
             std::string::npos;
    }));
    federation_.client("south").Kill9();
    federation_.client("north").Kill9();
    federation_.coordinator().Kill9();
  }
  void StartClients() {
    federation_.StartClient("north");
    federation_.StartClient("south");
  }
  std::string State() const { return federation_.Kit("coordinator") + "/state"; }
  Finished Start(const std::string& program, const std::string& config) {
    return RunToEnd({Program(program), "--config", config}, federation_.path());
  }
  Finished StartCoordinatorToEnd() {
    return Start("skerry-coordinator", federation_.Kit("coordinator") + "/coordinator.toml");
  }
  void ExpectTheUndisturbedModel() {
    ASSERT_EQ(federation_.WaitForEnd(run_), 0) << federation_.coordinator().Output();
    const Finished simulated = federation_.Skerry(
        {"simulate", federation_.File("run.toml"), "--out", federation_.File("sim")});
    EXPECT_EQ(federation_.ModelSha256(run_), Field(simulated.out, "sha256"));
  }

  Deployment federation_{{"north", "south"}};
  std::string run_;
};

TEST_F(DamageTest, AFlippedByteInTheJournalIsRefusedAtTheStart) {
  BeginRun(3);
  federation_.coordinator().Signal(SIGTERM);
  ASSERT_EQ(federation_.coordinator().Wait(), 0);
  const std::string database = State() + "/coordinator.db";
  const std::size_t size = ReadAll(database).size();
  // The first page, and tables that every start reads.
  for (const std::size_t at : {std::size_t{24}, std::size_t{3000}, std::size_t{4096 + 2000}}) {
    ASSERT_LT(at, size);
    Flip(database, at);
    const Finished started = StartCoordinatorToEnd();
    EXPECT_EQ(started.exit_code, 8) << "byte " << at << ": " << started.err;
    EXPECT_THAT(started.err, AllOf(HasSubstr("coordinator.db is damaged"),
                                   HasSubstr("hint: start from a backup: skerry backup restore")));
    Flip(database, at);
  }
  federation_.StartCoordinator();
  ExpectTheUndisturbedModel();
}

TEST_F(DamageTest, AFlippedByteInTheLogOfAKilledCoordinatorIsRefusedAtTheStart) {
  BeginRun(3);
  federation_.coordinator().Kill9();
  const std::string log = State() + "/coordinator.db-wal";
  Flip(log, ReadAll(log).size() / 2);
  const Finished started = StartCoordinatorToEnd();
  EXPECT_EQ(started.exit_code, 8) << started.err;
  EXPECT_THAT(started.err, AllOf(HasSubstr("coordinator.db-wal is damaged"),
                                 HasSubstr("skerry backup restore")));
  Flip(log, ReadAll(log).size() / 2);
  federation_.StartCoordinator();
  ExpectTheUndisturbedModel();
}

TEST_F(DamageTest, AFlippedByteInTheNewestModelPausesTheRunUntilItIsPutBack) {
  has_larger_model_ = true;
  StopBetweenTwoResults();
  std::string newest;
  for (const auto& entry : std::filesystem::directory_iterator(State() + "/runs/" + run_)) {
    newest = std::max(newest, entry.path().string());
  }
  Flip(newest, ReadAll(newest).size() - 2);
  federation_.StartCoordinator();
  StartClients();
  EXPECT_EQ(federation_.WaitForEnd(run_), 21) << "paused";
  const Finished shown = federation_.Skerry({"run", "show", run_});
  EXPECT_THAT(shown.out, AllOf(HasSubstr(newest + " is damaged"), HasSubstr("skerry run resume"),
                               HasSubstr("skerry backup restore")));
  const Finished resumed = federation_.Skerry({"run", "resume", run_});
  EXPECT_EQ(resumed.exit_code, 8) << "not before it is mended";
  EXPECT_THAT(resumed.err, HasSubstr("is damaged"));
  Flip(newest, ReadAll(newest).size() - 2);
  ASSERT_EQ(federation_.Skerry({"run", "resume", run_}).exit_code, 0);
  ExpectTheUndisturbedModel();
}

TEST_F(DamageTest, AFlippedByteInTheSpoolIsAskedForAgain) {
  StopBetweenTwoResults();
  Flip(OnlyFile(State() + "/spool"), 5);
  federation_.StartCoordinator();
  StartClients();
  ExpectTheUndisturbedModel();
  EXPECT_THAT(federation_.coordinator().Output(),
              HasSubstr("result_damaged: its result is asked for again"));
}

TEST_F(DamageTest, AFlippedByteInALargeResultInTheSpoolIsAskedForAgainAndTheSiteHasIt) {
  has_larger_model_ = true;
  StopBetweenTwoResults();
  const std::filesystem::path kept = OnlyFile(federation_.Kit("north") + "/state/results");
  Flip(State() + "/spool/" + kept.filename().string(), 5);
  federation_.StartCoordinator();
  StartClients();
  ExpectTheUndisturbedModel();
  EXPECT_THAT(federation_.coordinator().Output(),
              HasSubstr("result_damaged: its result is asked for again"));
  // A site that died before it heard of the receipt sends its result again by itself.
  const std::string said = federation_.client("north").Output();
  EXPECT_THAT(said, AnyOf(HasSubstr("the coordinator asks for it again"),
                          HasSubstr("going on with it after the interruption")));
}

TEST_F(DamageTest, AFlippedByteInAResultThatAClientKeptIsNoticedAndItTrainsAgain) {
  has_larger_model_ = true;
  StopBetweenTwoResults();
  // The coordinator's copy is gone, and the site's is not what it was.
  std::filesystem::remove_all(State() + "/spool");
  const std::string kept = OnlyFile(federation_.Kit("north") + "/state/results");
  Flip(kept, 5);
  federation_.StartCoordinator();
  StartClients();
  ExpectTheUndisturbedModel();
  EXPECT_THAT(federation_.client("north").Output(),
              AllOf(HasSubstr(kept + " is damaged"), HasSubstr("training again")));
}

TEST_F(DamageTest, AFlippedByteInAClientsStoreIsRefusedAndTheSiteStartsAfresh) {
  BeginRun(3);
  federation_.client("south").Signal(SIGTERM);
  ASSERT_EQ(federation_.client("south").Wait(), 0);
  const std::string store = federation_.Kit("south") + "/state/client.db";
  for (const std::size_t at : {std::size_t{24}, std::size_t{3000}, std::size_t{4096 + 2000}}) {
    Flip(store, at);
    const Finished started = Start("skerry-client", federation_.Kit("south") + "/agent.toml");
    EXPECT_EQ(started.exit_code, 8) << "byte " << at << ": " << started.err;
    EXPECT_THAT(started.err,
                AllOf(HasSubstr("client.db is damaged"), HasSubstr("hint: move it away")));
    if (at < 4096 + 2000) Flip(store, at);
  }
  // As the hint says.
  for (const char* beside : {"", "-wal", "-shm"}) std::filesystem::remove(store + beside);
  federation_.StartClient("south");
  ExpectTheUndisturbedModel();
}

}  // namespace
}  // namespace skerry::testing
