#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/status.h"
#include "skerry/v1/admin.pb.h"
#include "storage/safetensors.h"

namespace skerry::cli {

// The key of an exported model's metadata under which its manifest stands: what a person, or a
// program that knows nothing of Skerry, needs to use the model. It is JSON; docs/cli.md, "skerry
// model show", lists its fields. Runs with equal results have equal manifests.
constexpr const char* kManifestKey = "manifest";

// The manifest of a model as a coordinator keeps it. `rounds` are those of the run, from which it
// is known who took part. FAILED_PRECONDITION or DATA_LOSS: it is no model file that says what it
// is.
Result<std::string> MakeManifest(const File& model, const std::vector<v1::RoundSummary>& rounds);

// Whether `rounds` are all that led to this version: [keep] history_rounds may have removed some.
bool IsWholeHistory(const std::vector<v1::RoundSummary>& rounds, int64_t version);

// Copies the model in `from`, as a coordinator keeps it, to `to`, with its manifest in the header.
Status CopyWithManifest(const File& from, const std::vector<v1::RoundSummary>& rounds, File& to);

// A model file's manifest, and what else its header says, for a person.
Result<std::string> DescribeForPeople(const File& file, int width);
// The manifest alone, as JSON. FAILED_PRECONDITION: the file has none.
Result<std::string> ManifestOf(const File& file);

}  // namespace skerry::cli
