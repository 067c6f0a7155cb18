#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "contract/sample_records.h"
#include "storage/memory_journal.h"
#include "storage/sqlite_journal.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

// What every Journal with its JournalReader promises. Each test runs over both.
namespace skerry::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class JournalContract : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { Open(100'000); }

  void Open(int64_t kept_events) {
    reader_ = nullptr;
    owned_reader_.reset();
    journal_.reset();
    if (std::string(GetParam()) == "memory") {
      auto memory = std::make_unique<MemoryJournal>("coordinator", kept_events);
      reader_ = memory.get();
      journal_ = std::move(memory);
      return;
    }
    SqliteJournalOptions options;
    options.kept_events = kept_events;
    const std::string path = directory_.File(std::to_string(kept_events) + ".db");
    ASSERT_OK_AND_ASSIGN(journal_, SqliteJournal::Open(path, options));
    ASSERT_OK_AND_ASSIGN(owned_reader_, SqliteJournalReader::Open(path));
    reader_ = owned_reader_.get();
  }

  void Commit(const WriteBatch& batch) { ASSERT_OK(journal_->Commit(batch)); }

  template <class T>
  static std::vector<T> Rows(Result<std::vector<T>> rows) {
    EXPECT_OK(rows);
    return rows.ok() ? *std::move(rows) : std::vector<T>();
  }
  std::vector<RunRecord> Runs() { return Rows(reader_->Runs()); }
  std::vector<SiteRecord> Sites() { return Rows(reader_->Sites()); }
  std::vector<RoundRecord> Rounds(const std::string& run, int64_t first, int64_t last) {
    return Rows(reader_->Rounds(run, first, last));
  }
  std::vector<TaskRecord> Tasks(const std::string& run, int64_t first, int64_t last) {
    return Rows(reader_->Tasks(run, first, last));
  }
  std::vector<TaskRecord> Unconfirmed() { return Rows(reader_->UnconfirmedOutcomes()); }
  std::vector<std::string> Messages(const std::string& run, int64_t limit) {
    std::vector<std::string> messages;
    for (const EventRecord& event : Rows(reader_->Events(run, limit))) {
      messages.push_back(event.message);
    }
    return messages;
  }
  int64_t LargestTaskId() {
    const Result<int64_t> id = reader_->LargestTaskId();
    EXPECT_OK(id);
    return id.ok() ? *id : -1;
  }

 private:
  testing::TempDir directory_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<JournalReader> owned_reader_;
  JournalReader* reader_ = nullptr;

 protected:
  JournalReader& reader() { return *reader_; }
};

INSTANTIATE_TEST_SUITE_P(Twins, JournalContract, ::testing::Values("memory", "sqlite"),
                         [](const auto& twin) { return std::string(twin.param); });

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST_P(JournalContract, ANewJournalIsEmptyButHasAnId) {
  EXPECT_THAT(Runs(), IsEmpty());
  EXPECT_THAT(Sites(), IsEmpty());
  EXPECT_THAT(Rounds("r", 0, kMax), IsEmpty());
  EXPECT_THAT(Tasks("r", 0, kMax), IsEmpty());
  EXPECT_THAT(Unconfirmed(), IsEmpty());
  EXPECT_THAT(Messages("", 10), IsEmpty());
  EXPECT_EQ(LargestTaskId(), 0);
  ASSERT_OK_AND_ASSIGN(const std::string id, reader().CoordinatorId());
  EXPECT_THAT(id, Not(IsEmpty()));
}

TEST_P(JournalContract, EveryFieldComesBackAsItWas) {
  const TaskRecord task = SampleTask(kMax, "r", 3, "north");
  Commit({SampleRun("r", 1), SampleRound("r", 3), task, SampleSite("north"),
          SampleEvent("r", "line 1\nline 2")});
  EXPECT_THAT(Runs(), ElementsAre(SampleRun("r", 1)));
  EXPECT_THAT(Rounds("r", 3, 3), ElementsAre(SampleRound("r", 3)));
  EXPECT_THAT(Tasks("r", 3, 3), ElementsAre(task));
  EXPECT_THAT(Sites(), ElementsAre(SampleSite("north")));
  ASSERT_OK_AND_ASSIGN(const auto events, reader().Events("r", 10));
  EXPECT_THAT(events, ElementsAre(SampleEvent("r", "line 1\nline 2")));
  EXPECT_EQ(LargestTaskId(), kMax);
}

TEST_P(JournalContract, RecordsLeftAsTheyAreMadeComeBackToo) {
  Commit({RunRecord(), RoundRecord(), TaskRecord(), SiteRecord(), EventRecord()});
  EXPECT_THAT(Runs(), ElementsAre(RunRecord()));
  EXPECT_THAT(Rounds("", 0, 0), ElementsAre(RoundRecord()));
  EXPECT_THAT(Tasks("", 0, 0), ElementsAre(TaskRecord()));
  EXPECT_THAT(Sites(), ElementsAre(SiteRecord()));
  EXPECT_THAT(Messages("", 10), ElementsAre(""));
}

TEST_P(JournalContract, EveryStateComesBack) {
  WriteBatch batch;
  int64_t number = 0;
  for (const RunState state :
       {RunState::kPending, RunState::kRunning, RunState::kPaused, RunState::kCompleted,
        RunState::kCompletedDegraded, RunState::kFailed, RunState::kStopped}) {
    ++number;
    RunRecord run = SampleRun("r" + std::to_string(number), number);
    run.state = state;
    batch.emplace_back(run);
  }
  int64_t task_id = 0;
  for (const TaskState state : {TaskState::kOffered, TaskState::kTaken, TaskState::kReported,
                                TaskState::kFailed, TaskState::kLost, TaskState::kLate}) {
    for (const Outcome outcome : {Outcome::kNone, Outcome::kCounted, Outcome::kDiscarded}) {
      ++task_id;
      TaskRecord task = SampleTask(task_id, "r1", task_id, "north");
      task.state = state;
      task.outcome = outcome;
      batch.emplace_back(task);
    }
  }
  Commit(batch);
  WriteBatch found;
  for (const RunRecord& run : Runs()) found.emplace_back(run);
  for (const TaskRecord& task : Tasks("r1", 0, kMax)) found.emplace_back(task);
  EXPECT_EQ(found, batch);
}

TEST_P(JournalContract, APutReplacesTheRowWithTheSameKey) {
  Commit({SampleRun("r", 1), SampleRound("r", 3), SampleTask(9, "r", 3, "north"),
          SampleSite("north")});
  RunRecord run;
  run.run_id = "r";
  run.number = 4;
  RoundRecord round;
  round.run_id = "r";
  round.round = 3;
  TaskRecord task;
  task.task_id = 9;
  task.run_id = "r";
  task.round = 3;
  SiteRecord site;
  site.site = "north";
  Commit({run, round, task, site});
  EXPECT_THAT(Runs(), ElementsAre(run));
  EXPECT_THAT(Rounds("r", 3, 3), ElementsAre(round));
  EXPECT_THAT(Tasks("r", 3, 3), ElementsAre(task));
  EXPECT_THAT(Sites(), ElementsAre(site));
}

TEST_P(JournalContract, TheLaterOfTwoRecordsInABatchWins) {
  RunRecord later = SampleRun("r", 1);
  later.state = RunState::kStopped;
  Commit({SampleRun("r", 1), SampleEvent("r", "first"), later, SampleEvent("r", "second")});
  EXPECT_THAT(Runs(), ElementsAre(later));
  EXPECT_THAT(Messages("r", 10), ElementsAre("first", "second"));
}

TEST_P(JournalContract, OfATaskThatIsStillAtWorkIsWrittenWhatStandsInItAtTheCommit) {
  const auto live = std::make_shared<TaskRecord>(SampleTask(9, "r", 3, "north"));
  const WriteBatch batch = {SampleRun("r", 1), storage::LiveTask(live)};
  live->outcome = Outcome::kCounted;
  live->outcome_confirmed = false;
  const TaskRecord at_commit = *live;
  Commit(batch);
  live->outcome_confirmed = true;  // of no batch
  EXPECT_THAT(Tasks("r", 3, 3), ElementsAre(at_commit));
  EXPECT_THAT(Unconfirmed(), ElementsAre(at_commit));
  Commit({storage::LiveTask(live)});
  EXPECT_THAT(Tasks("r", 3, 3), ElementsAre(*live));
  EXPECT_THAT(Unconfirmed(), IsEmpty());
  EXPECT_EQ(LargestTaskId(), 9);
}

TEST_P(JournalContract, AnEmptyBatchChangesNothing) {
  Commit({SampleRun("r", 1)});
  Commit({});
  EXPECT_THAT(Runs(), ElementsAre(SampleRun("r", 1)));
}

TEST_P(JournalContract, RunsComeByNumber) {
  Commit({SampleRun("a", 10), SampleRun("b", 9), SampleRun("c", 2), SampleRun("aa", 2)});
  const auto id = [](const char* text) { return Field(&RunRecord::run_id, text); };
  EXPECT_THAT(Runs(), ElementsAre(id("aa"), id("c"), id("b"), id("a")));
}

TEST_P(JournalContract, SitesComeInBytewiseOrder) {
  Commit({SampleSite("\xc3\xa9st"), SampleSite("a"), SampleSite("B"), SampleSite("a-1")});
  const auto name = [](const char* text) { return Field(&SiteRecord::site, text); };
  EXPECT_THAT(Sites(), ElementsAre(name("B"), name("a"), name("a-1"), name("\xc3\xa9st")));
}

TEST_P(JournalContract, RoundsComeByRoundAndAttemptWithinTheRangeAndTheRun) {
  Commit({SampleRound("r", 3), SampleRound("r", 2, 2), SampleRound("r", 2, 1), SampleRound("r", 1),
          SampleRound("r", 4), SampleRound("s", 2), SampleRound("r", -1)});
  EXPECT_THAT(Rounds("r", 2, 3),
              ElementsAre(SampleRound("r", 2, 1), SampleRound("r", 2, 2), SampleRound("r", 3)));
  EXPECT_THAT(Rounds("r", -5, kMax), SizeIs(6));
  EXPECT_THAT(Rounds("r", 3, 2), IsEmpty());
  EXPECT_THAT(Rounds("s", 2, 2), SizeIs(1));
  EXPECT_THAT(Rounds("q", 2, 2), IsEmpty());
}

TEST_P(JournalContract, TasksComeByRoundAttemptAndSite) {
  TaskRecord first_attempt = SampleTask(8, "r", 2, "west");
  first_attempt.attempt = 1;
  Commit({SampleTask(1, "r", 3, "east"), SampleTask(2, "r", 2, "north"),
          SampleTask(7, "r", 2, "east"), SampleTask(3, "r", 2, "east"), first_attempt,
          SampleTask(5, "s", 2, "east"), SampleTask(6, "r", 4, "east")});
  std::vector<int64_t> ids;
  for (const TaskRecord& task : Tasks("r", 2, 3)) ids.push_back(task.task_id);
  EXPECT_THAT(ids, ElementsAre(8, 3, 7, 2, 1));
}

TEST_P(JournalContract, ATaskIsFoundWhereItsLastPutSays) {
  Commit({SampleTask(1, "r", 2, "east")});
  TaskRecord moved = SampleTask(1, "s", 5, "west");
  moved.attempt = 4;
  Commit({moved});
  EXPECT_THAT(Tasks("r", 0, kMax), IsEmpty());
  EXPECT_THAT(Tasks("s", 5, 5), ElementsAre(moved));
}

TEST_P(JournalContract, AnOutcomeWaitsUntilItsSiteConfirmsIt) {
  TaskRecord open = SampleTask(1, "r", 1, "east");
  open.outcome = Outcome::kNone;
  open.outcome_confirmed = false;
  TaskRecord counted = SampleTask(3, "r", 1, "north");
  counted.outcome = Outcome::kCounted;
  counted.outcome_confirmed = false;
  TaskRecord discarded = SampleTask(2, "s", 1, "west");
  discarded.outcome_confirmed = false;
  Commit({open, counted, discarded, SampleTask(4, "r", 1, "south")});
  EXPECT_THAT(Unconfirmed(), ElementsAre(discarded, counted));

  discarded.outcome_confirmed = true;
  open.outcome = Outcome::kCounted;
  Commit({discarded, open});
  EXPECT_THAT(Unconfirmed(), ElementsAre(open, counted));
  EXPECT_THAT(Tasks("s", 1, 1), ElementsAre(discarded));
}

TEST_P(JournalContract, TheLargestTaskIdStaysWhenASmallerOneIsWritten) {
  Commit({SampleTask(1'000'000, "r", 1, "east")});
  Commit({SampleTask(5, "r", 1, "north")});
  EXPECT_EQ(LargestTaskId(), 1'000'000);
}

TEST_P(JournalContract, ARemovedHistoryLeavesTheRunAndTheRoundsThatAreKept) {
  for (const char* run : {"r", "s"}) {
    WriteBatch batch = {SampleRun(run, 1), SampleEvent(run, "began")};
    for (int64_t round = 0; round < 7; ++round) {
      batch.emplace_back(SampleRound(run, round));
      batch.emplace_back(SampleTask(round + (run[0] == 'r' ? 1 : 11), run, round, "east"));
    }
    Commit(batch);
  }
  Commit({RemoveHistory{"r", {2, 5}}, SampleEvent("r", "history_removed")});
  EXPECT_THAT(Runs(), SizeIs(2));
  EXPECT_THAT(Rounds("r", 0, kMax), ElementsAre(SampleRound("r", 2), SampleRound("r", 5)));
  EXPECT_THAT(Tasks("r", 0, kMax), IsEmpty());
  EXPECT_THAT(Messages("r", 10), ElementsAre("history_removed"));
  EXPECT_THAT(Rounds("s", 0, kMax), SizeIs(7));
  EXPECT_THAT(Tasks("s", 0, kMax), SizeIs(7));
  EXPECT_THAT(Messages("s", 10), ElementsAre("began"));
  Commit({RemoveHistory{"r", {}}, RemoveHistory{"nobody", {1}}});
  EXPECT_THAT(Rounds("r", 0, kMax), IsEmpty());
}

TEST_P(JournalContract, ARemovedHistoryLosesNoOutcomeThatASiteHasYetToHear) {
  TaskRecord unheard = SampleTask(1, "r", 1, "east");
  unheard.outcome_confirmed = false;
  TaskRecord failed = SampleTask(2, "r", 1, "north");
  failed.outcome = Outcome::kNone;
  failed.outcome_confirmed = false;
  Commit({unheard, failed, SampleTask(3, "r", 1, "west"), SampleTask(4, "s", 1, "west")});
  Commit({RemoveHistory{"r", {}}});
  EXPECT_THAT(Tasks("r", 0, kMax), ElementsAre(unheard));
  EXPECT_THAT(Unconfirmed(), ElementsAre(unheard));
}

TEST_P(JournalContract, ARemovedHistoryDoesNotFreeTheNumbersOfItsTasks) {
  Commit({SampleTask(8, "r", 1, "east"), SampleTask(9, "r", 1, "north")});
  Commit({RemoveHistory{"r", {}}});
  EXPECT_EQ(LargestTaskId(), 9);
}

TEST_P(JournalContract, OldRoundsOfARunThatGoesOnTakeTheirTasksAndCommitsAlong) {
  const auto event = [](int64_t round, const std::string& message, const std::string& code) {
    EventRecord made = SampleEvent("r", message);
    made.round = round;
    made.code = code;
    return made;
  };
  WriteBatch batch = {SampleRun("r", 1), event(-1, "began", "run_submitted"),
                      event(3, "asked again", "result_damaged"), SampleEvent("s", "another's")};
  for (int64_t round = 0; round < 7; ++round) {
    batch.emplace_back(event(round, std::to_string(round), kRoundCommitted));
    batch.emplace_back(SampleRound("r", round));
    batch.emplace_back(SampleTask(round + 1, "r", round, "east"));
  }
  Commit(batch);
  TaskRecord unheard = SampleTask(20, "r", 2, "north");
  unheard.outcome_confirmed = false;
  Commit({unheard});
  Commit({RemoveHistory{"r", {1, 5, 9}, 4}});
  EXPECT_THAT(Rounds("r", 0, kMax), ElementsAre(SampleRound("r", 1), SampleRound("r", 4),
                                                SampleRound("r", 5), SampleRound("r", 6)));
  EXPECT_THAT(Tasks("r", 0, kMax),
              ElementsAre(unheard, SampleTask(5, "r", 4, "east"), SampleTask(6, "r", 5, "east"),
                          SampleTask(7, "r", 6, "east")));
  EXPECT_THAT(Messages("r", 10), ElementsAre("began", "asked again", "4", "5", "6"));
  EXPECT_THAT(Messages("s", 10), ElementsAre("another's"));
  Commit({RemoveHistory{"r", {}, 5}});
  EXPECT_THAT(Messages("r", 10), ElementsAre("began", "asked again", "5", "6"));
  EXPECT_THAT(Rounds("r", 0, kMax), ElementsAre(SampleRound("r", 5), SampleRound("r", 6)));
}

TEST_P(JournalContract, TheNewestEventsComeOldestFirst) {
  Commit({SampleEvent("r", "1"), SampleEvent("s", "2"), SampleEvent("r", "3")});
  Commit({SampleEvent("", "4"), SampleEvent("r", "5")});
  EXPECT_THAT(Messages("", 100), ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_THAT(Messages("", 2), ElementsAre("4", "5"));
  EXPECT_THAT(Messages("r", 2), ElementsAre("3", "5"));
  EXPECT_THAT(Messages("s", 2), ElementsAre("2"));
  EXPECT_THAT(Messages("r", 0), IsEmpty());
  EXPECT_THAT(Messages("r", -1), IsEmpty());
}

TEST_P(JournalContract, OldEventsGoAndTheNewestStay) {
  constexpr int64_t kKept = 500;
  constexpr int64_t kWritten = 4250;
  Open(kKept);
  WriteBatch batch;
  for (int64_t i = 1; i <= kWritten; ++i) {
    batch.emplace_back(SampleEvent(i % 2 == 0 ? "r" : "s", std::to_string(i)));
    if (i % 50 == 0) {
      Commit(batch);
      batch.clear();
    }
  }
  const std::vector<std::string> messages = Messages("", kWritten);
  ASSERT_GE(messages.size(), static_cast<std::size_t>(kKept));
  EXPECT_LE(messages.size(), static_cast<std::size_t>(kKept + kEventsPrunedAtOnce));
  for (std::size_t i = 0; i < messages.size(); ++i) {
    EXPECT_EQ(messages[messages.size() - 1 - i], std::to_string(kWritten - static_cast<int>(i)));
  }
  EXPECT_THAT(Messages("s", kWritten), Not(::testing::Contains("1")));
}

TEST_P(JournalContract, ABatchOfMoreEventsThanAreKeptIsPrunedToo) {
  constexpr int64_t kKept = 100;
  Open(kKept);
  WriteBatch batch;
  for (int64_t i = 0; i < 2500; ++i) batch.emplace_back(SampleEvent("r", std::to_string(i)));
  Commit(batch);
  EXPECT_LE(Messages("", 2500).size(), static_cast<std::size_t>(kKept + kEventsPrunedAtOnce));
  EXPECT_THAT(Messages("", 1), ElementsAre("2499"));
}

}  // namespace
}  // namespace skerry::storage
