#include "testing/faulty_files.h"

#include <cerrno>
#include <utility>

namespace skerry::testing {

void DiskFaults::Arm(DiskFailure kind, int64_t k, bool until_healed) {
  MutexLock lock(mutex_);
  kind_ = kind;
  k_ = k;
  until_healed_ = until_healed;
  num_calls_ = 0;
  hit_ = false;
  first_failure_.clear();
  first_path_.clear();
}

void DiskFaults::Heal() {
  MutexLock lock(mutex_);
  k_ = 0;
}

void DiskFaults::OnFailure(std::function<void()> happened) {
  MutexLock lock(mutex_);
  happened_ = std::move(happened);
}

bool DiskFaults::hit() const {
  MutexLock lock(mutex_);
  return hit_;
}

int64_t DiskFaults::num_calls() const {
  MutexLock lock(mutex_);
  return num_calls_;
}

std::string DiskFaults::first_failure() const {
  MutexLock lock(mutex_);
  return first_failure_;
}

std::string DiskFaults::first_path() const {
  MutexLock lock(mutex_);
  return first_path_;
}

int DiskFaults::Fate(bool needs_room, bool is_sync, const std::string& what,
                     const std::string& path) {
  std::function<void()> happened;
  int error = 0;
  {
    MutexLock lock(mutex_);
    const bool can_fail = kind_ == DiskFailure::kFull     ? needs_room
                          : kind_ == DiskFailure::kBroken ? !is_sync
                                                          : is_sync;
    if (!can_fail) return 0;
    ++num_calls_;
    const bool fails = k_ > 0 && (num_calls_ == k_ || (until_healed_ && num_calls_ > k_));
    if (!fails) return 0;
    error = kind_ == DiskFailure::kFull ? ENOSPC : EIO;
    if (!std::exchange(hit_, true)) {
      first_failure_ = what + " " + path;
      first_path_ = path;
      happened = happened_;
    }
  }
  if (happened) happened();
  return error;
}

class FaultyFiles::OpenFile final : public File {
 public:
  OpenFile(std::unique_ptr<File> below, std::string path, DiskFaults& faults,
           std::shared_ptr<std::atomic<bool>> alive)
      : below_(std::move(below)),
        path_(std::move(path)),
        faults_(faults),
        alive_(std::move(alive)) {}

  Result<std::size_t> ReadAt(uint64_t offset, std::span<char> out) const override {
    SKERRY_RETURN_IF_ERROR(Check(false, false, "reading"));
    return below_->ReadAt(offset, out);
  }

  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    if (Status status = Check(true, false, "writing"); !status.ok()) {
      if (*alive_)
        static_cast<void>(below_->WriteAt(offset, bytes.substr(0, bytes.size() / 2)).ok());
      return status;
    }
    return below_->WriteAt(offset, bytes);
  }

  Status Sync() override {
    SKERRY_RETURN_IF_ERROR(Check(false, true, "syncing"));
    return below_->Sync();
  }

  Result<uint64_t> Size() const override { return below_->Size(); }

  Status Truncate(uint64_t size) override {
    SKERRY_RETURN_IF_ERROR(Check(false, false, "cutting"));
    return below_->Truncate(size);
  }

 private:
  Status Check(bool needs_room, bool is_sync, const char* what) const {
    if (!*alive_) return FromErrno(EBADF, path_);
    const int error = faults_.Fate(needs_room, is_sync, what, path_);
    return error == 0 ? OkStatus() : FromErrno(error, std::string(what) + " " + path_);
  }

  const std::unique_ptr<File> below_;
  const std::string path_;
  DiskFaults& faults_;
  const std::shared_ptr<std::atomic<bool>> alive_;
};

FaultyFiles::FaultyFiles(Files& below, DiskFaults& faults)
    : below_(below), faults_(faults), alive_(std::make_shared<std::atomic<bool>>(true)) {}

Status FaultyFiles::Check(bool needs_room, bool is_sync, const std::string& what,
                          const std::string& path) const {
  if (!*alive_) return FromErrno(EBADF, path);
  const int error = faults_.Fate(needs_room, is_sync, what, path);
  return error == 0 ? OkStatus() : FromErrno(error, what + " " + path);
}

Result<std::unique_ptr<File>> FaultyFiles::Open(const std::string& path, OpenMode mode) {
  const bool makes = mode != OpenMode::kRead && !below_.Open(path, OpenMode::kRead).ok();
  SKERRY_RETURN_IF_ERROR(Check(makes, false, "opening", path));
  SKERRY_ASSIGN_OR_RETURN(auto file, below_.Open(path, mode));
  return std::unique_ptr<File>(std::make_unique<OpenFile>(std::move(file), path, faults_, alive_));
}

Status FaultyFiles::Rename(const std::string& from, const std::string& to) {
  SKERRY_RETURN_IF_ERROR(Check(true, false, "renaming", from));
  return below_.Rename(from, to);
}

Status FaultyFiles::Remove(const std::string& path) {
  SKERRY_RETURN_IF_ERROR(Check(false, false, "removing", path));
  return below_.Remove(path);
}

Status FaultyFiles::MakeDirectories(const std::string& path) {
  if (below_.List(path).ok()) return OkStatus();
  SKERRY_RETURN_IF_ERROR(Check(true, false, "making the directory", path));
  SKERRY_RETURN_IF_ERROR(below_.MakeDirectories(path));
  // Making it includes that its name is on the disk.
  return Check(false, true, "syncing the directory", ParentDirectory(path));
}

Status FaultyFiles::SyncDirectory(const std::string& path) {
  SKERRY_RETURN_IF_ERROR(Check(false, true, "syncing the directory", path));
  return below_.SyncDirectory(path);
}

Result<std::vector<std::string>> FaultyFiles::List(const std::string& directory) {
  SKERRY_RETURN_IF_ERROR(Check(false, false, "listing", directory));
  return below_.List(directory);
}

}  // namespace skerry::testing
