#include "storage/database_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/crc32c.h"

namespace skerry::storage {
namespace {

constexpr std::string_view kMark = "skC1";
constexpr int kSmallestPage = 512;
constexpr std::size_t kReservedAt = 20;  // in the file's header: reserved bytes on each page
// Of a log and of its first frame, https://sqlite.org/fileformat2.html, "The Write-Ahead Log".
constexpr int kLogHeadersBytes = 32 + 24;
thread_local int64_t last_damaged_page = 0;

sqlite3_vfs* Below() { return sqlite3_vfs_find(nullptr); }

// What SQLite allocates for an open file.
struct CheckedFile {
  sqlite3_file base;
  sqlite3_file* below;
  bool is_database;
  bool is_log;
  bool has_room;  // for checksums, by its header
};

CheckedFile& Of(sqlite3_file* file) { return *reinterpret_cast<CheckedFile*>(file); }
sqlite3_file* Below(sqlite3_file* file) { return Of(file).below; }
const sqlite3_io_methods& Methods(sqlite3_file* file) { return *Below(file)->pMethods; }

bool IsPage(int size, sqlite3_int64 offset) {
  return size >= kSmallestPage && (size & (size - 1)) == 0 && offset % size == 0;
}

std::array<char, 4> LittleEndian(uint32_t value) {
  std::array<char, 4> bytes{};
  for (char& byte : bytes) {
    byte = static_cast<char>(value & 0xff);
    value >>= 8;
  }
  return bytes;
}

// The last four bytes of a page.
std::array<char, 4> ChecksumOf(std::string_view page, sqlite3_int64 number) {
  page.remove_suffix(sizeof(uint32_t));
  std::array<char, 8> parts{};
  std::copy_n(LittleEndian(Crc32c(page)).begin(), 4, parts.begin());
  std::copy_n(LittleEndian(static_cast<uint32_t>(number)).begin(), 4, parts.begin() + 4);
  return LittleEndian(Crc32c({parts.data(), parts.size()}));
}

// A page that was never written (SQLite makes room in advance) is zeros and has no checksum yet.
bool IsWhole(std::string_view page, sqlite3_int64 number, bool has_room) {
  const std::string_view trailer = page.substr(page.size() - kChecksumBytes);
  if (trailer.starts_with(kMark)) {
    const std::array<char, 4> expected = ChecksumOf(page, number);
    return trailer.ends_with(std::string_view(expected.data(), expected.size()));
  }
  return !has_room || page.find_first_not_of('\0') == std::string_view::npos;
}

void LearnFromHeader(CheckedFile& file, std::string_view bytes, sqlite3_int64 offset) {
  if (offset == 0 && bytes.size() > kReservedAt)
    file.has_room = bytes[kReservedAt] == kChecksumBytes;
}

int Close(sqlite3_file* file) {
  const int code = Methods(file).xClose(Below(file));
  std::free(Below(file));
  return code;
}

int Read(sqlite3_file* handle, void* out, int size, sqlite3_int64 offset) {
  const int code = Methods(handle).xRead(Below(handle), out, size, offset);
  CheckedFile& file = Of(handle);
  if (code != SQLITE_OK || !file.is_database) return code;
  const std::string_view bytes(static_cast<const char*>(out), static_cast<std::size_t>(size));
  LearnFromHeader(file, bytes, offset);
  if (!IsPage(size, offset) || IsWhole(bytes, offset / size + 1, file.has_room)) return code;
  last_damaged_page = offset / size + 1;
  return SQLITE_IOERR_DATA;
}

int Write(sqlite3_file* handle, const void* data, int size, sqlite3_int64 offset) {
  CheckedFile& file = Of(handle);
  const std::string_view bytes(static_cast<const char*>(data), static_cast<std::size_t>(size));
  if (file.is_database) LearnFromHeader(file, bytes, offset);
  if (!file.is_database || !file.has_room || !IsPage(size, offset)) {
    return Methods(handle).xWrite(Below(handle), data, size, offset);
  }
  std::vector<char> page(bytes.begin(), bytes.end());
  std::copy(kMark.begin(), kMark.end(), page.end() - kChecksumBytes);
  const std::array<char, 4> checksum = ChecksumOf({page.data(), page.size()}, offset / size + 1);
  std::copy(checksum.begin(), checksum.end(), page.end() - 4);
  return Methods(handle).xWrite(Below(handle), page.data(), size, offset);
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  sqlite3_int64 now = 0;
  const bool begins_anew = Of(file).is_log && size == 0 &&
                           Methods(file).xFileSize(Below(file), &now) == SQLITE_OK &&
                           now > kLogHeadersBytes;
  if (!begins_anew) return Methods(file).xTruncate(Below(file), size);
  constexpr std::array<char, kLogHeadersBytes> kZeros{};
  return Methods(file).xWrite(Below(file), kZeros.data(), kLogHeadersBytes, 0);
}
int Sync(sqlite3_file* file, int flags) { return Methods(file).xSync(Below(file), flags); }
int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  return Methods(file).xFileSize(Below(file), size);
}
int Lock(sqlite3_file* file, int level) { return Methods(file).xLock(Below(file), level); }
int Unlock(sqlite3_file* file, int level) { return Methods(file).xUnlock(Below(file), level); }
int CheckReservedLock(sqlite3_file* file, int* out) {
  return Methods(file).xCheckReservedLock(Below(file), out);
}
int FileControl(sqlite3_file* file, int operation, void* argument) {
  return Methods(file).xFileControl(Below(file), operation, argument);
}
int SectorSize(sqlite3_file* file) { return Methods(file).xSectorSize(Below(file)); }
int DeviceCharacteristics(sqlite3_file* file) {
  return Methods(file).xDeviceCharacteristics(Below(file));
}
int ShmMap(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return Methods(file).xShmMap(Below(file), page, size, extend, out);
}
int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
  return Methods(file).xShmLock(Below(file), offset, count, flags);
}
void ShmBarrier(sqlite3_file* file) { Methods(file).xShmBarrier(Below(file)); }
int ShmUnmap(sqlite3_file* file, int remove) {
  return Methods(file).xShmUnmap(Below(file), remove);
}

