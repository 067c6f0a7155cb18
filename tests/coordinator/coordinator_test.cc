#include "coordinator/coordinator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <limits>

#include "harness.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using skerry::testing::Fails;
using skerry::testing::HasCode;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class CoordinatorTest : public ::testing::Test {
 protected:
  const coordinator::Run& run(const std::string& run_id = "t-1") {
    return *h.coordinator->FindRun(run_id);
  }
  std::string State(const std::string& run_id = "t-1") {
    return std::string(Name(run(run_id).record().state));
  }
  // Both sites join and take their tasks of the first round.
  void BeginRun(const RunFile& file = {}) {
    h.Submit(file);
    ASSERT_OK(a.Join());
    ASSERT_OK(b.Join());
    task_a = a.Take();
    task_b = b.Take();
  }

  Harness h;
  FakeSite a{h, "a"};
  FakeSite b{h, "b"};
  v1::Task task_a;
  v1::Task task_b;
};

TEST_F(CoordinatorTest, ARunGoesThroughItsRoundsToCompletion) {
  BeginRun();
  EXPECT_EQ(State(), "running");
  EXPECT_EQ(task_a.round(), 1);
  ASSERT_OK(a.Submit(task_a));
  ASSERT_OK(b.Submit(task_b));
  EXPECT_EQ(run().last_committed_round(), 1);
  const v1::Task second_a = a.Take();
  const v1::Task second_b = b.Take();
  EXPECT_EQ(second_a.round(), 2);
  EXPECT_EQ(second_a.model().version(), 1);
  ASSERT_OK(a.Submit(second_a));
  ASSERT_OK(b.Submit(second_b));
  EXPECT_EQ(State(), "completed");
}

TEST_F(CoordinatorTest, TheModelIsTheWeightedMeanOfTheUpdates) {
  RunFile file;
  file.rounds = 1;
  BeginRun(file);
  const std::string bytes_a = FakeSite::Bytes({1, 0, 4});
  const std::string bytes_b = FakeSite::Bytes({2, 8, 0});
  ASSERT_OK(a.SubmitRaw(FakeSite::Header(task_a, bytes_a, 30), bytes_a));
  ASSERT_OK(b.SubmitRaw(FakeSite::Header(task_b, bytes_b, 10), bytes_b));
  v1::ExportModelRequest request;
  request.set_run_id("t-1");
  request.set_version(-1);
  auto model = h.Call<Coordinator::ExportedModel>(
      [&](auto done) { h.coordinator->ExportModel(request, std::move(done)); });
  ASSERT_OK(model);
  ASSERT_OK_AND_ASSIGN(const auto chunk, model->chunks->Next());
  const std::string& file_bytes = chunk->data();
  std::array<float, 3> parameters{};
  std::memcpy(parameters.data(), file_bytes.data() + file_bytes.size() - 12, 12);
  EXPECT_EQ(parameters[0], 1.25F);
  EXPECT_EQ(parameters[1], 2.0F);
  EXPECT_EQ(parameters[2], 3.0F);
}

TEST_F(CoordinatorTest, AnUpdateThatArrivesTwiceIsCountedOnce) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a));
  ASSERT_OK(a.Submit(task_a));
  EXPECT_EQ(run().round_state().Count(Seat::kReported), 1);
}

TEST_F(CoordinatorTest, AnotherResultForTheSameTaskIsRefusedAndTheFirstCounts) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a, {1, 2, 3}));
  EXPECT_THAT(a.Submit(task_a, {9, 9, 9}),
              Fails(Code::kAlreadyExists, HasSubstr("first one counts")));
  EXPECT_EQ(run().round_state().Count(Seat::kReported), 1);
}

TEST_F(CoordinatorTest, AResultForAnotherSitesTaskIsRefused) {
  BeginRun();
  EXPECT_THAT(a.Submit(task_b), HasCode(Code::kNotFound));
  EXPECT_EQ(run().round_state().Count(Seat::kReported), 0);
}

