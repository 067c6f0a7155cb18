// Simulates a run over images, and says after every round how many images of another file the new
// version gets right: a line of JSON each.
//
//   mnist_rounds RUN_FILE TEST_IMAGES TEST_LABELS [TARGET]
//
// The sites are those of [simulation.idx]. With TARGET, a share, the run ends where it is reached.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "base/files.h"
#include "base/memory_files.h"
#include "base/version.h"
#include "client/data/site_data.h"
#include "client/evaluation.h"
#include "client/model_file.h"
#include "learning/setup.h"
#include "simulation/simulator.h"
#include "simulation/sites.h"

namespace skerry {
namespace {

// Images that no site has, and a model that is asked about them.
class Examination {
 public:
  static Result<Examination> Open(const coordinator::RunPlan& plan, const std::string& images,
                                  const std::string& labels) {
    PosixFiles files;
    client::DataSource source;
    source.name = plan.spec.data().source();
    source.idx.images = images;
    source.idx.labels = labels;
    source.idx.divisor = plan.simulation.idx.divisor;
    v1::DataSpec spec = plan.spec.data();
    spec.clear_split();  // all rows
    Examination examination;
    SKERRY_ASSIGN_OR_RETURN(const auto table,
                            client::ReadTable(files, source, client::SiteData::Columns(spec)));
    SKERRY_ASSIGN_OR_RETURN(client::SiteData data,
                            client::SiteData::Create(*table, spec, spec.source()));
    examination.data_ = std::make_unique<client::SiteData>(std::move(data));
    SKERRY_ASSIGN_OR_RETURN(
        examination.model_,
        learning::MakeModel(plan.spec.model(),
                            static_cast<int64_t>(learning::FeatureColumns(spec).size()),
                            spec.label_classes_size()));
    return examination;
  }

  // The share of right answers.
  Result<double> Examine(const std::string& version) {
    MemoryFiles files;
    SKERRY_RETURN_IF_ERROR(PublishFile(files, "model", version));
    SKERRY_ASSIGN_OR_RETURN(const auto file, files.Open("model", OpenMode::kRead));
    SKERRY_ASSIGN_OR_RETURN(const client::LoadedModel loaded,
                            client::LoadModel(*file, model_->parameters(),
                                              static_cast<std::size_t>(model_->num_features())));
    if (rows_.rows == 0 || !(transform_ == loaded.transform)) {
      transform_ = loaded.transform;
      rows_ = data_->Prepare(client::SplitPart::kTrain, transform_);
    }
    SKERRY_ASSIGN_OR_RETURN(const learning::EvaluationSums sums,
                            client::EvaluateRows<float>(*model_, loaded.parameters, rows_, {}));
    return static_cast<double>(sums.num_correct) / static_cast<double>(sums.num_examples);
  }

 private:
  Examination() = default;

  std::unique_ptr<client::SiteData> data_;
  std::unique_ptr<learning::Model> model_;
  learning::InputTransform transform_;
  learning::Dataset rows_;
};

Status Run(const std::string& run_file, const std::string& images, const std::string& labels,
           double target) {
  PosixFiles files;
  SKERRY_ASSIGN_OR_RETURN(const std::string text, ReadFile(files, run_file));
  simulation::SimulationOptions options;
  SKERRY_ASSIGN_OR_RETURN(options.plan, coordinator::ParseRunFile(text, run_file));
  SKERRY_ASSIGN_OR_RETURN(options.sites, simulation::SitesOfRunFile(options.plan, run_file));
  SKERRY_ASSIGN_OR_RETURN(Examination examination, Examination::Open(options.plan, images, labels));
  options.num_threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  options.version = kVersion;
  Status failure;
  double best = 0;
  options.on_model = [&](int64_t version, const std::string& model) {
    const Result<double> right = examination.Examine(model);
    if (!right.ok()) return void(failure = right.status());
    best = std::max(best, *right);
    std::printf("{\"round\": %lld, \"accuracy\": %.4f}\n", static_cast<long long>(version), *right);
    std::fflush(stdout);
  };
  options.on_round = [&](const v1::RunSummary&, const v1::RoundSummary&) {
    return failure.ok() && best < target;
  };
  SKERRY_ASSIGN_OR_RETURN(const simulation::SimulationResult result,
                          simulation::Simulate(std::move(options)));
  for (const std::string& line : result.failures) std::fprintf(stderr, "%s\n", line.c_str());
  SKERRY_RETURN_IF_ERROR(failure);
  const bool ended = result.run.state() == "completed" || best >= target;
  return ended ? OkStatus() : Internal(result.run.state() + ": " + result.run.reason());
}

}  // namespace
}  // namespace skerry

int main(int argc, char** argv) {
  skerry::learning::FixKernels();
  if (argc < 4 || argc > 5) {
    std::fprintf(stderr, "usage: mnist_rounds RUN_FILE TEST_IMAGES TEST_LABELS [TARGET]\n");
    return 2;
  }
  const skerry::Status status =
      skerry::Run(argv[1], argv[2], argv[3], argc == 5 ? std::atof(argv[4]) : 2.0);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
