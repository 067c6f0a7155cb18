#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "coordinator/history.h"
#include "harness.h"
#include "testing/status_matchers.h"

// Runs whose updates are taken as they come: FedBuff with sites that do what a test says.
namespace skerry::coordinator {
namespace {

using skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;

RunFile FedBuff(int rounds, const std::string& async) {
  RunFile file;
  file.rounds = rounds;
  file.participation = "sites = [\"a\", \"b\", \"c\"]";
  file.training = "strategy = \"fedbuff\"\nasync = { " + async + " }\n";
  return file;
}

// The three parameters of the version that a task begins with.
std::vector<float> ModelOf(const v1::Task& task) {
  std::vector<float> values(3);
  const std::string& bytes = task.model().contents();
  const std::size_t size = values.size() * sizeof(float);
  if (bytes.size() < size) {
    ADD_FAILURE() << "no model came with the task";
    return values;
  }
  std::memcpy(values.data(), bytes.data() + bytes.size() - size, size);
  return values;
}

class AsyncRunsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (FakeSite* site : {&a_, &b_, &c_}) ASSERT_OK(site->Join());
  }

  // What became of a site's task.
  v1::Verdict VerdictFor(FakeSite& site, std::vector<int64_t> held) {
    const auto pull = site.Pull(std::move(held));
    if (!pull->has_value() || !(*pull)->ok() || (**pull)->verdicts_size() == 0) {
      ADD_FAILURE() << site.name() << " hears of no verdict";
      return {};
    }
    const v1::Verdict verdict = (**pull)->verdicts(0);
    site.confirm_ = {verdict.task_id()};
    return verdict;
  }

  Harness harness_;
  FakeSite a_{harness_, "a"};
  FakeSite b_{harness_, "b"};
  FakeSite c_{harness_, "c"};
};

TEST_F(AsyncRunsTest, AnUpdateCountsAtTheVersionAtWhichItComesAndLessTheOlderItsBeginning) {
  harness_.Submit(FedBuff(3, "buffer = 2"));
  const v1::Task a1 = a_.Take();
  const v1::Task b1 = b_.Take();
  const v1::Task c1 = c_.Take();
  EXPECT_EQ(c1.round(), 1);
  ASSERT_OK(a_.Submit(a1, {1, 2, 3}));
  ASSERT_OK(b_.Submit(b1, {3, 4, 5}));
  EXPECT_EQ(VerdictFor(a_, {a1.task_id()}).outcome(), v1::Verdict::COUNTED);
  const v1::Task a2 = a_.Take();
  EXPECT_EQ(a2.model().version(), 1);
  EXPECT_EQ(a2.round(), 2);
  EXPECT_THAT(ModelOf(a2), ElementsAre(FloatEq(2), FloatEq(3), FloatEq(4)));
  ASSERT_OK(c_.Submit(c1, {1, 1, 1}));  // began with version 0, is for version 2
  ASSERT_OK(a_.Submit(a2, {2, 2, 2}));
  EXPECT_EQ(VerdictFor(c_, {c1.task_id()}).outcome(), v1::Verdict::COUNTED);
  const v1::Task c2 = c_.Take();
  EXPECT_EQ(c2.model().version(), 2);
  const auto added = static_cast<float>((2 + 1 / std::sqrt(2.0)) / 2);
  EXPECT_THAT(ModelOf(c2), ElementsAre(FloatEq(2 + added), FloatEq(3 + added), FloatEq(4 + added)));
}

TEST_F(AsyncRunsTest, ACoordinatorThatIsKilledInMidBufferKeepsWhatHasComeAndWhoIsAtWork) {
  const std::string run = harness_.Submit(FedBuff(2, "buffer = 2"));
  const v1::Task a1 = a_.Take();
  const v1::Task b1 = b_.Take();
  const v1::Task c1 = c_.Take();
  ASSERT_OK(a_.Submit(a1));
  ASSERT_OK(b_.Submit(b1));  // version 1
  VerdictFor(a_, {a1.task_id()});
  const v1::Task a2 = a_.Take();
  ASSERT_OK(a_.Submit(a2, {5, 5, 5}));  // in the buffer of version 2; c is at version 0 still
  harness_.Restart();
  EXPECT_EQ(harness_.Show(run).run().buffered(), 1);
  ASSERT_OK(a_.Join({Held(a2.task_id(), v1::HeldTask::SUBMITTED)}));
  ASSERT_OK(c_.Join({Held(c1.task_id(), v1::HeldTask::WORKING)}));
  ASSERT_OK(c_.Submit(c1, {1, 1, 1}));
  const v1::ShowRunReply shown = harness_.Show(run);
  EXPECT_EQ(shown.run().model_version(), 2);
  EXPECT_EQ(shown.run().state(), "completed");
  ASSERT_EQ(shown.rounds(2).sites_size(), 3);
  EXPECT_EQ(shown.rounds(2).sites(0).site(), "a");
  EXPECT_TRUE(shown.rounds(2).sites(0).counted());
  EXPECT_EQ(shown.rounds(2).sites(2).site(), "c");
  EXPECT_TRUE(shown.rounds(2).sites(2).counted());
  EXPECT_EQ(shown.rounds(2).sites(2).staleness(), 1);
}

