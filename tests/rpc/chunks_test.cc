#include "rpc/chunks.h"

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/bytes_file.h"
#include "base/text.h"
#include "crypto/sha256.h"
#include "testing/status_matchers.h"

namespace skerry::rpc {
namespace {

using crypto::kChunkBytes;
using ::testing::AllOf;
using testing::Fails;
using testing::HasCode;
using ::testing::HasSubstr;

std::string Bytes(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i % 253);
  return bytes;
}

constexpr uint64_t kTwoAndABit = 2 * kChunkBytes + 100;

// ---- Making and reading ----

TEST(ChunkTest, CarriesItsPlaceAndItsDigest) {
  const v1::Chunk chunk = MakeChunk(5, "abc");
  EXPECT_EQ(chunk.offset(), 5U);
  EXPECT_EQ(chunk.data(), "abc");
  EXPECT_EQ(HexEncode(chunk.digest()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(ReadChunksTest, PiecesInOrderMakeTheFileAndEachFits) {
  const std::string bytes = Bytes(kTwoAndABit);
  const auto chunks = ReadChunks(std::make_shared<BytesFile>(bytes), 0);
  std::string read;
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto chunk, chunks->Next());
    ASSERT_TRUE(chunk.has_value());
    EXPECT_OK(CheckChunk(*chunk, read.size(), bytes.size()));
    read += chunk->data();
  }
  EXPECT_EQ(read, bytes);
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto end, chunks->Next());
    EXPECT_FALSE(end.has_value()) << "the end stays the end";
  }
}

TEST(ReadChunksTest, BeginsWhereItIsTold) {
  const std::string bytes = Bytes(kTwoAndABit);
  const auto chunks = ReadChunks(std::make_shared<BytesFile>(bytes), 2 * kChunkBytes);
  ASSERT_OK_AND_ASSIGN(const auto chunk, chunks->Next());
  ASSERT_TRUE(chunk.has_value());
  EXPECT_EQ(chunk->offset(), 2 * kChunkBytes);
  EXPECT_EQ(chunk->data(), bytes.substr(2 * kChunkBytes));
}

TEST(ReadChunksTest, NothingIsBehindTheEndAndInAnEmptyFile) {
  for (const uint64_t offset : {uint64_t{100}, uint64_t{1000}}) {
    ASSERT_OK_AND_ASSIGN(const auto chunk,
                         ReadChunks(std::make_shared<BytesFile>(Bytes(100)), offset)->Next());
    EXPECT_FALSE(chunk.has_value());
  }
  ASSERT_OK_AND_ASSIGN(const auto chunk, ReadChunks(std::make_shared<BytesFile>(), 0)->Next());
  EXPECT_FALSE(chunk.has_value());
}

// Counts how often it is read.
class CountedFile final : public File {
 public:
  explicit CountedFile(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<std::size_t> ReadAt(uint64_t offset, std::span<char> out) const override {
    ++reads;
    return bytes_.ReadAt(offset, out);
  }
  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    return bytes_.WriteAt(offset, bytes);
  }
  Status Sync() override { return bytes_.Sync(); }
  Result<uint64_t> Size() const override { return bytes_.Size(); }
  Status Truncate(uint64_t size) override { return bytes_.Truncate(size); }
  mutable int reads = 0;

 private:
  BytesFile bytes_;
};

class SharedChunksTest : public ::testing::Test {
 protected:
  std::unique_ptr<ChunkSource> Reader(uint64_t offset = 0) {
    return ReadChunks(file_, offset, known_);
  }
  static std::shared_ptr<const v1::Chunk> Share(ChunkSource& source) {
    auto chunk = source.Share([] { return std::make_shared<v1::Chunk>(); });
    EXPECT_OK(chunk.status());
    return chunk.ok() ? *std::move(chunk) : nullptr;
  }

  const std::string bytes_ = Bytes(kTwoAndABit);
  const std::shared_ptr<CountedFile> file_ = std::make_shared<CountedFile>(bytes_);
  const std::shared_ptr<KnownChunks> known_ = std::make_shared<KnownChunks>();
};

TEST_F(SharedChunksTest, WhatAnotherReaderStillHasIsNotReadAgain) {
  const auto first = Reader();
  const auto second = Reader();
  const auto chunk = Share(*first);
  ASSERT_NE(chunk, nullptr);
  EXPECT_EQ(Share(*second), chunk);
  EXPECT_EQ(file_->reads, 1);
  const auto next = Share(*second);
  ASSERT_NE(next, nullptr);
  EXPECT_EQ(next->offset(), kChunkBytes) << "the second goes on behind what it was given";
}

TEST_F(SharedChunksTest, WhatNobodyHasAnyMoreIsReadAgain) {
  const std::string digest = Share(*Reader())->digest();
  EXPECT_EQ(Share(*Reader())->digest(), digest);
  EXPECT_EQ(file_->reads, 2);
}

TEST_F(SharedChunksTest, WhatIsKnownIsNotHashedAgain) {
  const crypto::Digest known = crypto::Sha256("not what the file holds");
  known_->NoteDigest(0, known);
  EXPECT_EQ(Share(*Reader())->digest(), known.view());
}

TEST_F(SharedChunksTest, EachOfManyChunksIsTheOneOfItsPlace) {
  constexpr uint64_t kMany = 40;  // more than are remembered
  const auto file = std::make_shared<BytesFile>(std::string(kMany * kChunkBytes, 'x'));
  const auto all = ReadChunks(file, 0, known_);
  std::vector<std::shared_ptr<const v1::Chunk>> kept;
  for (uint64_t i = 0; i < kMany; ++i) kept.push_back(Share(*all));
  const auto again = ReadChunks(file, 0, known_);
  for (uint64_t i = 0; i < kMany; ++i) EXPECT_EQ(Share(*again)->offset(), i * kChunkBytes);
}

