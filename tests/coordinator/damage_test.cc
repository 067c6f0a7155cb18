// What was right when it was written, and is not when it is read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness.h"
#include "rpc/chunks.h"
#include "rpc/task_key.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using skerry::testing::HasCode;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kModel1 = "state/runs/t-1/model-1.safetensors";

class DamageTest : public ::testing::Test {
 protected:
  const coordinator::Run& run() { return *h.coordinator->FindRun("t-1"); }
  std::string State() { return std::string(Name(run().record().state)); }

  void TakeTasks() {
    task_a = a.Take();
    task_b = b.Take();
  }
  void BeginRun() {
    h.Submit({});
    ASSERT_OK(a.Join());
    ASSERT_OK(b.Join());
    TakeTasks();
  }
  void SubmitBoth() {
    ASSERT_OK(a.Submit(task_a, {1, 2, 3}));
    ASSERT_OK(b.Submit(task_b, {4, 5, 6}));
  }
  // Changes the last byte of a file; the same again changes it back.
  void Flip(const std::string& path) {
    ASSERT_OK_AND_ASSIGN(const auto file, h.files.Open(path, OpenMode::kReadWrite));
    ASSERT_OK_AND_ASSIGN(const uint64_t size, file->Size());
    std::string byte(1, '\0');
    ASSERT_OK(file->ReadAt(size - 1, byte));
    byte[0] = static_cast<char>(byte[0] ^ 0x10);
    ASSERT_OK(file->WriteAt(size - 1, byte));
  }
  // Whether what site a gets of its task's model is what the chunk says.
  Status CheckFirstChunk() {
    v1::PullModelRequest request;
    request.set_epoch(a.epoch());
    *request.mutable_model() = task_a.model();
    SKERRY_ASSIGN_OR_RETURN(const auto source,
                            h.Call<std::shared_ptr<rpc::ChunkSource>>([&](auto done) {
                              h.coordinator->OpenModel("a", request, std::move(done));
                            }));
    SKERRY_ASSIGN_OR_RETURN(const auto chunk, source->Next());
    if (!chunk) return NotFound("no chunk");
    return rpc::CheckChunk(*chunk, 0, task_a.model().size_bytes());
  }
  // The hash of the model of the same two rounds when nothing is damaged.
  static std::string UndisturbedHash() {
    Harness h;
    FakeSite a(h, "a");
    FakeSite b(h, "b");
    h.Submit({});
    EXPECT_OK(a.Join());
    EXPECT_OK(b.Join());
    for (int round = 1; round <= 2; ++round) {
      const v1::Task task_a = a.Take();
      const v1::Task task_b = b.Take();
      EXPECT_OK(a.Submit(task_a, {1, 2, 3}));
      EXPECT_OK(b.Submit(task_b, {4, 5, 6}));
    }
    return h.coordinator->FindRun("t-1")->base()->model_hash.Hex();
  }
  void ExpectTheUndisturbedModel() {
    EXPECT_EQ(State(), "completed");
    EXPECT_EQ(run().base()->model_hash.Hex(), UndisturbedHash());
  }

  Harness h{0};
  FakeSite a{h, "a"};
  FakeSite b{h, "b"};
  v1::Task task_a;
  v1::Task task_b;
};

TEST_F(DamageTest, ARoundIsNotBuiltOnAModelThatHasChangedOnTheDisk) {
  BeginRun();
  SubmitBoth();
  TakeTasks();
  Flip(kModel1);
  SubmitBoth();
  EXPECT_EQ(State(), "paused");
  EXPECT_THAT(run().record().reason, HasSubstr("model-1.safetensors is damaged"));
  EXPECT_THAT(run().record().hint, HasSubstr("skerry run resume t-1"));
  EXPECT_THAT(run().record().hint, HasSubstr("skerry backup restore"));
  EXPECT_EQ(run().last_committed_round(), 1);
  Flip(kModel1);
  ASSERT_OK(h.Call<v1::ResumeRunReply>(
      [&](auto done) { h.coordinator->ResumeRun("t-1", std::move(done)); }));
  ExpectTheUndisturbedModel();
}

// It is not hashed again for them: its chunks are sent with the hashes that it was made with.
TEST_F(DamageTest, SitesSeeAtTheChunkThatAModelHasChangedOnTheDisk) {
  BeginRun();
  SubmitBoth();
  TakeTasks();
  Flip(kModel1);  // before anybody has fetched it
  EXPECT_THAT(CheckFirstChunk(), HasCode(Code::kDataLoss));
  Flip(kModel1);
  EXPECT_OK(CheckFirstChunk());
}