TEST_F(CoordinatorTest, VerdictsAreRepeatedUntilTheyAreConfirmed) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a));
  ASSERT_OK(b.Submit(task_b));
  auto reply = a.Pull({task_a.task_id()});
  ASSERT_TRUE(reply->has_value());
  ASSERT_THAT((**reply)->verdicts(), SizeIs(1));
  EXPECT_EQ((**reply)->verdicts(0).outcome(), v1::Verdict::COUNTED);
  reply = a.Pull({task_a.task_id(), (**reply)->task().task_id()});
  ASSERT_TRUE(reply->has_value()) << "not confirmed: told again";
  EXPECT_THAT((**reply)->verdicts(), SizeIs(1));
  a.confirm_ = {task_a.task_id()};
  reply = a.Pull({run().slots().at(0).record.task_id});
  EXPECT_FALSE(reply->has_value()) << "nothing to say: the call is held";
}

TEST_F(CoordinatorTest, ATaskWhoseAnswerWasLostIsGivenAgain) {
  h.Submit({});
  ASSERT_OK(a.Join());
  ASSERT_OK(b.Join());
  const v1::Task first = a.Take();
  const v1::Task again = a.Take({});  // it does not have it
  EXPECT_EQ(first.task_id(), again.task_id());
  EXPECT_FALSE(a.Pull({first.task_id()})->has_value()) << "now it has";
}

TEST_F(CoordinatorTest, AHeldCallIsAnsweredWithWaitInTime) {
  ASSERT_OK(a.Join());
  const auto reply = a.Pull();
  EXPECT_FALSE(reply->has_value());
  h.Wait(25s);
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((**reply)->has_wait());
}

TEST_F(CoordinatorTest, BeforeAShutdownNoCallIsHeldAnyMore) {
  ASSERT_OK(a.Join());
  const auto held = a.Pull();
  h.coordinator->EndHeldCalls();
  h.Settle();
  ASSERT_TRUE(held->has_value());
  EXPECT_THAT(**held, HasCode(Code::kUnavailable));
  const auto late = a.Pull();
  ASSERT_TRUE(late->has_value()) << "it would hold up the end";
  EXPECT_THAT(**late, HasCode(Code::kUnavailable));
}

// ---- Sessions ----

TEST_F(CoordinatorTest, CallsBeforeJoinAreSentBackToIt) {
  const auto reply = a.Pull();
  ASSERT_TRUE(reply->has_value());
  EXPECT_THAT(**reply, HasCode(Code::kFailedPrecondition));
  EXPECT_EQ((*reply)->status().detail(), rpc::kEpochUnknown);
}

TEST_F(CoordinatorTest, ANewerProcessOfASiteFencesTheOlderAtOnce) {
  ASSERT_OK(a.Join());
  const auto held = a.Pull();
  FakeSite newer(h, "a");
  ASSERT_OK(newer.Join());
  ASSERT_TRUE(held->has_value()) << "the older one's call ends";
  EXPECT_THAT(**held, HasCode(Code::kPermissionDenied));
  EXPECT_EQ((*held)->status().detail(), rpc::kSuperseded);
  const auto again = a.Pull();
  EXPECT_EQ((*again)->status().detail(), rpc::kSuperseded);
  EXPECT_EQ(a.Join({}, a.epoch()).status().detail(), rpc::kSuperseded) << "no ping-pong";
  EXPECT_FALSE(newer.Pull()->has_value()) << "the newer one is undisturbed";
}

TEST_F(CoordinatorTest, AnotherProtocolIsRefusedWithBothVersions) {
  v1::JoinRequest request;
  request.set_protocol(99);
  request.set_version("9.9");
  EXPECT_THAT(
      h.Call<v1::JoinReply>([&](auto done) { h.coordinator->Join("a", request, std::move(done)); }),
      Fails(Code::kUnimplemented, ::testing::AllOf(HasSubstr("9.9"), HasSubstr("99"))));
}

