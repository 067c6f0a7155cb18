#include "rpc/grpc/chunk_messages.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "rpc/chunks.h"
#include "testing/status_matchers.h"

namespace skerry::rpc {
namespace {

std::shared_ptr<const v1::Chunk> Chunk(uint64_t offset, std::string data) {
  return std::make_shared<const v1::Chunk>(MakeChunk(offset, std::move(data)));
}

TEST(ChunkMessagesTest, AMessageIsTheChunk) {
  const auto chunk = Chunk(1 << 20, std::string(100'000, 'x'));
  v1::Chunk parsed;
  ASSERT_OK(ParseMessage(ChunkMessages::Message(chunk), parsed));
  EXPECT_EQ(parsed.SerializeAsString(), chunk->SerializeAsString());
}

TEST(ChunkMessagesTest, AnUploadsMessageIsItsChunk) {
  const auto chunk = Chunk(3 << 20, "some data");
  v1::SubmitResultRequest::Start start;
  v1::Chunk parsed;
  ASSERT_OK_AND_ASSIGN(const bool is_start,
                       ParseUploadMessage(ChunkMessages::UploadMessage(chunk), start, parsed));
  EXPECT_FALSE(is_start);
  EXPECT_EQ(parsed.SerializeAsString(), chunk->SerializeAsString());
}

TEST(ChunkMessagesTest, SeveralMessagesShareAChunkThatStaysUntilTheLastIsGone) {
  auto chunk = Chunk(0, std::string(100'000, 'x'));
  const std::weak_ptr<const v1::Chunk> watched = chunk;
  grpc::ByteBuffer first = ChunkMessages::Message(chunk);
  grpc::ByteBuffer second = ChunkMessages::Message(std::move(chunk));
  first.Clear();
  EXPECT_FALSE(watched.expired());
  v1::Chunk parsed;
  EXPECT_OK(ParseMessage(second, parsed));
  second.Clear();
  EXPECT_TRUE(watched.expired());
}

TEST(ChunkMessagesTest, MemoryIsUsedAgainOnceGrpcHasLetGoOfIt) {
  ChunkMessages messages;
  std::shared_ptr<v1::Chunk> chunk = messages.Take();
  const v1::Chunk* const memory = chunk.get();
  chunk->set_data(std::string(100'000, 'x'));
  grpc::ByteBuffer message = ChunkMessages::Message(std::move(chunk));
  const std::shared_ptr<v1::Chunk> other = messages.Take();
  EXPECT_NE(other.get(), memory) << "it is on its way";
  message.Clear();
  const std::shared_ptr<v1::Chunk> again = messages.Take();
  EXPECT_EQ(again.get(), memory);
  EXPECT_GE(again->data().capacity(), 100'000U) << "not merely at the same address";
}

std::size_t Capacity(const std::shared_ptr<v1::Chunk>& chunk) { return chunk->data().capacity(); }

TEST(ChunkMessagesTest, NoMoreMemoryIsKeptThanAllowed) {
  ChunkMessages messages(1);
  std::shared_ptr<v1::Chunk> first = messages.Take();
  std::shared_ptr<v1::Chunk> second = messages.Take();
  first->set_data(std::string(100'000, 'x'));
  second->set_data(std::string(100'000, 'x'));
  first.reset();
  second.reset();
  first = messages.Take();
  second = messages.Take();
  EXPECT_GE(Capacity(first), 100'000U);
  EXPECT_LT(Capacity(second), 100'000U);
}

TEST(ChunkMessagesTest, WhatAHostilePeerMadeLargeIsNotKept) {
  ChunkMessages messages;
  std::shared_ptr<v1::Chunk> chunk = messages.Take();
  chunk->set_data(std::string(3 << 20, 'x'));
  chunk.reset();
  chunk = messages.Take();
  EXPECT_LT(Capacity(chunk), std::size_t{1} << 20);
  chunk->set_digest(std::string(3 << 20, 'x'));
  chunk.reset();
  EXPECT_LT(messages.Take()->digest().capacity(), std::size_t{1} << 20);
}

TEST(ChunkMessagesTest, AChunkMayOutliveWhatItWasTakenFrom) {
  auto messages = std::make_unique<ChunkMessages>();
  std::shared_ptr<v1::Chunk> chunk = messages->Take();
  messages.reset();
  chunk->set_offset(7);
  EXPECT_EQ(chunk->offset(), 7U);
}

}  // namespace
}  // namespace skerry::rpc
