// `skerry run verify` with real processes: a good run is found good, and each way to change it
// afterwards is found by name and with exit code 8.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "deployment.h"
#include "storage/database.h"
#include "storage/migrations.h"
#include "storage/sqlite_journal.h"
#include "testing/status_matchers.h"

namespace skerry::testing {
namespace {

using nlohmann::json;
using storage::Outcome;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kRounds = 4;

// Where a task's bytes begin in the file that small results share: a record is the task's id (u64),
// the size (u32), a checksum of these (u32), and the bytes.
std::size_t SmallResult(const std::string& file, int64_t task) {
  constexpr std::size_t kHeader = 16;
  for (std::size_t at = 0; at + kHeader <= file.size();) {
    int64_t task_id = 0;
    uint32_t size = 0;
    std::memcpy(&task_id, file.data() + at, sizeof(task_id));
    std::memcpy(&size, file.data() + at + sizeof(task_id), sizeof(size));
    at += kHeader;
    if (task_id == task) return at;
    at += size;
  }
  ADD_FAILURE() << "no result of task " << task;
  return 0;
}

// One federation for all tests: what its machines have on their disks after a run.
class RunVerifyTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    federation_ = new Deployment({"north", "south"});
    for (const char* kit : {"north", "south", "coordinator"}) LogCalls(kit);
    federation_->StartAll();
    run_ = federation_->Submit(
        Deployment::RunFile(kRounds, "[keep]\nupdates = 100\ncheckpoints = 100\n"));
    ASSERT_EQ(federation_->WaitForEnd(run_), 0);
    ASSERT_TRUE(Eventually(EverybodyKnows)) << "verdicts are confirmed at the next call";
    for (const char* site : {"north", "south"}) federation_->client(site).Signal(SIGTERM);
    for (const char* site : {"north", "south"}) ASSERT_EQ(federation_->client(site).Wait(), 0);
    federation_->coordinator().Signal(SIGTERM);
    ASSERT_EQ(federation_->coordinator().Wait(), 0);
  }
  static void TearDownTestSuite() {
    delete federation_;
    federation_ = nullptr;
  }

  void SetUp() override {
    ASSERT_NE(federation_, nullptr);
    std::filesystem::copy(federation_->Kit("coordinator") + "/state", State(),
                          std::filesystem::copy_options::recursive);
    for (const char* kit : {"north", "south", "coordinator"}) {
      std::filesystem::copy(federation_->Kit(kit) + "/calls.jsonl", Calls(kit));
    }
  }

  static void LogCalls(const std::string& kit) {
    const std::string file = kit == "coordinator" ? "/coordinator.toml" : "/agent.toml";
    const std::string path = federation_->Kit(kit) + file;
    WriteAll(path, ReadAll(path) + "\n[log]\ncalls = \"calls.jsonl\"\n");
  }
  static bool EverybodyKnows() {
    const auto reader = storage::SqliteJournalReader::Open(federation_->Kit("coordinator") +
                                                           "/state/coordinator.db");
    return reader.ok() && (*reader)->UnconfirmedOutcomes()->empty();
  }

  std::string State() const { return dir_.File("state"); }
  std::string Database() const { return State() + "/coordinator.db"; }
  std::string Calls(const std::string& kit) const { return dir_.File(kit + ".jsonl"); }
  std::string Model(int version) const {
    return State() + "/runs/" + run_ + "/model-" + std::to_string(version) + ".safetensors";
  }

  Finished Verify(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command = {"run",          "verify",       "latest",
                                        "--state-dir",  State(),        "--calls",
                                        Calls("north"), Calls("south"), Calls("coordinator")};
    command.insert(command.end(), more.begin(), more.end());
    return federation_->Skerry(command);
  }
  void ExpectFault(const ::testing::Matcher<const std::string&>& what) const {
    const Finished verified = Verify();
    EXPECT_EQ(verified.exit_code, 8) << verified.out << verified.err;
    EXPECT_THAT(verified.out, AllOf(HasSubstr("FAULTS:"), what,
                                    HasSubstr("this run is not what its journal says")));
  }

