#include "base/memory_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace skerry {
namespace {

constexpr std::size_t kSector = 512;

// Of two states of a file either one, or sectors of both.
std::string Tear(const std::string& synced, const std::string& live, RandomStream& random) {
  const uint64_t choice = random.Below(3);
  if (choice == 0) return synced;
  if (choice == 1) return live;
  std::string torn = random.Below(2) == 0 ? synced : live;
  for (std::size_t at = 0; at < torn.size(); at += kSector) {
    const std::string& from = random.Below(2) == 0 ? synced : live;
    for (std::size_t i = at; i < std::min(torn.size(), at + kSector); ++i) {
      torn[i] = i < from.size() ? from[i] : '\0';
    }
  }
  return torn;
}

}  // namespace

struct MemoryFiles::Contents {
  Mutex mutex;
  std::string live SKERRY_GUARDED_BY(mutex);
  std::string synced SKERRY_GUARDED_BY(mutex);
};

class MemoryFiles::OpenFile final : public File {
 public:
  OpenFile(std::shared_ptr<Contents> contents, std::string path, bool writable)
      : contents_(std::move(contents)), path_(std::move(path)), writable_(writable) {}

  Result<std::size_t> ReadAt(uint64_t offset, std::span<char> out) const override {
    MutexLock lock(contents_->mutex);
    if (offset >= contents_->live.size()) return std::size_t{0};
    return contents_->live.copy(out.data(), out.size(), offset);
  }

  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    if (!writable_) return FromErrno(EBADF, "writing " + path_);
    if (bytes.empty()) return OkStatus();
    MutexLock lock(contents_->mutex);
    std::string& live = contents_->live;
    if (live.size() < offset + bytes.size()) live.resize(offset + bytes.size());
    std::copy(bytes.begin(), bytes.end(), live.data() + offset);
    return OkStatus();
  }

  Status Sync() override {
    MutexLock lock(contents_->mutex);
    contents_->synced = contents_->live;
    return OkStatus();
  }

  Result<uint64_t> Size() const override {
    MutexLock lock(contents_->mutex);
    return static_cast<uint64_t>(contents_->live.size());
  }

  Status Truncate(uint64_t size) override {
    if (!writable_) return FromErrno(EBADF, "cutting " + path_);
    MutexLock lock(contents_->mutex);
    contents_->live.resize(size);
    return OkStatus();
  }

 private:
  const std::shared_ptr<Contents> contents_;
  const std::string path_;
  const bool writable_;
};

Result<std::unique_ptr<File>> MemoryFiles::Open(const std::string& path, OpenMode mode) {
  MutexLock lock(mutex_);
  if (directories_.contains(path)) return FromErrno(EISDIR, "opening " + path);
  auto found = live_.find(path);
  if (found == live_.end()) {
    if (mode == OpenMode::kRead || !directories_.contains(ParentDirectory(path))) {
      return FromErrno(ENOENT, "opening " + path);
    }
    found = live_.emplace(path, std::make_shared<Contents>()).first;
  } else if (mode == OpenMode::kCreate) {
    MutexLock contents_lock(found->second->mutex);
    found->second->live.clear();
  }
  const bool writable = mode != OpenMode::kRead;
  return std::unique_ptr<File>(std::make_unique<OpenFile>(found->second, path, writable));
}

Status MemoryFiles::Rename(const std::string& from, const std::string& to) {
  MutexLock lock(mutex_);
  const std::string what = "renaming " + from + " to " + to;
  const auto found = live_.find(from);
  if (found == live_.end()) return FromErrno(ENOENT, what);
  if (directories_.contains(to)) return FromErrno(EISDIR, what);
  if (!directories_.contains(ParentDirectory(to))) return FromErrno(ENOENT, what);
  const auto contents = found->second;
  live_.erase(found);
  live_[to] = contents;
  return OkStatus();
}

Status MemoryFiles::Remove(const std::string& path) {
  MutexLock lock(mutex_);
  if (directories_.contains(path)) return FromErrno(EISDIR, "removing " + path);
  live_.erase(path);
  return OkStatus();
}

Status MemoryFiles::MakeDirectories(const std::string& path) {
  MutexLock lock(mutex_);
  std::vector<std::string> missing;
  for (std::string prefix = path; !directories_.contains(prefix);
       prefix = ParentDirectory(prefix)) {
    if (live_.contains(prefix)) {
      return FailedPrecondition(prefix + " is there, but is not a directory");
    }
    missing.push_back(prefix);
  }
  directories_.insert(missing.begin(), missing.end());
  return OkStatus();
}

Status MemoryFiles::SyncDirectory(const std::string& path) {
  MutexLock lock(mutex_);
  if (!directories_.contains(path)) return FromErrno(ENOENT, "opening the directory " + path);
  std::erase_if(synced_, [&](const auto& entry) { return ParentDirectory(entry.first) == path; });
  for (const auto& [name, contents] : live_) {
    if (ParentDirectory(name) == path) synced_[name] = contents;
  }
  return OkStatus();
}

Result<std::vector<std::string>> MemoryFiles::List(const std::string& directory) {
  MutexLock lock(mutex_);
  if (!directories_.contains(directory)) return FromErrno(ENOENT, "listing " + directory);
  std::set<std::string> names;
  const auto add = [&](const std::string& path) {
    if (path != directory && ParentDirectory(path) == directory) {
      names.insert(path.substr(path.rfind('/') + 1));
    }
  };
  for (const auto& [path, contents] : live_) add(path);
  for (const std::string& path : directories_) add(path);
  names.erase(".");
  return std::vector<std::string>(names.begin(), names.end());
}

void MemoryFiles::PowerLoss() {
  MutexLock lock(mutex_);
  live_ = synced_;
  for (auto& [path, contents] : live_) {
    MutexLock contents_lock(contents->mutex);
    contents->live = contents->synced;
  }
}

void MemoryFiles::PowerLoss(RandomStream& random) {
  MutexLock lock(mutex_);
  Names after = synced_;
  for (const auto& [path, contents] : synced_) {
    if (!live_.contains(path) && random.Below(2) == 0) after.erase(path);
  }
  for (const auto& [path, contents] : live_) {
    const auto found = synced_.find(path);
    const bool is_synced = found != synced_.end() && found->second == contents;
    if (!is_synced && random.Below(2) == 0) after[path] = contents;
  }
  for (auto& [path, contents] : after) {
    MutexLock contents_lock(contents->mutex);
    if (contents->live != contents->synced) {
      contents->live = Tear(contents->synced, contents->live, random);
    }
    contents->synced = contents->live;
  }
  synced_ = after;
  live_ = std::move(after);
}

}  // namespace skerry
