#include "storage/recording_vfs.h"

#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <new>
#include <optional>

#include "base/check.h"
#include "base/random.h"

namespace skerry::storage {
namespace {

using Kind = DiskOperation::Kind;

struct Recorder {
  sqlite3_vfs vfs;
  sqlite3_vfs* real = nullptr;
  std::vector<DiskOperation> operations;
  int64_t num_reads = 0;
  std::optional<Kind> failing_kind;
  int64_t until_failure = 0;
  int failure_code = SQLITE_OK;
  bool for_good = false;
  bool has_failed = false;
};
Recorder* recorder = nullptr;

// What SQLite allocates for an open file: this, and the real one behind it.
struct RecordedFile {
  sqlite3_file base;
  std::string* name;
};

sqlite3_file* Real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<RecordedFile*>(file) + 1);
}
const std::string& NameOf(sqlite3_file* file) {
  return *reinterpret_cast<RecordedFile*>(file)->name;
}
std::string BaseName(const char* path) { return std::filesystem::path(path).filename().string(); }

// The code of the failure that is due for an operation of this kind, or SQLITE_OK.
int Failure(Kind kind) {
  if (recorder->failing_kind != kind || recorder->until_failure <= 0) return SQLITE_OK;
  if (--recorder->until_failure > 0) return SQLITE_OK;
  if (recorder->for_good) recorder->until_failure = 1;
  recorder->has_failed = true;
  return recorder->failure_code;
}

int Close(sqlite3_file* file) {
  const int code = Real(file)->pMethods->xClose(Real(file));
  delete reinterpret_cast<RecordedFile*>(file)->name;
  return code;
}

int Read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
  ++recorder->num_reads;
  return Real(file)->pMethods->xRead(Real(file), out, size, offset);
}

int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  const int failure = Failure(Kind::kWrite);
  if (failure != SQLITE_OK) size /= 2;
  const int code = Real(file)->pMethods->xWrite(Real(file), bytes, size, offset);
  recorder->operations.push_back(
      {Kind::kWrite, NameOf(file), static_cast<uint64_t>(offset),
       std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size))});
  return failure != SQLITE_OK ? failure : code;
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (const int failure = Failure(Kind::kTruncate); failure != SQLITE_OK) return failure;
  recorder->operations.push_back({Kind::kTruncate, NameOf(file), static_cast<uint64_t>(size), ""});
  return Real(file)->pMethods->xTruncate(Real(file), size);
}

int Sync(sqlite3_file* file, int) {
  if (const int failure = Failure(Kind::kSync); failure != SQLITE_OK) return failure;
  recorder->operations.push_back({Kind::kSync, NameOf(file), 0, ""});
  return SQLITE_OK;
}

int Delete(sqlite3_vfs*, const char* path, int sync_directory) {
  if (const int failure = Failure(Kind::kDelete); failure != SQLITE_OK) return failure;
  recorder->operations.push_back({Kind::kDelete, BaseName(path), 0, ""});
  return recorder->real->xDelete(recorder->real, path, sync_directory);
}

int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  return Real(file)->pMethods->xFileSize(Real(file), size);
}
int Lock(sqlite3_file* file, int level) { return Real(file)->pMethods->xLock(Real(file), level); }
int Unlock(sqlite3_file* file, int level) {
  return Real(file)->pMethods->xUnlock(Real(file), level);
}
int CheckReservedLock(sqlite3_file* file, int* out) {
  return Real(file)->pMethods->xCheckReservedLock(Real(file), out);
}
int FileControl(sqlite3_file* file, int operation, void* argument) {
  return Real(file)->pMethods->xFileControl(Real(file), operation, argument);
}
int SectorSize(sqlite3_file* file) { return Real(file)->pMethods->xSectorSize(Real(file)); }
int DeviceCharacteristics(sqlite3_file* file) {
  return Real(file)->pMethods->xDeviceCharacteristics(Real(file));
}
int ShmMap(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return Real(file)->pMethods->xShmMap(Real(file), page, size, extend, out);
}
int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
  return Real(file)->pMethods->xShmLock(Real(file), offset, count, flags);
}
void ShmBarrier(sqlite3_file* file) { Real(file)->pMethods->xShmBarrier(Real(file)); }
int ShmUnmap(sqlite3_file* file, int remove) {
  return Real(file)->pMethods->xShmUnmap(Real(file), remove);
}