TEST_F(AsyncRunsTest, ASiteMayFetchTheVersionThatItBeganWithAfterOthersWereMade) {
  harness_.Submit(FedBuff(3, "buffer = 1"));
  const v1::Task a1 = a_.Take();
  const v1::Task c1 = c_.Take();
  ASSERT_OK(a_.Submit(a1));
  v1::PullModelRequest request;
  request.set_epoch(c_.epoch());
  *request.mutable_model() = c1.model();
  const auto fetched = harness_.Call<std::shared_ptr<rpc::ChunkSource>>(
      [&](auto done) { harness_.coordinator->OpenModel("c", request, std::move(done)); });
  EXPECT_TRUE(fetched.ok()) << fetched.status().ToString();
}

TEST_F(AsyncRunsTest, WorkThatHasBecomeTooOldIsGivenUpWithTheReasonAndBegunAnew) {
  const std::string run = harness_.Submit(FedBuff(9, "buffer = 1, max_staleness = 1"));
  const v1::Task c1 = c_.Take();
  std::vector<int64_t> held;
  for (int i = 0; i < 2; ++i) {
    const v1::Task task = a_.Take();
    ASSERT_OK(a_.Submit(task));
    VerdictFor(a_, {task.task_id()});
  }
  const v1::Verdict verdict = VerdictFor(c_, {c1.task_id()});
  EXPECT_EQ(verdict.task_id(), c1.task_id());
  EXPECT_EQ(verdict.outcome(), v1::Verdict::DISCARDED);
  EXPECT_EQ(verdict.reason(),
            "it began with version 0, which is 2 versions old now; training.async.max_staleness "
            "is 1");
  EXPECT_THAT(c_.Submit(c1), Fails(Code::kNotFound, HasSubstr("is not open for this site")));
  EXPECT_EQ(c_.Take().model().version(), 2);
  EXPECT_EQ(harness_.Show(run).run().state(), "running");
}

TEST_F(AsyncRunsTest, TheNextVersionWaitsForConnectedSitesThatAreTooFarBehind) {
  const std::string run = harness_.Submit(FedBuff(9, "buffer = 1, max_lead = 1"));
  const v1::Task a1 = a_.Take();
  const v1::Task b1 = b_.Take();
  const v1::Task c1 = c_.Take();
  ASSERT_OK(a_.Submit(a1));
  VerdictFor(a_, {a1.task_id()});
  ASSERT_OK(a_.Submit(a_.Take()));
  ASSERT_OK(b_.Submit(b1));
  EXPECT_EQ(harness_.Show(run).run().model_version(), 1);
  EXPECT_THAT(harness_.Show(run).run().reason(), HasSubstr("training.async.max_lead"));
  ASSERT_OK(c_.Submit(c1));
  const auto exported = harness_.Call<v1::ExportHistoryReply>(
      [&](auto done) { harness_.coordinator->ExportHistory(run, std::move(done)); });
  ASSERT_TRUE(exported.ok());
  ASSERT_OK_AND_ASSIGN(const Participants history, ParseHistory(exported->history_json(), "h"));
  EXPECT_THAT(history.at(2), ElementsAre(Participant{"b", 0})) << "before a, which came earlier";
  EXPECT_THAT(history.at(3), ElementsAre(Participant{"a", 1}));
  EXPECT_FALSE(history.contains(4)) << "for which b, who got its task at version 2, is awaited";
}

TEST_F(AsyncRunsTest, TheHistoryTellsWhoCameWhenAndWithWhichVersionItBegan) {
  const std::string run = harness_.Submit(FedBuff(2, "buffer = 2"));
  const v1::Task a1 = a_.Take();
  const v1::Task b1 = b_.Take();
  const v1::Task c1 = c_.Take();
  ASSERT_OK(b_.Submit(b1));
  ASSERT_OK(a_.Submit(a1));
  VerdictFor(a_, {a1.task_id()});
  ASSERT_OK(c_.Submit(c1));
  ASSERT_OK(a_.Submit(a_.Take()));
  const auto exported = harness_.Call<v1::ExportHistoryReply>(
      [&](auto done) { harness_.coordinator->ExportHistory(run, std::move(done)); });
  ASSERT_TRUE(exported.ok());
  const std::string& json = exported->history_json();
  EXPECT_LT(json.find("\"b\"", json.find("\"rounds\"")),
            json.find("\"a\"", json.find("\"rounds\"")));
  ASSERT_OK_AND_ASSIGN(const Participants history, ParseHistory(json, "h.json"));
  EXPECT_THAT(history.at(1), ElementsAre(Participant{"a", 0}, Participant{"b", 0}));
  EXPECT_THAT(history.at(2), ElementsAre(Participant{"a", 1}, Participant{"c", 0}));
}

