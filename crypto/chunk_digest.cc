#include "crypto/chunk_digest.h"

#include <vector>

#include "crypto/sha256.h"

namespace skerry::crypto {

Digest ChunkDigest(std::string_view chunk) {
  if (chunk.size() <= kPieceBytes) return Sha256(chunk);
  std::vector<std::string_view> pieces;
  pieces.reserve(chunk.size() / kPieceBytes + 1);
  for (; !chunk.empty(); chunk.remove_prefix(pieces.back().size())) {
    pieces.push_back(chunk.substr(0, kPieceBytes));
  }
  std::vector<Digest> digests(pieces.size());
  Sha256Each(pieces, digests);
  static_assert(sizeof(Digest) == sizeof(Digest::bytes));
  return Sha256({reinterpret_cast<const char*>(digests.data()), digests.size() * sizeof(Digest)});
}

}  // namespace skerry::crypto