TEST_F(CoordinatorTest, ABrokenCallMakesTheSiteLostAfterTheGraceAndNotBefore) {
  BeginRun();
  a.Beat(task_a.task_id());
  a.Break();
  h.Wait(8s);
  EXPECT_EQ(run().round_state().seats[0], Seat::kInvited);
  h.Wait(1s);
  EXPECT_EQ(run().round_state().seats[0], Seat::kLost);
  EXPECT_THAT(run().WaitsFor(), HasSubstr("b"));
}

TEST_F(CoordinatorTest, ALostSiteThatReturnsGoesOnWithItsTask) {
  BeginRun();
  a.Break();
  h.Wait(30s);
  ASSERT_EQ(run().round_state().seats[0], Seat::kLost);
  ASSERT_OK_AND_ASSIGN(const auto reply, a.Join({Held(task_a.task_id(), v1::HeldTask::WORKING)}));
  ASSERT_THAT(reply.settlements(), SizeIs(1));
  EXPECT_EQ(reply.settlements(0).instruction(), v1::JoinReply::KEEP);
  EXPECT_EQ(run().round_state().seats[0], Seat::kInvited);
  ASSERT_OK(a.Submit(task_a));
}

TEST_F(CoordinatorTest, ATaskThatNobodyKnowsAnyMoreIsDropped) {
  ASSERT_OK_AND_ASSIGN(const auto reply, a.Join({Held(77, v1::HeldTask::FINISHED)}));
  ASSERT_THAT(reply.settlements(), SizeIs(1));
  EXPECT_EQ(reply.settlements(0).instruction(), v1::JoinReply::DROP);
}

TEST_F(CoordinatorTest, AResultThatTheCoordinatorNoLongerHasIsAskedForAgain) {
  BeginRun();
  ASSERT_OK_AND_ASSIGN(const auto reply, a.Join({Held(task_a.task_id(), v1::HeldTask::SUBMITTED)}));
  EXPECT_EQ(reply.settlements(0).instruction(), v1::JoinReply::RESEND);
}

// ---- Participation ----

TEST_F(CoordinatorTest, ALateUpdateIsDiscardedAndItsSiteIsTold) {
  RunFile file;
  file.participation = "sites = [\"a\", \"b\"]\nmin_sites = 1\nquorum = 1";
  BeginRun(file);
  ASSERT_OK(a.Submit(task_a));
  b.Beat(task_b.task_id());
  b.Break();
  h.Wait(15s);  // b is lost, and the quorum is there
  EXPECT_EQ(run().last_committed_round(), 1);
  ASSERT_OK_AND_ASSIGN(const auto reply, b.Join({Held(task_b.task_id(), v1::HeldTask::FINISHED)}));
  ASSERT_THAT(reply.verdicts(), SizeIs(1));
  EXPECT_EQ(reply.verdicts(0).outcome(), v1::Verdict::DISCARDED);
  EXPECT_THAT(reply.verdicts(0).reason(), HasSubstr("round 1"));
  EXPECT_THAT(b.Submit(task_b), HasCode(Code::kNotFound));
}

TEST_F(CoordinatorTest, ARunThatLackedASiteInSomeRoundIsCompletedDegradedAndSaysWho) {
  RunFile file;
  file.rounds = 1;
  file.participation = "sites = [\"a\", \"b\"]\nmin_sites = 1\nquorum = 1";
  BeginRun(file);
  ASSERT_OK(a.Submit(task_a));
  b.Break();
  h.Wait(15s);
  EXPECT_EQ(State(), "completed_degraded");
  EXPECT_THAT(run().record().reason, HasSubstr("b in 1"));
  const v1::ShowRunReply shown = h.Show("t-1");
  const v1::RoundSummary& round = shown.rounds(shown.rounds_size() - 1);
  ASSERT_EQ(round.sites_size(), 2);
  EXPECT_TRUE(round.sites(0).counted());
  EXPECT_FALSE(round.sites(1).counted());
  EXPECT_EQ(round.sites(1).state(), "lost");
}

