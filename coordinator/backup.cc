#include "coordinator/backup.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/bytes_file.h"
#include "base/file_lock.h"
#include "coordinator/copy_file.h"
#include "coordinator/small_spool.h"
#include "crypto/content_hash.h"
#include "rpc/chunks.h"
#include "skerry/v1/task.pb.h"
#include "storage/checkpoint_store.h"
#include "storage/log_check.h"
#include "storage/sqlite_journal.h"

namespace skerry::coordinator {
namespace {

using storage::CheckpointPart;
using storage::SqliteJournalReader;

constexpr int64_t kAllRounds = std::numeric_limits<int64_t>::max();
constexpr const char* kDatabase = "coordinator.db";
// While rounds take milliseconds, a version may go between two looks; every look is a new moment.
constexpr int kMoments = 100;

// A file that a moment of the journal names.
struct NamedFile {
  std::string path;  // below the state directory
  crypto::Digest content_hash;
  std::string header;          // under which it is hashed
  std::shared_ptr<File> file;  // open already if it may go at any time
  bool required = false;
  std::shared_ptr<const SmallSpool> small = nullptr;  // if it is in there, under this task
  int64_t task_id = 0;
};

std::string VersionPath(const std::string& run_id, int64_t version, CheckpointPart part) {
  return "runs/" + run_id + (part == CheckpointPart::kModel ? "/model-" : "/state-") +
         std::to_string(version) + ".safetensors";
}

std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Whether there is a file in a directory or below it; directories alone are nothing.
Result<bool> HasFiles(Files& files, const std::string& directory) {
  const Result<std::vector<std::string>> names = files.List(directory);
  if (names.status().code() == Code::kNotFound) return false;
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    const std::string path = std::string(directory).append("/").append(name);
    const Status below = files.List(path).status();
    if (below.code() == Code::kNotFound) return true;  // it is a file
    if (!below.ok()) return below;
    SKERRY_ASSIGN_OR_RETURN(const bool found, HasFiles(files, path));
    if (found) return true;
  }
  return false;
}

// None if there is no directory.
Result<std::set<std::string>> NamesIn(Files& files, const std::string& directory) {
  const Result<std::vector<std::string>> names = files.List(directory);
  if (names.status().code() == Code::kNotFound) return std::set<std::string>();
  if (!names.ok()) return names.status();
  return std::set<std::string>(names->begin(), names->end());
}

// One moment of a journal and the files it names.
class Moment {
 public:
  Moment(Files& files, std::string state_dir, SqliteJournalReader& reader)
      : files_(files), state_dir_(std::move(state_dir)), reader_(reader) {}

  // Begins a snapshot in which everything that runs need can be opened. NOT_FOUND: it cannot, a
  // later moment may do.
  Status Begin() {
    named_.clear();
    opened_.clear();
    SKERRY_RETURN_IF_ERROR(reader_.BeginSnapshot());
    Status status = FindFiles();
    if (!status.ok()) reader_.EndSnapshot();
    return status;
  }

  std::vector<NamedFile>& named() { return named_; }
  const std::vector<storage::RunRecord>& runs() const { return runs_; }

 private:
  Status FindFiles() {
    SKERRY_ASSIGN_OR_RETURN(runs_, reader_.Runs());
    // First of all what the coordinator may remove in a moment: an open file stays.
    for (const storage::RunRecord& run : runs_) {
      if (storage::IsFinal(run.state) || run.model_version < 0) continue;
      SKERRY_RETURN_IF_ERROR(OpenNewest(run));
    }
    SKERRY_ASSIGN_OR_RETURN(const std::set<std::string> spool,
                            NamesIn(files_, state_dir_ + "/spool"));
    const auto small = std::make_shared<SmallSpool>(files_, SmallSpoolPath(state_dir_));
    SKERRY_RETURN_IF_ERROR(small->Scan());
    for (const storage::RunRecord& run : runs_) {
      SKERRY_RETURN_IF_ERROR(NameVersions(run));
      if (!spool.empty()) SKERRY_RETURN_IF_ERROR(NameUpdates(run, spool, small));
    }
    opened_.clear();
    for (NamedFile& named : named_) {
      if (!named.required || named.file != nullptr) continue;
      SKERRY_ASSIGN_OR_RETURN(named.file,
                              files_.Open(state_dir_ + "/" + named.path, OpenMode::kRead));
    }
    return OkStatus();
  }

