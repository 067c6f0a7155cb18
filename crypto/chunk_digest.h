#pragma once

#include <cstdint>
#include <string_view>

#include "crypto/digest.h"

namespace skerry::crypto {

// Files and results travel in chunks of this size, each with its digest.
constexpr uint64_t kChunkBytes = 1 << 20;

// The pieces of a chunk that are hashed by themselves.
constexpr uint64_t kPieceBytes = 1 << 16;

// The SHA-256 of the SHA-256 of each piece, one behind the other; of a chunk of one piece, the
// SHA-256 of its bytes. Which of the two it is, its size tells, and the size is in the name of all
// that a chunk is part of. Takes more than a chunk, too: receivers hash before they look.
Digest ChunkDigest(std::string_view chunk);

}  // namespace skerry::crypto