TEST_F(DamageTest, ARunDoesNotGoOnBeforeItsModelIsMended) {
  BeginRun();
  SubmitBoth();
  TakeTasks();
  Flip(kModel1);
  SubmitBoth();
  EXPECT_THAT(h.Call<v1::ResumeRunReply>(
                  [&](auto done) { h.coordinator->ResumeRun("t-1", std::move(done)); }),
              HasCode(Code::kDataLoss));
  EXPECT_EQ(State(), "paused");
}

TEST_F(DamageTest, OneThatItsSiteHasNoMoreIsAskedForAsANewTask) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a, {1, 2, 3}));
  Flip("state/spool/" + std::to_string(task_a.task_id()) + ".result");
  ASSERT_OK(a.Join());  // it was killed before it wrote the result down
  const auto pulled = a.Pull();
  ASSERT_OK(b.Submit(task_b, {4, 5, 6}));
  ASSERT_TRUE(pulled->has_value());
  ASSERT_OK(**pulled);
  EXPECT_EQ((**pulled)->task().task_id(), task_a.task_id());
  ASSERT_OK(a.Submit((**pulled)->task(), {1, 2, 3}));
  EXPECT_EQ(run().last_committed_round(), 1);
  TakeTasks();
  SubmitBoth();
  ExpectTheUndisturbedModel();
}

TEST_F(DamageTest, AResultThatHasChangedOnTheDiskIsAskedForAgain) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a, {1, 2, 3}));
  Flip("state/spool/" + std::to_string(task_a.task_id()) + ".result");
  const auto pulled = a.Pull({task_a.task_id()});
  ASSERT_OK(b.Submit(task_b, {4, 5, 6}));
  EXPECT_EQ(run().last_committed_round(), -1) << "not with what is in the spool";
  ASSERT_TRUE(pulled->has_value());
  ASSERT_OK(**pulled);
  EXPECT_EQ((**pulled)->resend_task_id(), task_a.task_id());
  ASSERT_OK(a.Submit(task_a, {1, 2, 3}));
  EXPECT_EQ(run().last_committed_round(), 1);
  TakeTasks();
  SubmitBoth();
  ExpectTheUndisturbedModel();
}

TEST_F(DamageTest, AResultThatCameWhileADamagedOneWasFoundCounts) {
  RunFile file;
  file.participation = "sites = [\"a\", \"b\", \"c\"]\nquorum = 2\n";
  file.extra = "[time]\nround_deadline = \"1h\"";
  h.Submit(file);
  FakeSite c(h, "c");
  ASSERT_OK(a.Join());
  ASSERT_OK(b.Join());
  ASSERT_OK(c.Join());
  TakeTasks();
  const v1::Task task_c = c.Take();
  SubmitBoth();
  Flip("state/spool/" + std::to_string(task_a.task_id()) + ".result");
  const std::string bytes = FakeSite::Bytes({1, 2, 3});
  ASSERT_OK_AND_ASSIGN(const auto upload, c.BeginUpload(FakeSite::Header(task_c, bytes)));
  ASSERT_OK(upload->Append(rpc::MakeChunk(0, bytes)));
  h.clock.AdvanceTo(h.clock.Now() + 1h);  // the round closes with a and b
  ASSERT_OK(c.Finish(upload));
  EXPECT_EQ(run().last_committed_round(), 1) << "a is away, and b and c are a quorum";
  EXPECT_THAT(h.Show("t-1").run().reason(), HasSubstr("a"));
}

TEST_F(DamageTest, AResultThatIsGoneIsAskedForAgainAfterARestartToo) {
  BeginRun();
  ASSERT_OK(a.Submit(task_a, {1, 2, 3}));
  ASSERT_OK(h.files.Remove("state/spool/" + std::to_string(task_a.task_id()) + ".result"));
  h.Restart();
  ASSERT_OK(a.Join({Held(task_a.task_id(), v1::HeldTask::SUBMITTED)}));
  ASSERT_OK(b.Join({Held(task_b.task_id(), v1::HeldTask::FINISHED)}));
  ASSERT_OK(b.Submit(task_b, {4, 5, 6}));
  EXPECT_EQ(run().last_committed_round(), -1);
  const auto pulled = a.Pull({task_a.task_id()});
  ASSERT_TRUE(pulled->has_value());
  EXPECT_EQ((**pulled)->resend_task_id(), task_a.task_id());
  ASSERT_OK(a.Submit(task_a, {1, 2, 3}));
  EXPECT_EQ(run().last_committed_round(), 1);
}