// Version 2: with shared memory for the log, without memory-mapped reading, which Skerry turns off.
constexpr sqlite3_io_methods kMethods = {2,
                                         Close,
                                         Read,
                                         Write,
                                         Truncate,
                                         Sync,
                                         FileSize,
                                         Lock,
                                         Unlock,
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

int Open(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  const int code = recorder->real->xOpen(recorder->real, path, Real(file), flags, out_flags);
  if (code != SQLITE_OK) {
    file->pMethods = nullptr;
    return code;
  }
  file->pMethods = &kMethods;
  reinterpret_cast<RecordedFile*>(file)->name = new std::string(path ? BaseName(path) : "");
  return SQLITE_OK;
}

void Apply(const DiskOperation& operation, std::size_t num_bytes, std::string& contents) {
  if (operation.kind == Kind::kTruncate) {
    contents.resize(operation.offset);
    return;
  }
  const std::string bytes = operation.bytes.substr(0, num_bytes);
  if (contents.size() < operation.offset + bytes.size()) {
    contents.resize(operation.offset + bytes.size());
  }
  contents.replace(operation.offset, bytes.size(), bytes);
}

constexpr std::size_t kAll = std::string::npos;
constexpr uint64_t kSectorBytes = 512;

void ApplySome(const DiskOperation& operation, RandomStream& random, std::string& contents) {
  const uint64_t fate = random.Below(4);
  if (fate == 0) return;
  const bool torn = fate == 1 && operation.kind == Kind::kWrite;
  const uint64_t sectors = operation.bytes.size() / kSectorBytes + 1;
  Apply(operation, torn ? random.Below(sectors) * kSectorBytes : kAll, contents);
}

}  // namespace

RecordingVfs::RecordingVfs() {
  SKERRY_CHECK(recorder == nullptr);
  recorder = new Recorder{};
  recorder->real = sqlite3_vfs_find(nullptr);
  recorder->vfs = *recorder->real;  // what is not replaced goes to the real one
  recorder->vfs.zName = "recording";
  recorder->vfs.szOsFile = static_cast<int>(sizeof(RecordedFile)) + recorder->real->szOsFile;
  recorder->vfs.xOpen = Open;
  recorder->vfs.xDelete = Delete;
  SKERRY_CHECK(sqlite3_vfs_register(&recorder->vfs, /*makeDflt=*/1) == SQLITE_OK);
}

RecordingVfs::~RecordingVfs() {
  sqlite3_vfs_unregister(&recorder->vfs);
  sqlite3_vfs_register(recorder->real, /*makeDflt=*/1);
  delete recorder;
  recorder = nullptr;
}

void RecordingVfs::Fail(DiskOperation::Kind kind, int64_t n, int code, bool for_good) {
  recorder->failing_kind = kind;
  recorder->until_failure = n;
  recorder->failure_code = code;
  recorder->for_good = for_good;
  recorder->has_failed = false;
}

void RecordingVfs::Heal() { recorder->failing_kind.reset(); }
bool RecordingVfs::has_failed() const { return recorder->has_failed; }
const std::vector<DiskOperation>& RecordingVfs::operations() const { return recorder->operations; }
int64_t RecordingVfs::num_reads() const { return recorder->num_reads; }

Disk DiskAfterKill(std::span<const DiskOperation> operations) {
  Disk disk;
  for (const DiskOperation& operation : operations) {
    if (operation.kind == Kind::kDelete) {
      disk.erase(operation.name);
    } else if (operation.kind != Kind::kSync) {
      Apply(operation, kAll, disk[operation.name]);
    }
  }
  return disk;
}

Disk DiskAfterPowerLoss(std::span<const DiskOperation> operations, uint64_t seed) {
  Disk disk;
  std::map<std::string, std::vector<const DiskOperation*>> unsynced;
  RandomStream random(seed, Purpose::kFault, 0, "power", 0);
  for (const DiskOperation& operation : operations) {
    std::vector<const DiskOperation*>& pending = unsynced[operation.name];
    switch (operation.kind) {
      case Kind::kWrite:
      case Kind::kTruncate:
        disk[operation.name];
        pending.push_back(&operation);
        break;
      case Kind::kSync:
        for (const DiskOperation* earlier : pending) Apply(*earlier, kAll, disk[operation.name]);
        pending.clear();
        break;
      case Kind::kDelete:
        if (operation.name.ends_with("-wal") && random.Below(2) == 0) break;
        pending.clear();
        disk.erase(operation.name);
        break;
    }
  }
  for (const auto& [name, pending] : unsynced) {
    for (const DiskOperation* operation : pending) ApplySome(*operation, random, disk[name]);
  }
  return disk;
}

void WriteDisk(const Disk& disk, const std::string& directory) {
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  for (const auto& [name, contents] : disk) {
    std::ofstream out(std::filesystem::path(directory) / name, std::ios::binary);
    out << contents;
    SKERRY_CHECK(out.good());
  }
}

}  // namespace skerry::storage
