#pragma once

#include <string>
#include <string_view>

#include "base/files.h"
#include "base/status.h"

namespace skerry {

// Reads a file that a person named; `what` says what it should be: "run file". NOT_FOUND comes with
// a hint: the name beside it that was perhaps meant, the folder that is not there, or where a
// relative path begins.
Result<std::string> ReadNamedFile(Files& files, const std::string& path, std::string_view what);
// The hint alone, for a path that is not there.
std::string HintForMissing(Files& files, const std::string& path);

// OK when a file may be made at `path`: its folder is there. NOT_FOUND names the folder.
Status CheckFolderOf(Files& files, const std::string& path);

// Makes a folder that a person named, and writes to it and removes that again. The error names the
// folder, not a file in it.
Status MakeWritableFolder(Files& files, const std::string& path);

}  // namespace skerry
