#include "storage/checkpoint_store.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "base/bytes_file.h"
#include "base/failpoint.h"
#include "crypto/content_hash.h"

namespace skerry::storage {
namespace {

constexpr std::string_view kSuffix = ".safetensors";
constexpr std::string_view kTemporarySuffix = ".tmp";

std::string_view Prefix(CheckpointPart part) {
  return part == CheckpointPart::kModel ? "model-" : "state-";
}

// "model-12.safetensors" and "state-12.safetensors" -> 12; anything else is not ours.
std::optional<int64_t> VersionOf(std::string_view name) {
  for (const CheckpointPart part : {CheckpointPart::kModel, CheckpointPart::kState}) {
    if (!name.starts_with(Prefix(part)) || !name.ends_with(kSuffix)) continue;
    name.remove_prefix(Prefix(part).size());
    name.remove_suffix(kSuffix.size());
    int64_t version = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), version);
    if (error == std::errc() && end == name.data() + name.size()) return version;
  }
  return std::nullopt;
}

// The run's id becomes the name of a directory, so it may not lead out of its parent.
Status CheckRef(const CheckpointRef& ref) {
  const std::string& run = ref.run_id;
  if (run.empty() || run.front() == '.' ||
      run.find_first_of(std::string_view("/\0", 2)) != run.npos)
    return InvalidArgument("the run id \"" + run + "\" cannot be the name of a directory");
  if (ref.version < 0) {
    return InvalidArgument("run " + run + " has no version " + std::to_string(ref.version));
  }
  return OkStatus();
}

}  // namespace

CheckpointStore::CheckpointStore(Files& files, std::string directory)
    : files_(files), directory_(std::move(directory)) {}

std::string CheckpointStore::PathOf(const CheckpointRef& ref) const {
  return directory_ + "/" + ref.run_id + "/" + std::string(Prefix(ref.part)) +
         std::to_string(ref.version) + std::string(kSuffix);
}

Result<std::unique_ptr<File>> CheckpointStore::Begin(const CheckpointRef& ref) {
  SKERRY_RETURN_IF_ERROR(CheckRef(ref));
  SKERRY_RETURN_IF_ERROR(MakeRunDirectory(ref.run_id));
  return files_.Open(PathOf(ref) + std::string(kTemporarySuffix), OpenMode::kCreate);
}

// The names of the directories are synced once in the life of this object: that they are there may
// be the work of a process that was killed before it could sync them.
Status CheckpointStore::MakeRunDirectory(const std::string& run_id) {
  SKERRY_RETURN_IF_ERROR(files_.MakeDirectories(directory_ + "/" + run_id));
  {
    MutexLock lock(mutex_);
    if (synced_runs_.contains(run_id)) return OkStatus();
  }
  SKERRY_RETURN_IF_ERROR(files_.SyncDirectory(directory_));
  SKERRY_RETURN_IF_ERROR(files_.SyncDirectory(ParentDirectory(directory_)));
  MutexLock lock(mutex_);
  synced_runs_.insert(run_id);
  return OkStatus();
}

Status CheckpointStore::Publish(const CheckpointRef& ref, File& file) {
  const std::string path = PathOf(ref);
  const std::string temporary = path + std::string(kTemporarySuffix);
  Status status = file.Sync();
  SKERRY_FAILPOINT("coordinator/checkpoint-synced");
  if (status.ok()) status = files_.Rename(temporary, path);
  SKERRY_FAILPOINT("coordinator/checkpoint-renamed");
  if (!status.ok()) {
    (void)files_.Remove(temporary);  // the first error is the one to report
    return status;
  }
  status = files_.SyncDirectory(ParentDirectory(path));
  if (!status.ok()) (void)files_.Remove(path);
  return status;
}

Status CheckpointStore::Discard(const CheckpointRef& ref) {
  SKERRY_RETURN_IF_ERROR(CheckRef(ref));
  return files_.Remove(PathOf(ref) + std::string(kTemporarySuffix));
}

Status CheckpointStore::Keep(const CheckpointRef& ref, std::string contents) {
  SKERRY_RETURN_IF_ERROR(CheckRef(ref));
  MutexLock lock(mutex_);
  in_memory_[KeyOf(ref)] = std::move(contents);
  return OkStatus();
}

Status CheckpointStore::WriteOut(const std::string& run_id, std::size_t most_left) {
  const std::vector<CheckpointRef> refs = InMemory(run_id);
  for (std::size_t i = 0; i + most_left < refs.size(); ++i) {
    SKERRY_RETURN_IF_ERROR(WriteOut(refs[i]));
  }
  return OkStatus();
}

Status CheckpointStore::WriteOut(const CheckpointRef& ref) {
  const std::optional<std::string> contents = FindInMemory(ref);
  if (!contents) return OkStatus();
  SKERRY_ASSIGN_OR_RETURN(const auto file, Begin(ref));
  const std::string path = PathOf(ref);
  const std::string temporary = path + std::string(kTemporarySuffix);
  Status status = file->WriteAt(0, *contents);
  if (status.ok()) status = files_.Rename(temporary, path);
  SKERRY_FAILPOINT("coordinator/checkpoint-renamed");
  if (!status.ok()) {
    (void)files_.Remove(temporary);  // the first error is the one to report
    return status;
  }
  MutexLock lock(mutex_);
  in_memory_.erase(KeyOf(ref));
  return OkStatus();
}