  static void Flip(const std::string& path, std::size_t at) {
    std::string bytes = ReadAll(path);
    ASSERT_LT(at, bytes.size()) << path;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x20);
    WriteAll(path, bytes);
  }

  // ---- The journal, by somebody who may write it ----
  std::vector<storage::TaskRecord> Tasks() const {
    const auto reader = storage::SqliteJournalReader::Open(Database());
    return (*reader)->Tasks(run_, 0, INT64_MAX).value();
  }
  storage::TaskRecord TaskOf(int64_t round, const std::string& site) const {
    for (const storage::TaskRecord& task : Tasks()) {
      if (task.round == round && task.site == site) return task;
    }
    ADD_FAILURE() << "no task of " << site << " in round " << round;
    return {};
  }
  storage::RoundRecord Round(int64_t round) const {
    const auto reader = storage::SqliteJournalReader::Open(Database());
    return (*reader)->Rounds(run_, round, round)->back();
  }
  void Put(const storage::Record& row) const {
    const auto journal = storage::SqliteJournal::Open(Database());
    ASSERT_OK(journal);
    ASSERT_OK((*journal)->Commit({row}));
  }
  void Execute(const std::string& sql) const {
    const auto database = storage::Database::OpenWriter(Database(), storage::JournalSchema(), {});
    ASSERT_OK(database);
    ASSERT_OK((*database)->Execute(sql));
  }

  // ---- A log, by somebody who may write it ----
  void ChangeCalls(const std::string& kit, const std::function<void(json&)>& change) const {
    std::string changed;
    std::istringstream lines(ReadAll(Calls(kit)));
    for (std::string line; std::getline(lines, line);) {
      json event = json::parse(line);
      change(event);
      if (!event.is_null()) changed += event.dump() + "\n";
    }
    WriteAll(Calls(kit), changed);
  }
  static bool IsReceipt(const json& event, int64_t task_id) {
    return event.value("call", "") == "SubmitResult" && event.value("type", "") == "ok" &&
           event.value("task", int64_t{0}) == task_id;
  }

  static Deployment* federation_;
  static std::string run_;
  const TempDir dir_;
};

Deployment* RunVerifyTest::federation_ = nullptr;
std::string RunVerifyTest::run_;

// ---- Nothing was changed
// -------------------------------------------------------------------------

TEST_F(RunVerifyTest, AGoodRunIsFoundGood) {
  const Finished verified = Verify();
  EXPECT_EQ(verified.exit_code, 0) << verified.out;
  EXPECT_THAT(verified.out, AllOf(HasSubstr("no fault found"), HasSubstr("to the same bits"),
                                  HasSubstr("0 lost, 0 in open rounds"),
                                  Not(HasSubstr("Could not be verified"))));
  const json report = json::parse(Verify({"--format", "json"}).out);
  EXPECT_EQ(report["models_recomputed"], kRounds + 1) << report;
  EXPECT_EQ(report["models_hashed"], kRounds + 1);
  EXPECT_EQ(report["rounds_chained"], report["rounds"]);
  EXPECT_EQ(report["acknowledged"], report["results_counted"]);
  EXPECT_EQ(report["faults"], json::array());
}

TEST_F(RunVerifyTest, WithoutCallLogsAndKeptUpdatesItSaysWhatItCouldNotVerify) {
  std::filesystem::remove_all(State() + "/spool");
  const Finished verified =
      federation_->Skerry({"run", "verify", "latest", "--state-dir", State()});
  EXPECT_EQ(verified.exit_code, 0) << verified.out;
  EXPECT_THAT(verified.out,
              AllOf(HasSubstr("no log given (--calls)"), HasSubstr("Could not be verified:\n"),
                    HasSubstr("results are missing, although [keep] updates should have")));
}

TEST_F(RunVerifyTest, ARunThatIsNotThereHasAnExitCodeOfItsOwn) {
  const Finished verified =
      federation_->Skerry({"run", "verify", "patients-9", "--state-dir", State()});
  EXPECT_EQ(verified.exit_code, 3);
  EXPECT_THAT(verified.err, HasSubstr("there is no run \"patients-9\""));
}

TEST_F(RunVerifyTest, AFileThatIsNoCallLogIsRefusedByLine) {
  WriteAll(Calls("north"), "hello\n");
  const Finished verified = Verify();
  EXPECT_EQ(verified.exit_code, 2);
  EXPECT_THAT(verified.err, HasSubstr("north.jsonl:1"));
}

TEST_F(RunVerifyTest, LinesThatAreMissingInALogAreCounted) {
  int64_t number = 0;
  ChangeCalls("south", [&](json& event) {
    if (++number % 5 == 2) event = nullptr;
  });
  EXPECT_THAT(Verify().out, HasSubstr("south.jsonl lacks at least"));
}

// ---- Files were changed
// --------------------------------------------------------------------------

TEST_F(RunVerifyTest, AChangedModel) {
  Flip(Model(2), 700);
  ExpectFault(HasSubstr(Model(2) + " is damaged"));
}

TEST_F(RunVerifyTest, SwappedModels) {
  std::filesystem::rename(Model(2), State() + "/aside");
  std::filesystem::rename(Model(3), Model(2));
  std::filesystem::rename(State() + "/aside", Model(3));
  ExpectFault(AllOf(HasSubstr(Model(2) + " is damaged"), HasSubstr(Model(3) + " is damaged")));
}

TEST_F(RunVerifyTest, AChangedUpdate) {
  const int64_t task = TaskOf(2, "north").task_id;
  const std::string spool = State() + "/spool/small";
  Flip(spool, SmallResult(ReadAll(spool), task) + 9);
  ExpectFault(HasSubstr("the kept result of north (task " + std::to_string(task) +
                        ") does not have the hash"));
}

