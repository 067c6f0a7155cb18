#include "storage/log_check.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "storage/sqlite_error.h"

namespace skerry::storage {
namespace {

// https://sqlite.org/fileformat2.html, "The Write-Ahead Log", and
// https://sqlite.org/walformat.html.
constexpr uint64_t kHeaderBytes = 32;
constexpr uint64_t kFrameHeaderBytes = 24;
constexpr uint32_t kMagic = 0x377f0682;  // and the next: with big-endian checksums
constexpr uint32_t kIndexVersion = 3007000;
constexpr uint32_t kUsualPageBytes = 4096;

uint32_t BigEndian(const char* p) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(p[i]);
  return value;
}

uint32_t LittleEndian(const char* p) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(p[i]);
  return value;
}

// The running checksum of a log.
struct Checksum {
  uint32_t s0 = 0;
  uint32_t s1 = 0;
  bool big_endian = false;

  void Add(std::string_view bytes) {
    for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
      const auto word = [&](std::size_t at) {
        return big_endian ? BigEndian(bytes.data() + at) : LittleEndian(bytes.data() + at);
      };
      s0 += word(i) + s1;
      s1 += word(i + 4) + s0;
    }
  }
  bool Is(const char* p) const { return BigEndian(p) == s0 && BigEndian(p + 4) == s1; }
};

// A file as SQLite's default VFS has it.
class VfsFile {
 public:
  static std::unique_ptr<VfsFile> Open(const std::string& path, int access) {
    sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
    auto file = std::unique_ptr<VfsFile>(new VfsFile(static_cast<std::size_t>(vfs->szOsFile)));
    // SQLite wants two zeros after the name of a file that is not a database's.
    file->path_ = path + std::string(3, '\0');
    const int code =
        vfs->xOpen(vfs, file->path_.c_str(), file->handle(), access | SQLITE_OPEN_WAL, nullptr);
    return code == SQLITE_OK ? std::move(file) : nullptr;
  }
  ~VfsFile() {
    if (handle()->pMethods != nullptr) handle()->pMethods->xClose(handle());
  }
  VfsFile(const VfsFile&) = delete;
  VfsFile& operator=(const VfsFile&) = delete;

  uint64_t Size() {
    sqlite3_int64 size = 0;
    return handle()->pMethods->xFileSize(handle(), &size) == SQLITE_OK ? static_cast<uint64_t>(size)
                                                                       : 0;
  }
  bool Read(uint64_t offset, std::vector<char>& out) {
    return handle()->pMethods->xRead(handle(), out.data(), static_cast<int>(out.size()),
                                     static_cast<sqlite3_int64>(offset)) == SQLITE_OK;
  }
  int Cut() { return handle()->pMethods->xTruncate(handle(), 0); }

 private:
  explicit VfsFile(std::size_t bytes) : memory_(bytes) {}
  sqlite3_file* handle() { return reinterpret_cast<sqlite3_file*>(memory_.data()); }

  std::vector<char> memory_;
  std::string path_;
};

using Salts = std::array<char, 8>;

Salts SaltsAt(const char* p) {
  Salts salts{};
  std::copy_n(p, salts.size(), salts.begin());
  return salts;
}

// What there is in a log.
struct Contents {
  bool header_fits = false;
  Salts salts{};             // by the header; by the first frame when the header is damaged
  uint64_t num_whole = 0;    // frames from the first on whose checksums fit
  uint64_t num_written = 0;  // frames up to the last that belongs to a commit after a lost one
};

// Frames that follow the whole ones: of the same log, in which a commit ended and another began.
uint64_t FindLaterCommits(VfsFile& file, const Salts& salts, uint64_t first, uint64_t frame_bytes) {
  const uint64_t num_frames = (file.Size() - kHeaderBytes) / frame_bytes;
  std::vector<char> header(kFrameHeaderBytes);
  bool commit_ended = false;
  uint64_t last = 0;
  for (uint64_t i = first; i < num_frames; ++i) {
    if (!file.Read(kHeaderBytes + i * frame_bytes, header)) break;
    if (SaltsAt(header.data() + 8) != salts) continue;
    if (commit_ended) last = i + 1;
    commit_ended = commit_ended || BigEndian(header.data() + 4) != 0;
  }
  return last;
}

