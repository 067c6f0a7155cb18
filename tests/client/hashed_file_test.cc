#include "client/hashed_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes_file.h"
#include "testing/status_matchers.h"

namespace skerry::client {
namespace {

using crypto::kChunkBytes;
using testing::HasCode;

// Tells how much of it was read, and fails in the middle of a write when asked.
class WatchedFile final : public File {
 public:
  Result<std::size_t> ReadAt(uint64_t offset, std::span<char> out) const override {
    bytes_read += out.size();
    return bytes_.ReadAt(offset, out);
  }
  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    if (!fails) return bytes_.WriteAt(offset, bytes);
    EXPECT_OK(bytes_.WriteAt(offset, bytes.substr(0, bytes.size() / 2)));
    return ResourceExhausted("no space left");
  }
  Status Sync() override { return OkStatus(); }
  Result<uint64_t> Size() const override { return bytes_.Size(); }
  Status Truncate(uint64_t size) override { return bytes_.Truncate(size); }
  const BytesFile& bytes() const { return bytes_; }

  mutable uint64_t bytes_read = 0;
  bool fails = false;

 private:
  BytesFile bytes_;
};

class HashedFileTest : public ::testing::Test {
 protected:
  static std::string Bytes(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 1021);
    return bytes;
  }
  void Write(std::size_t begin, std::string_view bytes, std::size_t piece) {
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      ASSERT_OK(file_.WriteAt(begin + at, bytes.substr(at, piece)));
    }
  }
  void ExpectRightDigests() {
    ASSERT_OK_AND_ASSIGN(const auto expected, crypto::ChunkDigestsOf(watched_->bytes()));
    ASSERT_OK_AND_ASSIGN(const auto digests, file_.ChunkDigests());
    EXPECT_EQ(digests, expected);
  }

  const std::shared_ptr<WatchedFile> watched_ = std::make_shared<WatchedFile>();
  HashedFile file_{watched_};
};

TEST_F(HashedFileTest, WhatIsWrittenFromFrontToBackInAnyPiecesIsNotReadButForItsEnd) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{kChunkBytes},
                                 std::size_t{2 * kChunkBytes}, std::size_t{5 * kChunkBytes + 17}}) {
    const std::string bytes = Bytes(size);
    for (const std::size_t piece : {std::size_t{100'000}, std::size_t{kChunkBytes - 1},
                                    std::size_t{kChunkBytes}, std::size_t{kChunkBytes + 1},
                                    std::size_t{3 * kChunkBytes}, std::max<std::size_t>(size, 1)}) {
      SCOPED_TRACE(std::to_string(size) + " bytes in pieces of " + std::to_string(piece));
      ASSERT_OK(file_.Truncate(0));
      watched_->bytes_read = 0;
      Write(0, bytes, piece);
      ExpectRightDigests();
      EXPECT_LT(watched_->bytes_read, kChunkBytes);
    }
  }
}

TEST_F(HashedFileTest, WhatIsWrittenBehindItBeforeOrAfterIsReadAlone) {
  const std::string bytes = Bytes(6 * kChunkBytes + 100);
  const std::string_view all = bytes;
  for (const bool before : {true, false}) {
    ASSERT_OK(file_.Truncate(0));
    watched_->bytes_read = 0;
    if (before) Write(6 * kChunkBytes, all.substr(6 * kChunkBytes), 30);
    Write(0, all.substr(0, 6 * kChunkBytes), kChunkBytes);
    if (!before) Write(6 * kChunkBytes, all.substr(6 * kChunkBytes), 30);
    ExpectRightDigests();
    EXPECT_EQ(watched_->bytes_read, 100U);
  }
}

TEST_F(HashedFileTest, WhatRunsIntoWhatWasWrittenAheadIsHashedAsItIsThen) {
  Write(2 * kChunkBytes, Bytes(100), 100);
  Write(0, Bytes(4 * kChunkBytes), 3 * kChunkBytes);
  Write(2 * kChunkBytes, "over", 4);
  ExpectRightDigests();
}

TEST_F(HashedFileTest, AWriteThatFailsHalfwayIsNotHashedAsIfItHadNotBeen) {
  Write(0, Bytes(3 * kChunkBytes), kChunkBytes);
  watched_->fails = true;
  EXPECT_THAT(file_.WriteAt(100, "something else"), HasCode(Code::kResourceExhausted));
  ExpectRightDigests();
}

TEST_F(HashedFileTest, AfterItWasEmptiedItIsHashedAnew) {
  Write(5, "out of order", 3);
  Write(2, "again", 5);
  ASSERT_OK(file_.Truncate(0));
  Write(0, Bytes(4 * kChunkBytes), kChunkBytes);
  ExpectRightDigests();
  EXPECT_EQ(watched_->bytes_read, 0U);
}

TEST_F(HashedFileTest, RoomThatIsMadeFirstChangesNothing) {
  const std::string bytes = Bytes(3 * kChunkBytes);
  ASSERT_OK(file_.Truncate(bytes.size()));
  Write(0, bytes, kChunkBytes);
  ExpectRightDigests();
  EXPECT_EQ(watched_->bytes_read, 0U);
}

TEST_F(HashedFileTest, WhatIsWrittenInAnotherOrderIsReadAndHashedRightly) {
  const std::string bytes = Bytes(3 * kChunkBytes);
  Write(kChunkBytes, std::string_view(bytes).substr(kChunkBytes), kChunkBytes);
  Write(0, std::string_view(bytes).substr(0, kChunkBytes), kChunkBytes);
  ExpectRightDigests();
}

TEST_F(HashedFileTest, WhatIsWrittenOverLaterCountsAsItIsThen) {
  Write(0, Bytes(3 * kChunkBytes), kChunkBytes);
  Write(100, "another", 7);
  ExpectRightDigests();
}

TEST_F(HashedFileTest, AFileThatWasCutOrMadeLongerIsHashedAsItIs) {
  Write(0, Bytes(3 * kChunkBytes), kChunkBytes);
  ASSERT_OK(file_.Truncate(2 * kChunkBytes + 5));
  ExpectRightDigests();
  ASSERT_OK(file_.Truncate(4 * kChunkBytes));
  ExpectRightDigests();
}

TEST_F(HashedFileTest, RoomThatWasNeverFilledIsHashedToo) {
  ASSERT_OK(file_.Truncate(3 * kChunkBytes));
  Write(0, Bytes(kChunkBytes), kChunkBytes);
  ExpectRightDigests();
}

}  // namespace
}  // namespace skerry::client
