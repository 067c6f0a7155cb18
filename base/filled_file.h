#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/files.h"
#include "base/spare_files.h"

namespace skerry {

// A file that is filled from the front on, and says how far, also to the next process. Its size
// says so, or, when it was another file before, a number in a second file beside it. Writes go to
// file(), and are noted afterwards. As thread-safe as File is.
class FilledFile {
 public:
  // Where a file of `size_bytes` is filled, or has been. A large one that is not there begins as
  // one of `spares`. `number_path`: of the second file.
  static Result<std::unique_ptr<FilledFile>> Open(Files& files, const std::string& path,
                                                  const std::string& number_path,
                                                  uint64_t size_bytes, SpareFiles& spares);
  // `number`: null if the size says how far.
  FilledFile(std::unique_ptr<File> file, std::unique_ptr<File> number)
      : file_(std::move(file)), number_(std::move(number)) {}

  // The bytes noted. After power loss they may be other ones than were written, and all of them may
  // have been written in part: who needs to know compares hashes.
  Result<uint64_t> Filled() const;
  // So many bytes, from the front on, are written; or no more than so many are good.
  Status Note(uint64_t bytes);
  // Nothing of it is good.
  Status Forget();

  const std::shared_ptr<File>& file() const { return file_; }

 private:
  const std::shared_ptr<File> file_;
  const std::unique_ptr<File> number_;
};

}  // namespace skerry