// ---- The journal was changed
// ---------------------------------------------------------------------

TEST_F(RunVerifyTest, AChangedWeight) {
  storage::TaskRecord task = TaskOf(2, "north");
  task.num_examples *= 10;
  Put(task);
  ExpectFault(AllOf(HasSubstr("round 2 (train): its chain hash does not follow"),
                    HasSubstr("of site north in round 2: its header contradicts its row")));
}

TEST_F(RunVerifyTest, AParticipantThatCountsNoMore) {
  storage::TaskRecord task = TaskOf(2, "north");
  task.outcome = Outcome::kDiscarded;
  Put(task);
  ExpectFault(AllOf(HasSubstr("round 2 (train): its chain hash does not follow"),
                    HasSubstr("round 2 (train): its results make version 2 with the hash"),
                    HasSubstr("north was told \"counted\", the journal says \"discarded\"")));
}

TEST_F(RunVerifyTest, AnotherParticipant) {
  storage::TaskRecord task = TaskOf(2, "north");
  task.site = "west";
  Put(task);
  ExpectFault(AllOf(HasSubstr("round 2 (train): its chain hash does not follow"),
                    HasSubstr("the site is not in the roster"),
                    HasSubstr("to north, but the journal gives it to west")));
}

TEST_F(RunVerifyTest, AChangedModelHash) {
  storage::RoundRecord round = Round(3);
  round.model_hash = Round(2).model_hash;
  Put(round);
  ExpectFault(AllOf(HasSubstr("round 3 (train): its chain hash does not follow"),
                    HasSubstr("round 3 (train): its results make version 3 with the hash")));
}

TEST_F(RunVerifyTest, ABrokenChain) {
  storage::RoundRecord round = Round(2);
  round.chain_hash[7] = static_cast<char>(round.chain_hash[7] ^ 1);
  Put(round);
  ExpectFault(AllOf(HasSubstr("round 2 (train): its chain hash does not follow"),
                    HasSubstr("round 3 (train): its chain hash does not follow")));
}

TEST_F(RunVerifyTest, ARoundThatVanished) {
  Execute("DELETE FROM round WHERE round = 2");
  ExpectFault(AllOf(HasSubstr("committed rounds, but the run says"),
                    HasSubstr("round 3 (train): its chain hash does not follow")));
}

TEST_F(RunVerifyTest, AnUpdateThatIsCountedInTwoRounds) {
  const storage::TaskRecord first = TaskOf(2, "south");
  storage::TaskRecord again = TaskOf(3, "south");
  again.content_hash = first.content_hash;
  again.header = first.header;
  Put(again);
  ExpectFault(HasSubstr("of site south in round 3: the same result is counted elsewhere too"));
}

TEST_F(RunVerifyTest, AnAcknowledgedUpdateWithoutAnOutcome) {
  storage::TaskRecord task = TaskOf(2, "south");
  task.outcome = Outcome::kNone;
  Put(task);
  ExpectFault(AllOf(HasSubstr("was received and has no outcome, although its round has ended"),
                    HasSubstr("of site south in round 2 was acknowledged with the hash")));
}

TEST_F(RunVerifyTest, AnAcknowledgedUpdateWhoseRowVanished) {
  const std::string task = std::to_string(TaskOf(2, "south").task_id);
  Execute("DELETE FROM task WHERE task_id = " + task);
  ExpectFault(AllOf(HasSubstr("site south has a receipt for task " + task),
                    HasSubstr("but no run in this journal knows the task"), HasSubstr("1 lost")));
}

// ---- Sites have other things in writing
// ----------------------------------------------------------

TEST_F(RunVerifyTest, AReceiptForATaskThatTheJournalDoesNotKnow) {
  const int64_t task = TaskOf(2, "north").task_id;
  ChangeCalls("north", [&](json& event) {
    if (IsReceipt(event, task)) event["task"] = 999;
  });
  ExpectFault(AllOf(HasSubstr("site north has a receipt for task 999"), HasSubstr("1 lost")));
}

TEST_F(RunVerifyTest, AReceiptForAnotherHash) {
  const int64_t task = TaskOf(2, "north").task_id;
  ChangeCalls("north", [&](json& event) {
    if (IsReceipt(event, task)) event["hash"] = std::string(64, 'a');
  });
  ExpectFault(AllOf(HasSubstr("was acknowledged with the hash aaaa"),
                    HasSubstr("the result that the journal has in its place"),
                    HasSubstr("1 lost")));
}

TEST_F(RunVerifyTest, AVerdictThatTheJournalHasNotGiven) {
  ChangeCalls("south", [](json& event) {
    if (!event.contains("verdicts")) return;
    for (auto& outcome : event["verdicts"]) outcome = "discarded";
  });
  ExpectFault(HasSubstr("south was told \"discarded\", the journal says \"counted\""));
}

}  // namespace
}  // namespace skerry::testing
