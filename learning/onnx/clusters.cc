#include "learning/onnx/clusters.h"

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "learning/k_means/clusters.h"

namespace skerry::learning {
namespace {

class ClusterWriter {
 public:
  explicit ClusterWriter(OnnxGraph& graph) : graph_(graph) {}

  // FLOAT [rows, inputs] and [clusters, inputs] to DOUBLE [rows, clusters]: the sums of squared
  // differences. Not by products of rows and centers, which round otherwise where two centers are
  // about as near.
  std::string SquaredDistances(const std::string& rows, const std::string& centers) {
    const std::string apart = graph_.AddNode("Unsqueeze", {Cast(rows, OnnxType::kDouble), Axis(1)});
    const std::string difference = graph_.AddNode("Sub", {apart, Cast(centers, OnnxType::kDouble)});
    const std::string square = graph_.AddNode("Mul", {difference, difference});
    return graph_.AddNode("ReduceSum", {square, Axis(2)}, {{"keepdims", int64_t{0}}});
  }

  // A slot without a center is NaN, which compares as false and so is put at infinity, where no
  // row looks for a center.
  std::string Nearest(const std::string& distances) {
    const std::string infinity = Constant(std::numeric_limits<double>::infinity());
    const std::string far = graph_.AddNode(
        "Where", {graph_.AddNode("Less", {distances, infinity}), distances, infinity});
    const std::string place =
        graph_.AddNode("ArgMin", {far}, {{"axis", int64_t{1}}, {"keepdims", int64_t{1}}});
    const std::string least = graph_.AddNode(
        "ReduceMin", {far}, {{"axes", std::vector<int64_t>{1}}, {"keepdims", int64_t{1}}});
    return graph_.AddNode("Where", {graph_.AddNode("Less", {least, infinity}),
                                    Cast(place, OnnxType::kFloat), Constant(-1.0F)});
  }

 private:
  std::string Cast(const std::string& value, OnnxType type) {
    return graph_.AddNode("Cast", {value}, {{"to", static_cast<int64_t>(type)}});
  }
  std::string Axis(int64_t axis) {
    return graph_.AddConstant(std::span<const int64_t>(&axis, 1), std::array<int64_t, 1>{1});
  }
  template <class T>
  std::string Constant(T value) {
    return graph_.AddConstant(std::span<const T>(&value, 1), std::array<int64_t, 2>{1, 1});
  }

  OnnxGraph& graph_;
};

}  // namespace

Result<std::string> AddClusters(const TrainedModel& trained, const std::string& features,
                                OnnxGraph& graph) {
  SKERRY_ASSIGN_OR_RETURN(const ClusterShape shape, MakeClusterShape(trained.spec.model().k_means(),
                                                                     trained.model.num_features()));
  const std::array<int64_t, 2> sizes = {shape.num_clusters, shape.num_inputs};
  const auto count = static_cast<std::size_t>(shape.num_clusters * shape.num_inputs);
  const std::string centers =
      graph.AddConstant(trained.parameters.first(count), sizes, "k_means.centers");
  ClusterWriter writer(graph);
  return writer.Nearest(writer.SquaredDistances(features, centers));
}

}  // namespace skerry::learning