TEST_F(CoordinatorTest, WithoutAQuorumTheRunPausesAndGoesOnWhenTheSitesAreBack) {
  RunFile file;
  file.extra = "[time]\nheartbeat = \"5s\"\nno_progress = \"1h\"\nround_deadline = \"1m\"";
  BeginRun(file);
  ASSERT_OK(a.Submit(task_a));
  b.Break();
  h.Wait(61s);
  EXPECT_EQ(State(), "paused");
  EXPECT_THAT(run().record().reason, HasSubstr("quorum_lost"));
  EXPECT_THAT(run().record().reason, HasSubstr("b"));
  ASSERT_OK(a.Join({Held(task_a.task_id(), v1::HeldTask::SUBMITTED)}));
  EXPECT_EQ(State(), "paused");
  ASSERT_OK(b.Join({Held(task_b.task_id(), v1::HeldTask::WORKING)}));
  EXPECT_EQ(State(), "running");
  EXPECT_EQ(run().round_state().attempt, 2);
  ASSERT_OK(b.Submit(task_b));
  EXPECT_EQ(run().last_committed_round(), 1) << "a's result of the first attempt counts";
}

TEST_F(CoordinatorTest, AFailedTaskThatCostsTheQuorumPausesTheRunUntilSomebodyResumesIt) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a));
  ASSERT_OK(b.Fail(task_b, InvalidArgument("icu.csv:17, column age: \"x\" is not a number")));
  EXPECT_EQ(State(), "paused");
  EXPECT_THAT(run().record().reason, HasSubstr("icu.csv:17"));
  EXPECT_THAT(run().record().hint, HasSubstr("skerry run resume t-1"));
  ASSERT_OK(b.Join());
  EXPECT_EQ(State(), "paused") << "it does not resume by itself";
  ASSERT_OK(h.Call<v1::ResumeRunReply>(
      [&](auto done) { h.coordinator->ResumeRun("t-1", std::move(done)); }));
  const v1::Task again = b.Take();
  EXPECT_NE(again.task_id(), task_b.task_id());
  ASSERT_OK(b.Submit(again));
  EXPECT_EQ(run().last_committed_round(), 1);
}

TEST_F(CoordinatorTest, AResumedRunGivesNewTasksAlsoAfterARestartBeforeTheSiteCame) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a));
  ASSERT_OK(b.Fail(task_b, InvalidArgument("column age")));
  b.Break();
  h.Wait(30s);
  ASSERT_OK(h.Call<v1::ResumeRunReply>(
      [&](auto done) { h.coordinator->ResumeRun("t-1", std::move(done)); }));
  h.Restart();
  ASSERT_OK(a.Join());
  ASSERT_OK(b.Join());
  const v1::Task again = b.Take();
  EXPECT_NE(again.task_id(), task_b.task_id());
  ASSERT_OK(b.Submit(again));
  EXPECT_EQ(run().last_committed_round(), 1);
}

TEST_F(CoordinatorTest, ATaskWithoutProgressFailsWithTheReasonAndItsSiteIsToldToAbandonIt) {
  RunFile file;
  file.extra = "[time]\nheartbeat = \"20s\"\nno_progress = \"2m\"\nround_deadline = \"1h\"";
  BeginRun(file);
  for (int i = 0; i < 10; ++i) {
    a.Beat(task_a.task_id(), i, 100);  // slow, but it goes on
    b.Beat(task_b.task_id(), 7, 100);
    h.Wait(15s);
  }
  EXPECT_EQ(run().round_state().seats[0], Seat::kInvited);
  EXPECT_EQ(run().round_state().seats[1], Seat::kFailed);
  EXPECT_THAT(run().FindSlot(1)->record.reason, HasSubstr("no progress for 2m"));
  const auto beat = b.Beat(task_b.task_id(), 7, 100);
  ASSERT_TRUE(beat->has_value());
  EXPECT_THAT((**beat)->abandon_tasks(), ::testing::ElementsAre(task_b.task_id()));
}

