#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "base/files.h"
#include "base/filled_file.h"
#include "base/spare_files.h"
#include "skerry/v1/task.pb.h"

namespace skerry::client {

// The model versions that a client has fetched, or a part of: FOLDER/HASH.safetensors. For one
// thread at a time; the files go to others.
class ModelFiles {
 public:
  // Whether programs of the site's own get the name of the file, and may keep it open for ever.
  enum class Reader { kThisProcess, kAnybody };

  ModelFiles(Files& files, std::string folder, SpareFiles& spares)
      : files_(files), folder_(std::move(folder)), spares_(spares) {}

  // The file that a version is fetched to. What is filled is whole chunks and perhaps a part of
  // one, and has not been checked.
  Result<std::shared_ptr<FilledFile>> Open(const v1::ModelRef& model, Reader reader);
  // What it has of the disk already.
  uint64_t BytesOnDisk(const v1::ModelRef& model) const;
  // What stays behind is removed at the next start.
  void RemoveAllBut(const std::set<std::string>& content_hashes);

 private:
  struct Opened {
    std::weak_ptr<FilledFile> file;  // while somebody may write to it, or read it
    uint64_t size_bytes = 0;
    Reader reader = Reader::kThisProcess;
  };

  std::string PathOf(const std::string& hex) const { return folder_ + "/" + hex + ".safetensors"; }
  std::string NumberPathOf(const std::string& hex) const { return folder_ + "/" + hex + ".filled"; }
  void Remove(const std::string& hex);

  Files& files_;
  const std::string folder_;
  SpareFiles& spares_;
  std::map<std::string, Opened> opened_;  // by this process; by hash in hexadecimal
};

}  // namespace skerry::client
