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
// A log that begins with four zeros was emptied (DatabaseVfs), and nothing is missing.
// Only for a database whose every commit is synced, before this process opens it: closing a file
// lets go of the locks that the process's other connections have on it.
Status CheckLog(const std::string& database_path);

// Removes what is left of a log that was emptied, under the same conditions: a header that is torn
// above old frames, because two writes failed, would be taken for a damaged one. An error of the
// disk, by the name of the log.
Status CutEmptiedLog(const std::string& database_path);

}  // namespace skerry::storage
