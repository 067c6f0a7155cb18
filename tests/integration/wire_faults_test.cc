// What a broken or hostile site may send a real coordinator over TLS. Each gets its status and a
// clear text, and the run ends in the same bits as if nothing had been sent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <optional>

#include "crypto/content_hash.h"
#include "deployment.h"
#include "rpc/chunks.h"
#include "testing/status_matchers.h"
#include "wire_client.h"

namespace skerry::testing {
namespace {

using crypto::kChunkBytes;
using ::testing::HasSubstr;

class WireFaultsTest : public ::testing::Test {
 protected:
  // South works as it should; whoever has north's certificate is the test.
  void Begin(const std::string& model = "kind = \"logistic\"") {
    federation_.StartCoordinator();
    federation_.StartClient("south");
    std::string file = Deployment::RunFile(2, "[participation]\nsites = [\"north\", \"south\"]\n");
    const auto replace = [&](const std::string& from, const std::string& to) {
      file.replace(file.find(from), from.size(), to);
    };
    replace("split =", "standardize = false\nsplit =");
    replace("kind = \"logistic\"", model);
    run_ = federation_.Submit(file);
    north_.emplace(federation_.Kit("north"), "north", federation_.port());
    ASSERT_OK(north_->Join());
    ASSERT_OK_AND_ASSIGN(task_, north_->TakeTask());
    ASSERT_EQ(task_.kind(), v1::TRAIN);
  }

  // The true client of north comes, and the run is as good as undisturbed.
  void EndsInTheSameBits() {
    federation_.StartClient("north");
    ASSERT_EQ(federation_.WaitForEnd(run_), 0);
    const Finished simulated = federation_.Skerry(
        {"simulate", federation_.File("run.toml"), "--out", federation_.File("sim")});
    ASSERT_EQ(simulated.exit_code, 0) << simulated.err;
    EXPECT_EQ(federation_.ModelSha256(run_), Field(simulated.out, "sha256"));
  }

  // A parcel that `spoil` made wrong is refused like this.
  void Refused(const std::string& what, const std::function<void(Parcel&)>& spoil, Code code,
               const std::string& text) {
    SCOPED_TRACE(what);
    Parcel parcel(task_);
    spoil(parcel);
    EXPECT_THAT(north_->Upload(parcel.header, parcel.Chunks()), Fails(code, HasSubstr(text)));
  }
  // The same, for chunks of a good parcel that `spoil` made wrong.
  void RefusedChunks(const std::string& what,
                     const std::function<void(std::vector<v1::Chunk>&)>& spoil, Code code,
                     const std::string& text) {
    SCOPED_TRACE(what);
    const Parcel parcel(task_);
    std::vector<v1::Chunk> chunks = parcel.Chunks();
    spoil(chunks);
    EXPECT_THAT(north_->Upload(parcel.header, chunks), Fails(code, HasSubstr(text)));
  }

  Deployment federation_{{"north", "south"}};
  std::string run_;
  std::optional<WireClient> north_;
  v1::Task task_;
};

TEST_F(WireFaultsTest, ValuesThatCannotBeAreNamedByTensorAndElementAndCostNothing) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const auto refused = [&](auto value, const std::string& section, const std::string& text) {
    Refused(
        section + " " + text, [&](Parcel& parcel) { parcel.Put(section, value); },
        Code::kInvalidArgument, text);
  };
  refused(kNan, "update", "element 0 of tensor \"weight\" in section \"update\" is nan");
  refused(kInf, "update", "is inf");
  refused(-kInf, "update", "is -inf");
  refused(1e30F, "update", "e+30; the limit is 1e+06");
  refused(-1e30F, "update", "the limit is");
  refused(static_cast<double>(kNan), "evaluation.test.sums",
          "in section \"evaluation.test.sums\" is nan");
  refused(static_cast<double>(kInf), "evaluation.test.sums", "is inf");
  refused(std::numeric_limits<int64_t>::max(), "evaluation.test.counts", "the limit is");
  EndsInTheSameBits();
}

TEST_F(WireFaultsTest, HeadersThatCannotBeAreRefusedBeforeAnyByteAndCostNothing) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  const auto refused = [&](const std::string& text, const std::function<void(Parcel&)>& spoil,
                           Code code = Code::kInvalidArgument) {
    Refused(text, spoil, code, text);
  };
  refused("another layout", [](Parcel& p) { p.header.mutable_layout_hash()->back() ^= 1; });
  refused("another layout", [](Parcel& p) { p.header.clear_layout_hash(); });
  refused("bytes; its layout has", [](Parcel& p) { p.header.set_size_bytes(p.bytes.size() + 4); });
  refused("bytes; its layout has", [](Parcel& p) { p.header.set_size_bytes(0); });
  refused("bytes; its layout has", [](Parcel& p) { p.header.set_size_bytes(~uint64_t{0}); });
  refused("num_examples is 0;", [](Parcel& p) { p.header.set_num_examples(0); });
  refused("num_examples is -1;", [](Parcel& p) { p.header.set_num_examples(-1); });
  refused("content_hash must have 32 bytes", [](Parcel& p) { p.header.set_content_hash("short"); });
  refused("is not a finite number", [](Parcel& p) {
    (*p.header.mutable_scalars())["train_loss"] = std::numeric_limits<double>::quiet_NaN();
  });
  refused(
      "is not open for this site", [](Parcel& p) { p.header.set_task_id(4711); }, Code::kNotFound);
  Parcel parcel(task_);
  EXPECT_THAT(north_->Upload(parcel.header, parcel.Chunks(), kChunkBytes),
              Fails(Code::kOutOfRange, HasSubstr("0 are stored")));
  north_->set_epoch(north_->epoch() + 7);
  EXPECT_THAT(north_->Upload(parcel.header, parcel.Chunks()),
              Fails(Code::kFailedPrecondition, HasSubstr("Join first")));
  EXPECT_EQ(north_->QueryUpload(parcel.header).status().detail(), rpc::kEpochUnknown);
  EndsInTheSameBits();
}

