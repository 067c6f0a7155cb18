#pragma once

#include <cstdint>
#include <vector>

#include "learning/metrics.h"
#include "learning/random_data.h"

namespace skerry::learning {

// Scores whose classes overlap: normal, with means 0 and `shift`.
struct Scores {
  std::vector<float> scores;
  std::vector<float> labels;

  Scores(int64_t rows, double prevalence, float shift, float scale, uint64_t seed)
      : scores(RandomFloats(rows, seed)) {
    RandomStream stream = TestStream(seed + 1000);
    for (float& score : scores) {
      labels.push_back(stream.Uniform() < prevalence ? 1.0F : 0.0F);
      score = scale * (score + (labels.back() == 1.0F ? shift : 0.0F));
    }
  }
  EvaluationSums Sums() const { return Evaluate(OutputKind::kBinary, 1, scores, labels); }
};

}  // namespace skerry::learning
