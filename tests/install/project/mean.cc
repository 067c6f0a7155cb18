#include <vector>

#include "learning/aggregator.h"

int main() {
  const std::vector<float> a = {1.0F};
  const std::vector<float> b = {5.0F};
  const skerry::learning::Aggregator& mean = skerry::learning::MeanAggregator();
  const auto coefficients =
      mean.Weigh(std::vector<skerry::learning::UpdateInfo>{{"a", 3}, {"b", 1}});
  std::vector<double> out(1);
  mean.Reduce(std::vector<std::span<const float>>{a, b}, *coefficients, out);
  return out[0] == 2.0 ? 0 : 1;
}
