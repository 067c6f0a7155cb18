#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "learning/dataset.h"
#include "learning/layout.h"
#include "learning/model.h"
#include "learning/models/kinds.h"
#include "learning/progress.h"
#include "skerry/v1/task.pb.h"

namespace skerry::learning {

// k-means (Lloyd: "Least squares quantization in PCM", IEEE Transactions on Information Theory,
// 1982) by counts and sums of coordinates, which are whole numbers: their sums over sites are those
// of all rows in one place, exactly.
//
// It begins with one cluster of everything. As long as there are fewer clusters than asked for,
// each round divides those that scatter most, each along the input in which it does (Linde, Buzo,
// Gray: "An algorithm for vector quantizer design", IEEE Transactions on Communications, 1980). So
// no row is ever sent to be a center, and nothing is drawn at random.
struct ClusterShape {
  int64_t num_inputs = 0;
  int64_t num_clusters = 0;

  // Rounds after which there may be as many clusters as asked for.
  int64_t DividingRounds() const;
};

// INVALID_ARGUMENT names the key of [model.k_means] that is wrong.
Result<ClusterShape> MakeClusterShape(const v1::KMeansSpec& spec, int64_t num_inputs);

// The tensors of the model, F32:
//   "k_means.centers" [clusters, inputs], over inputs as the transform makes them; NaN: no cluster
//                     is there (yet)
//   "k_means.units"   [2, inputs]: what 1 stands for in sums of an input and of its square
Layout ClusterLayout(const ClusterShape& shape);

// A model of clusters, for applying it: its one output is the number of the cluster whose center is
// the nearest, of equally near ones the first. There is no gradient and no label.
Result<std::unique_ptr<Model>> MakeKMeansModel(const ModelRequest& request);

// kClusterSums (SUM_I64): "counts" [clusters], "sums" and "squares" [clusters, inputs], over the
// training rows, in the model's units.
constexpr const char* kClusterSums = "k_means.sums";
Section ClusterSection(const ClusterShape& shape);

// "inertia.SPLIT.counts" (SUM_I64), "inertia.SPLIT.sums" (SUM_F64): how many rows there are, and
// the sum of their squared distances from the nearest center.
std::vector<Section> InertiaSections(std::string_view split);
std::string InertiaCounts(std::string_view split);
std::string InertiaSums(std::string_view split);

// What rows say about centers. `parameters` are those of the model. INVALID_ARGUMENT when a row is
// far beyond what the run began with, or the model has no center.
struct ClusterSums {
  std::vector<int64_t> values;  // of kClusterSums
  double inertia = 0;
};
Result<ClusterSums> AddUpClusters(const ClusterShape& shape, std::span<const float> parameters,
                                  const Dataset& data, const RowProgress& progress = nullptr);
// The sum of squared distances alone.
Result<double> InertiaOf(const ClusterShape& shape, std::span<const float> parameters,
                         const Dataset& data, const RowProgress& progress = nullptr);

// Where the centers are to be next: each amid its rows, or where it is if it has none; and while
// slots are empty, clusters divided. `centers` and `units` as in the model.
void MoveCenters(const ClusterShape& shape, std::span<const int64_t> sums,
                 std::span<const double> units, std::span<double> centers);

}  // namespace skerry::learning
