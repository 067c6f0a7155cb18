#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes_file.h"
#include "client/task_runner.h"
#include "crypto/content_hash.h"
#include "testing/status_matchers.h"

namespace skerry::client {
namespace {

using crypto::kChunkBytes;
using testing::Fails;
using testing::HasCode;
using ::testing::HasSubstr;

// Writes a result in pieces, from the front or from the back.
class WritingTrainer final : public Trainer {
 public:
  Result<WorkDone> Run(const WorkOrder& order) override {
    if (!failure.ok()) return failure;
    constexpr std::size_t kPiece = 300'000;
    const std::size_t pieces = (result.size() + kPiece - 1) / kPiece;
    for (std::size_t i = 0; i < pieces; ++i) {
      const std::size_t at = (backwards ? pieces - 1 - i : i) * kPiece;
      SKERRY_RETURN_IF_ERROR(
          order.result->WriteAt(at, std::string_view(result).substr(at, kPiece)));
    }
    WorkDone done;
    done.num_examples = 12;
    done.scalars["train_loss"] = 0.5;
    return done;
  }

  std::string result;
  bool backwards = false;
  Status failure;
};

// It is written, and then the disk breaks.
class UnreadableFile final : public File {
 public:
  Result<std::size_t> ReadAt(uint64_t /*offset*/, std::span<char> /*out*/) const override {
    return Internal("Input/output error");
  }
  Status WriteAt(uint64_t /*offset*/, std::string_view /*bytes*/) override { return OkStatus(); }
  Status Sync() override { return OkStatus(); }
  Result<uint64_t> Size() const override { return Internal("Input/output error"); }
  Status Truncate(uint64_t /*size*/) override { return OkStatus(); }
};

class RunAndSealTest : public ::testing::Test {
 protected:
  // A task whose result is so many floats, and a trainer that makes them.
  WorkOrder Order(int64_t floats) {
    v1::Task task;
    task.set_task_id(7);
    v1::Section& section = *task.mutable_result_layout()->add_sections();
    section.set_name("update");
    section.set_rule(v1::AGGREGATE);
    v1::TensorSpec& tensor = *section.add_tensors();
    tensor.set_name("w");
    tensor.set_dtype(v1::F32);
    tensor.add_shape(floats);
    trainer_.result.resize(static_cast<std::size_t>(floats) * sizeof(float));
    for (std::size_t i = 0; i < trainer_.result.size(); ++i) {
      trainer_.result[i] = static_cast<char>(i * 7 + i / 1021);
    }
    WorkOrder order;
    order.task_id = task.task_id();
    order.task = std::make_shared<const v1::Task>(std::move(task));
    order.result = std::make_shared<BytesFile>();
    return order;
  }

  void ExpectSealedAsByReading(const WorkOrder& order) {
    ASSERT_OK_AND_ASSIGN(const WorkDone done, RunAndSeal(trainer_, order));
    WorkDone read;
    read.num_examples = done.num_examples;
    read.scalars = done.scalars;
    ASSERT_OK(Seal(order, read));
    EXPECT_EQ(done.num_examples, 12);
    EXPECT_EQ(done.header.SerializeAsString(), read.header.SerializeAsString());
    ASSERT_EQ(done.known_chunks != nullptr, read.known_chunks != nullptr);
    if (done.known_chunks == nullptr) return;  // it goes in one message
    for (uint64_t at = 0; at < trainer_.result.size(); at += kChunkBytes) {
      EXPECT_EQ(done.known_chunks->DigestAt(at), read.known_chunks->DigestAt(at)) << at;
    }
  }

  WritingTrainer trainer_;
};

TEST_F(RunAndSealTest, ASmallResultIsSealed) { ExpectSealedAsByReading(Order(10)); }

TEST_F(RunAndSealTest, ALargeResultIsSealedAsIfItHadBeenRead) {
  ExpectSealedAsByReading(Order(1'300'000));
}

TEST_F(RunAndSealTest, SoIsOneThatWasWrittenFromTheBack) {
  trainer_.backwards = true;
  ExpectSealedAsByReading(Order(1'300'000));
}

TEST_F(RunAndSealTest, ALargeResultThatCannotBeReadBackIsMadeAgainLater) {
  WorkOrder order = Order(1'300'000);
  order.result = std::make_shared<UnreadableFile>();
  EXPECT_THAT(RunAndSeal(trainer_, order), Fails(Code::kUnavailable, HasSubstr("Input/output")));
}

TEST_F(RunAndSealTest, WhatTheTrainerFailsWithIsTheError) {
  trainer_.failure = ResourceExhausted("the disk is full");
  EXPECT_THAT(RunAndSeal(trainer_, Order(10)), HasCode(Code::kResourceExhausted));
  EXPECT_THAT(RunAndSeal(trainer_, Order(1'300'000)), HasCode(Code::kResourceExhausted));
}

}  // namespace
}  // namespace skerry::client
