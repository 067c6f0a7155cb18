#include "simulation/host_files.h"

#include <cerrno>
#include <utility>

namespace skerry::simulation {

Status BeginStep(const DiskTroubles& troubles, const Life& life) {
  if (life.alive && troubles.survives()) return OkStatus();
  return Internal("the process is dead");
}

Status NoRoom(const std::string& what) { return FromErrno(ENOSPC, what); }

class HostFiles::HostFile final : public File {
 public:
  HostFile(std::unique_ptr<File> file, std::string path, const HostFiles& files)
      : file_(std::move(file)),
        path_(std::move(path)),
        troubles_(files.troubles_),
        life_(files.life_) {}

  Result<std::size_t> ReadAt(uint64_t offset, std::span<char> out) const override {
    return file_->ReadAt(offset, out);
  }
  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    SKERRY_RETURN_IF_ERROR(BeginStep(troubles_, *life_));
    if (troubles_.full) return NoRoom("writing " + path_);
    return file_->WriteAt(offset, bytes);
  }
  Status Sync() override {
    SKERRY_RETURN_IF_ERROR(BeginStep(troubles_, *life_));
    if (troubles_.sync_fails()) return FromErrno(EIO, "syncing " + path_);
    return file_->Sync();
  }
  Result<uint64_t> Size() const override { return file_->Size(); }
  Status Truncate(uint64_t size) override {
    SKERRY_RETURN_IF_ERROR(BeginStep(troubles_, *life_));
    return file_->Truncate(size);
  }

 private:
  const std::unique_ptr<File> file_;
  const std::string path_;
  const DiskTroubles& troubles_;
  const std::shared_ptr<const Life> life_;
};

Status HostFiles::Begin() const { return BeginStep(troubles_, *life_); }

Result<std::unique_ptr<File>> HostFiles::Open(const std::string& path, OpenMode mode) {
  if (mode != OpenMode::kRead) {
    SKERRY_RETURN_IF_ERROR(Begin());
    // A file that is there already can be opened on a full disk; this one cannot tell.
    if (troubles_.full && mode == OpenMode::kCreate) return NoRoom("opening " + path);
  }
  SKERRY_ASSIGN_OR_RETURN(auto file, disk_.Open(path, mode));
  return std::unique_ptr<File>(std::make_unique<HostFile>(std::move(file), path, *this));
}

Status HostFiles::Rename(const std::string& from, const std::string& to) {
  SKERRY_RETURN_IF_ERROR(Begin());
  return disk_.Rename(from, to);
}

Status HostFiles::Remove(const std::string& path) {
  SKERRY_RETURN_IF_ERROR(Begin());
  return disk_.Remove(path);
}

Status HostFiles::MakeDirectories(const std::string& path) {
  SKERRY_RETURN_IF_ERROR(Begin());
  return disk_.MakeDirectories(path);
}

Status HostFiles::SyncDirectory(const std::string& path) {
  SKERRY_RETURN_IF_ERROR(Begin());
  if (troubles_.sync_fails()) return FromErrno(EIO, "syncing the directory " + path);
  return disk_.SyncDirectory(path);
}

Result<std::vector<std::string>> HostFiles::List(const std::string& directory) {
  return disk_.List(directory);
}

}  // namespace skerry::simulation