TEST_F(AsyncRunsTest, AStoppedRunTellsEverybodyThatItsWorkDoesNotCount) {
  const std::string run = harness_.Submit(FedBuff(2, "buffer = 2"));
  const v1::Task a1 = a_.Take();
  ASSERT_OK(a_.Submit(a1));
  const auto stopped = harness_.Call<v1::StopRunReply>(
      [&](auto done) { harness_.coordinator->StopRun(run, std::move(done)); });
  ASSERT_TRUE(stopped.ok());
  const v1::Verdict verdict = VerdictFor(a_, {a1.task_id()});
  EXPECT_EQ(verdict.outcome(), v1::Verdict::DISCARDED);
  EXPECT_EQ(verdict.reason(), "the run is stopped");
}

TEST_F(AsyncRunsTest, TooManyFailuresPauseTheRunAndResumingGivesNewTasksFromTheSameVersion) {
  const std::string run = harness_.Submit(FedBuff(2, "buffer = 2"));
  const v1::Task a1 = a_.Take();
  const v1::Task b1 = b_.Take();
  ASSERT_OK(a_.Fail(a1, InvalidArgument("no rows")));
  ASSERT_OK(b_.Fail(b1, InvalidArgument("no rows")));
  EXPECT_EQ(harness_.Show(run).run().state(), "paused");
  EXPECT_THAT(harness_.Show(run).run().reason(),
              HasSubstr("tasks_failed: the buffer of 2 cannot be reached; a, b: no rows"));
  const auto resumed = harness_.Call<v1::ResumeRunReply>(
      [&](auto done) { harness_.coordinator->ResumeRun(run, std::move(done)); });
  ASSERT_TRUE(resumed.ok());
  EXPECT_EQ(a_.Take({}).model().version(), 0);
  EXPECT_EQ(harness_.Show(run).run().state(), "running");
}

TEST(AsyncPlanTest, WhatDoesNotGoTogetherIsRefusedByBothKeys) {
  const auto refused = [](RunFile file, const char* key, const char* why) {
    EXPECT_THAT(ParseRunFile(file.Text(), "run.toml"),
                Fails(Code::kInvalidArgument, AllOf(HasSubstr(key), HasSubstr(why))));
  };
  RunFile file = FedBuff(2, "buffer = 2");
  EXPECT_OK(ParseRunFile(file.Text(), "run.toml"));
  file.participation += "\nsites_per_round = 2";
  refused(file, "participation.sites_per_round", "training.strategy = \"fedbuff\"");
  file = FedBuff(2, "buffer = 2");
  file.participation += "\nselection = \"poisson\"\nprobability = 0.5";
  refused(file, "participation.selection", "training.strategy = \"fedbuff\"");
  file = FedBuff(2, "buffer = 2");
  file.extra = "[evaluation]\nevery = 1\n";
  refused(file, "evaluation.every", "training.strategy = \"fedbuff\"");
  file.extra = "[aggregation]\nrule = \"median\"\n";
  refused(file, "aggregation.rule", "training.strategy = \"fedbuff\"");
  refused(FedBuff(2, "buffer = 4"), "training.async.buffer (4)", "participation.sites (3)");
  refused(FedBuff(2, "max_staleness = 3"), "training.async.buffer", "");
  refused(FedBuff(2, "buffer = 2, mixing = 0.5"), "training.async.mixing", "");
  refused(FedBuff(2, "buffer = 2, b = 4"), "training.async.b", "");
  refused(FedBuff(2, "buffer = 2, max_staleness = 2, max_lead = 3"), "training.async.max_lead",
          "training.async.max_staleness (2)");
  file = FedBuff(2, "buffer = 2");
  file.training = "async = { buffer = 2 }\n";
  refused(file, "training.async", "\"fedavg\", which goes by rounds");
}

TEST(AsyncPlanTest, VersionsThatSitesMayBeAtWorkOnStayOnTheDisk) {
  const auto plan = ParseRunFile(FedBuff(2, "buffer = 2, max_staleness = 6").Text(), "run.toml");
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->keep.checkpoints, 7);
  EXPECT_EQ(plan->spec.evaluation().every(), 0);
}

}  // namespace
}  // namespace skerry::coordinator