TEST_F(CoordinatorTest, AClientAtWorkThatCouldDoMoreIsHeldNoLongerThanItsProgressMayWait) {
  RunFile file;
  file.extra = "[time]\nheartbeat = \"2s\"";
  BeginRun(file);
  EXPECT_EQ(task_a.heartbeat_ms(), 2000);
  const auto working = a.Pull({task_a.task_id()});
  h.Wait(900ms);
  EXPECT_FALSE(working->has_value());
  h.Wait(100ms);  // two sites are no load
  ASSERT_TRUE(working->has_value());
  EXPECT_TRUE((**working)->has_wait());
  ASSERT_OK(b.Submit(task_b));
  const auto idle = b.Pull({task_b.task_id()});
  h.Wait(15s);
  EXPECT_FALSE(idle->has_value()) << "its task has reported";
}

TEST_F(CoordinatorTest, TwoRunsTakeTurnsAtASite) {
  h.Submit({});
  h.Submit({});
  ASSERT_OK(a.Join());
  ASSERT_OK(b.Join());
  const v1::Task first = a.Take();
  EXPECT_EQ(first.run_id(), "t-1");
  EXPECT_FALSE(a.Pull({first.task_id()})->has_value()) << "one task at a time";
  ASSERT_OK(a.Submit(first));
  const v1::Task second = a.Take({first.task_id()});
  EXPECT_EQ(second.run_id(), "t-2");
}

TEST_F(CoordinatorTest, AStoppedRunTellsItsSitesAndKeepsItsModel) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a));
  ASSERT_OK(
      h.Call<v1::StopRunReply>([&](auto done) { h.coordinator->StopRun("t-1", std::move(done)); }));
  EXPECT_EQ(State(), "stopped");
  const auto reply = a.Pull({task_a.task_id()});
  ASSERT_TRUE(reply->has_value());
  ASSERT_THAT((**reply)->verdicts(), SizeIs(1));
  EXPECT_EQ((**reply)->verdicts(0).outcome(), v1::Verdict::DISCARDED);
  EXPECT_TRUE(run().base().has_value());
  EXPECT_THAT(
      h.Call<v1::StopRunReply>([&](auto done) { h.coordinator->StopRun("t-1", std::move(done)); }),
      Fails(Code::kFailedPrecondition, HasSubstr("stopped")));
}

TEST_F(CoordinatorTest, AnUnknownRunIsNamedWithTheNearestOne) {
  h.Submit({});
  EXPECT_THAT(
      h.Call<v1::StopRunReply>([&](auto done) { h.coordinator->StopRun("t-11", std::move(done)); }),
      Fails(Code::kNotFound, HasSubstr("did you mean \"t-1\"")));
}

// ---- Bad updates: the site's call fails, the round goes on -------------------------------------

TEST_F(CoordinatorTest, AnUpdateOfAnotherShapeOrOrderIsRefused) {
  BeginRun();
  const std::string bytes = FakeSite::Bytes({1, 2, 3});
  v1::Task other = task_a;
  auto* tensors = other.mutable_result_layout()->mutable_sections(0)->mutable_tensors();
  tensors->SwapElements(0, 1);
  EXPECT_THAT(a.SubmitRaw(FakeSite::Header(other, bytes), bytes),
              Fails(Code::kInvalidArgument, HasSubstr("another layout")));
}

TEST_F(CoordinatorTest, ValuesThatAreNotNumbersOrTooLargeAreRefusedByElement) {
  BeginRun();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_THAT(
      a.Submit(task_a, {1, nan, 3}),
      Fails(Code::kInvalidArgument,
            ::testing::AllOf(HasSubstr("element 1 of tensor \"weight\""), HasSubstr("nan"))));
  EXPECT_THAT(a.Submit(task_a, {1, 2, -inf}),
              Fails(Code::kInvalidArgument, HasSubstr("tensor \"bias\"")));
  EXPECT_THAT(a.Submit(task_a, {1e30F, 2, 3}),
              Fails(Code::kInvalidArgument, HasSubstr("the limit is")));
  ASSERT_OK(a.Submit(task_a)) << "the same site may still send a good one";
}

