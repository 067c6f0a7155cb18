#include "crypto/content_hash.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/memory_files.h"
#include "crypto/sha256.h"
#include "testing/status_matchers.h"

namespace skerry::crypto {
namespace {

using ::skerry::testing::Fails;
using ::testing::HasSubstr;

std::string Pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 131 + 7) % 256);
  return bytes;
}

// Worked out apart from this code with another implementation of SHA-256.
TEST(ContentHashTest, KnownContentsHaveKnownHashes) {
  EXPECT_EQ(ContentHashOf("", "").Hex(),
            "1e1df0c1d2358a3ef807ae478e94e75d86d95c1ab903af156e0e0ac20d167502");
  EXPECT_EQ(ContentHashOf("header", "abc").Hex(),
            "5a54df6ccdbe5b940ad4402943cf8467404e3153a3964f6074db41b459fe04ce");
  EXPECT_EQ(ContentHashOf("h", Pattern(2 * kChunkBytes + 5)).Hex(),
            "ff1fb5858610c253d193b67d51dd181541386c866a407111c82e7e6a6284ef9b");
}

TEST(ContentHashTest, TheNumberOfChunksRoundsUp) {
  EXPECT_EQ(NumChunks(0), 0U);
  EXPECT_EQ(NumChunks(1), 1U);
  EXPECT_EQ(NumChunks(kChunkBytes), 1U);
  EXPECT_EQ(NumChunks(kChunkBytes + 1), 2U);
  EXPECT_EQ(NumChunks(UINT64_MAX), (uint64_t{1} << 44));
}

TEST(ContentHashTest, AFileHashesLikeTheSameBytesInMemory) {
  MemoryFiles files;
  ASSERT_OK(files.MakeDirectories("/d"));
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{kChunkBytes - 1}, std::size_t{kChunkBytes},
        std::size_t{kChunkBytes + 1}, std::size_t{3 * kChunkBytes}}) {
    const std::string bytes = Pattern(size);
    ASSERT_OK_AND_ASSIGN(const auto file, files.Open("/d/f", OpenMode::kCreate));
    ASSERT_OK(file->WriteAt(0, bytes));
    ASSERT_OK_AND_ASSIGN(const Digest digest, ContentHashOf("header", *file));
    EXPECT_EQ(digest, ContentHashOf("header", bytes)) << size << " bytes";
  }
}

TEST(ContentHashTest, ChunksHashedApartGiveTheHashOfTheWhole) {
  const std::string bytes = Pattern(kChunkBytes + 9);
  const std::string_view view = bytes;
  const std::vector<Digest> chunks = {ChunkDigest(view.substr(0, kChunkBytes)),
                                      ChunkDigest(view.substr(kChunkBytes))};
  EXPECT_EQ(ContentHash("header", bytes.size(), chunks), ContentHashOf("header", bytes));
}

TEST(ContentHashTest, EveryPartOfTheContentChangesTheHash) {
  const std::vector<Digest> two = {Sha256("a"), Sha256("b")};
  const std::vector<Digest> swapped = {two[1], two[0]};
  const std::set<Digest> hashes = {
      ContentHash("header", kChunkBytes + 1, two), ContentHash("Header", kChunkBytes + 1, two),
      ContentHash("", kChunkBytes + 1, two), ContentHash("header", kChunkBytes + 2, two),
      ContentHash("header", kChunkBytes + 1, swapped)};
  EXPECT_EQ(hashes.size(), 5U);
}

TEST(ContentHashTest, BytesCannotMoveBetweenHeaderAndContent) {
  EXPECT_NE(ContentHashOf("ab", "c"), ContentHashOf("a", "bc"));
  EXPECT_NE(ContentHashOf("abc", ""), ContentHashOf("", "abc"));
}

TEST(ContentHashDeathTest, AMissingChunkEndsTheProcessInsteadOfHashingWrongly) {
  EXPECT_DEATH((void)ContentHash("header", kChunkBytes + 1, std::vector<Digest>(1)),
               "broken invariant");
}

// Says that it is larger than it is, as a file does that another process cuts.
class ShrinkingFile final : public File {
 public:
  Result<std::size_t> ReadAt(uint64_t /*offset*/, std::span<char> out) const override {
    return out.size() / 2;
  }
  Status WriteAt(uint64_t /*offset*/, std::string_view /*bytes*/) override { return OkStatus(); }
  Status Sync() override { return OkStatus(); }
  Result<uint64_t> Size() const override { return uint64_t{1000}; }
  Status Truncate(uint64_t /*size*/) override { return OkStatus(); }
};

TEST(ContentHashTest, AFileThatShrinksMeanwhileIsDataLoss) {
  EXPECT_THAT(ContentHashOf("header", ShrinkingFile()),
              Fails(Code::kDataLoss, HasSubstr("1000 bytes before, 500 now")));
}

}  // namespace
}  // namespace skerry::crypto
