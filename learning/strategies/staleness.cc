#include "learning/strategies/staleness.h"

#include "base/exact_math.h"

namespace skerry::learning {

bool IsAsynchronous(const std::string& strategy) {
  return strategy == "fedbuff" || strategy == "fedasync";
}

double StalenessWeight(const v1::AsyncSpec& spec, int64_t staleness) {
  const auto s = static_cast<double>(staleness);
  if (spec.staleness() == "hinge") {
    return s <= spec.b() ? 1.0 : 1.0 / (spec.a() * (s - spec.b()) + 1.0);
  }
  if (spec.staleness() != "polynomial") return 1.0;
  // The usual power is rounded only twice.
  return spec.a() == 0.5 ? 1.0 / exact::Sqrt(1.0 + s) : exact::Pow(1.0 + s, -spec.a());
}

Coefficients StalenessCoefficients(const v1::AsyncSpec& spec, double factor,
                                   std::span<const UpdateInfo> updates) {
  Coefficients coefficients;
  for (const UpdateInfo& update : updates) {
    coefficients.weight.push_back(1.0);
    coefficients.scale.push_back(factor * StalenessWeight(spec, update.staleness));
    coefficients.use.push_back(true);
  }
  return coefficients;
}

}  // namespace skerry::learning
