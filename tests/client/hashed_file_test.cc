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

// Tells whether it was read.
class WatchedFile final : public File {
 public:
  Result<std::size_t> ReadAt(uint64_t offset, std::span<char> out) const override {
    was_read = true;
    return bytes_.ReadAt(offset, out);
  }
  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    return bytes_.WriteAt(offset, bytes);
  }
  Status Sync() override { return OkStatus(); }
  Result<uint64_t> Size() const override { return bytes_.Size(); }
  Status Truncate(uint64_t size) override { return bytes_.Truncate(size); }
  const BytesFile& bytes() const { return bytes_; }

  mutable bool was_read = false;

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

TEST_F(HashedFileTest, WhatIsWrittenFromFrontToBackInAnyPiecesIsNotRead) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{kChunkBytes},
                                 std::size_t{2 * kChunkBytes}, std::size_t{5 * kChunkBytes + 17}}) {
    const std::string bytes = Bytes(size);
    for (const std::size_t piece : {std::size_t{100'000}, std::size_t{kChunkBytes - 1},
                                    std::size_t{kChunkBytes}, std::size_t{kChunkBytes + 1},
                                    std::size_t{3 * kChunkBytes}, std::max<std::size_t>(size, 1)}) {
      SCOPED_TRACE(std::to_string(size) + " bytes in pieces of " + std::to_string(piece));
      ASSERT_OK(file_.Truncate(0));
      Write(0, bytes, piece);
      ExpectRightDigests();
    }
  }
  EXPECT_FALSE(watched_->was_read);
}

TEST_F(HashedFileTest, RoomThatIsMadeFirstChangesNothing) {
  const std::string bytes = Bytes(3 * kChunkBytes);
  ASSERT_OK(file_.Truncate(bytes.size()));
  Write(0, bytes, kChunkBytes);
  ExpectRightDigests();
  EXPECT_FALSE(watched_->was_read);
}

TEST_F(HashedFileTest, WhatIsWrittenInAnotherOrderIsReadAndHashedRightly) {
  const std::string bytes = Bytes(3 * kChunkBytes);
  Write(kChunkBytes, std::string_view(bytes).substr(kChunkBytes), kChunkBytes);
  Write(0, std::string_view(bytes).substr(0, kChunkBytes), kChunkBytes);
  ExpectRightDigests();
  EXPECT_TRUE(watched_->was_read);
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
