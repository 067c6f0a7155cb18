#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/memory_files.h"

namespace skerry::simulation {

// Whether a process lives. Held by all that it started, so that what comes back after its death
// finds nobody.
struct Life {
  std::atomic<bool> alive{true};
};

// What may befall a disk, asked by the files of every process that uses it.
struct DiskTroubles {
  bool full = false;
  // At each step that changes the disk: false when the process has just died there.
  std::function<bool()> survives;
  // At each sync that the process lives to see: whether the device reports an error.
  std::function<bool()> sync_fails;
};

// The disk of a machine as one process sees it: nothing that it does after its death has an effect.
// `disk` and `troubles` must outlive it and every file it opens; reading may happen on any thread.
class HostFiles final : public Files {
 public:
  HostFiles(MemoryFiles& disk, const DiskTroubles& troubles, std::shared_ptr<const Life> life)
      : disk_(disk), troubles_(troubles), life_(std::move(life)) {}

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status MakeDirectories(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& directory) override;

 private:
  class HostFile;
  Status Begin() const;

  MemoryFiles& disk_;
  const DiskTroubles& troubles_;
  const std::shared_ptr<const Life> life_;
};

// Before a step that changes a disk; INTERNAL: the process is dead.
Status BeginStep(const DiskTroubles& troubles, const Life& life);
Status NoRoom(const std::string& what);

}  // namespace skerry::simulation