  Status OpenNewest(const storage::RunRecord& run) {
    const std::string path = VersionPath(run.run_id, run.model_version, CheckpointPart::kModel);
    const std::string state = VersionPath(run.run_id, run.model_version, CheckpointPart::kState);
    Result<std::unique_ptr<File>> file = files_.Open(state_dir_ + "/" + path, OpenMode::kRead);
    if (file.status().code() == Code::kNotFound) {
      SKERRY_RETURN_IF_ERROR(ReadSmallVersions(run.run_id, {}));
      return opened_.contains(path) ? OkStatus() : std::move(file).status();
    }
    SKERRY_RETURN_IF_ERROR(file.status());
    opened_[path] = *std::move(file);
    auto state_file = files_.Open(state_dir_ + "/" + state, OpenMode::kRead);
    if (state_file.status().code() == Code::kNotFound) return OkStatus();
    SKERRY_RETURN_IF_ERROR(state_file.status());
    opened_[state] = *std::move(state_file);
    return OkStatus();
  }

  // Those that have no files: `there` are the names in the run's directory.
  Status ReadSmallVersions(const std::string& run_id, const std::set<std::string>& there) {
    SKERRY_ASSIGN_OR_RETURN(auto versions, reader_.SmallVersions(run_id));
    const auto keep = [&](const std::string& path, std::string contents) {
      if (there.contains(FileName(path)) || contents.empty()) return;
      opened_.try_emplace(path, std::make_shared<BytesFile>(std::move(contents)));
    };
    for (storage::SmallVersion& small : versions) {
      keep(VersionPath(run_id, small.version, CheckpointPart::kModel), std::move(small.model));
      keep(VersionPath(run_id, small.version, CheckpointPart::kState), std::move(small.state));
    }
    return OkStatus();
  }

  Status NameVersions(const storage::RunRecord& run) {
    SKERRY_ASSIGN_OR_RETURN(const std::set<std::string> there,
                            NamesIn(files_, state_dir_ + "/runs/" + run.run_id));
    SKERRY_RETURN_IF_ERROR(ReadSmallVersions(run.run_id, there));
    SKERRY_ASSIGN_OR_RETURN(const auto rounds, reader_.Rounds(run.run_id, 0, kAllRounds));
    for (const storage::RoundRecord& round : rounds) {
      if (round.phase != "committed" || round.model_version < 0) continue;
      const bool newest = round.model_version == run.model_version && !storage::IsFinal(run.state);
      Name({VersionPath(run.run_id, round.model_version, CheckpointPart::kModel), round.model_hash,
            std::string(crypto::kFileHeader), nullptr, newest},
           there);
      if (round.state_size_bytes == 0) continue;
      Name({VersionPath(run.run_id, round.model_version, CheckpointPart::kState), round.state_hash,
            std::string(crypto::kFileHeader), nullptr, newest},
           there);
    }
    return OkStatus();
  }

  // Results that [keep] updates has kept. Of those that share a file each gets its own.
  Status NameUpdates(const storage::RunRecord& run, const std::set<std::string>& spool,
                     const std::shared_ptr<const SmallSpool>& small) {
    SKERRY_ASSIGN_OR_RETURN(const auto tasks, reader_.Tasks(run.run_id, 0, kAllRounds));
    for (const storage::TaskRecord& task : tasks) {
      v1::ResultHeader header;
      if (task.outcome != storage::Outcome::kCounted || !header.ParseFromString(task.header)) {
        continue;
      }
      Name({"spool/" + std::to_string(task.task_id) + ".result", task.content_hash,
            rpc::CanonicalHeader(header), nullptr, false,
            small->Contains(task.task_id) ? small : nullptr, task.task_id},
           spool);
    }
    return OkStatus();
  }

