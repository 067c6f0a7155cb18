#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace skerry::storage {

// One change of one file, as SQLite asked the operating system for it.
struct DiskOperation {
  enum class Kind { kWrite, kTruncate, kSync, kDelete };
  Kind kind = Kind::kWrite;
  std::string name;     // of the file, without its directory
  uint64_t offset = 0;  // of a write; of a truncation, the size that is left
  std::string bytes;    // of a write
};

// Between SQLite and the operating system, for every database that this process opens while the
// object lives: it writes down each change of a file, and makes some of them fail. It stands for a
// disk of its own, so it does not wait for the real one to sync. One object at a time, one thread.
class RecordingVfs {
 public:
  RecordingVfs();
  ~RecordingVfs();
  RecordingVfs(const RecordingVfs&) = delete;
  RecordingVfs& operator=(const RecordingVfs&) = delete;

  // The n-th operation of this kind from now on (1 is the next) fails with a SQLite code; with
  // `for_good`, every later one of the kind too. A write that fails leaves its first half behind.
  void Fail(DiskOperation::Kind kind, int64_t n, int code, bool for_good);
  void Heal();
  bool has_failed() const;

  const std::vector<DiskOperation>& operations() const;
  int64_t num_reads() const;
};

using Disk = std::map<std::string, std::string>;  // file name -> contents

// What the disk holds when the process is killed after these operations.
Disk DiskAfterKill(std::span<const DiskOperation> operations);

// What it may hold when the power goes: of what was not synced, some writes are there, some are
// not, some are torn between sectors; `seed` chooses. SQLite syncs the directory of a log or
// rollback journal that it makes, and Database syncs it once they have done their work at the
// start, so that only the removal of a log at the end may be lost.
Disk DiskAfterPowerLoss(std::span<const DiskOperation> operations, uint64_t seed);

// Makes the files of a directory exactly these.
void WriteDisk(const Disk& disk, const std::string& directory);

}  // namespace skerry::storage
