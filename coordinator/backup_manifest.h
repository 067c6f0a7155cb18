#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/status.h"
#include "crypto/digest.h"

namespace skerry::coordinator {

// One file of a backup.
struct BackupFile {
  std::string
      path;  // below the backup, and below the state directory: "runs/icu-1/model-7.safetensors"
  uint64_t size_bytes = 0;
  crypto::Digest sha256;  // of its bytes, as `sha256sum` prints it
};

// Where one run stood.
struct BackupRun {
  std::string run_id;
  std::string state;
  int64_t rounds_committed = 0;
  int64_t model_version = -1;
};

// What a backup holds: DIRECTORY/manifest.json, written last, so that a backup without one is not
// finished.
struct BackupManifest {
  std::string software_version;
  WallTime created;
  std::string coordinator_id;
  std::string state_dir;  // as it was named
  std::vector<BackupFile> files;
  std::vector<BackupRun> runs;
  std::vector<std::string> left_out;  // files that are named but were damaged: which, and why

  uint64_t TotalBytes() const;
};

constexpr const char* kManifestName = "manifest.json";

std::string ManifestJson(const BackupManifest& manifest);
// Syncs it.
Status WriteManifest(Files& files, const std::string& directory, const BackupManifest& manifest);
// NOT_FOUND: there is no backup, or an unfinished one. DATA_LOSS: the manifest is damaged.
// FAILED_PRECONDITION: it is of a newer format.
Result<BackupManifest> ReadManifest(Files& files, const std::string& directory);

}  // namespace skerry::coordinator
