#include "testing/files_vfs.h"

#include <sqlite3.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/check.h"

namespace skerry::testing {
namespace {

// The index of a log, which the connections of a process share; -1: nobody has the slot to itself.
struct SharedMemory {
  struct Slot {
    int num_shared = 0;
    bool exclusive = false;
  };
  std::vector<std::unique_ptr<std::vector<char>>> regions;
  std::array<Slot, SQLITE_SHM_NLOCK> slots;
};

struct OpenFile {
  std::string path;
  Files* files = nullptr;
  std::unique_ptr<File> file;
  bool sync_directory = false;  // at the next sync: the file's name is new
  std::shared_ptr<SharedMemory> memory;
  std::array<bool, SQLITE_SHM_NLOCK> has_shared{};
  std::array<bool, SQLITE_SHM_NLOCK> has_exclusive{};
};

struct Registry {
  sqlite3_vfs vfs{};
  sqlite3_vfs* real = nullptr;
  std::map<std::string, Files*> mounts;
  std::map<std::string, std::weak_ptr<SharedMemory>> memories;  // by path
  int last_errno = 0;
};
Registry* registry = nullptr;

// What SQLite allocates for an open file.
struct Handle {
  sqlite3_file base;
  OpenFile* open;
};
OpenFile& Of(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file)->open; }

Files* FilesFor(const std::string& path) {
  for (const auto& [directory, files] : registry->mounts) {
    if (path.starts_with(directory + "/")) return files;
  }
  return nullptr;
}

// What the operating system's files would have said.
int CodeOf(const Status& status, int code) {
  if (status.ok()) return SQLITE_OK;
  const bool full = status.code() == Code::kResourceExhausted;
  registry->last_errno = full ? ENOSPC : status.code() == Code::kNotFound ? ENOENT : EIO;
  return full && code == SQLITE_IOERR_WRITE ? SQLITE_FULL : code;
}

int Close(sqlite3_file* file) {
  delete reinterpret_cast<Handle*>(file)->open;
  return SQLITE_OK;
}

int Read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
  const std::span<char> bytes(static_cast<char*>(out), static_cast<std::size_t>(size));
  const Result<std::size_t> n = Of(file).file->ReadAt(static_cast<uint64_t>(offset), bytes);
  if (!n.ok()) return CodeOf(n.status(), SQLITE_IOERR_READ);
  if (*n == bytes.size()) return SQLITE_OK;
  std::memset(bytes.data() + *n, 0, bytes.size() - *n);
  return SQLITE_IOERR_SHORT_READ;
}

int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  return CodeOf(
      Of(file).file->WriteAt(static_cast<uint64_t>(offset),
                             {static_cast<const char*>(bytes), static_cast<std::size_t>(size)}),
      SQLITE_IOERR_WRITE);
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  return CodeOf(Of(file).file->Truncate(static_cast<uint64_t>(size)), SQLITE_IOERR_TRUNCATE);
}

int Sync(sqlite3_file* file, int /*flags*/) {
  OpenFile& open = Of(file);
  const int code = CodeOf(open.file->Sync(), SQLITE_IOERR_FSYNC);
  if (code != SQLITE_OK || !open.sync_directory) return code;
  open.sync_directory = false;
  return CodeOf(open.files->SyncDirectory(ParentDirectory(open.path)), SQLITE_IOERR_DIR_FSYNC);
}

int FileSize(sqlite3_file* file, sqlite3_int64* out) {
  const Result<uint64_t> size = Of(file).file->Size();
  if (!size.ok()) return CodeOf(size.status(), SQLITE_IOERR_FSTAT);
  *out = static_cast<sqlite3_int64>(*size);
  return SQLITE_OK;
}

// Locks of the file itself keep other processes out; there are none.
int Lock(sqlite3_file* /*file*/, int /*level*/) { return SQLITE_OK; }
int CheckReservedLock(sqlite3_file* /*file*/, int* out) {
  *out = 0;
  return SQLITE_OK;
}
int FileControl(sqlite3_file* /*file*/, int /*operation*/, void* /*argument*/) {
  return SQLITE_NOTFOUND;
}
int SectorSize(sqlite3_file* /*file*/) { return 4096; }
int DeviceCharacteristics(sqlite3_file* /*file*/) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int ShmMap(sqlite3_file* file, int region, int size, int extend, void volatile** out) {
  OpenFile& open = Of(file);
  if (open.memory == nullptr) {
    std::weak_ptr<SharedMemory>& known = registry->memories[open.path];
    open.memory = known.lock();
    if (open.memory == nullptr) known = open.memory = std::make_shared<SharedMemory>();
  }
  auto& regions = open.memory->regions;
  const auto index = static_cast<std::size_t>(region);
  while (extend != 0 && regions.size() <= index) {
    regions.push_back(std::make_unique<std::vector<char>>(static_cast<std::size_t>(size), '\0'));
  }
  *out = index < regions.size() ? regions[index]->data() : nullptr;
  return SQLITE_OK;
}