  void Name(NamedFile file, const std::set<std::string>& there) {
    const auto opened = opened_.find(file.path);
    if (opened != opened_.end()) file.file = opened->second;
    const bool found =
        file.file != nullptr || file.small != nullptr || there.contains(FileName(file.path));
    if (found || file.required) named_.push_back(std::move(file));
  }

  Files& files_;
  const std::string state_dir_;
  SqliteJournalReader& reader_;
  std::vector<storage::RunRecord> runs_;
  std::map<std::string, std::shared_ptr<File>> opened_;  // by path
  std::vector<NamedFile> named_;
};

// A log that lost commits would make a backup of an earlier time, and nobody would know.
Status CheckLogUnlessInUse(const std::string& database) {
  const auto lock = FileLock::Acquire(database + ".lock");
  return lock.ok() ? storage::CheckLog(database) : OkStatus();
}

class Backup {
 public:
  Backup(Files& files, const Clock& clock, const BackupOptions& options,
         const BackupProgress& progress)
      : files_(files), options_(options), progress_(progress) {
    manifest_.software_version = options.software_version;
    manifest_.state_dir = options.state_dir;
    manifest_.created = clock.WallNow();
  }

  Result<BackupManifest> Make() {
    const Status status = MakeAll();
    if (status.ok()) return std::move(manifest_);
    // The manifest first: what is left meanwhile is no backup.
    for (auto path = made_.rbegin(); path != made_.rend(); ++path) {
      static_cast<void>(files_.Remove(*path).ok());
    }
    return status;
  }

 private:
  Status MakeAll() {
    const std::string source = options_.state_dir + "/" + kDatabase;
    SKERRY_RETURN_IF_ERROR(CheckLogUnlessInUse(source));
    SKERRY_ASSIGN_OR_RETURN(const auto reader, SqliteJournalReader::Open(source));
    SKERRY_RETURN_IF_ERROR(CopyJournal(*reader));
    SKERRY_RETURN_IF_ERROR(files_.SyncDirectory(options_.directory));
    made_.push_back(options_.directory + "/" + kManifestName);
    return WriteManifest(files_, options_.directory, manifest_);
  }

  Status CopyJournal(SqliteJournalReader& reader) {
    Moment moment(files_, options_.state_dir, reader);
    Status begun = moment.Begin();
    for (int i = 1; begun.code() == Code::kNotFound && i < kMoments; ++i) begun = moment.Begin();
    SKERRY_RETURN_IF_ERROR(std::move(begun));
    const Status copied = CopyDatabase(reader, moment);
    reader.EndSnapshot();
    SKERRY_RETURN_IF_ERROR(copied);
    for (const NamedFile& named : moment.named()) SKERRY_RETURN_IF_ERROR(CopyNamed(named));
    return OkStatus();
  }

  Status CopyDatabase(SqliteJournalReader& reader, Moment& moment) {
    SKERRY_ASSIGN_OR_RETURN(manifest_.coordinator_id, reader.CoordinatorId());
    for (const storage::RunRecord& run : moment.runs()) {
      manifest_.runs.push_back(
          {run.run_id, std::string(Name(run.state)), run.rounds_committed, run.model_version});
    }
    uint64_t file_bytes = 0;
    for (const NamedFile& named : moment.named()) {
      SKERRY_ASSIGN_OR_RETURN(const uint64_t size, SizeOf(named));
      file_bytes += size;
    }
    SKERRY_RETURN_IF_ERROR(files_.MakeDirectories(options_.directory));
    const std::string path = options_.directory + "/" + kDatabase;
    made_.push_back(path);
    made_.push_back(path + "-journal");  // while it is made
    constexpr uint64_t kPageBytes = 4096;
    SKERRY_RETURN_IF_ERROR(reader.CopyTo(path, [&](int64_t done, int64_t total) {
      total_bytes_ = file_bytes + static_cast<uint64_t>(total) * kPageBytes;
      done_bytes_ = static_cast<uint64_t>(done) * kPageBytes;
      progress_(std::string("copying ") + kDatabase, done_bytes_, total_bytes_);
    }));
    SKERRY_ASSIGN_OR_RETURN(const auto file, files_.Open(path, OpenMode::kReadWrite));
    SKERRY_RETURN_IF_ERROR(file->Sync());
    SKERRY_ASSIGN_OR_RETURN(const FileHashes hashes, HashFile(*file, ""));
    manifest_.files.push_back({kDatabase, hashes.size_bytes, hashes.sha256});
    SKERRY_ASSIGN_OR_RETURN(const auto copy, SqliteJournalReader::Open(path));
    return copy->CheckWholly();
  }

