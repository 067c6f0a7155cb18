#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "harness.h"
#include "testing/status_matchers.h"

// What [keep] leaves on the disk of a coordinator, and what restarts do to it.
namespace skerry::coordinator {
namespace {

using skerry::testing::Fails;
using skerry::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class KeepTest : public ::testing::Test {
 protected:
  void Begin(const std::string& keep, int rounds = 4) {
    RunFile file;
    file.rounds = rounds;
    file.extra = "[keep]\n" + keep;
    h.Submit(file);
    ASSERT_OK(a.Join());
    ASSERT_OK(b.Join());
  }
  // Rounds from the one under way to `last`; the tasks of each.
  void Work(int last) {
    while (h.coordinator->FindRun("t-1")->last_committed_round() < last) {
      const v1::Task task_a = a.Take();
      const v1::Task task_b = b.Take();
      ASSERT_OK(a.Submit(task_a));
      ASSERT_OK(b.Submit(task_b));
      a.confirm_.push_back(task_a.task_id());
      b.confirm_.push_back(task_b.task_id());
      tasks.push_back({task_a.task_id(), task_b.task_id()});
    }
  }
  std::vector<std::string> Spool() { return h.files.List("state/spool").value(); }
  std::vector<std::string> Versions() { return h.files.List("state/runs/t-1").value(); }
  static std::string NameOf(int64_t task) { return std::to_string(task) + ".result"; }
  std::vector<std::string> NamesFrom(std::size_t first_round) const {
    std::vector<std::string> names;
    for (std::size_t i = first_round - 1; i < tasks.size(); ++i) {
      for (const int64_t task : tasks[i]) names.push_back(NameOf(task));
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  void Litter(const std::string& path) { ASSERT_OK(h.files.Open(path, OpenMode::kCreate)); }
  Result<v1::ExportHistoryReply> History() {
    return h.Call<v1::ExportHistoryReply>(
        [&](auto done) { h.coordinator->ExportHistory("t-1", std::move(done)); });
  }
  Status ExportNewest() {
    v1::ExportModelRequest request;
    request.set_run_id("t-1");
    request.set_version(-1);
    return h
        .Call<Coordinator::ExportedModel>(
            [&](auto done) { h.coordinator->ExportModel(request, std::move(done)); })
        .status();
  }

  Harness h{0};
  FakeSite a{h, "a"};
  FakeSite b{h, "b"};
  std::vector<std::vector<int64_t>> tasks;  // by round, from 1 on
};

TEST_F(KeepTest, CountedUpdatesOfTheNewestRoundsStayInTheSpoolAndTheOthersGo) {
  Begin("updates = 2");
  Work(1);
  EXPECT_EQ(Spool(), NamesFrom(1));
  Work(4);
  EXPECT_EQ(Spool(), NamesFrom(3));
}

TEST_F(KeepTest, AfterACrashBetweenCommitAndRemovalTheNextStartRemovesWhatIsLeft) {
  Begin("updates = 1\ncheckpoints = 1\nbest = 0");
  Work(3);
  Litter("state/spool/" + NameOf(tasks[0][0]));
  Litter("state/spool/" + NameOf(tasks[1][1]));
  Litter("state/runs/t-1/model-1.safetensors");
  Litter("state/runs/t-1/model-4.safetensors.tmp");
  h.Restart();
  EXPECT_EQ(Spool(), NamesFrom(3));
  EXPECT_THAT(Versions(), ElementsAre("model-3.safetensors"));
  ASSERT_OK(a.Join());
  ASSERT_OK(b.Join());
  Work(4);
  EXPECT_EQ(Spool(), NamesFrom(4)) << "what was kept before the restart goes in its turn";
}

TEST_F(KeepTest, TheSameHoldsForARunThatHasEnded) {
  Begin("updates = 1\ncheckpoints = 2\nbest = 1");
  Work(4);
  Litter("state/spool/" + NameOf(tasks[1][0]));
  Litter("state/runs/t-1/model-0.safetensors");
  Litter("state/runs/t-1/model-9.safetensors");
  Litter("state/runs/t-1/state-4.safetensors.tmp");
  h.Restart();
  EXPECT_EQ(Spool(), NamesFrom(4));
  EXPECT_THAT(Versions(), ElementsAre("model-3.safetensors", "model-4.safetensors"));
  EXPECT_OK(ExportNewest());
}

TEST_F(KeepTest, ResultsThatAreNotCountedGoAtOnceEvenWhereUpdatesAreKept) {
  RunFile file;
  file.rounds = 1;
  file.participation = "sites = [\"a\", \"b\"]\nmin_sites = 1\nquorum = 1";
  file.extra = "[keep]\nupdates = 5";
  h.Submit(file);
  ASSERT_OK(a.Join());
  ASSERT_OK(b.Join());
  const v1::Task task_a = a.Take();
  const v1::Task task_b = b.Take();
  const std::string bytes = FakeSite::Bytes({1, 2, 3});
  ASSERT_OK(b.BeginUpload(FakeSite::Header(task_b, bytes)));
  ASSERT_OK(a.Submit(task_a));
  b.Break();
  h.Wait(15s);
  EXPECT_THAT(Spool(), ElementsAre(NameOf(task_a.task_id())));
}

TEST_F(KeepTest, AStoppedRunLeavesNoResultInTheSpool) {
  Begin("");
  const v1::Task task = a.Take();
  ASSERT_OK(a.Submit(task));
  EXPECT_THAT(Spool(), SizeIs(1));
  ASSERT_OK(
      h.Call<v1::StopRunReply>([&](auto done) { h.coordinator->StopRun("t-1", std::move(done)); }));
  EXPECT_THAT(Spool(), IsEmpty());
}

TEST_F(KeepTest, WhatHasArrivedOfATaskThatFailsGoesAndDoesNotComeBack) {
  Begin("");
  const v1::Task task = a.Take();
  const v1::ResultHeader header = FakeSite::Header(task, FakeSite::Bytes({1, 2, 3}));
  ASSERT_OK(a.BeginUpload(header));
  EXPECT_THAT(Spool(), SizeIs(1));
  ASSERT_OK(a.Fail(task, InvalidArgument("the disk is broken")));
  EXPECT_THAT(Spool(), IsEmpty());
  v1::QueryUploadRequest query;
  query.set_epoch(a.epoch());
  query.set_task_id(task.task_id());
  query.set_content_hash(header.content_hash());
  EXPECT_THAT(h.Call<v1::QueryUploadReply>(
                  [&](auto done) { h.coordinator->QueryUpload("a", query, std::move(done)); }),
              HasCode(Code::kNotFound));
  EXPECT_THAT(Spool(), IsEmpty());
}

TEST_F(KeepTest, AHistoryGoesItsDaysAfterTheEndAndTheModelStays) {
  Begin("history_days = 30\nupdates = 9");
  Work(4);
  EXPECT_OK(History());
  EXPECT_EQ(Spool(), NamesFrom(1));
  h.Wait(30 * 24h - 1s);
  EXPECT_OK(History());
  h.Wait(1s);
  EXPECT_THAT(History(), Fails(Code::kFailedPrecondition, HasSubstr("history_days")));
  EXPECT_OK(ExportNewest());
  EXPECT_THAT(Versions(), ElementsAre("model-4.safetensors"));
  EXPECT_THAT(Spool(), IsEmpty());
  const v1::ShowRunReply shown = h.Show("t-1");
  EXPECT_EQ(shown.run().state(), "completed");
  ASSERT_EQ(shown.rounds_size(), 1);
  EXPECT_EQ(shown.rounds(0).round(), 4);
  const auto events = h.journal.Events("t-1", 100);
  ASSERT_THAT(*events, SizeIs(1));
  EXPECT_EQ(events->front().code, "history_removed");
}

TEST_F(KeepTest, AHistoryWhoseDaysPassedWhileNobodyLookedGoesAtTheNextStart) {
  Begin("history_days = 1", 2);
  Work(2);
  h.coordinator.reset();
  h.clock.Advance(48h);
  h.Start();
  EXPECT_THAT(History(), HasCode(Code::kFailedPrecondition));
  EXPECT_OK(ExportNewest());
  h.Restart();
  EXPECT_OK(ExportNewest());
  EXPECT_EQ(h.Show("t-1").run().round(), 2);
  // No task of another run gets the number of one that is forgotten.
  EXPECT_EQ(h.journal.LargestTaskId().value(), tasks.back().back());
}

TEST_F(KeepTest, OfALongRunTheNewestRoundsStayAndItGoesOnAfterARestart) {
  Begin("history_rounds = 10\nbest = 0\ncheckpoints = 2", 30);
  Work(9);
  EXPECT_OK(History());
  Work(25);
  EXPECT_THAT(History(), Fails(Code::kFailedPrecondition, HasSubstr("no longer whole")));
  constexpr int64_t kAll = std::numeric_limits<int64_t>::max();
  const auto rounds = h.journal.Rounds("t-1", 0, kAll);
  ASSERT_THAT(*rounds, SizeIs(11)) << "ten, and the one under way";
  EXPECT_EQ(rounds->front().round, 16);
  EXPECT_EQ(h.journal.Tasks("t-1", 0, kAll)->front().round, 16);
  const auto events = h.journal.Events("t-1", kAll);
  ASSERT_OK(events.status());
  int64_t first_told = kAll;
  for (const storage::EventRecord& event : *events) {
    if (event.code == storage::kRoundCommitted) first_told = std::min(first_told, event.round);
  }
  EXPECT_EQ(first_told, 16) << "that a round committed goes with it";
  h.Restart();
  ASSERT_OK(a.Join());
  ASSERT_OK(b.Join());
  Work(30);
  EXPECT_EQ(h.Show("t-1").run().state(), "completed");
  EXPECT_OK(ExportNewest());
  EXPECT_THAT(*h.journal.Rounds("t-1", 0, kAll), SizeIs(10));
  h.Restart();
  EXPECT_OK(ExportNewest());
}

// The rounds stay as long as their versions do, but not who counted in them.
TEST_F(KeepTest, AHistoryWithoutParticipantsIsNotWholeThoughAllItsRoundsAreThere) {
  Begin("history_rounds = 10\nbest = 0\ncheckpoints = 50", 30);
  Work(9);
  EXPECT_OK(History());
  Work(25);
  EXPECT_EQ(h.journal.Rounds("t-1", 0, 1)->size(), 2U);
  EXPECT_THAT(History(), Fails(Code::kFailedPrecondition, HasSubstr("no longer whole")));
}

TEST_F(KeepTest, ARunUnderWayKeepsItsHistoryHoweverLongItTakes) {
  Begin("history_days = 1");
  Work(1);
  h.Wait(24h * 100);
  EXPECT_OK(History());
  EXPECT_EQ(h.Show("t-1").rounds(1).sites_size(), 2);
}

}  // namespace
}  // namespace skerry::coordinator
