#include "cli/model_export.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes_file.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "cli/model_manifest.h"
#include "cli/render/progress.h"
#include "client/described_model.h"
#include "coordinator/retention.h"
#include "coordinator/run_plan.h"
#include "crypto/content_hash.h"
#include "crypto/sha256.h"
#include "learning/onnx/export.h"
#include "rpc/chunks.h"

namespace skerry::cli {
namespace {

// A file that is gone when this is, unless it has got its name.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (file_ != nullptr) static_cast<void>(files_.Remove(path_));
  }

  Status Make() {
    SKERRY_ASSIGN_OR_RETURN(file_, files_.Open(path_, OpenMode::kCreate));
    return OkStatus();
  }
  // Null before Make().
  File* file() const { return file_.get(); }
  Status Publish(const std::string& path) {
    SKERRY_RETURN_IF_ERROR(file_->Sync());
    SKERRY_RETURN_IF_ERROR(files_.Rename(path_, path));
    file_.reset();
    return OkStatus();
  }

 private:
  const std::string path_;
  PosixFiles files_;
  std::unique_ptr<File> file_;
};

// Takes a model's chunks into a file.
class ModelTaker {
 public:
  ModelTaker(TemporaryFile& to, Progress& progress) : to_(to), progress_(progress) {}

  Status Take(const v1::ExportModelReply& message) {
    if (message.has_model()) {
      model_ = message.model();
      SKERRY_RETURN_IF_ERROR(to_.Make());
    }
    if (!message.has_chunk()) return OkStatus();
    if (to_.file() == nullptr)
      return Internal("the coordinator sent a chunk before the model's name");
    SKERRY_RETURN_IF_ERROR(rpc::CheckChunk(message.chunk(), stored_, model_.size_bytes()));
    SKERRY_RETURN_IF_ERROR(to_.file()->WriteAt(stored_, message.chunk().data()));
    stored_ += message.chunk().data().size();
    progress_.Update("version " + std::to_string(model_.version()), static_cast<int64_t>(stored_),
                     static_cast<int64_t>(model_.size_bytes()), FormatBytes(stored_));
    return OkStatus();
  }

  Result<v1::ModelRef> Finish() {
    if (to_.file() == nullptr || stored_ != model_.size_bytes())
      return DataLoss("the model is incomplete");
    SKERRY_ASSIGN_OR_RETURN(const crypto::Digest hash,
                            crypto::ContentHashOf(crypto::kFileHeader, *to_.file()));
    if (hash.view() != model_.content_hash()) {
      return DataLoss("the model is not the one that the coordinator named")
          .WithHint("export it again");
    }
    progress_.Finish();
    return model_;
  }

 private:
  TemporaryFile& to_;
  Progress& progress_;
  v1::ModelRef model_;
  uint64_t stored_ = 0;
};

// Of a file of any size, read once more.
Result<crypto::Digest> Sha256Of(const File& file) {
  crypto::Sha256Stream sha256;
  std::vector<char> piece(std::size_t{1} << 20);
  for (uint64_t offset = 0;;) {
    SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file.ReadAt(offset, piece));
    sha256.Update({piece.data(), n});
    offset += n;
    if (n < piece.size()) return std::move(sha256).Finish();
  }
}

// Its parameters as ONNX, with the metadata that the safetensors file has.
Status WriteOnnx(const File& model, const std::string& manifest, File& to) {
  SKERRY_ASSIGN_OR_RETURN(const client::DescribedModel described,
                          client::ReadDescribedModel(model));
  SKERRY_ASSIGN_OR_RETURN(
      const std::string bytes,
      learning::ToOnnx({described.spec, *described.model, described.loaded.transform,
                        described.loaded.parameters},
                       {{"run", described.spec.name()},
                        {"round", std::to_string(described.version)},
                        {kManifestKey, manifest}}));
  return to.WriteAt(0, bytes);
}

Status Write(const File& model, const std::vector<v1::RoundSummary>& rounds, ModelFormat format,
             File& to) {
  if (format == ModelFormat::kSafetensors) return CopyWithManifest(model, rounds, to);
  SKERRY_ASSIGN_OR_RETURN(const std::string manifest, MakeManifest(model, rounds));
  return WriteOnnx(model, manifest, to);
}

