#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/status.h"
#include "crypto/digest.h"

namespace skerry::coordinator {

// What one reading of a file tells.
struct FileHashes {
  uint64_t size_bytes = 0;
  crypto::Digest sha256;        // of its bytes
  crypto::Digest content_hash;  // under a header, as the journal names it
};

// Reads the file from its beginning to its end. `progress` hears of the bytes done.
Result<FileHashes> HashFile(const File& file, std::string_view header,
                            const std::function<void(uint64_t)>& progress = {});
// The same, and writes what it reads to a new file, which is synced; its name is not.
Result<FileHashes> CopyFile(Files& files, const File& source, const std::string& target,
                            std::string_view header,
                            const std::function<void(uint64_t)>& progress = {});

}  // namespace skerry::coordinator
