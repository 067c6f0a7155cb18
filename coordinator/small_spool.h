#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/files.h"
#include "base/status.h"

namespace skerry::coordinator {

// Where a coordinator has its own.
inline std::string SmallSpoolPath(const std::string& state_dir) {
  return state_dir + "/spool/small";
}

// Results that are too small for a file each, one after the other in one file. A record is the
// task's id (u64, little-endian), the size (u32), the Crc32c of those two (u32), and the bytes, of
// which nothing is checked here: the journal has their hash. After the last record stand 16 zero
// bytes, which the next one overwrites.
//
// Nothing is synced: what was written survives the end of this process, not of the machine. Once no
// result in the file is needed any more, the next one goes to its beginning: to write over pages
// costs a fraction of getting new ones. Belongs to one thread; others, and other processes, may
// read the file through an object of their own, to which a result that goes meanwhile is not there.
class SmallSpool {
 public:
  SmallSpool(Files& files, std::string path) : files_(files), path_(std::move(path)) {}

  // Finds what an earlier process wrote, up to the first thing that is no record. A missing file is
  // an empty one.
  Status Scan();
  // Adds a result, or takes its place. RESOURCE_EXHAUSTED: the disk is full, nothing was added.
  Status Append(int64_t task_id, std::string_view contents);
  // NOT_FOUND when there is none.
  Result<std::string> Read(int64_t task_id) const;
  bool Contains(int64_t task_id) const { return places_.contains(task_id); }
  // Whether or not they are there.
  void Remove(int64_t task_id);
  void RemoveAllBut(const std::set<int64_t>& task_ids);
  // Removes the file if nothing in it is needed.
  void RemoveFileIfEmpty();

 private:
  struct Place {
    uint64_t offset = 0;  // of the record
    uint64_t size = 0;    // of the contents
  };

  void Note(int64_t task_id, const Place& place);
  Status Compact();

  Files& files_;
  const std::string path_;
  std::unique_ptr<File> file_;  // null: there is none yet
  bool writable_ = false;
  std::map<int64_t, Place> places_;
  uint64_t needed_bytes_ = 0;    // in the records of places_
  uint64_t end_ = 0;             // where the next record goes
  uint64_t wasted_in_vain_ = 0;  // a compaction failed: none is tried before so much is wasted
};

}  // namespace skerry::coordinator
