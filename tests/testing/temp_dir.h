#pragma once

#include <string>

namespace skerry::testing {

// A fresh directory that is removed, with all that is in it, when the object goes.
class TempDir {
 public:
  TempDir();
  // Below `parent`, or where temporary files belong when there is no such directory.
  explicit TempDir(const std::string& parent);
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }
  // Writes a file below the directory and returns its path.
  std::string Write(const std::string& name, const std::string& contents) const;

 private:
  std::string path_;
};

}  // namespace skerry::testing
