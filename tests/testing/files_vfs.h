#pragma once

#include <string>

#include "base/files.h"

namespace skerry::testing {

// Makes SQLite keep its databases in skerry::Files instead of the operating system's, for every
// database that this process opens while the object lives: so that what befalls Files befalls
// databases too. Several connections to a file share its log as connections of one process do. One
// object at a time, one thread.
class FilesVfs {
 public:
  FilesVfs();
  ~FilesVfs();
  FilesVfs(const FilesVfs&) = delete;
  FilesVfs& operator=(const FilesVfs&) = delete;

  // Databases below `directory` that are opened from now on are in `files`; null: none can be.
  void Mount(const std::string& directory, Files* files);
};

}  // namespace skerry::testing
