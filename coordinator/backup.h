#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "base/status.h"
#include "coordinator/backup_manifest.h"

// Backups of a coordinator's state directory, docs/backup.md.
namespace skerry::coordinator {

// Hears how far something has come: "copying coordinator.db", bytes of all bytes.
using BackupProgress =
    std::function<void(const std::string& step, uint64_t done_bytes, uint64_t total_bytes)>;

struct BackupOptions {
  std::string state_dir;
  std::string directory;  // of the backup: new, or empty
  std::string software_version;
};

// Copies one moment of the journal and the files that it names, whether or not a coordinator is at
// work there; it is not held up. Everything is compared with the journal's hashes and synced. What
// a run needs to go on (its newest version) must be whole; another file that is damaged is left
// out, and named. FAILED_PRECONDITION: the target is not empty. NOT_FOUND: there is no journal.
// DATA_LOSS names what is damaged. RESOURCE_EXHAUSTED: no room. After an error what was copied is
// removed.
Result<BackupManifest> CreateBackup(Files& files, const Clock& clock, const BackupOptions& options,
                                    const BackupProgress& progress);

// Reads all of a backup: sizes, hashes, the journal's pages, and whether the versions that runs
// need are there. Changes nothing. DATA_LOSS and NOT_FOUND name the file.
Result<BackupManifest> VerifyBackup(Files& files, const std::string& directory,
                                    const BackupProgress& progress);

// Verifies a backup and makes a state directory of it, with an identity of its own: clients that
// have gone on since then drop what they hold from the original. FAILED_PRECONDITION: the directory
// is not empty, unless with what an interrupted restore left.
Result<BackupManifest> RestoreBackup(Files& files, const Clock& clock, const std::string& directory,
                                     const std::string& state_dir, const BackupProgress& progress);

// FAILED_PRECONDITION when a restore into this directory did not finish.
Status CheckNotRestoring(Files& files, const std::string& state_dir);

}  // namespace skerry::coordinator
