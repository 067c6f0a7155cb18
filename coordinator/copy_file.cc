#include "coordinator/copy_file.h"

#include <memory>
#include <utility>
#include <vector>

#include "crypto/content_hash.h"
#include "crypto/sha256.h"

namespace skerry::coordinator {
namespace {

// Each piece is read once, and hashed and written from memory.
Result<FileHashes> Read(const File& source, std::string_view header,
                        const std::function<void(uint64_t)>& progress, File* target) {
  std::vector<char> buffer(crypto::kChunkBytes);
  std::vector<crypto::Digest> chunks;
  crypto::Sha256Stream all;
  FileHashes hashes;
  for (;;) {
    SKERRY_ASSIGN_OR_RETURN(const std::size_t n, source.ReadAt(hashes.size_bytes, buffer));
    if (n == 0) break;
    const std::string_view piece(buffer.data(), n);
    if (target != nullptr) SKERRY_RETURN_IF_ERROR(target->WriteAt(hashes.size_bytes, piece));
    all.Update(piece);
    chunks.push_back(crypto::ChunkDigest(piece));
    hashes.size_bytes += n;
    if (progress) progress(hashes.size_bytes);
    if (n < buffer.size()) break;
  }
  hashes.sha256 = std::move(all).Finish();
  hashes.content_hash = crypto::ContentHash(header, hashes.size_bytes, chunks);
  return hashes;
}

}  // namespace

Result<FileHashes> HashFile(const File& file, std::string_view header,
                            const std::function<void(uint64_t)>& progress) {
  return Read(file, header, progress, nullptr);
}

Result<FileHashes> CopyFile(Files& files, const File& source, const std::string& target,
                            std::string_view header,
                            const std::function<void(uint64_t)>& progress) {
  SKERRY_ASSIGN_OR_RETURN(const auto file, files.Open(target, OpenMode::kCreate));
  SKERRY_ASSIGN_OR_RETURN(FileHashes hashes, Read(source, header, progress, file.get()));
  SKERRY_RETURN_IF_ERROR(file->Sync());
  return hashes;
}

}  // namespace skerry::coordinator
