#include "coordinator/read_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/bytes_file.h"
#include "base/crc32c.h"
#include "base/random.h"
#include "crypto/content_hash.h"

namespace skerry::coordinator {
namespace {

using crypto::kChunkBytes;

class ReadCheckTest : public ::testing::Test {
 protected:
  ReadCheckTest() {
    RandomStream random(7, Purpose::kSimulation, 0, "read check", 0);
    for (char& c : bytes_) c = static_cast<char>(random.Uniform() * 256 - 128);
    for (std::size_t at = 0; at < bytes_.size(); at += kChunkBytes) {
      checksums_.push_back(Crc32c(std::string_view(bytes_).substr(at, kChunkBytes)));
    }
  }
  // Notes [begin, end) in pieces of `step`, the last one first.
  void Note(ReadCheck& check, uint64_t begin, uint64_t end, uint64_t step) const {
    const uint64_t num_pieces = (end - begin + step - 1) / step;
    for (uint64_t i = num_pieces; i > 0; --i) {
      const uint64_t at = begin + (i - 1) * step;
      check.Note(at, std::string_view(bytes_).substr(at, std::min(step, end - at)));
    }
  }

  std::string bytes_ = std::string(2 * kChunkBytes + 12'345, '\0');
  std::vector<uint32_t> checksums_;
};

TEST_F(ReadCheckTest, PiecesOfAnySizeInAnyOrderAreTheWhole) {
  for (const uint64_t step : {uint64_t{100'000}, kChunkBytes, 2 * kChunkBytes + 5}) {
    ReadCheck check(checksums_, bytes_.size());
    Note(check, 1'000'003, bytes_.size(), step);
    EXPECT_FALSE(check.IsWhole());
    Note(check, 0, 1'000'003, step);
    EXPECT_TRUE(check.IsWhole()) << step;
  }
}

TEST_F(ReadCheckTest, AChangedBitInAnyChunkIsSeen) {
  for (const std::size_t at : {std::size_t{0}, std::size_t{kChunkBytes}, bytes_.size() - 1}) {
    bytes_[at] = static_cast<char>(bytes_[at] ^ 4);
    ReadCheck check(checksums_, bytes_.size());
    Note(check, 0, bytes_.size(), 300'000);
    EXPECT_FALSE(check.IsWhole()) << at;
    bytes_[at] = static_cast<char>(bytes_[at] ^ 4);
  }
}

// They would add nothing to a checksum.
TEST_F(ReadCheckTest, ZerosThatNobodyReadAreMissing) {
  const std::string zeros(100, '\0');
  const std::vector<uint32_t> checksums = {Crc32c(zeros)};
  ReadCheck check(checksums, zeros.size());
  check.Note(0, std::string_view(zeros).substr(0, 99));
  EXPECT_FALSE(check.IsWhole());
  check.Note(99, std::string_view(zeros).substr(99));
  EXPECT_TRUE(check.IsWhole());
}

TEST_F(ReadCheckTest, AChunkThatWasLookedAtBeforeNeedNotBeNotedAndMayBe) {
  const BytesFile file(bytes_);
  for (const bool note_all : {false, true}) {
    ReadCheck check(checksums_, bytes_.size());
    EXPECT_TRUE(check.CheckChunk(file, 1));
    EXPECT_TRUE(check.CheckChunk(file, 2));
    EXPECT_FALSE(check.IsWhole());
    Note(check, 0, note_all ? bytes_.size() : kChunkBytes + 100, 65'536);
    EXPECT_TRUE(check.IsWhole()) << note_all;
  }
}

TEST_F(ReadCheckTest, AChunkThatIsAnotherOrIsNotThereIsSeenAtOnce) {
  ReadCheck check(checksums_, bytes_.size());
  EXPECT_FALSE(check.CheckChunk(BytesFile(bytes_.substr(0, bytes_.size() - 1)), 2));
  bytes_[kChunkBytes + 7] = static_cast<char>(bytes_[kChunkBytes + 7] ^ 1);
  const BytesFile file(bytes_);
  EXPECT_FALSE(check.CheckChunk(file, 1));
  EXPECT_TRUE(check.CheckChunk(file, 0));
}

TEST_F(ReadCheckTest, NothingIsWholeAtOnce) { EXPECT_TRUE(ReadCheck({}, 0).IsWhole()); }

}  // namespace
}  // namespace skerry::coordinator
