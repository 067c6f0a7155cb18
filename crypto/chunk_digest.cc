#include "crypto/chunk_digest.h"

#include <array>
#include <cstddef>
#include <cstring>
#include <span>

#include "base/check.h"
#include "crypto/sha256.h"

namespace skerry::crypto {
namespace {

constexpr std::size_t kMostPieces = kChunkBytes / kPieceBytes;

}  // namespace

Digest ChunkDigest(std::string_view chunk) {
  SKERRY_CHECK(chunk.size() <= kChunkBytes);
  if (chunk.size() <= kPieceBytes) return Sha256(chunk);
  std::array<std::string_view, kMostPieces> pieces;
  std::array<Digest, kMostPieces> digests;
  std::size_t n = 0;
  for (; !chunk.empty(); chunk.remove_prefix(pieces[n++].size())) {
    pieces[n] = chunk.substr(0, kPieceBytes);
  }
  Sha256Each(std::span(pieces).first(n), std::span(digests).first(n));
  std::array<char, sizeof(digests)> text;
  static_assert(sizeof(Digest) == sizeof(Digest::bytes));
  std::memcpy(text.data(), digests.data(), n * sizeof(Digest));
  return Sha256({text.data(), n * sizeof(Digest)});
}

}  // namespace skerry::crypto
