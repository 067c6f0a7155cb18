#include "client/sum_trainer.h"

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "client/evaluation.h"
#include "learning/k_means/clusters.h"
#include "learning/trees/bins.h"
#include "learning/trees/forest.h"
#include "learning/trees/sums.h"

namespace skerry::client {
namespace {

using learning::Dataset;
using learning::Forest;
using learning::ForestShape;
using learning::TreeStep;

constexpr SplitPart kParts[] = {SplitPart::kTrain, SplitPart::kValidation, SplitPart::kTest};

Result<std::shared_ptr<const LoadedModel>> Load(const WorkOrder& order,
                                                const learning::Model& model, ModelCache* models) {
  if (order.model == nullptr) return InvalidArgument("the task has no model");
  const auto num_inputs = static_cast<std::size_t>(model.num_features());
  if (models == nullptr) {
    SKERRY_ASSIGN_OR_RETURN(LoadedModel loaded,
                            LoadModel(*order.model, model.parameters(), num_inputs));
    return std::make_shared<const LoadedModel>(std::move(loaded));
  }
  const std::string key = order.task->model().content_hash() + order.task->run_spec_sha256();
  return models->Load<float>(key, *order.model, model.parameters(), num_inputs);
}

// As trees see rows: what is missing stays so.
void PrepareForTrees(RunData& run) {
  if (!run.f32.datasets.empty()) return;
  run.f32.transform = learning::InputTransform::Identity(run.data->num_inputs());
  std::fill(run.f32.transform.fill.begin(), run.f32.transform.fill.end(),
            std::numeric_limits<double>::quiet_NaN());
  for (const SplitPart part : kParts)
    run.f32.datasets[part] = run.data->Prepare(part, run.f32.transform);
}

Status Put(ResultWriter& writer, const char* section, const std::vector<int64_t>& values) {
  return writer.Put<int64_t>(section, std::span<const int64_t>(values));
}

// Counts rows by the cells of the model, or in the first round by those that every run begins with.
Status CountForTrees(const ForestShape& shape, learning::OutputKind kind, const TreeStep& step,
                     std::span<const float> parameters, const Dataset& rows, ResultWriter& writer) {
  std::vector<float> edges;
  double unit = 1;
  if (step.counting == 0) {
    const std::vector<float> first = learning::FirstEdges(shape.num_edges());
    for (int64_t i = 0; i < shape.num_inputs; ++i) {
      edges.insert(edges.end(), first.begin(), first.end());
    }
  } else {
    const Forest<const float> forest(shape, parameters);
    edges.assign(forest.edges.begin(), forest.edges.end());
    unit = static_cast<double>(forest.units[0]);
  }
  SKERRY_ASSIGN_OR_RETURN(const std::vector<int64_t> counts,
                          learning::CountRows(shape, kind, step, unit, rows));
  SKERRY_RETURN_IF_ERROR(Put(writer, learning::kTreeRows, counts));
  return Put(writer, learning::kTreeCells, learning::CountCells(shape, edges, rows));
}

Status PutInertia(std::string_view split, int64_t rows, double inertia, ResultWriter& writer) {
  SKERRY_RETURN_IF_ERROR(
      writer.Put<int64_t>(learning::InertiaCounts(split), std::span<const int64_t>(&rows, 1)));
  return writer.Put<double>(learning::InertiaSums(split), std::span<const double>(&inertia, 1));
}

// A split of fewer rows than the policy allows says nothing.
Status WriteInertia(const WorkOrder& order, const SitePolicy& policy,
                    const learning::ClusterShape& shape, std::span<const float> parameters,
                    const RunData& run, ResultWriter& writer) {
  const v1::Split& split = order.spec->data().split();
  const auto write = [&](const char* name, double fraction, SplitPart part) -> Status {
    if (fraction <= 0) return OkStatus();
    const Dataset& rows = run.f32.datasets.at(part);
    const bool told = MayTell(policy, rows.rows);
    double inertia = 0;
    if (told) {
      SKERRY_ASSIGN_OR_RETURN(inertia,
                              learning::InertiaOf(shape, parameters, rows, ProgressOf(order)));
    }
    return PutInertia(name, told ? rows.rows : 0, inertia, writer);
  };
  SKERRY_RETURN_IF_ERROR(write("validation", split.validation(), SplitPart::kValidation));
  return write("test", split.test(), SplitPart::kTest);
}

}  // namespace

Result<WorkDone> AddUpForTrees(const WorkOrder& order, const SitePolicy& policy, ModelCache* models,
                               RunData& run) {
  const learning::Model& model = *run.f32.model;
  SKERRY_ASSIGN_OR_RETURN(
      const ForestShape shape,
      learning::MakeForestShape(order.spec->model().trees(), model.num_features()));
  PrepareForTrees(run);
  SKERRY_ASSIGN_OR_RETURN(ResultWriter writer, ResultWriter::Create(order));
  const Dataset& rows = run.f32.datasets.at(SplitPart::kTrain);
  WorkDone done{rows.rows, {}};
  const TreeStep step = TreeStep::At(std::max<int64_t>(order.task->round(), 0), shape.max_depth);
  if (step.counting == 0) {
    SKERRY_RETURN_IF_ERROR(CountForTrees(shape, model.output_kind(), step, {}, rows, writer));
    return done;
  }
  SKERRY_ASSIGN_OR_RETURN(const auto loaded, Load(order, model, models));
  const std::span<const float> parameters = loaded->parameters;
  if (order.task->evaluate() || order.task->kind() == v1::EVALUATE) {
    SKERRY_RETURN_IF_ERROR(WriteEvaluation(model, parameters, run.f32.datasets,
                                           order.spec->data().split(), policy, ProgressOf(order),
                                           writer));
  }
  if (order.task->kind() == v1::EVALUATE) return done;
  if (step.counting >= 0) {
    SKERRY_RETURN_IF_ERROR(
        CountForTrees(shape, model.output_kind(), step, parameters, rows, writer));
    return done;
  }
  if (step.tree >= shape.num_trees) return InvalidArgument("the run has no such tree");
  const Forest<const float> forest(shape, parameters);
  SKERRY_ASSIGN_OR_RETURN(
      const learning::LevelSums level,
      learning::SumGradients(forest, model.output_kind(), step, rows,
                             learning::BinsOf(forest, rows), ProgressOf(order)));
  SKERRY_RETURN_IF_ERROR(Put(writer, learning::kTreeSums, level.sums));
  done.scalars["train_loss"] = level.mean_loss;
  return done;
}

Result<WorkDone> AddUpForKMeans(const WorkOrder& order, const SitePolicy& policy,
                                ModelCache* models, RunData& run) {
  SKERRY_ASSIGN_OR_RETURN(
      const learning::ClusterShape shape,
      learning::MakeClusterShape(order.spec->model().k_means(), run.f32.model->num_features()));
  SKERRY_ASSIGN_OR_RETURN(const auto loaded, Load(order, *run.f32.model, models));
  const std::span<const float> parameters = loaded->parameters;
  if (run.f32.datasets.empty() || !(run.f32.transform == loaded->transform)) {
    run.f32.transform = loaded->transform;
    for (const SplitPart part : kParts)
      run.f32.datasets[part] = run.data->Prepare(part, run.f32.transform);
  }
  SKERRY_ASSIGN_OR_RETURN(ResultWriter writer, ResultWriter::Create(order));
  if (order.task->evaluate() || order.task->kind() == v1::EVALUATE) {
    SKERRY_RETURN_IF_ERROR(WriteInertia(order, policy, shape, parameters, run, writer));
  }
  const Dataset& rows = run.f32.datasets.at(SplitPart::kTrain);
  WorkDone done{rows.rows, {}};
  if (order.task->kind() == v1::EVALUATE) return done;
  SKERRY_ASSIGN_OR_RETURN(const learning::ClusterSums sums,
                          learning::AddUpClusters(shape, parameters, rows, ProgressOf(order)));
  SKERRY_RETURN_IF_ERROR(Put(writer, learning::kClusterSums, sums.values));
  SKERRY_RETURN_IF_ERROR(PutInertia("train", rows.rows, sums.inertia, writer));
  return done;
}

}  // namespace skerry::client
