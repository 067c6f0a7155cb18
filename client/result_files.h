#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "base/files.h"
#include "base/spare_files.h"

namespace skerry::client {

// The results that a client has in hand, but for the small ones: FOLDER/TASK.result. For one thread
// at a time; the files go to others.
class ResultFiles {
 public:
  ResultFiles(Files& files, std::string folder, SpareFiles& spares)
      : files_(files), folder_(std::move(folder)), spares_(spares) {}

  // An empty file for a result that will have so many bytes. Its Size() has to be asked for before
  // anybody opens it by name.
  Result<std::shared_ptr<File>> Create(int64_t task_id, uint64_t size_bytes);
  Result<std::shared_ptr<const File>> Open(int64_t task_id) const;
  // `is_read`: somebody may still read it. What stays behind is removed at the next start.
  void Remove(int64_t task_id, bool is_read);
  // After a restart.
  void RemoveAllBut(const std::set<int64_t>& task_ids);

  std::string PathOf(int64_t task_id) const;

 private:
  struct Created {
    std::weak_ptr<File> file;  // while a trainer may write to it
    uint64_t size_bytes = 0;
  };

  Files& files_;
  const std::string folder_;
  SpareFiles& spares_;
  std::map<int64_t, Created> created_;  // by this process
};

}  // namespace skerry::client
