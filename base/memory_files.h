#pragma once

#include <map>
#include <memory>
#include <set>

#include "base/files.h"
#include "base/mutex.h"
#include "base/random.h"

namespace skerry {

// Files that live in this process: for simulation and tests. It keeps the promises of PosixFiles,
// and forgets on PowerLoss() whatever was not synced, as a disk may.
class MemoryFiles final : public Files {
 public:
  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status MakeDirectories(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& directory) override;

  // Contents go back to the last Sync of each file, names to the last SyncDirectory of their
  // directory. What was open is of no use afterwards; open it again.
  void PowerLoss();
  // The same as disks do it, by chance: of what was not synced some is there, some is not, and a
  // file may be torn. What was synced is there.
  void PowerLoss(RandomStream& random);

 private:
  struct Contents;
  class OpenFile;
  using Names = std::map<std::string, std::shared_ptr<Contents>>;  // shared with the open files

  Mutex mutex_;
  Names live_ SKERRY_GUARDED_BY(mutex_);
  Names synced_ SKERRY_GUARDED_BY(mutex_);
  std::set<std::string> directories_ SKERRY_GUARDED_BY(mutex_) = {"/", "."};
};

}  // namespace skerry
