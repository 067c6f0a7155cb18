#include "coordinator/upload_desk.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>
#include <utility>

#include "base/crc32c.h"
#include "crypto/chunk_digest.h"
#include "rpc/chunks.h"

namespace skerry::coordinator {

using crypto::Digest;
using crypto::kChunkBytes;

namespace {

constexpr const char* kSmall = "small";
// There are no more than there were results at a time.
constexpr std::size_t kMostSpares = std::numeric_limits<std::size_t>::max();

}  // namespace

Status Upload::Append(const v1::Chunk& chunk) {
  return spool_->Append(generation_, chunk, crypto::ChunkDigest(chunk.data()), floats_);
}

Status SpoolFile::Adopt() {
  MutexLock lock(mutex_);
  SKERRY_ASSIGN_OR_RETURN(const uint64_t on_disk, file_->Filled());
  stored_bytes_ = on_disk >= size_bytes_ ? size_bytes_ : on_disk / kChunkBytes * kChunkBytes;
  num_adopted_ = crypto::NumChunks(stored_bytes_);
  digests_.resize(num_adopted_);
  checksums_.resize(num_adopted_);
  good_.resize(num_adopted_);
  return OkStatus();
}

Status SpoolFile::NoteStored(uint64_t bytes) {
  SKERRY_RETURN_IF_ERROR(file_->Note(bytes));
  stored_bytes_ = bytes;
  return OkStatus();
}

Status SpoolFile::HashAdopted() {
  if (num_adopted_ == 0) return OkStatus();
  std::string chunk(std::min(kChunkBytes, size_bytes_), '\0');
  for (uint64_t i = 0; i < num_adopted_; ++i) {
    const uint64_t offset = i * kChunkBytes;
    const std::span<char> piece(chunk.data(), std::min(kChunkBytes, size_bytes_ - offset));
    SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file()->ReadAt(offset, piece));
    digests_[i] = crypto::ChunkDigest({piece.data(), n});
    checksums_[i] = Crc32c({piece.data(), n});
  }
  num_adopted_ = 0;
  return OkStatus();
}

Result<uint64_t> SpoolFile::NewStream(uint64_t offset) {
  MutexLock lock(mutex_);
  if (offset > stored_bytes_ || (offset % kChunkBytes != 0 && offset != size_bytes_)) {
    return OutOfRange("the upload would begin at byte " + std::to_string(offset) + "; " +
                      std::to_string(stored_bytes_) + " are stored");
  }
  SKERRY_RETURN_IF_ERROR(NoteStored(offset));
  digests_.resize(crypto::NumChunks(offset));
  checksums_.resize(digests_.size());
  good_.resize(digests_.size());
  num_adopted_ = std::min<uint64_t>(num_adopted_, digests_.size());
  return ++generation_;
}

Status SpoolFile::Append(uint64_t generation, const v1::Chunk& chunk, const Digest& digest,
                         std::span<const ByteRange> floats) {
  MutexLock lock(mutex_);
  if (generation != generation_) return Aborted("a newer upload of this result has begun");
  SKERRY_RETURN_IF_ERROR(rpc::CheckChunk(chunk, digest, stored_bytes_, size_bytes_));
  SKERRY_RETURN_IF_ERROR(file()->WriteAt(stored_bytes_, chunk.data()));
  digests_.push_back(digest);
  checksums_.push_back(Crc32c(chunk.data()));
  good_.push_back(FloatsAreGood(floats, stored_bytes_, chunk.data()) && !floats.empty());
  return NoteStored(stored_bytes_ + chunk.data().size());
}

Status SpoolFile::Complete(uint64_t generation, std::string_view canonical_header) {
  MutexLock lock(mutex_);
  if (generation != generation_) return Aborted("a newer upload of this result has begun");
  if (stored_bytes_ != size_bytes_) {
    return OutOfRange("the upload ended after " + std::to_string(stored_bytes_) + " of " +
                      std::to_string(size_bytes_) + " bytes");
  }
  SKERRY_RETURN_IF_ERROR(HashAdopted());
  if (crypto::ContentHash(canonical_header, size_bytes_, digests_) == content_hash_)
    return OkStatus();
  SKERRY_RETURN_IF_ERROR(Forget());
  return DataLoss("the chunks received do not make the content hash that the header names");
}

