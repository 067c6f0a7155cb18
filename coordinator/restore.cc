#include <algorithm>
#include <utility>

#include "base/file_lock.h"
#include "base/text.h"
#include "coordinator/backup.h"
#include "coordinator/copy_file.h"
#include "storage/checkpoint_store.h"
#include "storage/migrations.h"
#include "storage/sqlite_journal.h"

namespace skerry::coordinator {
namespace {

using storage::CheckpointPart;
using storage::SqliteJournal;
using storage::SqliteJournalReader;

constexpr const char* kDatabase = "coordinator.db";
// In a state directory, from the first step of a restore to its last.
constexpr const char* kRestoring = "restoring";
constexpr const char* kRestoringUnfinished = "restoring.tmp";
constexpr const char* kLock = "lock";

Status Damaged(const std::string& path, const std::string& how) {
  return DataLoss(path + " is damaged: " + how).WithHint("use another backup");
}

Status CheckFile(const std::string& path, const BackupFile& expected, const FileHashes& found) {
  if (found.size_bytes != expected.size_bytes) {
    return Damaged(path, "it has " + std::to_string(found.size_bytes) +
                             " bytes, the manifest says " + std::to_string(expected.size_bytes));
  }
  if (found.sha256 != expected.sha256) {
    return Damaged(path, "its SHA-256 is " + found.sha256.Hex() + ", the manifest says " +
                             expected.sha256.Hex());
  }
  return OkStatus();
}

// What every run needs to go on is there, as the journal says.
Status CheckNewestVersions(Files& files, const std::string& directory,
                           SqliteJournalReader& reader) {
  storage::CheckpointStore checkpoints(files, directory + "/runs");
  SKERRY_ASSIGN_OR_RETURN(const auto runs, reader.Runs());
  for (const storage::RunRecord& run : runs) {
    if (storage::IsFinal(run.state) || run.model_version < 0) continue;
    SKERRY_ASSIGN_OR_RETURN(
        const auto rounds,
        reader.Rounds(run.run_id, std::max<int64_t>(0, run.model_version - 1), INT64_MAX));
    for (const storage::RoundRecord& round : rounds) {
      if (round.phase != "committed" || round.model_version != run.model_version) continue;
      SKERRY_RETURN_IF_ERROR(
          checkpoints
              .OpenVerified({run.run_id, run.model_version, CheckpointPart::kModel},
                            round.model_hash)
              .status());
      if (round.state_size_bytes == 0) continue;
      SKERRY_RETURN_IF_ERROR(
          checkpoints
              .OpenVerified({run.run_id, run.model_version, CheckpointPart::kState},
                            round.state_hash)
              .status());
    }
  }
  return OkStatus();
}

// Of a backup or of a state directory that has just been made of one.
Status CheckJournal(Files& files, const std::string& directory) {
  SKERRY_ASSIGN_OR_RETURN(const auto reader,
                          SqliteJournalReader::Open(directory + "/" + kDatabase));
  SKERRY_RETURN_IF_ERROR(reader->CheckWholly());
  return CheckNewestVersions(files, directory, *reader);
}

class Restore {
 public:
  Restore(Files& files, const Clock& clock, std::string from, std::string to,
          const BackupProgress& progress)
      : files_(files),
        clock_(clock),
        from_(std::move(from)),
        to_(std::move(to)),
        progress_(progress) {}

  Status Run(const BackupManifest& manifest) {
    SKERRY_RETURN_IF_ERROR(files_.MakeDirectories(to_));
    Result<std::unique_ptr<FileLock>> lock = FileLock::Acquire(to_ + "/" + kLock);
    if (!lock.ok()) return lock.status().WithContext("the state directory is in use");
    SKERRY_RETURN_IF_ERROR(PublishFile(files_, to_ + "/" + kRestoring, from_ + "\n"));
    // Of an earlier attempt: SQLite would play its log onto the journal of this one.
    for (const char* const rest : {"-wal", "-shm", "-journal"}) {
      Status removed = files_.Remove(to_ + "/" + kDatabase + rest);
      if (!removed.ok() && removed.code() != Code::kNotFound) return removed;
    }
    // The journal last: without it the rest is not looked at.
    total_bytes_ = manifest.TotalBytes();
    for (const bool database : {false, true}) {
      for (const BackupFile& file : manifest.files) {
        if ((file.path == kDatabase) == database) SKERRY_RETURN_IF_ERROR(Copy(file));
      }
    }
    SKERRY_RETURN_IF_ERROR(BecomeAnother(manifest));
    SKERRY_RETURN_IF_ERROR(CheckJournal(files_, to_));
    return Finish();
  }

 private:
  Status Finish() {
    SKERRY_RETURN_IF_ERROR(files_.Remove(to_ + "/" + kRestoring));
    Status synced = files_.SyncDirectory(to_);
    // It may come back after power loss; and who is told of a failure shall be able to go on.
    if (!synced.ok()) {
      static_cast<void>(files_.Open(to_ + "/" + kRestoring, OpenMode::kReadWrite).ok());
    }
    return synced;
  }