TEST_F(WireFaultsTest, ChunksThatDoNotFitAreRefusedWhereTheyStopFittingAndCostNothing) {
  // An update of three chunks.
  ASSERT_NO_FATAL_FAILURE(
      Begin("kind = \"mlp\"\nhidden = [800, 800]\nactivation = \"tanh\"\nloss = \"logistic\""));
  ASSERT_EQ(Parcel(task_).Chunks().size(), 3U);
  using Chunks = std::vector<v1::Chunk>;
  RefusedChunks(
      "out of order", [](Chunks& c) { std::swap(c[0], c[1]); }, Code::kOutOfRange,
      "a chunk starts at byte 1048576; byte 0 comes next");
  RefusedChunks(
      "twice", [](Chunks& c) { c[1] = c[0]; }, Code::kOutOfRange, "byte 1048576 comes next");
  RefusedChunks(
      "one left out", [](Chunks& c) { c.erase(c.begin() + 1); }, Code::kOutOfRange,
      "byte 1048576 comes next");
  RefusedChunks(
      "cut short", [](Chunks& c) { c[0] = rpc::MakeChunk(0, c[0].data().substr(0, 1000)); },
      Code::kInvalidArgument, "only 1000 bytes and is not the last");
  RefusedChunks(
      "the last cut short", [](Chunks& c) { c[2].mutable_data()->pop_back(); },
      Code::kInvalidArgument, "is not the last");
  RefusedChunks(
      "too long", [](Chunks& c) { c[0] = rpc::MakeChunk(0, c[0].data() + "x"); },
      Code::kInvalidArgument, "a chunk of 1048577 bytes");
  RefusedChunks(
      "more than the whole",
      [](Chunks& c) { c.push_back(rpc::MakeChunk(c[2].offset() + c[2].data().size(), "more")); },
      Code::kInvalidArgument, "does not fit a whole of");
  RefusedChunks(
      "one bit changed", [](Chunks& c) { (*c[1].mutable_data())[77] ^= 4; }, Code::kDataLoss,
      "the chunk at byte 1048576 does not have the digest");
  RefusedChunks(
      "wrong hash", [](Chunks& c) { (*c[0].mutable_digest())[0] ^= 1; }, Code::kDataLoss,
      "the chunk at byte 0 does not have the digest");
  RefusedChunks(
      "an end too early", [](Chunks& c) { c.pop_back(); }, Code::kOutOfRange,
      "the upload ended after 2097152 of");
  RefusedChunks(
      "good chunks of another result",
      [](Chunks& c) {
        std::string other = c[1].data();
        other[0] ^= 1;
        c[1] = rpc::MakeChunk(c[1].offset(), other);
      },
      Code::kDataLoss, "do not make the content hash");
  EndsInTheSameBits();
}

TEST_F(WireFaultsTest, WhatArrivedBeforeABadChunkIsKeptAndTheUploadMayGoOnFromThere) {
  ASSERT_NO_FATAL_FAILURE(
      Begin("kind = \"mlp\"\nhidden = [800, 800]\nactivation = \"tanh\"\nloss = \"logistic\""));
  Parcel parcel(task_);
  parcel.Put("update", std::numeric_limits<float>::quiet_NaN());  // so that it cannot count
  std::vector<v1::Chunk> chunks = parcel.Chunks();
  (*chunks[2].mutable_data())[5] ^= 1;
  EXPECT_THAT(north_->Upload(parcel.header, chunks), HasCode(Code::kDataLoss));
  ASSERT_OK_AND_ASSIGN(const auto stored, north_->QueryUpload(parcel.header));
  EXPECT_EQ(stored.offset(), 2 * kChunkBytes);
  EXPECT_FALSE(stored.complete());
  EXPECT_THAT(north_->Upload(parcel.header, {parcel.Chunks()[2]}, stored.offset()),
              Fails(Code::kInvalidArgument, HasSubstr("is nan")))
      << "it came whole, and was looked at";
  ASSERT_OK_AND_ASSIGN(const auto forgotten, north_->QueryUpload(parcel.header));
  EXPECT_EQ(forgotten.offset(), 0U);
}

TEST_F(WireFaultsTest, StreamsThatAreNoUploadAreRefusedAndCostNothing) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  const Parcel parcel(task_);
  std::vector<v1::SubmitResultRequest> messages(2);
  messages[0].mutable_start()->set_epoch(north_->epoch());
  *messages[0].mutable_start()->mutable_header() = parcel.header;
  messages[1] = messages[0];
  EXPECT_THAT(north_->Send({}), Fails(Code::kInvalidArgument, HasSubstr("begins with a header")));
  EXPECT_THAT(north_->Send({v1::SubmitResultRequest()}),
              Fails(Code::kInvalidArgument, HasSubstr("neither its header nor a chunk")));
  EXPECT_THAT(north_->Send(messages),
              Fails(Code::kInvalidArgument, HasSubstr("after the header come chunks")));
  *messages[0].mutable_chunk() = parcel.Chunks()[0];
  EXPECT_THAT(north_->Send(messages),
              Fails(Code::kInvalidArgument, HasSubstr("begins with a header")));
  std::vector<v1::Chunk> huge = {rpc::MakeChunk(0, std::string(5 * kChunkBytes, 'x'))};
  EXPECT_THAT(north_->Upload(parcel.header, huge), HasCode(Code::kResourceExhausted))
      << "longer than any message may be";
  EndsInTheSameBits();
}

}  // namespace
}  // namespace skerry::testing
