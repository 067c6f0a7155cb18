#pragma once

#include <string>

#include "base/status.h"

namespace skerry::storage {

// Whether the write-ahead log beside a database that nobody has open for writing still holds every
// commit that was synced. SQLite takes the first frame whose checksum does not fit for the end of
// the log, as after power loss, and forgets what follows: so a flipped byte would undo commits, and
// nobody would know. Here it is DATA_LOSS, which names the log, when
//   - frames after that one belong to a later commit, before which this one must have been synced,
//   or
//   - the index that the last process left behind (-shm) counts more frames.
// Only for a database whose every commit is synced, before this process opens it: closing a file
// lets go of the locks that the process's other connections have on it.
Status CheckLog(const std::string& database_path);

}  // namespace skerry::storage
