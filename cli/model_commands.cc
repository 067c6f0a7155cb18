#include <CLI/CLI.hpp>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/named_file.h"
#include "base/report.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/model_evaluation.h"
#include "cli/render/progress.h"
#include "crypto/sha256.h"
#include "rpc/chunks.h"
#include "simulation/sites.h"

namespace skerry::cli {
namespace {

// Takes a model's chunks into a temporary file, and gives it its name when all is there.
class ModelWriter {
 public:
  ModelWriter(std::string path, Progress& progress) : path_(std::move(path)), progress_(progress) {}

  Status Take(const v1::ExportModelReply& message) {
    if (message.has_model()) {
      model_ = message.model();
      SKERRY_ASSIGN_OR_RETURN(file_, files_.Open(path_ + ".tmp", OpenMode::kCreate));
    }
    if (!message.has_chunk()) return OkStatus();
    if (file_ == nullptr) return Internal("the coordinator sent a chunk before the model's name");
    SKERRY_RETURN_IF_ERROR(rpc::CheckChunk(message.chunk(), stored_, model_.size_bytes()));
    SKERRY_RETURN_IF_ERROR(file_->WriteAt(stored_, message.chunk().data()));
    sha256_.Update(message.chunk().data());
    stored_ += message.chunk().data().size();
    progress_.Update("version " + std::to_string(model_.version()), static_cast<int64_t>(stored_),
                     static_cast<int64_t>(model_.size_bytes()), FormatBytes(stored_));
    return OkStatus();
  }

  // What there is to say about it.
  Result<std::string> Finish(Format format) {
    if (file_ == nullptr || stored_ != model_.size_bytes())
      return DataLoss("the model is incomplete");
    SKERRY_RETURN_IF_ERROR(file_->Sync());
    SKERRY_RETURN_IF_ERROR(files_.Rename(path_ + ".tmp", path_));
    progress_.Finish();
    const std::string sha256 = std::move(sha256_).Finish().Hex();
    if (format == Format::kJson) return ModelJson(path_, model_, sha256);
    return path_ + "\nrun " + model_.run_id() + ", version " + std::to_string(model_.version()) +
           ", " + FormatBytes(stored_) + "\nsha256 " + sha256 + "\n";
  }

 private:
  const std::string path_;
  Progress& progress_;
  PosixFiles files_;
  v1::ModelRef model_;
  std::unique_ptr<File> file_;
  uint64_t stored_ = 0;
  crypto::Sha256Stream sha256_;
};

int Export(const GlobalOptions& options, const v1::ExportModelRequest& request,
           const std::string& path) {
  PosixFiles files;
  if (const Status folder = CheckFolderOf(files, path); !folder.ok()) return ReportError(folder);
  const auto client = AdminClient::Connect(options.address);
  if (!client.ok()) return ReportError(client.status());
  SystemClock clock;
  Progress progress(clock);
  ModelWriter writer(path, progress);
  const Status taken = (*client)->ExportModel(
      request, [&](const v1::ExportModelReply& message) { return writer.Take(message); });
  const Result<std::string> text = taken.ok() ? writer.Finish(options.output()) : taken;
  if (!text.ok()) return ReportError(text.status());
  std::fputs(text->c_str(), stdout);
  return 0;
}

struct EvaluateOptions {
  std::string run_file;
  std::string sites;
  std::vector<std::string> models;  // NAME=PATH
};

Result<std::string> Evaluate(const EvaluateOptions& options, Format format) {
  PosixFiles files;
  SKERRY_ASSIGN_OR_RETURN(const std::string text,
                          ReadNamedFile(files, options.run_file, "run file"));
  SKERRY_ASSIGN_OR_RETURN(const coordinator::RunPlan plan,
                          coordinator::ParseRunFile(text, options.run_file));
  const bool given = !options.sites.empty();
  SKERRY_ASSIGN_OR_RETURN(const auto sites,
                          given ? simulation::SitesFromFiles(options.sites, ".")
                                : simulation::SitesOfRunFile(plan, options.run_file));
  std::vector<NamedModel> models;
  for (const std::string& model : options.models) {
    const std::size_t equals = model.find('=');
    const bool named = equals != std::string::npos;
    models.push_back(
        {named ? model.substr(0, equals) : model, named ? model.substr(equals + 1) : model});
  }
  SKERRY_ASSIGN_OR_RETURN(const Comparison comparison, CompareModels(plan, sites, models));
  return format == Format::kJson ? ComparisonJson(comparison) : ComparisonText(comparison);
}

}  // namespace

void AddModelCommands(CLI::App& app, GlobalOptions& options, Action& action) {
  CLI::App* noun = app.add_subcommand("model", "Export models, and see how good they are");
  noun->require_subcommand(1);

  auto request = std::make_shared<v1::ExportModelRequest>();
  auto run_id = std::make_shared<std::string>();
  auto version = std::make_shared<int64_t>(-1);
  auto out = std::make_shared<std::string>("model.safetensors");
  CLI::App* exporting = noun->add_subcommand("export", "Write a run's model to a safetensors file");
  exporting->footer("Example:\n  skerry model export latest --out model.safetensors");
  AddAdminOptions(*exporting, options);
  exporting->add_option("run", *run_id, "the run, or \"latest\"")->required();
  exporting->add_option("--out", *out, "the file")->capture_default_str();
  exporting->add_option("--version", *version, "of the model; -1: the newest")
      ->check(CLI::Range(int64_t{-1}, std::numeric_limits<int64_t>::max()))
      ->type_name("INT")
      ->capture_default_str();
  exporting->callback([&options, &action, request, run_id, version, out] {
    request->set_run_id(*run_id);
    request->set_version(*version);
    action = [&options, request, out] { return Export(options, *request, *out); };
  });

  auto evaluate = std::make_shared<EvaluateOptions>();
  CLI::App* evaluating = noun->add_subcommand(
      "evaluate", "Compare models on the test rows of each site, split as the run file says");
  evaluating->footer(
      "Example:\n"
      "  skerry model evaluate run.toml --sites data local=out/local-{site}.safetensors \\\n"
      "      federated=out/model.safetensors\n"
      "{site} in a path stands for a site's name: then each site has its own model.");
  AddFormatOption(*evaluating, options);
  evaluating->add_option("run.toml", evaluate->run_file, "the run file")->required();
  evaluating->add_option("models", evaluate->models, "NAME=FILE, one or more")->required();
  evaluating->add_option(
      "--sites", evaluate->sites,
      "a folder, file or glob of CSV files; default: the run file's [simulation]");
  evaluating->callback([&options, &action, evaluate] {
    action = [&options, evaluate]() -> int {
      const Result<std::string> text = Evaluate(*evaluate, options.output());
      if (!text.ok()) return ReportError(text.status());
      std::fputs(text->c_str(), stdout);
      return 0;
    };
  });
}

}  // namespace skerry::cli