// By the magic number: one byte that has changed is damage.
bool IsEmptied(VfsFile& file) {
  std::vector<char> magic(4);
  return file.Size() >= magic.size() && file.Read(0, magic) && BigEndian(magic.data()) == 0;
}

Contents ReadLog(VfsFile& file) {
  Contents log;
  std::vector<char> header(kHeaderBytes);
  if (file.Size() < kHeaderBytes + kFrameHeaderBytes || !file.Read(0, header)) return log;
  Checksum sum;
  sum.big_endian = (BigEndian(header.data()) & 1) != 0;
  sum.Add({header.data(), 24});
  log.header_fits = (BigEndian(header.data()) & ~1U) == kMagic && sum.Is(header.data() + 24);
  const uint32_t page_bytes = log.header_fits ? BigEndian(header.data() + 8) : kUsualPageBytes;
  const uint64_t frame_bytes = kFrameHeaderBytes + page_bytes;
  std::vector<char> frame(frame_bytes);
  if (!log.header_fits) {
    if (file.Read(kHeaderBytes, frame)) log.salts = SaltsAt(frame.data() + 8);
    log.num_written = FindLaterCommits(file, log.salts, 0, frame_bytes);
    return log;
  }
  log.salts = SaltsAt(header.data() + 16);
  while (file.Read(kHeaderBytes + log.num_whole * frame_bytes, frame)) {
    sum.Add({frame.data(), 8});
    sum.Add({frame.data() + kFrameHeaderBytes, page_bytes});
    if (SaltsAt(frame.data() + 8) != log.salts || !sum.Is(frame.data() + 16)) break;
    ++log.num_whole;
  }
  log.num_written = FindLaterCommits(file, log.salts, log.num_whole, frame_bytes);
  return log;
}

struct Index {
  Salts salts{};
  uint64_t num_frames = 0;
};

// What the last process counted, if the index is of one piece.
std::optional<Index> ReadIndex(const std::string& path) {
  constexpr std::size_t kIndexHeaderBytes = 48;
  PosixFiles files;
  const auto file = files.Open(path, OpenMode::kRead);
  std::array<char, 2 * kIndexHeaderBytes> bytes{};
  if (!file.ok()) return std::nullopt;
  const Result<std::size_t> n = (*file)->ReadAt(0, bytes);
  if (!n.ok() || *n != bytes.size()) return std::nullopt;
  const std::string_view first(bytes.data(), kIndexHeaderBytes);
  if (first != std::string_view(bytes.data() + kIndexHeaderBytes, kIndexHeaderBytes)) {
    return std::nullopt;
  }
  Checksum sum;
  sum.Add(first.substr(0, 40));
  const bool fits =
      sum.s0 == LittleEndian(first.data() + 40) && sum.s1 == LittleEndian(first.data() + 44);
  if (!fits || LittleEndian(first.data()) != kIndexVersion) return std::nullopt;
  return Index{SaltsAt(first.data() + 32), LittleEndian(first.data() + 16)};
}

}  // namespace

Status CheckLog(const std::string& database_path) {
  const std::string path = database_path + "-wal";
  const std::unique_ptr<VfsFile> file = VfsFile::Open(path, SQLITE_OPEN_READONLY);
  if (file == nullptr) return OkStatus();  // no log; or SQLite will say what is wrong with it
  if (IsEmptied(*file)) return OkStatus();
  const Contents log = ReadLog(*file);
  uint64_t expected = log.num_written;
  if (const std::optional<Index> index = ReadIndex(database_path + "-shm")) {
    if (index->salts == log.salts) expected = std::max(expected, index->num_frames);
  }
  if (log.num_whole >= expected) return OkStatus();
  return Damaged(
      path,
      (log.header_fits ? "frame " + std::to_string(log.num_whole + 1) : std::string("its header")) +
          " does not fit its checksum, and " + std::to_string(expected) + " frames were written");
}

Status CutEmptiedLog(const std::string& database_path) {
  const std::string path = database_path + "-wal";
  const std::unique_ptr<VfsFile> file = VfsFile::Open(path, SQLITE_OPEN_READWRITE);
  if (file == nullptr || !IsEmptied(*file)) return OkStatus();
  const int code = file->Cut();
  return code == SQLITE_OK ? OkStatus() : FromSqlite(code, errno, "cutting the log", path);
}

}  // namespace skerry::storage