TEST_F(CoordinatorTest, ExampleCountsBelowOneAreRefused) {
  BeginRun();
  const std::string bytes = FakeSite::Bytes({1, 2, 3});
  for (const int64_t count : {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
    EXPECT_THAT(
        a.SubmitRaw(FakeSite::Header(task_a, bytes, count), bytes),
        Fails(Code::kInvalidArgument, HasSubstr("num_examples is " + std::to_string(count))));
  }
}

TEST_F(CoordinatorTest, AChunkWithAWrongHashIsRefusedAndTheUploadGoesOnFromThere) {
  BeginRun();
  const std::string bytes = FakeSite::Bytes({1, 2, 3});
  ASSERT_OK_AND_ASSIGN(const auto upload, a.BeginUpload(FakeSite::Header(task_a, bytes)));
  v1::Chunk chunk = rpc::MakeChunk(0, bytes);
  (*chunk.mutable_data())[0] ^= 1;
  EXPECT_THAT(upload->Append(chunk), HasCode(Code::kDataLoss));
  ASSERT_OK(upload->Append(rpc::MakeChunk(0, bytes)));
  ASSERT_OK(a.Finish(upload));
}

TEST_F(CoordinatorTest, ChunksOutOfOrderOrCutShortAreRefused) {
  BeginRun();
  const std::string bytes = FakeSite::Bytes({1, 2, 3});
  ASSERT_OK_AND_ASSIGN(const auto upload, a.BeginUpload(FakeSite::Header(task_a, bytes)));
  EXPECT_THAT(upload->Append(rpc::MakeChunk(4, bytes.substr(4))), HasCode(Code::kOutOfRange));
  EXPECT_THAT(upload->Append(rpc::MakeChunk(0, bytes.substr(0, 8))),
              HasCode(Code::kInvalidArgument));
  EXPECT_THAT(a.Finish(upload), HasCode(Code::kOutOfRange)) << "it ended too early";
  EXPECT_EQ(run().round_state().Count(Seat::kReported), 0);
}

TEST_F(CoordinatorTest, ChunksThatDoNotMakeTheContentHashAreRefusedAndForgotten) {
  BeginRun();
  const std::string bytes = FakeSite::Bytes({1, 2, 3});
  v1::ResultHeader header = FakeSite::Header(task_a, bytes);
  EXPECT_THAT(a.SubmitRaw(header, FakeSite::Bytes({1, 2, 4})), HasCode(Code::kDataLoss));
  header.set_num_examples(11);  // the hash covers the header too
  EXPECT_THAT(a.SubmitRaw(header, bytes), HasCode(Code::kDataLoss));
  ASSERT_OK(a.Submit(task_a));
}

TEST_F(CoordinatorTest, ANewerUploadOfTheSameResultTakesOver) {
  BeginRun();
  const std::string bytes = FakeSite::Bytes({1, 2, 3});
  ASSERT_OK_AND_ASSIGN(const auto older, a.BeginUpload(FakeSite::Header(task_a, bytes)));
  ASSERT_OK_AND_ASSIGN(const auto newer, a.BeginUpload(FakeSite::Header(task_a, bytes)));
  EXPECT_THAT(older->Append(rpc::MakeChunk(0, bytes)), HasCode(Code::kAborted));
  ASSERT_OK(newer->Append(rpc::MakeChunk(0, bytes)));
  ASSERT_OK(a.Finish(newer));
}

TEST_F(CoordinatorTest, AnUpdateOfAnotherSizeIsRefused) {
  BeginRun();
  const std::string bytes = FakeSite::Bytes({1, 2, 3, 4});
  EXPECT_THAT(a.SubmitRaw(FakeSite::Header(task_a, bytes), bytes),
              Fails(Code::kInvalidArgument, HasSubstr("16 bytes")));
}

// ---- Restarts ----

TEST_F(CoordinatorTest, AfterARestartTheRoundGoesOnWithTheResultsItHad) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a));
  h.Restart();
  EXPECT_EQ(State(), "running");
  EXPECT_EQ(run().round_state().phase, Phase::kTraining);
  EXPECT_THAT(**b.Beat(task_b.task_id()), HasCode(Code::kFailedPrecondition)) << "Join again";
  ASSERT_OK_AND_ASSIGN(const auto joined,
                       b.Join({Held(task_b.task_id(), v1::HeldTask::WORKING)}, b.epoch()));
  EXPECT_EQ(joined.settlements(0).instruction(), v1::JoinReply::KEEP);
  ASSERT_OK(b.Submit(task_b));
  EXPECT_EQ(run().last_committed_round(), 1)
      << "a's result was read back and compared with its hash";
}

