// Models on their way to a client.
#include "crypto/content_hash.h"
#include "rpc/chunks.h"
#include "session_fixture.h"

namespace skerry::client {
namespace {

using crypto::kChunkBytes;
using ::testing::Contains;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SessionDownloadTest : public SessionTest {
 protected:
  static std::string Bytes(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i % 59 + i / 8192);
    return bytes;
  }
  static v1::Task TaskWith(const std::string& model) {
    v1::Task task = NewTask(7);
    *task.mutable_model() = NewModel(model);
    return task;
  }
  // The task is given, and its model asked for.
  void BeginDownload(const std::string& model) {
    Join();
    Give(TaskWith(model));
    ASSERT_EQ(api_.downloads.held(), 1U);
  }
  void EndDownload() { Answer(api_.downloads, Result<rpc::Done>(rpc::Done{})); }
  // What the trainer reads.
  std::string ModelOfTrainer() {
    if (runner_.jobs.empty() || runner_.last().model == nullptr) return "no model";
    std::string bytes(*runner_.last().model->Size(), '\0');
    EXPECT_OK(runner_.last().model->ReadAt(0, bytes));
    return bytes;
  }
  std::string PathOf(const std::string& model) {
    const Result<std::vector<std::string>> names = files_.List("state/models");
    EXPECT_TRUE(names.ok() && names->size() == 1) << model.size();
    return "state/models/" + names->at(0);
  }
};

TEST_F(SessionDownloadTest, ASmallModelComesWithItsTask) {
  const std::string model = Bytes(100);
  v1::Task task = TaskWith(model);
  task.mutable_model()->set_contents(model);
  Join();
  Give(task);
  EXPECT_EQ(api_.downloads.made(), 0U);
  EXPECT_EQ(ModelOfTrainer(), model);
  WaitAMoment();
  KillAndRestart();
  Answer(api_.joins, Joined(2, 7, v1::JoinReply::KEEP));
  EXPECT_EQ(api_.downloads.held(), 1U) << "it was not kept, and is asked for";
}

TEST_F(SessionDownloadTest, ContentsThatAreNotThoseOfTheHashAreAskedForInstead) {
  v1::Task task = TaskWith(Bytes(100));
  task.mutable_model()->set_contents("something else");
  Join();
  Give(task);
  EXPECT_TRUE(runner_.jobs.empty());
  EXPECT_EQ(api_.downloads.held(), 1U);
}

TEST_F(SessionDownloadTest, ALargeModelIsFetchedAndThenTrainedFrom) {
  const std::string model = Bytes(2 * kChunkBytes + 100);
  BeginDownload(model);
  EXPECT_EQ(api_.downloads.last().request.epoch(), 1U);
  EXPECT_EQ(api_.downloads.last().request.offset(), 0U);
  EXPECT_EQ(api_.downloads.last().request.model().run_id(), "r-1");
  EXPECT_TRUE(runner_.jobs.empty());
  ASSERT_OK(Deliver(model));
  EndDownload();
  EXPECT_EQ(ModelOfTrainer(), model);
}

TEST_F(SessionDownloadTest, ATransferThatEndsBeforeTheLastByteIsNoModel) {
  const std::string model = Bytes(2 * kChunkBytes + 100);
  BeginDownload(model);
  ASSERT_OK(Deliver(model.substr(0, kChunkBytes)));
  EndDownload();
  EXPECT_TRUE(runner_.jobs.empty());
  Wait(1s);
  ASSERT_EQ(api_.downloads.held(), 1U);
  EXPECT_EQ(api_.downloads.last().request.offset(), kChunkBytes);
  ASSERT_OK(Deliver(model));
  EndDownload();
  EXPECT_EQ(ModelOfTrainer(), model);
}

TEST_F(SessionDownloadTest, AModelOfNoBytesIsReported) {
  v1::Task task = TaskWith(Bytes(100));
  task.mutable_model()->set_size_bytes(0);
  Join();
  Give(task);
  EXPECT_EQ(api_.downloads.made(), 0U);
  ASSERT_EQ(api_.failures.made(), 1U);
  EXPECT_THAT(api_.failures.last().message(), HasSubstr("no bytes"));
}

TEST_F(SessionDownloadTest, ADownloadThatBrokeGoesOnBehindTheChunksThatAreHere) {
  const std::string model = Bytes(2 * kChunkBytes + 100);
  BeginDownload(model);
  ASSERT_OK(Deliver(model.substr(0, kChunkBytes)));
  Answer(api_.downloads, ResourceExhausted("too many at once"));
  Wait(1s);
  ASSERT_EQ(api_.downloads.held(), 1U);
  EXPECT_EQ(api_.downloads.last().request.offset(), kChunkBytes);
  ASSERT_OK(Deliver(model));
  EndDownload();
  EXPECT_EQ(ModelOfTrainer(), model);
}

TEST_F(SessionDownloadTest, AKilledClientGoesOnBehindTheWholeChunksThatAreHere) {
  const std::string model = Bytes(3 * kChunkBytes);
  BeginDownload(model);
  ASSERT_OK(Deliver(model.substr(0, kChunkBytes)));
  ASSERT_OK_AND_ASSIGN(const auto file, files_.Open(PathOf(model), OpenMode::kReadWrite));
  ASSERT_OK(file->WriteAt(kChunkBytes, "a piece of the second"));
  KillAndRestart();
  Answer(api_.joins, Joined(2, 7, v1::JoinReply::KEEP));
  EXPECT_EQ(api_.downloads.last().request.offset(), kChunkBytes);
  ASSERT_OK(Deliver(model));
  EndDownload();
  EXPECT_EQ(ModelOfTrainer(), model);
}

TEST_F(SessionDownloadTest, AModelThatIsHereWholeIsCheckedWithItsLastChunk) {
  const std::string model = Bytes(2 * kChunkBytes);
  BeginDownload(model);
  ASSERT_OK(Deliver(model));
  KillAndRestart();
  Answer(api_.joins, Joined(2, 7, v1::JoinReply::KEEP));
  EXPECT_EQ(api_.downloads.last().request.offset(), kChunkBytes);
  ASSERT_OK(Deliver(model));
  EndDownload();
  EXPECT_EQ(ModelOfTrainer(), model);
}

TEST_F(SessionDownloadTest, WhatWasDamagedOnDiskIsFoundAndFetchedFromTheBeginning) {
  const std::string model = Bytes(kChunkBytes + 100);
  BeginDownload(model);
  ASSERT_OK(Deliver(model.substr(0, kChunkBytes)));
  ASSERT_OK_AND_ASSIGN(const auto file, files_.Open(PathOf(model), OpenMode::kReadWrite));
  ASSERT_OK(file->WriteAt(5, "X"));
  Answer(api_.downloads, ResourceExhausted("too many at once"));
  Wait(1s);
  ASSERT_EQ(api_.downloads.last().request.offset(), kChunkBytes);
  const Status delivered = Deliver(model);
  EXPECT_THAT(delivered, HasCode(Code::kDataLoss));
  Answer(api_.downloads, delivered);
  Wait(1s);
  ASSERT_EQ(api_.downloads.held(), 1U);
  EXPECT_EQ(api_.downloads.last().request.offset(), 0U);
  ASSERT_OK(Deliver(model));
  EndDownload();
  EXPECT_EQ(ModelOfTrainer(), model);
}

TEST_F(SessionDownloadTest, AChunkThatIsNotWhatItSaysIsNotWritten) {
  const std::string model = Bytes(kChunkBytes + 100);
  BeginDownload(model);
  v1::Chunk chunk = rpc::MakeChunk(0, model.substr(0, kChunkBytes));
  (*chunk.mutable_data())[9] ^= 1;
  EXPECT_THAT(api_.downloads.last().sink->Put(chunk), HasCode(Code::kDataLoss));
  EXPECT_THAT(api_.downloads.last().sink->Put(rpc::MakeChunk(kChunkBytes, "later")),
              HasCode(Code::kOutOfRange));
  ASSERT_OK(Deliver(model)) << "the right one fits still";
}

TEST_F(SessionDownloadTest, AModelThatIsNoLongerServedDropsTheTask) {
  BeginDownload(Bytes(100));
  Answer(api_.downloads, NotFound("version 0 is not the one that its sites work from"));
  EXPECT_EQ(session_->num_tasks(), 0U);
  EXPECT_EQ(api_.pulls.held(), 1U);
}

TEST_F(SessionDownloadTest, ARequestThatIsRefusedForWhatItSaysIsReported) {
  BeginDownload(Bytes(100));
  Answer(api_.downloads, InvalidArgument("no such offset"));
  ASSERT_EQ(api_.failures.made(), 1U);
  EXPECT_EQ(api_.failures.last().message(), "no such offset");
}

TEST_F(SessionDownloadTest, AnUnknownEpochJoinsAndGoesOn) {
  const std::string model = Bytes(100);
  BeginDownload(model);
  Answer(api_.downloads, FailedPrecondition("Join first").WithDetail(rpc::kEpochUnknown));
  ASSERT_EQ(api_.joins.held(), 1U);
  Answer(api_.joins, Joined(2, 7, v1::JoinReply::KEEP));
  ASSERT_EQ(api_.downloads.held(), 1U);
  EXPECT_EQ(api_.downloads.last().request.epoch(), 2U);
}

TEST_F(SessionDownloadTest, ANewerProcessOfTheSiteEndsItsSession) {
  BeginDownload(Bytes(100));
  Answer(api_.downloads, PermissionDenied("taken over").WithDetail(rpc::kSuperseded));
  EXPECT_THAT(session_->ended(), HasCode(Code::kPermissionDenied));
}

TEST_F(SessionDownloadTest, ADownloadThatNeverSucceedsIsTriedForEverAndItsReasonSaidOnce) {
  BeginDownload(Bytes(100));
  for (int i = 0; i < 40; ++i) {
    Answer(api_.downloads, ResourceExhausted("too many at once"));
    Wait(options_.retry_cap);
    ASSERT_EQ(api_.downloads.held(), 1U);
  }
  EXPECT_EQ(std::count_if(diary_.lines.begin(), diary_.lines.end(),
                          [](const std::string& line) { return line.ends_with("trying again"); }),
            1);
}

TEST_F(SessionDownloadTest, AModelGoesWithTheLastTaskThatNeedsIt) {
  const std::string model = Bytes(100);
  BeginDownload(model);
  ASSERT_OK(Deliver(model));
  EndDownload();
  FinishTraining();
  GiveReceipt();
  GiveVerdict(7, v1::Verdict::COUNTED);
  ASSERT_OK_AND_ASSIGN(const auto models, files_.List("state/models"));
  EXPECT_THAT(models, IsEmpty());
}

}  // namespace
}  // namespace skerry::client
