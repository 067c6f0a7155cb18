#include "coordinator/damaged_results.h"

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/bytes_file.h"
#include "base/crc32c.h"
#include "base/parallel.h"
#include "crypto/content_hash.h"
#include "rpc/chunks.h"

namespace skerry::coordinator {
namespace {

// By the checksums of its chunks; by its content hash if an earlier process received it.
bool IsWhole(const CountedResult& result) {
  if (result.file == nullptr) return false;
  if (result.chunk_checksums.empty()) {
    const Result<crypto::Digest> hash = rpc::ResultHash(*result.header, *result.file);
    return hash.ok() && hash->view() == result.header->content_hash();
  }
  const std::string* const bytes = BytesOf(*result.file);
  if (bytes != nullptr && result.chunk_checksums.size() == 1) {
    return Crc32c(*bytes) == result.chunk_checksums.front();
  }
  const uint64_t size_bytes = result.header->size_bytes();
  std::vector<char> buffer(std::min(size_bytes, crypto::kChunkBytes));
  for (std::size_t i = 0; i < result.chunk_checksums.size(); ++i) {
    const uint64_t offset = i * crypto::kChunkBytes;
    const std::span<char> chunk(buffer.data(), std::min(crypto::kChunkBytes, size_bytes - offset));
    const Result<std::size_t> n = result.file->ReadAt(offset, chunk);
    const bool read = n.ok() && *n == chunk.size();
    if (!read || Crc32c({chunk.data(), chunk.size()}) != result.chunk_checksums[i]) return false;
  }
  return true;
}

}  // namespace

std::vector<std::size_t> FindDamaged(const std::vector<CountedResult>& results, Executor& compute,
                                     int helpers) {
  std::vector<char> whole(results.size());  // not bits: threads write neighbours
  ParallelFor(compute, helpers, whole.size(),
              [&](std::size_t i) { whole[i] = IsWhole(results[i]) ? 1 : 0; });
  std::vector<std::size_t> damaged;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (whole[i] == 0) damaged.push_back(i);
  }
  return damaged;
}

}  // namespace skerry::coordinator