// Version 2: with shared memory for the log, without memory-mapped reading, which would go past us.
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

int Open(sqlite3_vfs*, const char* path, sqlite3_file* handle, int flags, int* out_flags) {
  sqlite3_vfs* const vfs = Below();
  handle->pMethods = nullptr;
  CheckedFile& file = Of(handle);
  file.below = static_cast<sqlite3_file*>(std::calloc(1, static_cast<std::size_t>(vfs->szOsFile)));
  if (file.below == nullptr) return SQLITE_NOMEM;
  const int code = vfs->xOpen(vfs, path, file.below, flags, out_flags);
  if (code != SQLITE_OK) {
    if (file.below->pMethods != nullptr) file.below->pMethods->xClose(file.below);
    std::free(file.below);
    return code;
  }
  file.is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
  file.is_log = (flags & SQLITE_OPEN_WAL) != 0;
  file.has_room = false;
  handle->pMethods = &kMethods;
  return SQLITE_OK;
}

int Delete(sqlite3_vfs*, const char* path, int sync) {
  return Below()->xDelete(Below(), path, sync);
}
int Access(sqlite3_vfs*, const char* path, int flags, int* out) {
  return Below()->xAccess(Below(), path, flags, out);
}
int FullPathname(sqlite3_vfs*, const char* path, int size, char* out) {
  return Below()->xFullPathname(Below(), path, size, out);
}
int Randomness(sqlite3_vfs*, int size, char* out) {
  return Below()->xRandomness(Below(), size, out);
}
int Sleep(sqlite3_vfs*, int micros) { return Below()->xSleep(Below(), micros); }
int CurrentTime(sqlite3_vfs*, double* out) { return Below()->xCurrentTime(Below(), out); }
int CurrentTimeInt64(sqlite3_vfs*, sqlite3_int64* out) {
  return Below()->xCurrentTimeInt64(Below(), out);
}
int GetLastError(sqlite3_vfs*, int size, char* out) {
  return Below()->xGetLastError(Below(), size, out);
}

sqlite3_vfs* Register() {
  static sqlite3_vfs vfs = [] {
    sqlite3_vfs made{};
    made.iVersion = 2;
    made.szOsFile = sizeof(CheckedFile);
    made.mxPathname = Below()->mxPathname;
    made.zName = "skerry";
    made.xOpen = Open;
    made.xDelete = Delete;
    made.xAccess = Access;
    made.xFullPathname = FullPathname;
    made.xRandomness = Randomness;
    made.xSleep = Sleep;
    made.xCurrentTime = CurrentTime;
    made.xGetLastError = GetLastError;
    made.xCurrentTimeInt64 = CurrentTimeInt64;
    return made;
  }();
  SKERRY_CHECK(sqlite3_vfs_register(&vfs, /*makeDflt=*/0) == SQLITE_OK);
  return &vfs;
}

}  // namespace

const char* DatabaseVfs() {
  static sqlite3_vfs* const vfs = Register();
  return vfs->zName;
}

int64_t LastDamagedPage() { return last_damaged_page; }

}  // namespace skerry::storage
