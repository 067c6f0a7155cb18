#include "coordinator/coordinator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <vector>

#include "coordinator_fixture.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using skerry::testing::Fails;
using skerry::testing::HasCode;
using ::testing::HasSubstr;
using ::testing::SizeIs;

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
  reply = a.Pull({run().slots().at(0).record().task_id});
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

// So many sites, each of which holds a call.
class HeldCallsTest : public ::testing::Test {
 protected:
  void Hold(int num_sites, Duration apart) {
    for (int i = 0; i < num_sites; ++i) {
      FakeSite site(h, "site-" + std::to_string(i));
      ASSERT_OK(site.Join());
      held.push_back(site.Pull());
      h.Wait(apart);
    }
  }
  int64_t NumAnswered() const {
    return std::count_if(held.begin(), held.end(),
                         [](const auto& call) { return call->has_value(); });
  }

  Harness h;
  std::vector<Pending<v1::PullTaskReply>> held;
};

TEST_F(HeldCallsTest, ManyHeldCallsEndTogether) {
  Hold(40, 37ms);
  std::set<Duration> ends;
  while (NumAnswered() < 40) {
    ASSERT_TRUE(h.coordinator->NextDue().has_value());
    const int64_t before = NumAnswered();
    h.Wait(*h.coordinator->NextDue() - h.clock.Now());
    if (NumAnswered() > before) ends.insert(h.clock.Now().since_origin);
  }
  EXPECT_LE(ends.size(), 24U) << "they spread over 4 s and the 1.5 s in which they began";
  for (const Duration end : ends) EXPECT_EQ(end % 250ms, 0ms);
}

// A client asks for a sign of life after 55 s, and after as long again.
TEST_F(HeldCallsTest, HoweverManySitesThereAreACallIsHeldForLessThanTwoPings) {
  constexpr int kSites = 6000;
  Hold(kSites, 0ms);
  const std::size_t newest = held.size() - 1;
  h.Wait(85s);
  EXPECT_FALSE(held[newest]->has_value());
  h.Wait(24s);
  EXPECT_TRUE(held[newest]->has_value());
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
