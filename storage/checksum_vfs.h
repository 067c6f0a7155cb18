#pragma once

#include <cstdint>

namespace skerry::storage {

// The name of a VFS (SQLite's way to the disk) that gives every page of a database file a checksum
// when it is written and compares it when it is read: SQLite itself would not notice a flipped byte
// inside a value. It works on whatever VFS is the default, and leaves alone files that were made
// without room for checksums (kChecksumBytes of "reserved space" on each page). A page that has
// changed on the disk fails with SQLITE_IOERR_DATA. Log and journal have checksums of SQLite's own.
//
// The last bytes of page N: "skC1", then Crc32c(Crc32c of the page's bytes before it, N), both as
// little-endian numbers of 32 bits. Programs that do not know of them read the file as usual.
const char* ChecksumVfs();
constexpr int kChecksumBytes = 8;

// The page that failed last on this thread, counted from 1; 0: none has.
int64_t LastDamagedPage();

}  // namespace skerry::storage