  Status Copy(const BackupFile& entry) {
    const std::string target = to_ + "/" + entry.path;
    SKERRY_RETURN_IF_ERROR(files_.MakeDirectories(ParentDirectory(target)));
    SKERRY_ASSIGN_OR_RETURN(const auto source,
                            files_.Open(from_ + "/" + entry.path, OpenMode::kRead));
    const uint64_t before = done_bytes_;
    SKERRY_ASSIGN_OR_RETURN(const FileHashes read,
                            CopyFile(files_, *source, target, "", [&](uint64_t done) {
                              done_bytes_ = before + done;
                              progress_("restoring " + entry.path, done_bytes_, total_bytes_);
                            }));
    SKERRY_RETURN_IF_ERROR(CheckFile(from_ + "/" + entry.path, entry, read));
    SKERRY_RETURN_IF_ERROR(files_.SyncDirectory(ParentDirectory(target)));
    SKERRY_ASSIGN_OR_RETURN(const auto copy, files_.Open(target, OpenMode::kRead));
    SKERRY_ASSIGN_OR_RETURN(const FileHashes written, HashFile(*copy, ""));
    return CheckFile(target, entry, written);
  }

  // Clients may have gone on with the original: what they hold of it is not this one's.
  Status BecomeAnother(const BackupManifest& manifest) {
    SKERRY_ASSIGN_OR_RETURN(const auto journal, SqliteJournal::Open(to_ + "/" + kDatabase));
    SKERRY_RETURN_IF_ERROR(journal->RenewCoordinatorId());
    storage::EventRecord event;
    event.time = clock_.WallNow();
    event.code = "restored_from_backup";
    event.message = from_ + ", which coordinator " + manifest.coordinator_id +
                    " was copied to at " + std::to_string(manifest.created.unix_millis) + " ms";
    return journal->Commit({event});
  }

  Files& files_;
  const Clock& clock_;
  const std::string from_;
  const std::string to_;
  const BackupProgress& progress_;
  uint64_t done_bytes_ = 0;
  uint64_t total_bytes_ = 0;
};

Result<bool> IsRestoring(Files& files, const std::string& state_dir) {
  const Status found = files.Open(state_dir + "/" + kRestoring, OpenMode::kRead).status();
  if (!found.ok() && found.code() != Code::kNotFound) return found;
  return found.ok();
}

// Empty, or with what a restore has begun: `kLock` is there before it can say so.
Status CheckTarget(Files& files, const std::string& state_dir) {
  Result<std::vector<std::string>> names = files.List(state_dir);
  if (names.status().code() == Code::kNotFound) return OkStatus();
  if (!names.ok()) return names.status();
  for (const char* const own : {kLock, kRestoringUnfinished}) std::erase(*names, own);
  SKERRY_ASSIGN_OR_RETURN(const bool restoring, IsRestoring(files, state_dir));
  if (names->empty() || restoring) return OkStatus();
  return FailedPrecondition(state_dir + " is not empty: it holds " + names->front() +
                            (names->size() > 1
                                 ? " and " + std::to_string(names->size() - 1) + " more"
                                 : std::string()))
      .WithHint("name a new directory, or move this one away; nothing was changed");
}

}  // namespace

Result<BackupManifest> VerifyBackup(Files& files, const std::string& directory,
                                    const BackupProgress& progress) {
  SKERRY_ASSIGN_OR_RETURN(BackupManifest manifest, ReadManifest(files, directory));
  const uint64_t total_bytes = manifest.TotalBytes();
  uint64_t done_bytes = 0;
  bool has_database = false;
  for (const BackupFile& entry : manifest.files) {
    const std::string path = directory + "/" + entry.path;
    has_database = has_database || entry.path == kDatabase;
    const auto file = files.Open(path, OpenMode::kRead);
    if (file.status().code() == Code::kNotFound) {
      return DataLoss(path + " is missing").WithHint("use another backup");
    }
    if (!file.ok()) return file.status();
    SKERRY_ASSIGN_OR_RETURN(const FileHashes hashes, HashFile(**file, "", [&](uint64_t done) {
                              progress("verifying " + entry.path, done_bytes + done, total_bytes);
                            }));
    SKERRY_RETURN_IF_ERROR(CheckFile(path, entry, hashes));
    done_bytes += hashes.size_bytes;
  }
  if (!has_database) return Damaged(directory + "/" + kManifestName, "it names no journal");
  const Status journal = CheckJournal(files, directory);
  // An older format is raised when it is restored, and looked at then.
  if (!journal.ok() && journal.detail() != storage::kRaisedByAWriter) return journal;
  return manifest;
}

Result<BackupManifest> RestoreBackup(Files& files, const Clock& clock, const std::string& directory,
                                     const std::string& state_dir, const BackupProgress& progress) {
  SKERRY_RETURN_IF_ERROR(CheckTarget(files, state_dir));
  SKERRY_ASSIGN_OR_RETURN(BackupManifest manifest, VerifyBackup(files, directory, progress));
  SKERRY_RETURN_IF_ERROR(Restore(files, clock, directory, state_dir, progress).Run(manifest));
  return manifest;
}

Status CheckNotRestoring(Files& files, const std::string& state_dir) {
  SKERRY_ASSIGN_OR_RETURN(const bool restoring, IsRestoring(files, state_dir));
  if (!restoring) return OkStatus();
  return FailedPrecondition("a restore into " + state_dir + " did not finish")
      .WithHint("run it again: skerry backup restore BACKUP --state-dir " + state_dir);
}

}  // namespace skerry::coordinator
