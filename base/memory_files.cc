#include "base/memory_files.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace skerry {

struct MemoryFiles::Contents {
  Mutex mutex;
  std::string live SKERRY_GUARDED_BY(mutex);
  std::string synced SKERRY_GUARDED_BY(mutex);
};

class MemoryFiles::OpenFile final : public File {
 public:
  explicit OpenFile(std::shared_ptr<Contents> contents) : contents_(std::move(contents)) {}

  Result<std::size_t> ReadAt(uint64_t offset, std::span<char> out) const override {
    MutexLock lock(contents_->mutex);
    const std::string& bytes = contents_->live;
    if (offset >= bytes.size()) return std::size_t{0};
    const std::size_t n = std::min<std::size_t>(out.size(), bytes.size() - offset);
    std::memcpy(out.data(), bytes.data() + offset, n);
    return n;
  }

  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    MutexLock lock(contents_->mutex);
    if (contents_->live.size() < offset + bytes.size())
      contents_->live.resize(offset + bytes.size());
    std::memcpy(contents_->live.data() + offset, bytes.data(), bytes.size());
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
    MutexLock lock(contents_->mutex);
    contents_->live.resize(size);
    return OkStatus();
  }

 private:
  std::shared_ptr<Contents> contents_;
};

Result<std::unique_ptr<File>> MemoryFiles::Open(const std::string& path, OpenMode mode) {
  MutexLock lock(mutex_);
  auto found = live_.find(path);
  if (found == live_.end()) {
    if (mode == OpenMode::kRead) return NotFound("opening " + path + ": No such file or directory");
    if (!directories_.contains(ParentDirectory(path))) {
      return NotFound("opening " + path + ": its directory is missing");
    }
    found = live_.emplace(path, std::make_shared<Contents>()).first;
  } else if (mode == OpenMode::kCreate) {
    MutexLock contents_lock(found->second->mutex);
    found->second->live.clear();
  }
  return std::unique_ptr<File>(std::make_unique<OpenFile>(found->second));
}

Status MemoryFiles::Rename(const std::string& from, const std::string& to) {
  MutexLock lock(mutex_);
  const auto found = live_.find(from);
  if (found == live_.end()) return NotFound("renaming " + from + ": No such file or directory");
  const auto contents = found->second;
  live_.erase(found);
  live_[to] = contents;
  return OkStatus();
}

Status MemoryFiles::Remove(const std::string& path) {
  MutexLock lock(mutex_);
  live_.erase(path);
  return OkStatus();
}

Status MemoryFiles::MakeDirectories(const std::string& path) {
  MutexLock lock(mutex_);
  for (std::string prefix = path;
       directories_.insert(prefix).second && prefix != "." && prefix != "/";
       prefix = ParentDirectory(prefix)) {
  }
  return OkStatus();
}

Status MemoryFiles::SyncDirectory(const std::string& path) {
  MutexLock lock(mutex_);
  std::erase_if(synced_, [&](const auto& entry) { return ParentDirectory(entry.first) == path; });
  for (const auto& [name, contents] : live_) {
    if (ParentDirectory(name) == path) synced_[name] = contents;
  }
  return OkStatus();
}

Result<std::vector<std::string>> MemoryFiles::List(const std::string& directory) {
  MutexLock lock(mutex_);
  if (!directories_.contains(directory))
    return NotFound("listing " + directory + ": it is missing");
  std::set<std::string> names;
  const std::string prefix = directory + "/";
  for (const auto& [path, contents] : live_) {
    if (path.starts_with(prefix) && path.find('/', prefix.size()) == std::string::npos) {
      names.insert(path.substr(prefix.size()));
    }
  }
  for (const std::string& path : directories_) {
    if (path.size() > prefix.size() && path.starts_with(prefix) &&
        path.find('/', prefix.size()) == std::string::npos) {
      names.insert(path.substr(prefix.size()));
    }
  }
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

}  // namespace skerry
