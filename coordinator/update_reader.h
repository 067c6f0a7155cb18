#pragma once

#include <cstdint>
#include <span>

#include "base/files.h"
#include "base/status.h"
#include "coordinator/read_check.h"
#include "learning/layout.h"

namespace skerry::coordinator {

// Reads an F32 section of a result as floats, however it is encoded, or an F64 section as doubles.
// Thread-safe.
class UpdateReader {
 public:
  // Borrows the layout. `section` is an index of it.
  UpdateReader(const learning::ResultLayout& layout, std::size_t section)
      : encoding_(layout.sections()[section].encoding),
        offset_(static_cast<uint64_t>(layout.offset_bytes(section))),
        num_elements_(layout.sections()[section].layout.num_elements()) {}
  // Plain numbers from a byte on.
  UpdateReader(uint64_t offset, int64_t num_elements)
      : offset_(offset), num_elements_(num_elements) {}

  // Where an element of a plain section stands. T: that of its numbers.
  template <class T>
  uint64_t OffsetOf(int64_t element) const {
    return offset_ + static_cast<uint64_t>(element) * sizeof(T);
  }

  // Elements [first, first + out.size()) of the section in `file`, whose bytes Check() has found
  // good. Its memory is that of the elements. DATA_LOSS: the file is shorter than its layout.
  Status Read(const File& file, int64_t first, std::span<float> out) const;
  // The same of an F64 section.
  Status Read(const File& file, int64_t first, std::span<double> out) const;

  // Whether the bytes of an encoded section are some that its encoding can have made, block by
  // block. INVALID_ARGUMENT names the first that is not.
  Status Check(const File& file) const;

 private:
  Status ReadDense(const File& file, int64_t first, std::span<float> out) const;
  Status ReadSparse(const File& file, int64_t first, std::span<float> out) const;
  Result<int64_t> FirstEntryFrom(const File& file, int64_t element) const;
  Status CheckDense(const File& file) const;
  Status CheckSparse(const File& file) const;

  const learning::Encoding encoding_;
  const uint64_t offset_;
  const int64_t num_elements_;
};

// One site's update in the file of its result. Borrows all of it.
struct Update {
  const File* file = nullptr;
  const UpdateReader* reader = nullptr;
  ReadCheck* check = nullptr;  // gets to know what is read; then the update is plain

  // DATA_LOSS: it cannot be read.
  template <class T>
  Status Read(int64_t first, std::span<T> out) const {
    if (Status status = reader->Read(*file, first, out); !status.ok()) {
      return DataLoss(status.message());  // a disk's error too: others have to be of ours
    }
    if (check != nullptr) {
      check->Note(reader->OffsetOf<T>(first),
                  {reinterpret_cast<const char*>(out.data()), out.size_bytes()});
    }
    return OkStatus();
  }
};

}  // namespace skerry::coordinator
