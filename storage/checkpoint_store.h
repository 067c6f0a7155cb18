#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/executor.h"
#include "base/files.h"
#include "base/mutex.h"
#include "base/status.h"
#include "crypto/digest.h"

namespace skerry::storage {

// A version of a run is two files in one commit: the model, which sites download, and the state
// (momentum, control variates), which never leaves the coordinator.
enum class CheckpointPart { kModel, kState };

struct CheckpointRef {
  std::string run_id;
  int64_t version = 0;
  CheckpointPart part = CheckpointPart::kModel;
};

// Checkpoint files, DIRECTORY/RUN/{model,state}-VERSION.safetensors, over any Files. A file is
// under its name whole or not at all, but for those whose bytes stand in the journal: the newest of
// these are in memory alone, and the others not synced (WriteOut). Thread-safe; one writer at a
// time per file, and what writes out or removes on one thread.
class CheckpointStore {
 public:
  CheckpointStore(Files& files, std::string directory);

  // A file under a temporary name, to be written in any order. Replaces one that a crash left
  // behind. INVALID_ARGUMENT for a run id that cannot be the name of a directory.
  Result<std::unique_ptr<File>> Begin(const CheckpointRef& ref);
  // Syncs `file`, which Begin gave for `ref`, gives it its name, and syncs the directory. After an
  // error the file is not there; a failed sync (INTERNAL) means the process should end.
  Status Publish(const CheckpointRef& ref, File& file);
  // Removes what Begin gave for `ref`, if it is there, instead of publishing it.
  Status Discard(const CheckpointRef& ref);
  // Takes a file whose bytes stand in the journal, a small one therefore: from now on it can be
  // opened, from memory. INVALID_ARGUMENT as Begin.
  Status Keep(const CheckpointRef& ref, std::string contents);
  // Makes files of what is in memory of a run, the oldest first, until no more than `most_left` are
  // left. They are not synced: the journal has their bytes (Restore). What could not be written is
  // still in memory.
  Status WriteOut(const std::string& run_id, std::size_t most_left);
  // Makes the file what `contents` says, durably, unless it is that already.
  Status Restore(const CheckpointRef& ref, std::string_view contents);
  // NOT_FOUND names the file.
  Result<std::unique_ptr<File>> Open(const CheckpointRef& ref);
  // Opens the file and compares its content hash, as it travels on the wire. DATA_LOSS names the
  // file, both hashes, and what an operator can do.
  Result<std::unique_ptr<File>> OpenVerified(const CheckpointRef& ref,
                                             const crypto::Digest& expected);
  // The same, hashing on this thread and up to `helpers` tasks of `executor`.
  Result<std::unique_ptr<File>> OpenVerified(const CheckpointRef& ref,
                                             const crypto::Digest& expected, Executor& executor,
                                             int helpers);
  // Whether or not it is there.
  Status Remove(const CheckpointRef& ref);
  // The versions of a run of which a part is there, ascending.
  Result<std::vector<int64_t>> Versions(const std::string& run_id);
  // Removes temporary files, the versions of a run that `keep` does not list (both parts), and
  // files of what is in memory. Not while a file of the run is being written.
  Status RemoveAllBut(const std::string& run_id, const std::vector<int64_t>& keep);

  std::string PathOf(const CheckpointRef& ref) const;

 private:
  using Key = std::tuple<std::string, int64_t, CheckpointPart>;
  static Key KeyOf(const CheckpointRef& ref) { return {ref.run_id, ref.version, ref.part}; }

  std::vector<CheckpointRef> InMemory(const std::string& run_id) const;
  std::optional<std::string> FindInMemory(const CheckpointRef& ref) const;
  Status WriteOut(const CheckpointRef& ref);
  Status MakeRunDirectory(const std::string& run_id);
  // Of the files in a run's directory; none when it has no directory.
  Result<std::vector<std::string>> NamesOf(const std::string& run_id);

  Files& files_;
  const std::string directory_;
  mutable Mutex mutex_;
  std::set<std::string> synced_runs_ SKERRY_GUARDED_BY(mutex_);
  std::map<Key, std::string> in_memory_ SKERRY_GUARDED_BY(mutex_);
};

}  // namespace skerry::storage
