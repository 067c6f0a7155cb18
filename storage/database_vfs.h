#pragma once

#include <cstdint>

namespace skerry::storage {

// The name of a VFS (SQLite's way to the disk) over whatever VFS is the default, which does two
// things more.
//
// It gives every page of a database file a checksum when it is written and compares it when it is
// read: SQLite itself would not notice a flipped byte inside a value. Files that were made without
// room for checksums (kChecksumBytes of "reserved space" on each page) are left alone. A page that
// has changed on the disk fails with SQLITE_IOERR_DATA. Log and journal have checksums of SQLite's
// own. The last bytes of page N: "skC1", then Crc32c(Crc32c of the page's bytes before it, N), both
// as little-endian numbers of 32 bits. Programs that do not know of them read the file as usual.
//
// A write-ahead log that is cut to nothing keeps its blocks, since a commit that makes a file
// longer takes the disk twice as long as one that writes over it. Its header and that of its first
// frame become zeros instead, so that to SQLite, and to CheckLog, nothing is in it: what follows
// bears the salts of before, and the next commit has others.
const char* DatabaseVfs();
constexpr int kChecksumBytes = 8;

// The page that failed last on this thread, counted from 1; 0: none has.
int64_t LastDamagedPage();

}  // namespace skerry::storage