  Result<uint64_t> SizeOf(const NamedFile& named) {
    const auto file = OpenNamed(named);
    if (file.status().code() == Code::kNotFound) return uint64_t{0};  // gone since
    if (!file.ok()) return file.status();
    return (*file)->Size();
  }

  Result<std::shared_ptr<File>> OpenNamed(const NamedFile& named) {
    if (named.file != nullptr) return named.file;
    if (named.small != nullptr) {
      SKERRY_ASSIGN_OR_RETURN(std::string contents, named.small->Read(named.task_id));
      return std::shared_ptr<File>(std::make_shared<BytesFile>(std::move(contents)));
    }
    SKERRY_ASSIGN_OR_RETURN(std::shared_ptr<File> file,
                            files_.Open(options_.state_dir + "/" + named.path, OpenMode::kRead));
    return file;
  }

  Status CopyNamed(const NamedFile& named) {
    const Result<std::shared_ptr<File>> source = OpenNamed(named);
    // Retention has let go of it since.
    if (source.status().code() == Code::kNotFound && !named.required) return OkStatus();
    if (!source.ok()) return source.status();
    const std::string target = options_.directory + "/" + named.path;
    made_.push_back(target);
    SKERRY_ASSIGN_OR_RETURN(const FileHashes hashes, Copy(**source, named, target));
    if (hashes.content_hash == named.content_hash) {
      manifest_.files.push_back({named.path, hashes.size_bytes, hashes.sha256});
      return OkStatus();
    }
    SKERRY_RETURN_IF_ERROR(files_.Remove(target));
    const std::string what = options_.state_dir + "/" + named.path +
                             " is damaged: its content hash is " + hashes.content_hash.Hex() +
                             ", the journal says " + named.content_hash.Hex();
    if (named.required) {
      return DataLoss(what).WithHint(
          "its run cannot go on from it; an earlier backup is what helps: skerry backup restore");
    }
    manifest_.left_out.push_back(what);
    return OkStatus();
  }

  Result<FileHashes> Copy(const File& source, const NamedFile& named, const std::string& target) {
    SKERRY_RETURN_IF_ERROR(files_.MakeDirectories(ParentDirectory(target)));
    const uint64_t before = done_bytes_;
    SKERRY_ASSIGN_OR_RETURN(FileHashes hashes,
                            CopyFile(files_, source, target, named.header, [&](uint64_t done) {
                              done_bytes_ = before + done;
                              progress_("copying " + named.path, done_bytes_, total_bytes_);
                            }));
    SKERRY_RETURN_IF_ERROR(files_.SyncDirectory(ParentDirectory(target)));
    return hashes;
  }

  Files& files_;
  const BackupOptions options_;
  const BackupProgress& progress_;
  BackupManifest manifest_;
  std::vector<std::string> made_;  // to be removed when it fails
  uint64_t done_bytes_ = 0;
  uint64_t total_bytes_ = 0;
};

}  // namespace

Result<BackupManifest> CreateBackup(Files& files, const Clock& clock, const BackupOptions& options,
                                    const BackupProgress& progress) {
  SKERRY_ASSIGN_OR_RETURN(const bool occupied, HasFiles(files, options.directory));
  if (occupied) {
    const bool finished = ReadManifest(files, options.directory).status().code() != Code::kNotFound;
    return FailedPrecondition(options.directory +
                              (finished ? " holds a backup already"
                                        : " is not empty, and holds no finished backup"))
        .WithHint("name a new directory; nothing was changed");
  }
  return Backup(files, clock, options, progress).Make();
}

}  // namespace skerry::coordinator