Status SpoolFile::Seal(uint64_t generation) {
  MutexLock lock(mutex_);
  if (generation != generation_) return Aborted("a newer upload of this result has begun");
  ++generation_;
  return OkStatus();
}

Status SpoolFile::Forget() {
  num_adopted_ = 0;
  digests_.clear();
  checksums_.clear();
  good_.clear();
  stored_bytes_ = 0;
  return file_->Forget();
}

uint64_t SpoolFile::stored_bytes() const {
  MutexLock lock(mutex_);
  return stored_bytes_;
}

std::vector<uint32_t> SpoolFile::chunk_checksums() const {
  MutexLock lock(mutex_);
  if (stored_bytes_ != size_bytes_ || num_adopted_ > 0) return {};
  return checksums_;
}

GoodChunks SpoolFile::good_chunks() const {
  MutexLock lock(mutex_);
  return good_;
}

UploadDesk::UploadDesk(Files& files, std::string directory, uint64_t budget_bytes)
    : files_(files),
      directory_(std::move(directory)),
      budget_bytes_(budget_bytes),
      spares_(files, directory_ + "/spare-", kMostSpares),
      small_spool_(files, directory_ + "/" + kSmall) {}

UploadDesk::~UploadDesk() = default;

Status UploadDesk::Prepare() {
  SKERRY_RETURN_IF_ERROR(files_.MakeDirectories(directory_));
  return small_spool_.Scan();
}

std::string UploadDesk::PathOf(int64_t task_id) const {
  return directory_ + "/" + std::to_string(task_id) + ".result";
}

Status UploadDesk::CheckRoom(uint64_t size_bytes, Room room) const {
  if (room == Room::kAlways || promised_bytes_ + size_bytes <= budget_bytes_) return OkStatus();
  return ResourceExhausted("the spool is full: " + std::to_string(promised_bytes_) + " of " +
                           std::to_string(budget_bytes_) + " bytes are in use");
}

std::string UploadDesk::StoredPathOf(int64_t task_id) const {
  return directory_ + "/" + std::to_string(task_id) + ".stored";
}

Result<std::shared_ptr<SpoolFile>> UploadDesk::OpenFile(int64_t task_id, const Digest& content_hash,
                                                        uint64_t size_bytes) {
  SKERRY_ASSIGN_OR_RETURN(auto file, FilledFile::Open(files_, PathOf(task_id),
                                                      StoredPathOf(task_id), size_bytes, spares_));
  auto spool = std::make_shared<SpoolFile>(std::move(file), size_bytes, content_hash);
  SKERRY_RETURN_IF_ERROR(spool->Adopt());
  return spool;
}

Result<std::shared_ptr<SpoolFile>> UploadDesk::Find(int64_t task_id, const Digest& content_hash,
                                                    uint64_t size_bytes, Room room) {
  const auto found = open_.find(task_id);
  const bool known = found != open_.end();
  if (known && found->second->content_hash() == content_hash) return found->second;
  if (known) Remove(task_id);
  SKERRY_RETURN_IF_ERROR(CheckRoom(size_bytes, room));
  SKERRY_ASSIGN_OR_RETURN(std::shared_ptr<SpoolFile> spool,
                          OpenFile(task_id, content_hash, size_bytes));
  promised_bytes_ += size_bytes;
  open_[task_id] = spool;
  return spool;
}

Result<std::shared_ptr<Upload>> UploadDesk::Begin(const std::string& site,
                                                  const v1::ResultHeader& header, uint64_t offset,
                                                  Room room, std::vector<ByteRange> floats) {
  SKERRY_ASSIGN_OR_RETURN(const Digest content_hash, Digest::FromBytes(header.content_hash()));
  SKERRY_ASSIGN_OR_RETURN(auto spool,
                          Find(header.task_id(), content_hash, header.size_bytes(), room));
  SKERRY_ASSIGN_OR_RETURN(const uint64_t generation, spool->NewStream(offset));
  return std::make_shared<Upload>(std::move(spool), generation, site, header, std::move(floats));
}

Status UploadDesk::Seal(const Upload& upload) {
  const auto found = open_.find(upload.header().task_id());
  if (found == open_.end() || found->second.get() != &upload.spool()) {
    return Aborted("a newer upload of another result has begun");
  }
  return upload.spool().Seal(upload.generation());
}