// Gives the file its name; what there is to say about it.
Result<std::string> Publish(TemporaryFile& made, const std::string& out, v1::ModelRef model,
                            Format output) {
  SKERRY_ASSIGN_OR_RETURN(const crypto::Digest sha256, Sha256Of(*made.file()));
  SKERRY_ASSIGN_OR_RETURN(const uint64_t size_bytes, made.file()->Size());
  SKERRY_RETURN_IF_ERROR(made.Publish(out));
  model.set_size_bytes(size_bytes);
  if (output == Format::kJson) return ModelJson(out, model, sha256.Hex());
  return out + "\nrun " + model.run_id() + ", version " + std::to_string(model.version()) + ", " +
         FormatBytes(size_bytes) + "\nsha256 " + sha256.Hex() + "\n";
}

}  // namespace

// By the same rule by which the coordinator keeps it.
Result<int64_t> BestVersion(const v1::ShowRunReply& run) {
  SKERRY_ASSIGN_OR_RETURN(const coordinator::RunPlan plan,
                          coordinator::ParseRunFile(run.run_file(), run.run().run_id()));
  coordinator::Scores scores;
  for (const v1::RoundSummary& round : run.rounds()) {
    if (round.phase() != "committed") continue;
    std::vector<learning::Metric> metrics;
    for (const v1::Metric& metric : round.metrics()) {
      if (metric.site().empty()) metrics.push_back({metric.name(), metric.value(), 0, 0});
    }
    coordinator::RememberScore(plan.spec, round.base_version(), metrics, scores);
  }
  const auto best = std::max_element(
      scores.begin(), scores.end(),
      [](const auto& one, const auto& other) { return one.second < other.second; });
  if (best != scores.end()) return best->first;
  return FailedPrecondition("no version of run " + run.run().run_id() + " has been evaluated")
      .WithHint("without --best it is the newest that is exported");
}

Result<std::string> ExportModel(AdminClient& client, const ExportRequest& request, Format output) {
  v1::ShowRunRequest show;
  show.set_run_id(request.model.run_id());
  SKERRY_ASSIGN_OR_RETURN(const v1::ShowRunReply run, client.ShowRun(show));
  const std::vector<v1::RoundSummary> rounds(run.rounds().begin(), run.rounds().end());
  v1::ExportModelRequest wanted = request.model;
  wanted.set_run_id(run.run().run_id());
  // Of a run that goes on, the version that the rounds above tell of.
  if (wanted.version() < 0) wanted.set_version(run.run().model_version());
  if (request.best) {
    SKERRY_ASSIGN_OR_RETURN(const int64_t best, BestVersion(run));
    wanted.set_version(best);
  }
  SystemClock clock;
  Progress progress(clock);
  TemporaryFile taken(request.out + ".part");
  ModelTaker taker(taken, progress);
  SKERRY_RETURN_IF_ERROR(client.ExportModel(
      wanted, [&](const v1::ExportModelReply& message) { return taker.Take(message); }));
  SKERRY_ASSIGN_OR_RETURN(v1::ModelRef model, taker.Finish());
  TemporaryFile made(request.out + ".tmp");
  SKERRY_RETURN_IF_ERROR(made.Make());
  SKERRY_RETURN_IF_ERROR(Write(*taken.file(), rounds, request.format, *made.file()));
  return Publish(made, request.out, std::move(model), output);
}

Result<std::string> ConvertModel(const std::string& from, const std::string& out, Format output) {
  PosixFiles files;
  SKERRY_ASSIGN_OR_RETURN(const auto model, files.Open(from, OpenMode::kRead));
  TemporaryFile made(out + ".tmp");
  SKERRY_RETURN_IF_ERROR(made.Make());
  const auto write = [&]() -> Status {
    SKERRY_ASSIGN_OR_RETURN(const std::string manifest, ManifestOf(*model));
    return WriteOnnx(*model, manifest, *made.file());
  };
  SKERRY_RETURN_IF_ERROR(write().WithContext(from));
  SKERRY_ASSIGN_OR_RETURN(const client::ModelDescription description,
                          client::DescribeModel(*model));
  v1::ModelRef ref;
  ref.set_run_id(description.spec.name());
  ref.set_version(description.version);
  return Publish(made, out, std::move(ref), output);
}

Result<std::string> ModelFileOf(const File& model, const std::vector<v1::RoundSummary>& rounds) {
  BytesFile made;
  SKERRY_RETURN_IF_ERROR(CopyWithManifest(model, rounds, made));
  return made.bytes();
}

}  // namespace skerry::cli
