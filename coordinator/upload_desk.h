#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes_file.h"
#include "base/files.h"
#include "base/filled_file.h"
#include "base/mutex.h"
#include "base/spare_files.h"
#include "base/status.h"
#include "coordinator/plain_floats.h"
#include "coordinator/small_spool.h"
#include "crypto/content_hash.h"
#include "skerry/v1/coordinator.pb.h"

namespace skerry::coordinator {

// What has arrived of one result. Survives the stream that brought it and, as a file, this process.
class SpoolFile;

// One stream of chunks into a spool file. A newer stream for the same task ends the older one.
class Upload {
 public:
  // `floats`: what of it is looked at while it arrives.
  Upload(std::shared_ptr<SpoolFile> spool, uint64_t generation, std::string site,
         v1::ResultHeader header, std::vector<ByteRange> floats)
      : spool_(std::move(spool)),
        generation_(generation),
        site_(std::move(site)),
        header_(std::move(header)),
        floats_(std::move(floats)) {}

  // Takes the next chunk. For one thread at a time, which may be any. OUT_OF_RANGE, DATA_LOSS,
  // INVALID_ARGUMENT: see rpc::CheckChunk. ABORTED: a newer stream has taken over.
  // RESOURCE_EXHAUSTED: the disk is full; what arrived is kept.
  Status Append(const v1::Chunk& chunk);

  const std::string& site() const { return site_; }
  const v1::ResultHeader& header() const { return header_; }
  SpoolFile& spool() const { return *spool_; }
  uint64_t generation() const { return generation_; }

 private:
  const std::shared_ptr<SpoolFile> spool_;
  const uint64_t generation_;
  const std::string site_;
  const v1::ResultHeader header_;
  const std::vector<ByteRange> floats_;
};

// A whole result on disk.
struct StoredResult {
  std::shared_ptr<File> file;
  // Crc32c of each chunk as it was when it was checked; empty when an earlier process received it.
  std::vector<uint32_t> chunk_checksums;
};

// The spool: DIRECTORY/TASK.result, one file per result on its way to its round, and
// DIRECTORY/small with all small ones. Files are not synced: the site keeps its result until the
// verdict, and what is damaged is asked for again. The desk itself belongs to one thread; uploads
// and spool files go to others.
//
// A large file that is no longer needed becomes DIRECTORY/spare-N, and then the next task's. How
// far the new result has come in it stands in DIRECTORY/TASK.stored.
class UploadDesk {
 public:
  // Whether a result has to fit the budget. For those of one run it need not, else several runs
  // could fill the spool with a part of a round each and wait for each other for ever.
  enum class Room { kWithinBudget, kAlways };

  // `budget_bytes`: how much results on their way, and those that wait for their round's end, may
  // take.
  UploadDesk(Files& files, std::string directory, uint64_t budget_bytes);
  ~UploadDesk();

  // Makes the directory, or finds what is in it. First of all.
  Status Prepare();
  // Begins or goes on with the result that `header` announces, at `offset`. A different content
  // hash than before starts from nothing. Where it has plain `floats`, they are looked at while
  // they arrive: SpoolFile::good_chunks(). OUT_OF_RANGE unless `offset` is at most what is stored.
  // RESOURCE_EXHAUSTED: the spool is full; try later.
  Result<std::shared_ptr<Upload>> Begin(const std::string& site, const v1::ResultHeader& header,
                                        uint64_t offset, Room room = Room::kWithinBudget,
                                        std::vector<ByteRange> floats = {});
  // The file of `upload` takes no more bytes, now that they have been checked. ABORTED when they
  // are not what the desk has of this task: another stream began meanwhile.
  Status Seal(const Upload& upload);
  // Bytes that need not be sent again: 0 for an unknown task or another content hash, whose bytes
  // stay as they are. RESOURCE_EXHAUSTED as above.
  Result<uint64_t> Stored(int64_t task_id, const crypto::Digest& content_hash, uint64_t size_bytes,
                          Room room = Room::kWithinBudget);
  // Takes a whole result, checked, with its Crc32c. It stays in memory too. RESOURCE_EXHAUSTED as
  // above, or the disk is full.
  Status TakeSmall(int64_t task_id, std::shared_ptr<BytesFile> contents, uint32_t checksum,
                   Room room = Room::kWithinBudget);
  // The file of a whole result. NOT_FOUND when there is none.
  Result<StoredResult> Open(int64_t task_id);
  // Lets go of a task's file, which stays where it is and takes none of the budget.
  void Close(int64_t task_id);
  // Lets go of a task's file and removes it.
  void Remove(int64_t task_id);
  // The same if what it is of `upload` is what the desk has of its task.
  void Remove(const Upload& upload);
  // The same for one that was damaged: its place on the disk serves no other.
  void Discard(int64_t task_id);
  // Removes the files of all tasks but these: after a restart.
  void RemoveAllBut(const std::vector<int64_t>& task_ids);
  // Removes the files that are kept for results to come, in which nothing is.
  void RemoveSpares();

