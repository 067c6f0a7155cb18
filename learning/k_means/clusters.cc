#include "learning/k_means/clusters.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/exact_math.h"
#include "learning/whole_units.h"

namespace skerry::learning {
namespace {

std::size_t Size(int64_t n) { return static_cast<std::size_t>(n); }

std::span<const float> RowOf(const Batch& batch, std::size_t row, std::size_t width) {
  return batch.features.subspan(row * width, width);
}

struct Nearest {
  int64_t cluster = -1;  // none: there is no center
  double squared_distance = std::numeric_limits<double>::infinity();
};

// Comparisons with NaN are false: a slot without a center is never the nearest.
Nearest NearestCenter(std::span<const float> centers, std::span<const float> row) {
  Nearest nearest;
  for (std::size_t c = 0; c * row.size() < centers.size(); ++c) {
    double squared = 0;
    for (std::size_t j = 0; j < row.size(); ++j) {
      const double d =
          static_cast<double>(row[j]) - static_cast<double>(centers[c * row.size() + j]);
      squared += d * d;
    }
    if (squared < nearest.squared_distance) nearest = {static_cast<int64_t>(c), squared};
  }
  return nearest;
}

class KMeansModel final : public Model {
 public:
  explicit KMeansModel(const ClusterShape& shape) : shape_(shape), layout_(ClusterLayout(shape)) {}

  const Layout& parameters() const override { return layout_; }
  int64_t num_features() const override { return shape_.num_inputs; }
  int64_t num_outputs() const override { return 1; }
  OutputKind output_kind() const override { return OutputKind::kValue; }

  void Initialize(uint64_t /*seed*/, int64_t /*first*/, std::span<float> out) const override {
    std::fill(out.begin(), out.end(), 0.0F);
  }
  std::unique_ptr<Workspace> NewWorkspace(int64_t /*max_rows*/) const override {
    return std::make_unique<Workspace>();
  }
  double Gradient(std::span<const float> /*parameters*/, const Batch& /*batch*/,
                  std::span<float> /*gradient*/, Workspace& /*workspace*/) const override {
    SKERRY_CHECK(false);  // clusters have no gradient
    return 0;
  }
  void Forward(std::span<const float> parameters, const Batch& batch, std::span<float> outputs,
               Workspace& /*workspace*/) const override {
    const std::size_t width = Size(shape_.num_inputs);
    const auto centers = parameters.first(Size(shape_.num_clusters) * width);
    for (std::size_t row = 0; row < Size(batch.rows); ++row) {
      outputs[row] = static_cast<float>(NearestCenter(centers, RowOf(batch, row, width)).cluster);
    }
  }

