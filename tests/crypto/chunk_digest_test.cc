#include "crypto/chunk_digest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "crypto/sha256.h"

namespace skerry::crypto {
namespace {

std::string Pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>((i * 131 + i / 251 + 7) % 256);
  }
  return bytes;
}

// Streams are always OpenSSL's.
Digest OfStream(std::string_view bytes) {
  Sha256Stream stream;
  stream.Update(bytes);
  return std::move(stream).Finish();
}

Digest PieceByPiece(std::string_view chunk) {
  Sha256Stream stream;
  for (; !chunk.empty(); chunk.remove_prefix(std::min(chunk.size(), kPieceBytes))) {
    stream.Update(OfStream(chunk.substr(0, kPieceBytes)).view());
  }
  return std::move(stream).Finish();
}

TEST(ChunkDigestTest, AChunkOfOnePieceHasTheSha256OfItsBytes) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{kPieceBytes}}) {
    const std::string chunk = Pattern(size);
    EXPECT_EQ(ChunkDigest(chunk), OfStream(chunk)) << size << " bytes";
  }
}

TEST(ChunkDigestTest, ALargerOneHasTheSha256OfItsPiecesDigests) {
  const std::string bytes = Pattern(kChunkBytes);
  for (std::size_t pieces = 1; pieces < kChunkBytes / kPieceBytes; ++pieces) {
    for (const std::size_t more : {std::size_t{1}, std::size_t{kPieceBytes / 2}, kPieceBytes}) {
      const std::string_view chunk = std::string_view(bytes).substr(0, pieces * kPieceBytes + more);
      EXPECT_EQ(ChunkDigest(chunk), PieceByPiece(chunk)) << chunk.size() << " bytes";
    }
  }
}

// Worked out apart from this code with another implementation of SHA-256.
TEST(ChunkDigestTest, KnownChunksHaveKnownDigests) {
  EXPECT_EQ(ChunkDigest("abc").Hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(ChunkDigest(std::string(kPieceBytes + 1, 'x')).Hex(),
            "b7cdce597eef018ef11b4abbc539125786badd62ad026df482d1080a1908866c");
  EXPECT_EQ(ChunkDigest(std::string(kChunkBytes, 'x')).Hex(),
            "9844440ea4c74de0ae73683426c28cedd4c3ab2ece1fcafae5bc5d6b03036c91");
}

TEST(ChunkDigestTest, AByteOfAnyPieceMakesAnotherDigest) {
  std::string chunk = Pattern(kChunkBytes);
  std::set<Digest> digests = {ChunkDigest(chunk)};
  for (std::size_t at = 0; at < chunk.size(); at += kPieceBytes) {
    chunk[at + 5] ^= 1;
    digests.insert(ChunkDigest(chunk));
  }
  EXPECT_EQ(digests.size(), 1 + kChunkBytes / kPieceBytes);
}

// No file has such a chunk, but a site may send one.
TEST(ChunkDigestTest, MoreThanAChunkHasADigestToo) {
  const std::string bytes = Pattern(kChunkBytes + 1);
  EXPECT_EQ(ChunkDigest(bytes), PieceByPiece(bytes));
}

}  // namespace
}  // namespace skerry::crypto
