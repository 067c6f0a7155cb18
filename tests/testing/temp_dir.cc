#include "testing/temp_dir.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/check.h"

namespace skerry::testing {

TempDir::TempDir() : TempDir(std::filesystem::temp_directory_path().string()) {}

TempDir::TempDir(const std::string& parent) {
  const std::filesystem::path place = std::filesystem::is_directory(parent)
                                          ? std::filesystem::path(parent)
                                          : std::filesystem::temp_directory_path();
  std::string pattern = (place / "skerry-test-XXXXXX").string();
  SKERRY_CHECK(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::Write(const std::string& name, const std::string& contents) const {
  const std::string path = File(name);
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream out(path, std::ios::binary);
  out << contents;
  SKERRY_CHECK(out.good());
  return path;
}

}  // namespace skerry::testing