TEST_F(DamageTest, ASiteThatCannotGetTheModelWholeMakesTheCoordinatorLookAtItsOwnCopy) {
  BeginRun();
  SubmitBoth();
  TakeTasks();
  Flip(kModel1);
  ASSERT_OK(a.Fail(task_a, DataLoss("the model received does not have its content hash")));
  EXPECT_EQ(State(), "paused");
  EXPECT_THAT(run().record().reason, HasSubstr("model-1.safetensors is damaged"));
  Flip(kModel1);
  ASSERT_OK(h.Call<v1::ResumeRunReply>(
      [&](auto done) { h.coordinator->ResumeRun("t-1", std::move(done)); }));
  SubmitBoth();
  ExpectTheUndisturbedModel();
}

TEST_F(DamageTest, ASiteThatCannotGetAGoodModelWholeHasFailed) {
  BeginRun();
  ASSERT_OK(a.Fail(task_a, DataLoss("the model received does not have its content hash")));
  ASSERT_OK(b.Submit(task_b));
  EXPECT_EQ(State(), "paused");
  EXPECT_THAT(run().record().reason, HasSubstr("a: the model received does not have"));
}

TEST_F(DamageTest, ATaskOfTheSameNumberForOtherWorkIsDropped) {
  BeginRun();
  v1::HeldTask same = Held(task_a.task_id(), v1::HeldTask::WORKING);
  same.set_task_key(rpc::TaskKey(task_a));
  ASSERT_OK_AND_ASSIGN(auto reply, a.Join({same}));
  EXPECT_EQ(reply.settlements(0).instruction(), v1::JoinReply::KEEP);
  v1::Task other = task_a;
  other.set_round(2);
  same.set_task_key(rpc::TaskKey(other));
  ASSERT_OK_AND_ASSIGN(reply, a.Join({same}));
  EXPECT_EQ(reply.settlements(0).instruction(), v1::JoinReply::DROP);
}

// A coordinator that was restored from a backup meets clients that are ahead of it, or were never
// of its time.
TEST_F(DamageTest, SessionsAndTasksOfAnotherCoordinatorAreNotTakenForItsOwn) {
  BeginRun();
  const uint64_t number = rpc::SessionNumber(a.epoch());
  h.Restart();
  for (const uint64_t other : {number - 1, number, number + 7}) {
    // A call of a session with the one before is neither served nor fenced: it has to join.
    a.set_epoch(rpc::MakeEpoch(other, 4711));
    const auto pulled = a.Pull();
    ASSERT_TRUE(pulled->has_value());
    EXPECT_EQ((*pulled)->status().detail(), rpc::kEpochUnknown) << other;
  }
  v1::JoinRequest request;
  request.set_protocol(rpc::kProtocolVersion);
  request.set_coordinator_id("the one before");
  request.set_process(4711);
  request.set_call(1);
  request.set_epoch(rpc::MakeEpoch(1, 4711));
  *request.add_held() = Held(task_a.task_id(), v1::HeldTask::FINISHED);
  const auto join = [&] {
    return h.Call<v1::JoinReply>(
        [&](auto done) { h.coordinator->Join("a", request, std::move(done)); });
  };
  ASSERT_OK_AND_ASSIGN(v1::JoinReply reply, join());
  if (reply.ticket() != 0) {
    request.set_ticket(reply.ticket());
    request.set_call(2);
    ASSERT_OK_AND_ASSIGN(reply, join());
  }
  EXPECT_NE(reply.epoch(), 0U);
  ASSERT_THAT(reply.settlements(), SizeIs(1));
  EXPECT_EQ(reply.settlements(0).instruction(), v1::JoinReply::DROP);
  EXPECT_NE(reply.coordinator_id(), "the one before");
}

TEST_F(DamageTest, ACheckpointWhoseBytesWereChangedIsRefusedByName) {
  BeginRun();
  SubmitBoth();
  Flip(kModel1);
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

}  // namespace
}  // namespace skerry::coordinator
