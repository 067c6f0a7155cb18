#include "coordinator/backup_manifest.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"

namespace skerry::coordinator {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "skerry backup 1";

Status Damaged(const std::string& path, const std::string& how) {
  return DataLoss(path + " is damaged: " + how)
      .WithHint("use another backup; `skerry backup verify` tells whether one is good");
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool ParseDigest(const std::string& hex, crypto::Digest& out) {
  if (hex.size() != 2 * out.bytes.size()) return false;
  for (std::size_t i = 0; i < out.bytes.size(); ++i) {
    const int high = HexDigit(hex[2 * i]);
    const int low = HexDigit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out.bytes[i] = static_cast<char>(high << 4 | low);
  }
  return true;
}

// A manifest names files below its own directory, and nothing else.
bool IsSafePath(const std::string& path) {
  if (path.empty() || path.front() == '/') return false;
  for (const std::string& part : Split(path, '/')) {
    if (part.empty() || part == "." || part == "..") return false;
  }
  return path.find('\0') == std::string::npos;
}

// json throws when a value is missing or of another kind.
BackupManifest Parse(const json& from) {
  BackupManifest manifest;
  manifest.software_version = from.at("software_version").get<std::string>();
  manifest.created.unix_millis = from.at("created_unix_ms").get<int64_t>();
  manifest.coordinator_id = from.at("coordinator_id").get<std::string>();
  manifest.state_dir = from.at("state_dir").get<std::string>();
  for (const json& entry : from.at("files")) {
    BackupFile& file = manifest.files.emplace_back();
    file.path = entry.at("path").get<std::string>();
    file.size_bytes = entry.at("size_bytes").get<uint64_t>();
    if (!IsSafePath(file.path) ||
        !ParseDigest(entry.at("sha256").get<std::string>(), file.sha256)) {
      throw std::invalid_argument("the entry of \"" + file.path + "\"");
    }
  }
  for (const json& entry : from.at("runs")) {
    manifest.runs.push_back(
        {entry.at("run_id").get<std::string>(), entry.at("state").get<std::string>(),
         entry.at("rounds_committed").get<int64_t>(), entry.at("model_version").get<int64_t>()});
  }
  for (const json& entry : from.at("left_out")) {
    manifest.left_out.push_back(entry.get<std::string>());
  }
  return manifest;
}

}  // namespace

uint64_t BackupManifest::TotalBytes() const {
  uint64_t total = 0;
  for (const BackupFile& file : files) total += file.size_bytes;
  return total;
}

std::string ManifestJson(const BackupManifest& manifest) {
  json out = {{"format", kFormat},
              {"software_version", manifest.software_version},
              {"created_unix_ms", manifest.created.unix_millis},
              {"coordinator_id", manifest.coordinator_id},
              {"state_dir", manifest.state_dir},
              {"files", json::array()},
              {"runs", json::array()},
              {"left_out", manifest.left_out}};
  for (const BackupFile& file : manifest.files) {
    out["files"].push_back(
        {{"path", file.path}, {"size_bytes", file.size_bytes}, {"sha256", file.sha256.Hex()}});
  }
  for (const BackupRun& run : manifest.runs) {
    out["runs"].push_back({{"run_id", run.run_id},
                           {"state", run.state},
                           {"rounds_committed", run.rounds_committed},
                           {"model_version", run.model_version}});
  }
  return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Status WriteManifest(Files& files, const std::string& directory, const BackupManifest& manifest) {
  return PublishFile(files, directory + "/" + kManifestName, ManifestJson(manifest));
}

Result<BackupManifest> ReadManifest(Files& files, const std::string& directory) {
  const std::string path = directory + "/" + kManifestName;
  const Result<std::string> text = ReadFile(files, path);
  if (text.status().code() == Code::kNotFound) {
    return NotFound(directory + " is no finished backup: it has no " + kManifestName)
        .WithHint("skerry backup create makes one; its last step is this file");
  }
  if (!text.ok()) return text.status();
  const json parsed = json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object() || !parsed.contains("format") || !parsed["format"].is_string()) {
    return Damaged(path, "it is not a manifest");
  }
  const std::string format = parsed["format"].get<std::string>();
  if (format != kFormat) {
    return FailedPrecondition(path + " has the format \"" + format + "\"; this program knows \"" +
                              kFormat + "\"")
        .WithHint("use the release of Skerry that made the backup");
  }
  try {
    return Parse(parsed);
  } catch (const std::exception& error) {
    return Damaged(path, error.what());
  }
}

}  // namespace skerry::coordinator
