#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/files.h"

namespace skerry {

// Large files that are no longer needed, kept for the next ones: to write over the pages of one
// costs a fraction of giving them back to the system and getting new ones. Whoever takes one must
// not mistake what is in it for his own: FilledFile, FreshFile. For one thread at a time.
class SpareFiles {
 public:
  // Smaller ones are not worth it.
  static constexpr uint64_t kLeastBytes = uint64_t{4} << 20;

  // Spares are PREFIX1, PREFIX2 and so on, on the file system of what they were and will be. At
  // most `most` are kept. Those of an earlier process are not known here: whoever owns the
  // directory removes them.
  SpareFiles(Files& files, std::string prefix, std::size_t most)
      : files_(files), prefix_(std::move(prefix)), most_(most) {}

  // Keeps a file, of which nobody has an open one. False: it is still where it was.
  bool Keep(const std::string& path, uint64_t size_bytes);
  // Moves a spare to `path`, the newest first. False: there is none, and nothing is there.
  bool MoveTo(const std::string& path);
  void RemoveAll();

  bool empty() const { return spares_.empty(); }
  // What they take of the disk, together.
  uint64_t size_bytes() const;

 private:
  struct Spare {
    std::string path;
    uint64_t size_bytes = 0;
  };

  Files& files_;
  const std::string prefix_;
  const std::size_t most_;
  std::vector<Spare> spares_;
  uint64_t last_ = 0;
};

}  // namespace skerry