// Ascending.
std::vector<CheckpointRef> CheckpointStore::InMemory(const std::string& run_id) const {
  MutexLock lock(mutex_);
  std::vector<CheckpointRef> refs;
  auto found = in_memory_.lower_bound({run_id, 0, CheckpointPart::kModel});
  for (; found != in_memory_.end() && std::get<0>(found->first) == run_id; ++found) {
    refs.push_back({run_id, std::get<1>(found->first), std::get<2>(found->first)});
  }
  return refs;
}

std::optional<std::string> CheckpointStore::FindInMemory(const CheckpointRef& ref) const {
  MutexLock lock(mutex_);
  const auto found = in_memory_.find(KeyOf(ref));
  if (found == in_memory_.end()) return std::nullopt;
  return found->second;
}

Status CheckpointStore::Restore(const CheckpointRef& ref, std::string_view contents) {
  const Result<std::string> found = ReadFile(files_, PathOf(ref));
  if (found.ok() && *found == contents) return OkStatus();
  SKERRY_ASSIGN_OR_RETURN(const auto file, Begin(ref));
  SKERRY_RETURN_IF_ERROR(file->WriteAt(0, contents));
  return Publish(ref, *file);
}

Result<std::unique_ptr<File>> CheckpointStore::Open(const CheckpointRef& ref) {
  SKERRY_RETURN_IF_ERROR(CheckRef(ref));
  if (std::optional<std::string> contents = FindInMemory(ref)) {
    return std::unique_ptr<File>(std::make_unique<BytesFile>(*std::move(contents)));
  }
  return files_.Open(PathOf(ref), OpenMode::kRead);
}

Result<std::unique_ptr<File>> CheckpointStore::OpenVerified(const CheckpointRef& ref,
                                                            const crypto::Digest& expected) {
  InlineExecutor nobody;
  return OpenVerified(ref, expected, nobody, 0);
}

Result<std::unique_ptr<File>> CheckpointStore::OpenVerified(const CheckpointRef& ref,
                                                            const crypto::Digest& expected,
                                                            Executor& executor, int helpers) {
  const std::string hint =
      "put it back from a backup, then: skerry run resume " + ref.run_id +
      "; or start from the backup: skerry backup restore BACKUP --state-dir NEW";
  Result<std::unique_ptr<File>> file = Open(ref);
  if (file.status().code() == Code::kNotFound) return std::move(file).status().WithHint(hint);
  if (!file.ok()) return file;
  SKERRY_ASSIGN_OR_RETURN(const crypto::Digest actual,
                          crypto::ContentHashOf(crypto::kFileHeader, **file, executor, helpers));
  if (actual == expected) return file;
  return DataLoss(PathOf(ref) + " is damaged: its content hash is " + actual.Hex() +
                  ", the journal says " + expected.Hex())
      .WithHint(hint);
}

Status CheckpointStore::Remove(const CheckpointRef& ref) {
  SKERRY_RETURN_IF_ERROR(CheckRef(ref));
  {
    MutexLock lock(mutex_);
    if (in_memory_.erase(KeyOf(ref)) > 0) return OkStatus();
  }
  return files_.Remove(PathOf(ref));
}

Result<std::vector<std::string>> CheckpointStore::NamesOf(const std::string& run_id) {
  SKERRY_RETURN_IF_ERROR(CheckRef({run_id, 0, CheckpointPart::kModel}));
  Result<std::vector<std::string>> names = files_.List(directory_ + "/" + run_id);
  if (names.status().code() == Code::kNotFound) return std::vector<std::string>();
  return names;
}

Result<std::vector<int64_t>> CheckpointStore::Versions(const std::string& run_id) {
  SKERRY_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesOf(run_id));
  std::set<int64_t> versions;
  for (const std::string& name : names) {
    if (const std::optional<int64_t> version = VersionOf(name)) versions.insert(*version);
  }
  for (const CheckpointRef& ref : InMemory(run_id)) versions.insert(ref.version);
  return std::vector<int64_t>(versions.begin(), versions.end());
}

Status CheckpointStore::RemoveAllBut(const std::string& run_id, const std::vector<int64_t>& keep) {
  SKERRY_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesOf(run_id));
  const auto is_kept = [&keep](int64_t version) {
    return std::find(keep.begin(), keep.end(), version) != keep.end();
  };
  std::set<std::string> in_memory;
  for (const CheckpointRef& ref : InMemory(run_id)) {
    in_memory.insert(PathOf(ref));
    if (!is_kept(ref.version)) SKERRY_RETURN_IF_ERROR(Remove(ref));
  }
  const std::string directory = directory_ + "/" + run_id + "/";
  for (const std::string& name : names) {
    const std::optional<int64_t> version = VersionOf(name);
    const bool superseded = version && (!is_kept(*version) || in_memory.contains(directory + name));
    if (superseded || name.ends_with(kTemporarySuffix)) {
      SKERRY_RETURN_IF_ERROR(files_.Remove(std::string(directory).append(name)));
    }
  }
  return OkStatus();
}

}  // namespace skerry::storage
