#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "base/files.h"
#include "crypto/chunk_digest.h"
#include "crypto/digest.h"

namespace skerry::crypto {

// SHA-256("skerry content 2\0" ‖ u64le |header| ‖ header ‖ u64le size ‖ chunk digests in order).
// Every chunk can be hashed, sent and verified by itself, and the whole is still one name.
Digest ContentHash(std::string_view header, uint64_t size_bytes, std::span<const Digest> chunks);

// The header under which files, models and states among them, are hashed; results have their own.
constexpr std::string_view kFileHeader = "file";

// The number of chunks of so many bytes.
uint64_t NumChunks(uint64_t size_bytes);

// The digest of each chunk of a file.
Result<std::vector<Digest>> ChunkDigestsOf(const File& file);
// The same on this thread and up to `helpers` tasks of `executor`.
Result<std::vector<Digest>> ChunkDigestsOf(const File& file, Executor& executor, int helpers);

// The content hash of bytes in memory, and of a file read chunk by chunk.
Digest ContentHashOf(std::string_view header, std::string_view bytes);
Result<Digest> ContentHashOf(std::string_view header, const File& file);
// The same on this thread and up to `helpers` tasks of `executor`; `chunk_digests`, if it is there,
// gets the digests of the chunks too.
Result<Digest> ContentHashOf(std::string_view header, const File& file, Executor& executor,
                             int helpers, std::vector<Digest>* chunk_digests = nullptr);

}  // namespace skerry::crypto
