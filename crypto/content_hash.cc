#include "crypto/content_hash.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/bytes_file.h"
#include "base/check.h"
#include "base/first_error.h"
#include "base/parallel.h"
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

// Pieces one behind the other, as long as they are short enough together.
class ShortText {
 public:
  // False: there is no room, and no use for this any more.
  template <class Pieces>
  bool Append(const Pieces& pieces) {
    for (const auto& piece : pieces) {
      if (!AppendOne(ViewOf(piece))) return false;
    }
    return true;
  }
  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  static std::string_view ViewOf(std::string_view piece) { return piece; }
  static std::string_view ViewOf(const Digest& piece) { return piece.view(); }
  bool AppendOne(std::string_view piece) {
    if (piece.size() > bytes_.size() - size_) return false;
    size_ += piece.copy(bytes_.data() + size_, piece.size());
    return true;
  }

  std::array<char, kMostShortBytes> bytes_;
  std::size_t size_ = 0;
};

Status ReadWhole(const File& file, uint64_t offset, std::span<char> out, uint64_t size_bytes) {
  SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file.ReadAt(offset, out));
  if (n == out.size()) return OkStatus();
  return DataLoss("the file shrank while it was hashed: " + std::to_string(size_bytes) +
                  " bytes before, " + std::to_string(offset + n) + " now");
}

Result<Digest> ContentHashOfChunks(std::string_view header, uint64_t size_bytes,
                                   std::span<const Digest> chunks) {
  if (chunks.size() != NumChunks(size_bytes))
    return DataLoss("the file changed while it was hashed");
  return ContentHash(header, size_bytes, chunks);
}

}  // namespace

Digest ContentHash(std::string_view header, uint64_t size_bytes, std::span<const Digest> chunks) {
  SKERRY_CHECK(chunks.size() == NumChunks(size_bytes));
  constexpr char kTag[] = "skerry content 2";  // hashed with its final zero
  const std::array<char, 8> header_size = LittleEndian(header.size());
  const std::array<char, 8> size = LittleEndian(size_bytes);
  const std::array<std::string_view, 4> front = {std::string_view{kTag, sizeof(kTag)},
                                                 {header_size.data(), header_size.size()},
                                                 header,
                                                 {size.data(), size.size()}};
  if (ShortText text; text.Append(front) && text.Append(chunks)) return Sha256(text.view());
  Sha256Stream stream;
  for (const std::string_view piece : front) stream.Update(piece);
  for (const Digest& chunk : chunks) stream.Update(chunk.view());
  return std::move(stream).Finish();
}

uint64_t NumChunks(uint64_t size_bytes) {
  return size_bytes / kChunkBytes + (size_bytes % kChunkBytes == 0 ? 0 : 1);
}

Digest ContentHashOf(std::string_view header, std::string_view bytes) {
  const uint64_t size_bytes = bytes.size();
  if (size_bytes > 0 && size_bytes <= kChunkBytes) {
    const Digest only = ChunkDigest(bytes);
    return ContentHash(header, size_bytes, {&only, 1});
  }
  std::vector<Digest> chunks;
  chunks.reserve(NumChunks(size_bytes));
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kChunkBytes))) {
    chunks.push_back(ChunkDigest(bytes.substr(0, kChunkBytes)));
  }
  return ContentHash(header, size_bytes, chunks);
}

Result<Digest> ContentHashOf(std::string_view header, const File& file) {
  if (const std::string* bytes = BytesOf(file)) return ContentHashOf(header, *bytes);
  SKERRY_ASSIGN_OR_RETURN(const uint64_t size_bytes, file.Size());
  SKERRY_ASSIGN_OR_RETURN(const std::vector<Digest> chunks, ChunkDigestsOf(file));
  return ContentHashOfChunks(header, size_bytes, chunks);
}

Result<Digest> ContentHashOf(std::string_view header, const File& file, Executor& executor,
                             int helpers, std::vector<Digest>* chunk_digests) {
  SKERRY_ASSIGN_OR_RETURN(const uint64_t size_bytes, file.Size());
  SKERRY_ASSIGN_OR_RETURN(std::vector<Digest> chunks, ChunkDigestsOf(file, executor, helpers));
  Result<Digest> hash = ContentHashOfChunks(header, size_bytes, chunks);
  if (chunk_digests != nullptr) *chunk_digests = std::move(chunks);
  return hash;
}

Result<std::vector<Digest>> ChunkDigestsOf(const File& file) {
  InlineExecutor nobody;
  return ChunkDigestsOf(file, nobody, 0);
}

Result<std::vector<Digest>> ChunkDigestsOf(const File& file, Executor& executor, int helpers) {
  SKERRY_ASSIGN_OR_RETURN(const uint64_t size_bytes, file.Size());
  std::vector<Digest> chunks(NumChunks(size_bytes));
  FirstError error;
  constexpr uint64_t kStride = 8;  // so many chunks in a row share a buffer
  const uint64_t num_strides = (chunks.size() + kStride - 1) / kStride;
  ParallelFor(executor, helpers, num_strides, [&](std::size_t stride) {
    std::vector<char> buffer(std::min(size_bytes, kChunkBytes));
    const uint64_t end = std::min<uint64_t>(chunks.size(), (stride + 1) * kStride);
    for (uint64_t i = stride * kStride; i < end && !error.failed(); ++i) {
      const uint64_t offset = i * kChunkBytes;
      const std::span piece = std::span(buffer).first(std::min(buffer.size(), size_bytes - offset));
      error.Note(ReadWhole(file, offset, piece, size_bytes));
      chunks[i] = ChunkDigest({piece.data(), piece.size()});
    }
  });
  SKERRY_RETURN_IF_ERROR(error.Take());
  return chunks;
}

}  // namespace skerry::crypto