TEST_F(CoordinatorTest, AResultThatWasDamagedWhileTheCoordinatorWasDownIsAskedForAgain) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a));
  {
    ASSERT_OK_AND_ASSIGN(const auto file,
                         h.files.Open("state/spool/" + std::to_string(task_a.task_id()) + ".result",
                                      OpenMode::kReadWrite));
    ASSERT_OK(file->WriteAt(2, "X"));
  }
  h.Restart();
  ASSERT_OK_AND_ASSIGN(const auto joined,
                       a.Join({Held(task_a.task_id(), v1::HeldTask::SUBMITTED)}));
  EXPECT_EQ(joined.settlements(0).instruction(), v1::JoinReply::KEEP)
      << "not known to be damaged yet";
  ASSERT_OK(b.Join({Held(task_b.task_id(), v1::HeldTask::WORKING)}));
  ASSERT_OK(b.Submit(task_b));
  EXPECT_EQ(run().round_state().phase, Phase::kTraining);
  const auto pull = a.Pull({task_a.task_id()});
  ASSERT_TRUE(pull->has_value());
  EXPECT_EQ((**pull)->resend_task_id(), task_a.task_id());
  ASSERT_OK(a.Submit(task_a));
  EXPECT_EQ(run().last_committed_round(), 1);
}

TEST_F(CoordinatorTest, AnUploadGoesOnAfterARestartFromTheChunksThatAreThere) {
  // A model of three chunks: 2 hidden layers make about 2.6 MB.
  RunFile file;
  file.participation = "sites = [\"a\", \"b\"]";
  std::string text = file.Text();
  text.replace(text.find("kind = \"logistic\""), 17,
               "kind = \"mlp\"\nhidden = [800, 800]\nloss = \"logistic\"");
  v1::SubmitRunRequest request;
  request.set_run_file(text);
  ASSERT_OK(h.Call<v1::SubmitRunReply>(
      [&](auto done) { h.coordinator->SubmitRun(request, std::move(done)); }));
  ASSERT_OK(a.Join());
  ASSERT_OK(b.Join());
  const v1::Task task = a.Take();
  const auto layout = learning::ResultLayout::FromProto(task.result_layout());
  ASSERT_OK(layout);
  const std::string bytes(static_cast<std::size_t>(layout->size_bytes()), '\0');
  ASSERT_GT(bytes.size(), 2 * crypto::kChunkBytes);
  const v1::ResultHeader header = FakeSite::Header(task, bytes);
  {
    ASSERT_OK_AND_ASSIGN(const auto upload, a.BeginUpload(header));
    ASSERT_OK(upload->Append(rpc::MakeChunk(0, bytes.substr(0, crypto::kChunkBytes))));
  }
  h.Restart();
  ASSERT_OK(a.Join({Held(task.task_id(), v1::HeldTask::FINISHED)}));
  v1::QueryUploadRequest query;
  query.set_epoch(a.epoch());
  query.set_task_id(task.task_id());
  query.set_content_hash(header.content_hash());
  ASSERT_OK_AND_ASSIGN(const auto stored, h.Call<v1::QueryUploadReply>([&](auto done) {
    h.coordinator->QueryUpload("a", query, std::move(done));
  }));
  EXPECT_EQ(stored.offset(), crypto::kChunkBytes);
  ASSERT_OK(a.SubmitRaw(header, bytes, stored.offset()));
  EXPECT_EQ(run().round_state().Count(Seat::kReported), 1);
}