Result<uint64_t> UploadDesk::Stored(int64_t task_id, const Digest& content_hash,
                                    uint64_t size_bytes, Room room) {
  const auto found = open_.find(task_id);
  if (found != open_.end() && found->second->content_hash() != content_hash) return 0;
  if (found == open_.end() && !files_.Open(PathOf(task_id), OpenMode::kRead).ok()) return 0;
  SKERRY_ASSIGN_OR_RETURN(const auto spool, Find(task_id, content_hash, size_bytes, room));
  return spool->stored_bytes();
}

Status UploadDesk::TakeSmall(int64_t task_id, std::shared_ptr<BytesFile> contents,
                             uint32_t checksum, Room room) {
  if (open_.contains(task_id)) Remove(task_id);  // a stream that has begun with another result
  const std::string& bytes = contents->bytes();
  SKERRY_RETURN_IF_ERROR(CheckRoom(bytes.size(), room));
  SKERRY_RETURN_IF_ERROR(small_spool_.Append(task_id, bytes));
  promised_bytes_ += bytes.size();
  small_[task_id] = {std::move(contents), checksum};
  return OkStatus();
}

Result<StoredResult> UploadDesk::Open(int64_t task_id) {
  if (const auto found = small_.find(task_id); found != small_.end()) {
    return StoredResult{found->second.contents, {found->second.checksum}};
  }
  if (const auto found = open_.find(task_id); found != open_.end()) {
    return StoredResult{found->second->file(), found->second->chunk_checksums()};
  }
  if (small_spool_.Contains(task_id)) {
    SKERRY_ASSIGN_OR_RETURN(std::string contents, small_spool_.Read(task_id));
    return StoredResult{std::make_shared<BytesFile>(std::move(contents)), {}};
  }
  SKERRY_ASSIGN_OR_RETURN(std::shared_ptr<File> file,
                          files_.Open(PathOf(task_id), OpenMode::kRead));
  return StoredResult{std::move(file), {}};
}

void UploadDesk::Close(int64_t task_id) {
  if (const auto small = small_.find(task_id); small != small_.end()) {
    promised_bytes_ -= small->second.contents->bytes().size();
    small_.erase(small);
  }
  const auto found = open_.find(task_id);
  if (found == open_.end()) return;
  promised_bytes_ -= found->second->size_bytes();
  open_.erase(found);
}

void UploadDesk::Remove(const Upload& upload) {
  const auto found = open_.find(upload.header().task_id());
  if (found != open_.end() && found->second.get() == &upload.spool()) Remove(found->first);
}

void UploadDesk::Discard(int64_t task_id) {
  small_spool_.Remove(task_id);
  Close(task_id);
  static_cast<void>(files_.Remove(PathOf(task_id)).ok());
  static_cast<void>(files_.Remove(StoredPathOf(task_id)).ok());
}

void UploadDesk::Remove(int64_t task_id) {
  const bool small = small_spool_.Contains(task_id);
  small_spool_.Remove(task_id);
  const auto found = open_.find(task_id);
  if (small && found == open_.end()) return Close(task_id);
  // Somebody may still write to it, or read it.
  const bool idle = found != open_.end() && found->second.use_count() == 1 &&
                    found->second->file().use_count() == 1;
  const uint64_t size_bytes = idle ? found->second->size_bytes() : 0;
  Close(task_id);
  // A file that stays behind is removed at the next start.
  if (!spares_.Keep(PathOf(task_id), size_bytes)) {
    static_cast<void>(files_.Remove(PathOf(task_id)).ok());
  }
  if (!idle || size_bytes >= SpareFiles::kLeastBytes) {
    static_cast<void>(files_.Remove(StoredPathOf(task_id)).ok());
  }
}

void UploadDesk::RemoveSpares() {
  spares_.RemoveAll();
  small_spool_.RemoveFileIfEmpty();
}

void UploadDesk::RemoveAllBut(const std::vector<int64_t>& task_ids) {
  const std::set<int64_t> keep(task_ids.begin(), task_ids.end());
  small_spool_.RemoveAllBut(keep);
  const Result<std::vector<std::string>> names = files_.List(directory_);
  if (!names.ok()) return;  // no directory, no files
  for (const std::string& name : *names) {
    int64_t task_id = 0;  // of a spare: none
    std::from_chars(name.data(), name.data() + name.size(), task_id);
    if (keep.contains(task_id) || name == kSmall) continue;
    static_cast<void>(files_.Remove(directory_ + "/" + name).ok());
  }
}

}  // namespace skerry::coordinator
