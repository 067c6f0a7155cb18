#include "base/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

namespace skerry {
namespace {

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Result<std::size_t> ReadAt(uint64_t offset, std::span<char> out) const override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t n =
          ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (n == 0) break;
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FromErrno(errno, "reading " + path_);
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FromErrno(errno, "writing " + path_);
      offset += static_cast<uint64_t>(n);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return OkStatus();
  }

  Status Sync() override {
    if (::fsync(fd_) != 0) return FromErrno(errno, "syncing " + path_);
    return OkStatus();
  }

  void BeginSync(uint64_t offset, uint64_t size) override {
#ifdef SYNC_FILE_RANGE_WRITE
    ::sync_file_range(fd_, static_cast<off_t>(offset), static_cast<off_t>(size),
                      SYNC_FILE_RANGE_WRITE);
#endif
  }

  Result<uint64_t> Size() const override {
    struct stat info {};
    if (::fstat(fd_, &info) != 0) return FromErrno(errno, "looking at " + path_);
    return static_cast<uint64_t>(info.st_size);
  }

  Status Truncate(uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0)
      return FromErrno(errno, "cutting " + path_);
    return OkStatus();
  }

 private:
  const int fd_;
  const std::string path_;
};

}  // namespace

Result<std::unique_ptr<File>> PosixFiles::Open(const std::string& path, OpenMode mode) {
  int flags = O_CLOEXEC;
  if (mode == OpenMode::kRead) flags |= O_RDONLY;
  if (mode == OpenMode::kReadWrite) flags |= O_RDWR | O_CREAT;
  if (mode == OpenMode::kCreate) flags |= O_RDWR | O_CREAT | O_TRUNC;
  const int fd = ::open(path.c_str(), flags, 0600);
  if (fd < 0) return FromErrno(errno, "opening " + path);
  struct stat info {};
  if (::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
    ::close(fd);
    return FromErrno(EISDIR, "opening " + path);
  }
  return std::unique_ptr<File>(std::make_unique<PosixFile>(fd, path));
}

Status PosixFiles::Rename(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) {
    return FromErrno(errno, "renaming " + from + " to " + to);
  }
  return OkStatus();
}

Status PosixFiles::Remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return FromErrno(errno, "removing " + path);
  return OkStatus();
}

Status PosixFiles::MakeDirectories(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string prefix = path.substr(0, end);
    if (::mkdir(prefix.c_str(), 0700) == 0) {
      SKERRY_RETURN_IF_ERROR(SyncDirectory(ParentDirectory(prefix)));
    } else if (errno == ENOTDIR) {
      return FailedPrecondition(ParentDirectory(prefix) + " is there, but is not a directory");
    } else if (errno != EEXIST) {
      return FromErrno(errno, "making the directory " + prefix);
    }
    if (end == std::string::npos) break;
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return FromErrno(errno, "looking at " + path);
  if (!S_ISDIR(info.st_mode)) return FailedPrecondition(path + " is there, but is not a directory");
  return OkStatus();
}

Status PosixFiles::SyncDirectory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return FromErrno(errno, "opening the directory " + path);
  const int result = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  if (result != 0) return FromErrno(error, "syncing the directory " + path);
  return OkStatus();
}

Result<std::vector<std::string>> PosixFiles::List(const std::string& directory) {
  DIR* handle = ::opendir(directory.c_str());
  if (handle == nullptr) return FromErrno(errno, "listing " + directory);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(handle)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  ::closedir(handle);
  std::sort(names.begin(), names.end());
  return names;
}

Result<uint64_t> PosixFiles::FreeBytes(const std::string& directory) {
  struct statvfs info {};
  if (::statvfs(directory.c_str(), &info) != 0) return FromErrno(errno, "looking at " + directory);
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

Result<std::string> ReadFile(Files& files, const std::string& path) {
  SKERRY_ASSIGN_OR_RETURN(const auto file, files.Open(path, OpenMode::kRead));
  // In steps, so that what has no size of its own (/proc) reads too.
  std::string bytes;
  SKERRY_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  bytes.reserve(size);
  std::array<char, 65536> buffer{};
  for (;;) {
    SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file->ReadAt(bytes.size(), buffer));
    bytes.append(buffer.data(), n);
    if (n < buffer.size()) return bytes;
  }
}

namespace {

Status WriteAndSync(Files& files, const std::string& path, std::string_view bytes) {
  // One that was left here may be open to others, or be a link to somewhere else.
  SKERRY_RETURN_IF_ERROR(files.Remove(path));
  SKERRY_ASSIGN_OR_RETURN(const auto file, files.Open(path, OpenMode::kCreate));
  SKERRY_RETURN_IF_ERROR(file->WriteAt(0, bytes));
  return file->Sync();
}

}  // namespace

Status PublishFile(Files& files, const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  Status written = WriteAndSync(files, temporary, bytes);
  if (written.ok()) written = files.Rename(temporary, path);
  if (!written.ok()) {
    (void)files.Remove(temporary);  // on a full disk it would take the room that is missing
    return written;
  }
  return files.SyncDirectory(ParentDirectory(path));
}

std::string ParentDirectory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string ResolvePath(const std::string& base, const std::string& path) {
  return path.starts_with('/') ? path : base + "/" + path;
}

}  // namespace skerry
