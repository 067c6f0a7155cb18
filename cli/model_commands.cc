#include <CLI/CLI.hpp>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/named_file.h"
#include "base/report.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/model_card.h"
#include "cli/model_evaluation.h"
#include "cli/model_export.h"
#include "cli/model_manifest.h"
#include "cli/model_prediction.h"
#include "cli/render/table.h"
#include "client/described_model.h"
#include "simulation/sites.h"

namespace skerry::cli {
namespace {

int Print(const Result<std::string>& text) {
  if (!text.ok()) return ReportError(text.status());
  std::fputs(text->c_str(), stdout);
  return 0;
}

// "--format onnx" says what is written, "--format json" how the command answers; without either the
// file's name decides.
ModelFormat FormatOf(const std::string& format, const std::string& out) {
  if (format == "onnx") return ModelFormat::kOnnx;
  return format != "safetensors" && out.ends_with(".onnx") ? ModelFormat::kOnnx
                                                           : ModelFormat::kSafetensors;
}

int Export(const GlobalOptions& options, const ExportRequest& request) {
  PosixFiles files;
  if (const Status folder = CheckFolderOf(files, request.out); !folder.ok())
    return ReportError(folder);
  const std::string& run = request.model.run_id();
  if (run.ends_with(".safetensors")) {
    if (request.best || request.model.version() >= 0) {
      return ReportError(InvalidArgument(run + " holds one version of a model")
                             .WithHint("leave --version and --best out, or name the run"));
    }
    if (request.format == ModelFormat::kOnnx)
      return Print(ConvertModel(run, request.out, options.output()));
    return ReportError(InvalidArgument(run + " is a safetensors file already")
                           .WithHint("to convert it: --out model.onnx"));
  }
  const auto client = AdminClient::Connect(options.address);
  if (!client.ok()) return ReportError(client.status());
  return Print(ExportModel(**client, request, options.output()));
}

Result<std::unique_ptr<File>> OpenModel(Files& files, const std::string& path) {
  Result<std::unique_ptr<File>> opened = files.Open(path, OpenMode::kRead);
  if (opened.status().code() == Code::kNotFound) {
    return NotFound("there is no model " + path).WithHint(HintForMissing(files, path));
  }
  return opened;
}

Result<std::string> ShowModel(const std::string& path, Format format) {
  PosixFiles files;
  SKERRY_ASSIGN_OR_RETURN(const auto file, OpenModel(files, path));
  Result<std::string> text =
      format == Format::kJson ? ManifestOf(*file) : DescribeForPeople(*file, OutputWidth());
  if (!text.ok()) return std::move(text).status().WithContext(path);
  return text;
}

struct PredictOptions {
  std::string model;
  PredictionRequest request;
  std::string out;  // empty: standard output
};

// What goes to standard output.
Result<std::string> PredictRows(const PredictOptions& options) {
  PosixFiles files;
  if (!options.out.empty()) SKERRY_RETURN_IF_ERROR(CheckFolderOf(files, options.out));
  SKERRY_ASSIGN_OR_RETURN(const auto file, OpenModel(files, options.model));
  Result<client::DescribedModel> model = client::ReadDescribedModel(*file);
  if (!model.ok()) return std::move(model).status().WithContext(options.model);
  SKERRY_ASSIGN_OR_RETURN(Predictions predictions, Predict(*model, options.request));
  if (predictions.num_without > 0) {
    std::fprintf(stderr,
                 "note: %lld of %lld rows have a missing cell and get no prediction: the run left "
                 "such rows out (missing = \"drop\")\n",
                 static_cast<long long>(predictions.num_without),
                 static_cast<long long>(predictions.num_rows));
  }
  if (options.out.empty()) return std::move(predictions.csv);
  SKERRY_RETURN_IF_ERROR(PublishFile(files, options.out, predictions.csv));
  return options.out + "\n" + std::to_string(predictions.num_rows) + " rows, version " +
         std::to_string(model->version) + " of run " + model->spec.name() + "\n";
}

struct CardOptions {
  std::string run_id;
  int64_t version = -1;
  bool best = false;
  std::string out = "card.md";
};

Result<std::string> WriteCard(const GlobalOptions& options, const CardOptions& card_options) {
  PosixFiles files;
  const std::string& out = card_options.out;
  SKERRY_RETURN_IF_ERROR(CheckFolderOf(files, out));
  SKERRY_ASSIGN_OR_RETURN(const auto client, AdminClient::Connect(options.address));
  v1::ShowRunRequest request;
  request.set_run_id(card_options.run_id);
  SKERRY_ASSIGN_OR_RETURN(const v1::ShowRunReply run, client->ShowRun(request));
  int64_t version = card_options.version;
  if (card_options.best) {
    SKERRY_ASSIGN_OR_RETURN(version, BestVersion(run));
  }
  SKERRY_ASSIGN_OR_RETURN(const std::string card, ModelCard(run, version));
  SKERRY_RETURN_IF_ERROR(PublishFile(files, out, card));
  if (options.output() == Format::kJson) return FilesJson(run.run().run_id(), {out});
  return out + "\n";
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

// Which version of a run's model is meant.
void AddVersionOptions(CLI::App& verb, int64_t& version, bool& best) {
  verb.add_option("--version", version, "of the model; -1: the newest")
      ->check(CLI::Range(int64_t{-1}, std::numeric_limits<int64_t>::max()))
      ->type_name("INT")
      ->capture_default_str();
  verb.add_flag("--best", best,
                "the best version by [evaluation] best_metric, or what stands in for it")
      ->excludes("--version");
}

void AddExport(CLI::App& noun, GlobalOptions& options, Action& action) {
  auto request = std::make_shared<ExportRequest>();
  request->out = "model.safetensors";
  auto run_id = std::make_shared<std::string>();
  auto version = std::make_shared<int64_t>(-1);
  CLI::App* verb = noun.add_subcommand("export", "Write a run's model to a file");
  verb->footer(
      "Examples:\n"
      "  skerry model export latest --out model.safetensors\n"
      "  skerry model export latest --out model.onnx     with its preprocessing inside\n"
      "  skerry model export out/model.safetensors --out model.onnx");
  AddAddressOptions(*verb, options);
  verb->add_option("--format", options.format,
                   "of the file: safetensors or onnx (default: by its name); of the answer: text "
                   "or json")
      ->check(CLI::IsMember({"text", "json", "safetensors", "onnx"}));
  verb->add_option("run", *run_id, "the run, or \"latest\"; or a safetensors file, to convert it")
      ->required();
  verb->add_option("--out", request->out, "the file")->capture_default_str();
  AddVersionOptions(*verb, *version, request->best);
  verb->callback([&options, &action, request, run_id, version] {
    request->model.set_run_id(*run_id);
    request->model.set_version(*version);
    request->format = FormatOf(options.format, request->out);
    action = [&options, request] { return Export(options, *request); };
  });
}

void AddShow(CLI::App& noun, GlobalOptions& options, Action& action) {
  auto path = std::make_shared<std::string>();
  CLI::App* verb =
      noun.add_subcommand("show", "What an exported model is: its manifest, for people");
  verb->footer("Example:\n  skerry model show model.safetensors");
  AddFormatOption(*verb, options);
  verb->add_option("file", *path, "the model")->required();
  verb->callback([&options, &action, path] {
    action = [&options, path] { return Print(ShowModel(*path, options.output())); };
  });
}

void AddPredict(CLI::App& noun, Action& action) {
  auto predict = std::make_shared<PredictOptions>();
  CLI::App* verb = noun.add_subcommand("predict", "What a model says about rows of a CSV file");
  verb->footer(
      "Example:\n"
      "  skerry model predict model.safetensors --data new.csv --id patient --out predictions.csv");
  verb->add_option("model", predict->model, "a file of: skerry model export")->required();
  verb->add_option("--data", predict->request.data, "rows with the columns of the run")->required();
  verb->add_option("--id", predict->request.id,
                   "a column that names the rows in the output; default: their number");
  verb->add_option("--out", predict->out, "the file; default: standard output");
  verb->callback(
      [&action, predict] { action = [predict] { return Print(PredictRows(*predict)); }; });
}

void AddCard(CLI::App& noun, GlobalOptions& options, Action& action) {
  auto card = std::make_shared<CardOptions>();
  CLI::App* verb =
      noun.add_subcommand("card", "Write what is to be known about a run's model, as Markdown");
  verb->footer(
      "Examples:\n"
      "  skerry model card latest --out card.md\n"
      "  skerry model card latest --best           of the version that model export --best writes");
  AddAdminOptions(*verb, options);
  verb->add_option("run", card->run_id, "the run, or \"latest\"")->required();
  verb->add_option("--out", card->out, "the file")->capture_default_str();
  AddVersionOptions(*verb, card->version, card->best);
  verb->callback([&options, &action, card] {
    action = [&options, card] { return Print(WriteCard(options, *card)); };
  });
}

void AddEvaluate(CLI::App& noun, GlobalOptions& options, Action& action) {
  auto evaluate = std::make_shared<EvaluateOptions>();
  CLI::App* verb = noun.add_subcommand(
      "evaluate", "Compare models on the test rows of each site, split as the run file says");
  verb->footer(
      "Example:\n"
      "  skerry model evaluate run.toml --sites data local=out/local-{site}.safetensors \\\n"
      "      federated=out/model.safetensors\n"
      "{site} in a path stands for a site's name: then each site has its own model.");
  AddFormatOption(*verb, options);
  verb->add_option("run.toml", evaluate->run_file, "the run file")->required();
  verb->add_option("models", evaluate->models, "NAME=FILE, one or more")->required();
  verb->add_option("--sites", evaluate->sites,
                   "a folder, file or glob of CSV files; default: the run file's [simulation]");
  verb->callback([&options, &action, evaluate] {
    action = [&options, evaluate] { return Print(Evaluate(*evaluate, options.output())); };
  });
}

}  // namespace

void AddModelCommands(CLI::App& app, GlobalOptions& options, Action& action) {
  CLI::App* noun =
      app.add_subcommand("model", "Export models, use them, and see how good they are");
  noun->require_subcommand(1);
  AddExport(*noun, options, action);
  AddShow(*noun, options, action);
  AddPredict(*noun, action);
  AddCard(*noun, options, action);
  AddEvaluate(*noun, options, action);
}

}  // namespace skerry::cli