int ShmLock(sqlite3_file* file, int first, int count, int flags) {
  OpenFile& open = Of(file);
  const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  const bool lock = (flags & SQLITE_SHM_LOCK) != 0;
  const auto begin = static_cast<std::size_t>(first);
  const auto end = begin + static_cast<std::size_t>(count);
  for (std::size_t i = begin; lock && i < end; ++i) {
    const SharedMemory::Slot& slot = open.memory->slots[i];
    const int others = slot.num_shared - (open.has_shared[i] ? 1 : 0);
    if (slot.exclusive && !open.has_exclusive[i]) return SQLITE_BUSY;
    if (exclusive && others > 0) return SQLITE_BUSY;
  }
  for (std::size_t i = begin; i < end; ++i) {
    SharedMemory::Slot& slot = open.memory->slots[i];
    if (exclusive) {
      if (lock || open.has_exclusive[i]) slot.exclusive = lock;
      open.has_exclusive[i] = lock;
    } else {
      if (lock != open.has_shared[i]) slot.num_shared += lock ? 1 : -1;
      open.has_shared[i] = lock;
    }
  }
  return SQLITE_OK;
}

void ShmBarrier(sqlite3_file* /*file*/) {}
int ShmUnmap(sqlite3_file* file, int /*remove*/) {
  Of(file).memory.reset();
  return SQLITE_OK;
}

constexpr sqlite3_io_methods kMethods = {2,
                                         Close,
                                         Read,
                                         Write,
                                         Truncate,
                                         Sync,
                                         FileSize,
                                         Lock,
                                         Lock,
                                         CheckReservedLock,
                                         FileControl,
                                         SectorSize,
                                         DeviceCharacteristics,
                                         ShmMap,
                                         ShmLock,
                                         ShmBarrier,
                                         ShmUnmap,
                                         nullptr,
                                         nullptr};

int Open(sqlite3_vfs* /*vfs*/, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  if (path == nullptr) return SQLITE_CANTOPEN;  // temporary files: none are needed
  auto open = std::make_unique<OpenFile>();
  open->path = path;
  open->files = FilesFor(open->path);
  if (open->files == nullptr) return SQLITE_CANTOPEN;
  const bool writes = (flags & SQLITE_OPEN_READWRITE) != 0;
  const bool is_log = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
  open->sync_directory = writes && is_log;
  Result<std::unique_ptr<File>> opened =
      open->files->Open(open->path, writes ? OpenMode::kReadWrite : OpenMode::kRead);
  if (!opened.ok()) return CodeOf(opened.status(), SQLITE_CANTOPEN);
  open->file = *std::move(opened);
  if (out_flags != nullptr) *out_flags = flags;
  reinterpret_cast<Handle*>(file)->open = open.release();
  file->pMethods = &kMethods;
  return SQLITE_OK;
}

int Delete(sqlite3_vfs* /*vfs*/, const char* path, int sync_directory) {
  Files* const files = FilesFor(path);
  if (files == nullptr) return SQLITE_IOERR_DELETE;
  const int code = CodeOf(files->Remove(path), SQLITE_IOERR_DELETE);
  if (code != SQLITE_OK || sync_directory == 0) return code;
  return CodeOf(files->SyncDirectory(ParentDirectory(path)), SQLITE_IOERR_DIR_FSYNC);
}

int Access(sqlite3_vfs* /*vfs*/, const char* path, int /*flags*/, int* out) {
  Files* const files = FilesFor(path);
  const Status status =
      files == nullptr ? NotFound(path) : files->Open(path, OpenMode::kRead).status();
  *out = status.ok() ? 1 : 0;
  return status.code() == Code::kNotFound ? SQLITE_OK : CodeOf(status, SQLITE_IOERR_ACCESS);
}

int GetLastError(sqlite3_vfs* /*vfs*/, int /*size*/, char* /*out*/) { return registry->last_errno; }

}  // namespace

FilesVfs::FilesVfs() {
  SKERRY_CHECK(registry == nullptr);
  registry = new Registry;
  registry->real = sqlite3_vfs_find(nullptr);
  registry->vfs = *registry->real;  // what is not replaced (time, randomness) is the real one's
  registry->vfs.zName = "files";
  registry->vfs.szOsFile = sizeof(Handle);
  registry->vfs.xOpen = Open;
  registry->vfs.xDelete = Delete;
  registry->vfs.xAccess = Access;
  registry->vfs.xGetLastError = GetLastError;
  SKERRY_CHECK(sqlite3_vfs_register(&registry->vfs, /*makeDflt=*/1) == SQLITE_OK);
}

FilesVfs::~FilesVfs() {
  sqlite3_vfs_unregister(&registry->vfs);
  sqlite3_vfs_register(registry->real, /*makeDflt=*/1);
  delete registry;
  registry = nullptr;
}

void FilesVfs::Mount(const std::string& directory, Files* files) {
  registry->mounts[directory] = files;
}

}  // namespace skerry::testing
