#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/status.h"
#include "base/time.h"
#include "base/toml_reader.h"

namespace skerry::client {

// A program of the site's own that trains: one [trainer.NAME] table of agent.toml.
struct TrainerProgram {
  std::string name;
  std::vector<std::string> command;           // paths of files in it are absolute
  std::map<std::string, std::string> sha256;  // of files, by path: what the site's people approved
  std::map<std::string, std::string> environment;  // beside PATH, HOME, TMPDIR and LANG
  Duration time_limit = 1h;                        // of a task
  uint64_t memory_limit = 0;  // address space of each of its processes, in bytes; 0: none
};
using TrainerPrograms = std::map<std::string, TrainerProgram>;

// Reads all [trainer.NAME] tables. Elements of a command that name a file in `folder` become its
// path; the program itself is looked for in the usual folders too. Files that a command names, but
// for an interpreter in front of them, must have their SHA-256 in the table: what is missing is
// noted with TomlReader::Fail, and its hash in the hint.
TrainerPrograms ReadTrainers(TomlReader& toml, Files& files, const std::string& folder);

// Those of an agent.toml, or of a file that has nothing else.
Result<TrainerPrograms> LoadTrainers(Files& files, const std::string& path);

// PERMISSION_DENIED when a file is not the one that was approved: names it, as the last part of its
// path, and both hashes.
Status CheckApproved(Files& files, const TrainerProgram& program);

}  // namespace skerry::client