TEST_F(CoordinatorTest, AVerdictThatWasNotConfirmedIsToldAgainAfterARestart) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a));
  ASSERT_OK(b.Submit(task_b));
  h.Restart();
  ASSERT_OK_AND_ASSIGN(const auto reply, a.Join({Held(task_a.task_id(), v1::HeldTask::SUBMITTED)}));
  ASSERT_THAT(reply.verdicts(), SizeIs(1));
  EXPECT_EQ(reply.verdicts(0).outcome(), v1::Verdict::COUNTED);
}

TEST_F(CoordinatorTest, ASmallVersionThatThePowerTookIsWrittenAgainFromTheJournal) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a));
  ASSERT_OK(b.Submit(task_b));
  const std::string path = "state/runs/t-1/model-1.safetensors";
  ASSERT_OK_AND_ASSIGN(const std::string before, ReadFile(h.files, path));
  for (const bool gone : {false, true}) {
    if (gone) {
      ASSERT_OK(h.files.Remove(path));
    } else {
      ASSERT_OK_AND_ASSIGN(const auto file, h.files.Open(path, OpenMode::kReadWrite));
      ASSERT_OK(file->Truncate(before.size() / 2));
    }
    h.Restart();
    EXPECT_NE(State(), "paused");
    ASSERT_OK_AND_ASSIGN(const std::string after, ReadFile(h.files, path));
    EXPECT_EQ(after, before);
  }
}

TEST_F(CoordinatorTest, ACheckpointWhoseBytesWereChangedIsRefusedByName) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a));
  ASSERT_OK(b.Submit(task_b));
  {
    ASSERT_OK_AND_ASSIGN(const auto file,
                         h.files.Open("state/runs/t-1/model-1.safetensors", OpenMode::kReadWrite));
    ASSERT_OK_AND_ASSIGN(const uint64_t size, file->Size());
    ASSERT_OK(file->WriteAt(size - 1, "X"));
  }
  // As if it were too large to stand in the journal.
  ASSERT_OK(h.journal.Commit({storage::RemoveSmallVersions{"t-1", {1}}}));
  h.Restart();
  EXPECT_EQ(State(), "paused");
  EXPECT_THAT(run().record().reason, HasSubstr("model-1.safetensors"));
  v1::ExportModelRequest request;
  request.set_run_id("t-1");
  request.set_version(-1);
  EXPECT_THAT(h.Call<Coordinator::ExportedModel>(
                  [&](auto done) { h.coordinator->ExportModel(request, std::move(done)); }),
              HasCode(Code::kDataLoss));
}

TEST_F(CoordinatorTest, FilesOfTasksThatNobodyNeedsAreRemovedAtTheNextStart) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a));
  ASSERT_OK_AND_ASSIGN(const auto stray, h.files.Open("state/spool/999.result", OpenMode::kCreate));
  h.Restart();
  ASSERT_OK_AND_ASSIGN(const auto names, h.files.List("state/spool"));
  EXPECT_THAT(names, ::testing::ElementsAre(std::to_string(task_a.task_id()) + ".result"));
}

TEST_F(CoordinatorTest, OnlyTheVersionsThatKeepNamesStayOnDisk) {
  RunFile file;
  file.rounds = 6;
  file.extra = "[keep]\ncheckpoints = 2\nbest = 0";
  BeginRun(file);
  for (int round = 1; round <= 6; ++round) {
    ASSERT_OK(a.Submit(task_a));
    ASSERT_OK(b.Submit(task_b));
    if (round == 6) break;
    task_a = a.Take();
    task_b = b.Take();
  }
  EXPECT_EQ(State(), "completed");
  ASSERT_OK_AND_ASSIGN(const auto names, h.files.List("state/runs/t-1"));
  EXPECT_THAT(names, ::testing::ElementsAre("model-5.safetensors", "model-6.safetensors"));
  ASSERT_OK_AND_ASSIGN(const auto spooled, h.files.List("state/spool"));
  EXPECT_THAT(spooled, ::testing::IsEmpty());
}

}  // namespace
}  // namespace skerry::coordinator
