#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/status.h"
#include "cli/admin_client.h"
#include "cli/output.h"
#include "skerry/v1/admin.pb.h"

namespace skerry::cli {

enum class ModelFormat { kSafetensors, kOnnx };

struct ExportRequest {
  v1::ExportModelRequest model;
  bool best = false;  // the version that [keep] best goes by, instead of that which `model` names
  std::string out;
  ModelFormat format = ModelFormat::kSafetensors;
};

// Writes a model of a run to a file, with its manifest; what there is to say about it. The file is
// there whole or not at all. FAILED_PRECONDITION: the best is wanted, and no version was evaluated.
Result<std::string> ExportModel(AdminClient& client, const ExportRequest& request, Format output);

// The version that [keep] best goes by. FAILED_PRECONDITION: none was evaluated. `run` has all
// rounds.
Result<int64_t> BestVersion(const v1::ShowRunReply& run);

// An exported safetensors file as ONNX, without a coordinator.
Result<std::string> ConvertModel(const std::string& from, const std::string& out, Format output);

// A model as a coordinator keeps it as the bytes of a file for others.
Result<std::string> ModelFileOf(const File& model, const std::vector<v1::RoundSummary>& rounds);

}  // namespace skerry::cli
