#include "client/external/trainer_program.h"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <utility>

#include "base/text.h"
#include "client/data/naming.h"
#include "crypto/sha256.h"

namespace skerry::client {
namespace {

bool IsFile(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

// Where the shell of a system without settings of its own looks.
std::string FindProgram(const std::string& name, const std::string& base) {
  if (name.find('/') != std::string::npos) return ResolvePath(base, name);
  if (const std::string here = ResolvePath(base, name); IsFile(here)) return here;
  for (const char* folder : {"/usr/local/bin/", "/usr/bin/", "/bin/"}) {
    if (IsFile(folder + name)) return folder + name;
  }
  return "";
}

Result<std::string> HashOf(Files& files, const std::string& path) {
  SKERRY_ASSIGN_OR_RETURN(const auto file, files.Open(path, OpenMode::kRead));
  crypto::Sha256Stream hash;
  std::string piece(std::size_t{1} << 20, '\0');
  for (uint64_t offset = 0;;) {
    SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file->ReadAt(offset, piece));
    hash.Update({piece.data(), n});
    if (n < piece.size()) return std::move(hash).Finish().Hex();
    offset += n;
  }
}

void ReadCommand(TomlReader& toml, const std::string& key, const std::string& base,
                 TrainerProgram& program) {
  program.command = toml.Strings(key + ".command");
  if (program.command.empty()) return toml.Fail(key + ".command", "is empty");
  std::string& first = program.command.front();
  const std::string found = FindProgram(first, base);
  if (found.empty()) toml.Fail(key + ".command", "there is no program \"" + first + "\"");
  if (!found.empty()) first = found;
  for (std::size_t i = 1; i < program.command.size(); ++i) {
    std::string& word = program.command[i];
    if (word.empty() || word.front() == '-') continue;
    if (const std::string path = ResolvePath(base, word); IsFile(path)) word = path;
  }
}

void ReadHashes(TomlReader& toml, const std::string& key, const std::string& base,
                TrainerProgram& program) {
  for (const std::string& file : toml.Keys(key + ".sha256")) {
    const std::string at = key + ".sha256." + file;
    std::string hash = toml.String(at);
    std::transform(hash.begin(), hash.end(), hash.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (hash.size() != 64 || hash.find_first_not_of("0123456789abcdef") != std::string::npos) {
      toml.Fail(at, "must be 64 hexadecimal digits, as sha256sum prints them");
    }
    program.sha256[ResolvePath(base, file)] = hash;
  }
}

// Whoever approves a trainer approves what it runs.
void CheckListed(TomlReader& toml, Files& files, const std::string& key,
                 const TrainerProgram& program) {
  std::vector<std::string> needed;
  for (std::size_t i = 1; i < program.command.size(); ++i) {
    if (IsFile(program.command[i])) needed.push_back(program.command[i]);
  }
  if (needed.empty() && !program.command.empty() && IsFile(program.command.front())) {
    needed.push_back(program.command.front());
  }
  for (const std::string& path : needed) {
    if (program.sha256.contains(path)) continue;
    const Result<std::string> hash = HashOf(files, path);
    toml.Fail(key + ".command", "runs " + path + ", which " + key + ".sha256 does not list",
              hash.ok() ? "read the file; if this site shall run it, add sha256.\"" +
                              FileName(path) + "\" = \"" + *hash + "\""
                        : hash.status().message());
  }
}

TrainerProgram ReadTrainer(TomlReader& toml, Files& files, const std::string& name,
                           const std::string& base) {
  const std::string key = "trainer." + name;
  TrainerProgram program;
  program.name = name;
  ReadCommand(toml, key, base, program);
  ReadHashes(toml, key, base, program);
  CheckListed(toml, files, key, program);
  for (const std::string& variable : toml.Keys(key + ".environment")) {
    program.environment[variable] = toml.String(key + ".environment." + variable);
  }
  program.time_limit = toml.Time(key + ".time_limit", program.time_limit);
  if (program.time_limit < 1s) toml.Fail(key + ".time_limit", "must be at least 1s");
  const int64_t memory = toml.Integer(key + ".memory_limit", 0);
  if (memory < 0) toml.Fail(key + ".memory_limit", "must not be negative; 0: no limit");
  program.memory_limit = static_cast<uint64_t>(std::max<int64_t>(memory, 0));
  return program;
}

}  // namespace

TrainerPrograms ReadTrainers(TomlReader& toml, Files& files, const std::string& folder) {
  const std::string base = std::filesystem::absolute(folder).lexically_normal().string();
  TrainerPrograms programs;
  for (const std::string& name : toml.Keys("trainer")) {
    if (!IsName(name)) {
      toml.Fail("trainer." + name, "a trainer's name is made of a-z, 0-9 and '-', 1 to 63 of them");
    }
    programs.emplace(name, ReadTrainer(toml, files, name, base));
  }
  return programs;
}

Result<TrainerPrograms> LoadTrainers(Files& files, const std::string& path) {
  SKERRY_ASSIGN_OR_RETURN(TomlReader toml, TomlReader::Load(files, path));
  TrainerPrograms programs = ReadTrainers(toml, files, ParentDirectory(path));
  if (programs.empty()) {
    toml.Fail("trainer", "there is no trainer", "add [trainer.NAME] with command and sha256");
  }
  for (const char* other : {"site", "tls", "data", "policy", "limits", "log"}) toml.Skip(other);
  SKERRY_RETURN_IF_ERROR(toml.Finish());
  return programs;
}

Status CheckApproved(Files& files, const TrainerProgram& program) {
  for (const auto& [path, approved] : program.sha256) {
    const Result<std::string> found = HashOf(files, path);
    if (!found.ok()) {
      return FailedPrecondition("a file of the trainer \"" + program.name +
                                "\" cannot be read: " + FileName(path))
          .WithHint(found.status().message());
    }
    if (*found == approved) continue;
    return PermissionDenied("this site's trainer \"" + program.name +
                            "\" is not the approved one: " + FileName(path) + " has SHA-256 " +
                            *found + "; trainer." + program.name + ".sha256 says " + approved)
        .WithHint("look at what changed in " + path +
                  "; then write the new hash into agent.toml, or bring the file back");
  }
  return OkStatus();
}

}  // namespace skerry::client
