#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/mutex.h"

namespace skerry::testing {

// How a disk fails.
enum class DiskFailure {
  kFull,    // ENOSPC, on calls that may need room; a write leaves its first half behind
  kBroken,  // EIO, on any call but a sync; a write leaves its first half behind
  kSync,    // EIO, on calls that sync a file or a directory
};

// One machine's disk: which of its calls fail. Calls are numbered from 1 as they come, each kind of
// failure counting only those that it can hit. Thread-safe.
class DiskFaults {
 public:
  // The k-th call from now on fails, and with `until_healed` every later one too. 0: none.
  void Arm(DiskFailure kind, int64_t k, bool until_healed);
  // There is room again; the cable is mended.
  void Heal();
  // `happened` is told of the first failure, in the middle of the call.
  void OnFailure(std::function<void()> happened);

  bool hit() const;
  // Of the calls since Arm() those that could have been hit.
  int64_t num_calls() const;
  // What failed first: "writing /x/coordinator.db-wal".
  std::string first_failure() const;
  // The file of it.
  std::string first_path() const;

 private:
  friend class FaultyFiles;
  // The errno with which this call fails, or 0.
  int Fate(bool needs_room, bool is_sync, const std::string& what, const std::string& path);

  mutable Mutex mutex_;
  DiskFailure kind_ SKERRY_GUARDED_BY(mutex_) = DiskFailure::kFull;
  int64_t k_ SKERRY_GUARDED_BY(mutex_) = 0;
  bool until_healed_ SKERRY_GUARDED_BY(mutex_) = false;
  int64_t num_calls_ SKERRY_GUARDED_BY(mutex_) = 0;
  bool hit_ SKERRY_GUARDED_BY(mutex_) = false;
  std::string first_failure_ SKERRY_GUARDED_BY(mutex_);
  std::string first_path_ SKERRY_GUARDED_BY(mutex_);
  std::function<void()> happened_ SKERRY_GUARDED_BY(mutex_);
};

// Files as one process sees them on such a disk. After Kill() every call of this process and of the
// files that it has open fails and changes nothing: it is dead, though its objects may linger.
class FaultyFiles final : public Files {
 public:
  FaultyFiles(Files& below, DiskFaults& faults);
  void Kill() { *alive_ = false; }

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status MakeDirectories(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& directory) override;

 private:
  class OpenFile;
  Status Check(bool needs_room, bool is_sync, const std::string& what,
               const std::string& path) const;

  Files& below_;
  DiskFaults& faults_;
  const std::shared_ptr<std::atomic<bool>> alive_;  // shared with the open files
};

}  // namespace skerry::testing
