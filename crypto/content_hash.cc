#include "crypto/content_hash.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"
#include "crypto/sha256.h"

namespace skerry::crypto {
namespace {

std::array<char, 8> LittleEndian(uint64_t value) {
  std::array<char, 8> bytes{};
  for (char& byte : bytes) {
    byte = static_cast<char>(value & 0xff);
    value >>= 8;
  }
  return bytes;
}

}  // namespace

Digest ContentHash(std::string_view header, uint64_t size_bytes, std::span<const Digest> chunks) {
  SKERRY_CHECK(chunks.size() == NumChunks(size_bytes));
  constexpr char kTag[] = "skerry content 1";  // hashed with its final zero
  const std::array<char, 8> header_size = LittleEndian(header.size());
  const std::array<char, 8> size = LittleEndian(size_bytes);
  Sha256Stream stream;
  stream.Update({kTag, sizeof(kTag)});
  stream.Update({header_size.data(), header_size.size()});
  stream.Update(header);
  stream.Update({size.data(), size.size()});
  for (const Digest& chunk : chunks) stream.Update(chunk.view());
  return std::move(stream).Finish();
}

uint64_t NumChunks(uint64_t size_bytes) {
  return size_bytes / kChunkBytes + (size_bytes % kChunkBytes == 0 ? 0 : 1);
}

Digest ContentHashOf(std::string_view header, std::string_view bytes) {
  const uint64_t size_bytes = bytes.size();
  std::vector<Digest> chunks;
  chunks.reserve(NumChunks(size_bytes));
  while (!bytes.empty()) {
    const std::string_view chunk = bytes.substr(0, kChunkBytes);
    chunks.push_back(Sha256(chunk));
    bytes.remove_prefix(chunk.size());
  }
  return ContentHash(header, size_bytes, chunks);
}

Result<Digest> ContentHashOf(std::string_view header, const File& file) {
  SKERRY_ASSIGN_OR_RETURN(const uint64_t size_bytes, file.Size());
  std::vector<Digest> chunks;
  chunks.reserve(NumChunks(size_bytes));
  std::vector<char> buffer(std::min(size_bytes, kChunkBytes));
  for (uint64_t offset = 0; offset < size_bytes; offset += buffer.size()) {
    const std::span<char> chunk(buffer.data(), std::min(kChunkBytes, size_bytes - offset));
    SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file.ReadAt(offset, chunk));
    if (n != chunk.size()) {
      return DataLoss("the file shrank while it was hashed: " + std::to_string(size_bytes) +
                      " bytes before, " + std::to_string(offset + n) + " now");
    }
    chunks.push_back(Sha256({chunk.data(), chunk.size()}));
  }
  return ContentHash(header, size_bytes, chunks);
}

}  // namespace skerry::crypto