TEST_F(SharedChunksTest, WhatHasChangedOnTheDiskSinceItWasHashedIsNoticedByItsReceiver) {
  ASSERT_NE(Share(*Reader()), nullptr);
  ASSERT_OK(file_->WriteAt(1000, "damage"));
  const auto chunk = Share(*Reader());
  ASSERT_NE(chunk, nullptr);
  EXPECT_THAT(CheckChunk(*chunk, 0, bytes_.size()), HasCode(Code::kDataLoss));
}

TEST_F(SharedChunksTest, ReadersOnSeveralThreadsEachSeeTheWholeFile) {
  std::vector<std::string> read(4);
  std::vector<std::thread> threads;
  for (std::string& bytes : read) {
    threads.emplace_back([this, &bytes] {
      const auto source = ReadChunks(std::make_shared<BytesFile>(bytes_), 0, known_);
      while (const auto chunk = Share(*source)) bytes += chunk->data();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& bytes : read) EXPECT_TRUE(bytes == bytes_);
}

TEST_F(SharedChunksTest, AllTogetherMakeTheFileAndThenThereAreNoMore) {
  const auto source = Reader();
  std::string read;
  while (const auto chunk = Share(*source)) read += chunk->data();
  EXPECT_EQ(read, bytes_);
  EXPECT_EQ(Share(*source), nullptr);
}

// ---- Checking ----

TEST(CheckChunkTest, AFullChunkAndAShortLastOneFit) {
  const std::string bytes = Bytes(kTwoAndABit);
  EXPECT_OK(CheckChunk(MakeChunk(0, bytes.substr(0, kChunkBytes)), 0, kTwoAndABit));
  EXPECT_OK(CheckChunk(MakeChunk(2 * kChunkBytes, bytes.substr(2 * kChunkBytes)), 2 * kChunkBytes,
                       kTwoAndABit));
  EXPECT_OK(CheckChunk(MakeChunk(0, "a"), 0, 1));
}

TEST(CheckChunkTest, AChunkThatStartsElsewhereIsOutOfRangeAndBothPlacesAreNamed) {
  const v1::Chunk chunk = MakeChunk(kChunkBytes, Bytes(kChunkBytes));
  EXPECT_THAT(CheckChunk(chunk, 0, kTwoAndABit),
              Fails(Code::kOutOfRange, AllOf(HasSubstr("byte 1048576"), HasSubstr("byte 0 "))));
  EXPECT_THAT(CheckChunk(chunk, 2 * kChunkBytes, kTwoAndABit), HasCode(Code::kOutOfRange))
      << "the same one again";
}

TEST(CheckChunkTest, AShortChunkThatIsNotTheLastIsRefused) {
  EXPECT_THAT(CheckChunk(MakeChunk(0, Bytes(kChunkBytes - 1)), 0, kTwoAndABit),
              Fails(Code::kInvalidArgument, HasSubstr("only 1048575 bytes and is not the last")));
}

TEST(CheckChunkTest, AnEmptyChunkAndOneThatIsTooLongAreRefused) {
  EXPECT_THAT(CheckChunk(MakeChunk(0, ""), 0, kTwoAndABit),
              Fails(Code::kInvalidArgument, HasSubstr("a chunk of 0 bytes")));
  EXPECT_THAT(CheckChunk(MakeChunk(0, Bytes(kChunkBytes + 1)), 0, kTwoAndABit),
              Fails(Code::kInvalidArgument, HasSubstr("a chunk of 1048577 bytes")));
}

TEST(CheckChunkTest, WhatReachesBeyondTheEndIsRefused) {
  EXPECT_THAT(CheckChunk(MakeChunk(0, "abcd"), 0, 3),
              Fails(Code::kInvalidArgument, HasSubstr("does not fit a whole of 3")));
  EXPECT_THAT(CheckChunk(MakeChunk(3, "d"), 3, 3),
              Fails(Code::kInvalidArgument, HasSubstr("does not fit a whole of 3")))
      << "all is here already";
  EXPECT_THAT(CheckChunk(MakeChunk(0, "a"), 0, 0), HasCode(Code::kInvalidArgument));
}

TEST(CheckChunkTest, OneBitThatChangedIsDataLossAndThePlaceIsNamed) {
  const v1::Chunk good = MakeChunk(0, "abc");
  const auto flip = [](std::string& bytes, std::size_t at, int bit) {
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
  };
  for (int bit = 0; bit < 8; ++bit) {
    v1::Chunk data_changed = good;
    flip(*data_changed.mutable_data(), 1, bit);
    EXPECT_THAT(CheckChunk(data_changed, 0, 3), Fails(Code::kDataLoss, HasSubstr("byte 0")));
    v1::Chunk hash_changed = good;
    flip(*hash_changed.mutable_digest(), 31, bit);
    EXPECT_THAT(CheckChunk(hash_changed, 0, 3), HasCode(Code::kDataLoss));
  }
}

TEST(CheckChunkTest, AHashOfAnotherLengthIsDataLoss) {
  v1::Chunk chunk = MakeChunk(0, "abc");
  for (const std::string& hash : {std::string(), chunk.digest().substr(1), chunk.digest() + "x"}) {
    chunk.set_digest(hash);
    EXPECT_THAT(CheckChunk(chunk, 0, 3), HasCode(Code::kDataLoss)) << hash.size();
  }
}

}  // namespace
}  // namespace skerry::rpc