 private:
  Status CheckRoom(uint64_t size_bytes, Room room) const;
  std::string PathOf(int64_t task_id) const;
  std::string StoredPathOf(int64_t task_id) const;
  Result<std::shared_ptr<SpoolFile>> OpenFile(int64_t task_id, const crypto::Digest& content_hash,
                                              uint64_t size_bytes);
  Result<std::shared_ptr<SpoolFile>> Find(int64_t task_id, const crypto::Digest& content_hash,
                                          uint64_t size_bytes, Room room);

  Files& files_;
  const std::string directory_;
  const uint64_t budget_bytes_;
  uint64_t promised_bytes_ = 0;
  SpareFiles spares_;
  SmallSpool small_spool_;
  // In memory, with their Crc32c.
  struct Small {
    std::shared_ptr<BytesFile> contents;
    uint32_t checksum = 0;
  };
  std::unordered_map<int64_t, Small> small_;
  std::unordered_map<int64_t, std::shared_ptr<SpoolFile>> open_;
};

// What is stored of one result. Thread-safe.
class SpoolFile {
 public:
  SpoolFile(std::unique_ptr<FilledFile> file, uint64_t size_bytes,
            const crypto::Digest& content_hash)
      : file_(std::move(file)), size_bytes_(size_bytes), content_hash_(content_hash) {}

  // Takes what an earlier process stored, whole chunks only; Complete() hashes them.
  Status Adopt();
  // A new stream begins at `offset`; its generation.
  Result<uint64_t> NewStream(uint64_t offset);
  // `digest`: of the chunk's data as they came.
  Status Append(uint64_t generation, const v1::Chunk& chunk, const crypto::Digest& digest,
                std::span<const ByteRange> floats);
  // DATA_LOSS (and nothing stored any more) unless all bytes are there and make the content hash
  // under `canonical_header`. ABORTED for an old generation; OUT_OF_RANGE: not complete.
  Status Complete(uint64_t generation, std::string_view canonical_header);

  // Ends every stream. ABORTED for an old generation.
  Status Seal(uint64_t generation);

  uint64_t stored_bytes() const;
  // Crc32c of each chunk, when all of them have been hashed by this process; else empty.
  std::vector<uint32_t> chunk_checksums() const;
  // Chunks that this process received, and whose plain floats it found good.
  GoodChunks good_chunks() const;
  uint64_t size_bytes() const { return size_bytes_; }
  const crypto::Digest& content_hash() const { return content_hash_; }
  // Also read by those who check and reduce.
  const std::shared_ptr<File>& file() const { return file_->file(); }

 private:
  Status NoteStored(uint64_t bytes) SKERRY_REQUIRES(mutex_);
  Status HashAdopted() SKERRY_REQUIRES(mutex_);
  Status Forget() SKERRY_REQUIRES(mutex_);

  const std::unique_ptr<FilledFile> file_;
  const uint64_t size_bytes_;
  const crypto::Digest content_hash_;
  mutable Mutex mutex_;
  uint64_t stored_bytes_ SKERRY_GUARDED_BY(mutex_) = 0;
  uint64_t generation_ SKERRY_GUARDED_BY(mutex_) = 0;
  std::vector<crypto::Digest> digests_ SKERRY_GUARDED_BY(mutex_);  // of the chunks stored
  std::vector<uint32_t> checksums_ SKERRY_GUARDED_BY(mutex_);      // of the same chunks
  GoodChunks good_ SKERRY_GUARDED_BY(mutex_);                      // likewise
  uint64_t num_adopted_ SKERRY_GUARDED_BY(mutex_) = 0;  // of those, not hashed yet: the first ones
};

}  // namespace skerry::coordinator
