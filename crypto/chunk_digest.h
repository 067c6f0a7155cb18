#pragma once

#include <cstdint>
#include <string_view>

#include "crypto/digest.h"

namespace skerry::crypto {

// Files and results travel in chunks of this size, each with its digest.
constexpr uint64_t kChunkBytes = 1 << 20;

// The pieces of a chunk that are hashed by themselves.
constexpr uint64_t kPieceBytes = 1 << 16;

// The digest of a chunk: the SHA-256 of its pieces' SHA-256, one behind the other; of a chunk of one
// piece, the SHA-256 of its bytes. Whoever knows its size knows which, and all that a chunk is part
// of names its size. Of any number of bytes: whoever receives a chunk hashes it before looking.
Digest ChunkDigest(std::string_view chunk);

}  // namespace skerry::crypto
