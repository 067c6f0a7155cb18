#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/memory_files.h"
#include "storage/client_store.h"

namespace skerry::client {

// Files in memory, on a disk that can be full: then nothing is written or made.
class FailingDisk final : public Files {
 public:
  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  Status Rename(const std::string& from, const std::string& to) override {
    return memory.Rename(from, to);
  }
  Status Remove(const std::string& path) override { return memory.Remove(path); }
  Status MakeDirectories(const std::string& path) override { return memory.MakeDirectories(path); }
  Status SyncDirectory(const std::string& path) override { return memory.SyncDirectory(path); }
  Result<std::vector<std::string>> List(const std::string& directory) override {
    return memory.List(directory);
  }

  MemoryFiles memory;
  bool full = false;
};

// A store whose commits fail with `failure` when there is one. What it has stays.
class FailingStore final : public storage::ClientStore {
 public:
  explicit FailingStore(storage::ClientStore& store) : store_(store) {}
  Result<storage::ClientSnapshot> Load() override { return store_.Load(); }
  Status Commit(const std::vector<storage::ClientRecord>& records) override {
    return failure.ok() ? store_.Commit(records) : failure;
  }

  Status failure;

 private:
  storage::ClientStore& store_;
};

}  // namespace skerry::client
