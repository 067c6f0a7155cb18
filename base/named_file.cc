#include "base/named_file.h"

#include <filesystem>
#include <utility>
#include <vector>

#include "base/text.h"

namespace skerry {
namespace {

std::string NameIn(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Where relative paths begin, for a person who is elsewhere than she believes.
std::string Here() {
  std::error_code ignored;
  return std::filesystem::current_path(ignored).string();
}

}  // namespace

std::string HintForMissing(Files& files, const std::string& path) {
  const std::string folder = ParentDirectory(path);
  const Result<std::vector<std::string>> beside = files.List(folder);
  if (!beside.ok()) {
    return "there is no folder " + folder + (path.starts_with('/') ? "" : " in " + Here());
  }
  const std::string nearest = NearestName(NameIn(path), *beside);
  if (!nearest.empty()) return "did you mean " + ResolvePath(folder, nearest) + "?";
  return path.starts_with('/') ? "check the path" : "a relative path begins here, in " + Here();
}

Result<std::string> ReadNamedFile(Files& files, const std::string& path, std::string_view what) {
  Result<std::string> text = ReadFile(files, path);
  if (text.status().code() != Code::kNotFound) return text;
  return NotFound("there is no " + std::string(what) + " " + path)
      .WithHint(HintForMissing(files, path));
}

Status CheckFolderOf(Files& files, const std::string& path) {
  const std::string folder = ParentDirectory(path);
  if (files.List(folder).status().code() != Code::kNotFound) return OkStatus();
  return NotFound("folder " + folder + " does not exist").WithHint("mkdir -p " + folder);
}

Status MakeWritableFolder(Files& files, const std::string& path) {
  SKERRY_RETURN_IF_ERROR(files.MakeDirectories(path));
  const std::string probe = path + "/.skerry-can-write";
  const Status written = files.Open(probe, OpenMode::kCreate).status();
  static_cast<void>(files.Remove(probe).ok());
  if (written.ok()) return OkStatus();
  return Status(written.code(), "nothing can be written to the folder " + path + ": " +
                                    written.message().substr(written.message().rfind(": ") + 2))
      .WithHint("choose another folder, or let this user write there");
}

}  // namespace skerry