 private:
  const ClusterShape shape_;
  const Layout layout_;
};

// One cluster's part of the sums.
struct ClusterRows {
  int64_t count = 0;
  std::span<const int64_t> sums;
  std::span<const int64_t> squares;
};

ClusterRows RowsOf(const ClusterShape& shape, std::span<const int64_t> sums, int64_t cluster) {
  const std::size_t width = Size(shape.num_inputs);
  const std::size_t clusters = Size(shape.num_clusters);
  const std::size_t c = Size(cluster);
  return {sums[c], sums.subspan(clusters + c * width, width),
          sums.subspan(clusters + (clusters + c) * width, width)};
}

// How a cluster scatters about its mean.
struct Scatter {
  double total = 0;       // the sum of squared distances
  std::size_t input = 0;  // in which it is largest; of equal ones the first
  double deviation = 0;   // the standard deviation of that one
};

Scatter ScatterOf(const ClusterRows& rows, std::span<const double> units) {
  Scatter scatter;
  const std::size_t width = rows.sums.size();
  const auto n = static_cast<double>(rows.count);
  double largest = 0;
  for (std::size_t j = 0; j < width && rows.count > 1; ++j) {
    const double mean = static_cast<double>(rows.sums[j]) * units[j] / n;
    const double squares = static_cast<double>(rows.squares[j]) * units[width + j];
    // What rounding leaves of nothing is nothing.
    const double about_mean = squares - n * mean * mean;
    if (!(about_mean > 1e-9 * squares)) continue;
    scatter.total += about_mean;
    if (!(about_mean > largest)) continue;
    largest = about_mean;
    scatter.input = j;
  }
  if (rows.count > 0) scatter.deviation = exact::Sqrt(largest / n);
  return scatter;
}

double ToFloat(double value) { return static_cast<double>(static_cast<float>(value)); }

// Puts the clusters that scatter most apart, one for each empty slot.
void Divide(const ClusterShape& shape, std::span<const int64_t> sums, std::span<const double> units,
            std::span<double> centers) {
  const std::size_t width = Size(shape.num_inputs);
  std::vector<std::pair<double, int64_t>> order;
  std::vector<int64_t> empty;
  for (int64_t c = 0; c < shape.num_clusters; ++c) {
    if (std::isnan(centers[Size(c) * width])) {
      empty.push_back(c);
      continue;
    }
    const double total = ScatterOf(RowsOf(shape, sums, c), units).total;
    if (total > 0) order.emplace_back(-total, c);
  }
  std::sort(order.begin(), order.end());
  for (std::size_t i = 0; i < std::min(order.size(), empty.size()); ++i) {
    const std::size_t from = Size(order[i].second) * width;
    const std::size_t to = Size(empty[i]) * width;
    std::copy_n(centers.begin() + static_cast<std::ptrdiff_t>(from), width,
                centers.begin() + static_cast<std::ptrdiff_t>(to));
    const Scatter scatter = ScatterOf(RowsOf(shape, sums, order[i].second), units);
    const double step = 0.5 * scatter.deviation;
    centers[from + scatter.input] = ToFloat(centers[from + scatter.input] - step);
    centers[to + scatter.input] = ToFloat(centers[to + scatter.input] + step);
  }
}

}  // namespace

int64_t ClusterShape::DividingRounds() const {
  int64_t rounds = 0;
  while ((int64_t{1} << rounds) < num_clusters) ++rounds;
  return rounds;
}

Result<ClusterShape> MakeClusterShape(const v1::KMeansSpec& spec, int64_t num_inputs) {
  constexpr int64_t kMost = 4096;
  if (spec.clusters() < 2 || spec.clusters() > kMost) {
    return InvalidArgument("model.k_means.clusters must be 2 to 4096, not " +
                           std::to_string(spec.clusters()));
  }
  constexpr int64_t kMostNumbers = int64_t{1} << 22;
  if (num_inputs > kMostNumbers / spec.clusters()) {
    return InvalidArgument("model.k_means.clusters: clusters x inputs is more than 2^22");
  }
  return ClusterShape{num_inputs, spec.clusters()};
}

Layout ClusterLayout(const ClusterShape& shape) {
  return OwnLayout({{"k_means.centers", DType::kF32, {shape.num_clusters, shape.num_inputs}},
                    {"k_means.units", DType::kF32, {2, shape.num_inputs}}});
}

Result<std::unique_ptr<Model>> MakeKMeansModel(const ModelRequest& request) {
  if (request.num_classes != 0) {
    return InvalidArgument("data.label_classes: a model of kind \"k_means\" has no label");
  }
  SKERRY_ASSIGN_OR_RETURN(const ClusterShape shape,
                          MakeClusterShape(request.spec.k_means(), request.num_features));
  return std::unique_ptr<Model>(std::make_unique<KMeansModel>(shape));
}

Section ClusterSection(const ClusterShape& shape) {
  const std::vector<int64_t> all = {shape.num_clusters, shape.num_inputs};
  return {kClusterSums, Rule::kSumI64,
          OwnLayout({{"counts", DType::kI64, {shape.num_clusters}},
                     {"sums", DType::kI64, all},
                     {"squares", DType::kI64, all}})};
}

std::string InertiaCounts(std::string_view split) {
  return "inertia." + std::string(split) + ".counts";
}
std::string InertiaSums(std::string_view split) {
  return "inertia." + std::string(split) + ".sums";
}
std::vector<Section> InertiaSections(std::string_view split) {
  return {{InertiaCounts(split), Rule::kSumI64, OwnLayout({{"num_examples", DType::kI64, {}}})},
          {InertiaSums(split), Rule::kSumF64, OwnLayout({{"inertia", DType::kF64, {}}})}};
}

Result<double> InertiaOf(const ClusterShape& shape, std::span<const float> parameters,
                         const Dataset& data, const RowProgress& progress) {
  const std::size_t width = Size(shape.num_inputs);
  const auto centers = parameters.first(Size(shape.num_clusters) * width);
  double inertia = 0;
  for (std::size_t row = 0; row < Size(data.rows); ++row) {
    SKERRY_RETURN_IF_ERROR(AskAtRow(progress, static_cast<int64_t>(row), data.rows));
    inertia += NearestCenter(centers, RowOf(AllRows(data), row, width)).squared_distance;
  }
  return inertia;
}

Result<ClusterSums> AddUpClusters(const ClusterShape& shape, std::span<const float> parameters,
                                  const Dataset& data, const RowProgress& progress) {
  const std::size_t width = Size(shape.num_inputs);
  const std::size_t clusters = Size(shape.num_clusters);
  const auto centers = parameters.first(clusters * width);
  const auto units = parameters.subspan(clusters * width);
  const WholeUnits whole(data.rows);
  ClusterSums result;
  result.values.resize(clusters * (1 + 2 * width));
  const auto add = [&](double value, float unit, std::size_t at) {
    return whole.Add(value, static_cast<double>(unit), result.values[at]);
  };
  for (std::size_t row = 0; row < Size(data.rows); ++row) {
    SKERRY_RETURN_IF_ERROR(AskAtRow(progress, static_cast<int64_t>(row), data.rows));
    const std::span<const float> inputs = RowOf(AllRows(data), row, width);
    const Nearest nearest = NearestCenter(centers, inputs);
    if (nearest.cluster < 0) return InvalidArgument("the model has no center");
    const std::size_t c = Size(nearest.cluster);
    result.inertia += nearest.squared_distance;
    ++result.values[c];
    for (std::size_t j = 0; j < width; ++j) {
      const auto x = static_cast<double>(inputs[j]);
      const bool added = add(x, units[j], clusters + c * width + j) &&
                         add(x * x, units[width + j], clusters + (clusters + c) * width + j);
      if (!added) {
        return InvalidArgument(
            "an input is far beyond those that the run began with, or the model does not fit it");
      }
    }
  }
  return result;
}

void MoveCenters(const ClusterShape& shape, std::span<const int64_t> sums,
                 std::span<const double> units, std::span<double> centers) {
  const std::size_t width = Size(shape.num_inputs);
  for (int64_t c = 0; c < shape.num_clusters; ++c) {
    const ClusterRows rows = RowsOf(shape, sums, c);
    if (rows.count <= 0) continue;
    for (std::size_t j = 0; j < width; ++j) {
      centers[Size(c) * width + j] =
          ToFloat(static_cast<double>(rows.sums[j]) * units[j] / static_cast<double>(rows.count));
    }
  }
  Divide(shape, sums, units, centers);
}

}  // namespace skerry::learning
