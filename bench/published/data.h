#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <system_error>

namespace skerry::bench {

// The exit code of a table that had nothing to compare with; bench/published.sh knows it.
constexpr int kSkipped = 77;

// The folder of data that are not in the tree; empty when SKERRY_DATA is not set.
inline std::string DataFolder() {
  const char* folder = std::getenv("SKERRY_DATA");
  return folder == nullptr ? "" : folder;
}

// Nothing when `files` are all in the folder. Else the exit code, and why has been printed: without
// SKERRY_DATA the table is skipped; a folder that lacks a file is an error, for a mistyped path
// must not look like success.
inline std::optional<int> ExitWithoutData(std::initializer_list<const char*> files) {
  const std::string folder = DataFolder();
  if (folder.empty()) {
    std::printf("skipped: SKERRY_DATA is not set\n");
    return kSkipped;
  }
  for (const char* file : files) {
    std::error_code unreadable;  // is as good as missing
    const std::string path = folder + "/" + file;
    if (std::filesystem::is_regular_file(path, unreadable)) continue;
    std::fprintf(stderr,
                 "error: SKERRY_DATA is set, and there is no file %s\n"
                 "hint: set SKERRY_DATA to the folder that has %s, or unset it to skip what needs "
                 "it\n",
                 path.c_str(), file);
    return 1;
  }
  return std::nullopt;
}

}  // namespace skerry::bench
