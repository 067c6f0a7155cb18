#include <algorithm>
#include <vector>

#include "base/check.h"
#include "learning/aggregator.h"
#include "learning/aggregators/all.h"

namespace skerry::learning {
namespace {

template <class T>
struct WeightedRow {
  const T* values;
  double factor;
};

// Adds elements [begin, begin + size) of N rows to `sum`, row by row for each element. Several rows
// at once save loads and stores of the sum; the order of the additions stays that of the rows.
template <int N, class T>
void AddRows(const WeightedRow<T>* rows, std::size_t begin, std::size_t size, double* sum) {
  const T* values[N];
  double factors[N];
  for (int k = 0; k < N; ++k) {
    values[k] = rows[k].values + begin;
    factors[k] = rows[k].factor;
  }
  double* __restrict to = sum;
  for (std::size_t i = 0; i < size; ++i) {
    double element = to[i];
#pragma GCC unroll 4
    for (int k = 0; k < N; ++k) element += factors[k] * static_cast<double>(values[k][i]);
    to[i] = element;
  }
}

class Mean final : public Aggregator {
 public:
  Result<Coefficients> Weigh(std::span<const UpdateInfo> updates) const override;
  void Reduce(std::span<const std::span<const float>> rows, const Coefficients& coefficients,
              std::span<double> out) const override {
    ReduceRows(rows, coefficients, out);
  }
  bool TakesF64() const override { return true; }
  void ReduceF64(std::span<const std::span<const double>> rows, const Coefficients& coefficients,
                 std::span<double> out) const override {
    ReduceRows(rows, coefficients, out);
  }

 private:
  template <class T>
  static void ReduceRows(std::span<const std::span<const T>> rows, const Coefficients& coefficients,
                         std::span<double> out);
};

Result<Coefficients> Mean::Weigh(std::span<const UpdateInfo> updates) const {
  Coefficients coefficients;
  int64_t total = 0;
  for (const UpdateInfo& update : updates) {
    if (update.num_examples < 0 || __builtin_add_overflow(total, update.num_examples, &total)) {
      return InvalidArgument("site " + update.site + " claims " +
                             std::to_string(update.num_examples) + " examples");
    }
    coefficients.weight.push_back(static_cast<double>(update.num_examples));
    coefficients.scale.push_back(1.0);
    coefficients.use.push_back(true);
  }
  if (total == 0) {
    return FailedPrecondition("there is nothing to average: " + std::to_string(updates.size()) +
                              " updates rest on 0 examples")
        .WithHint("look at why sites failed in this round, and at their row counts");
  }
  return coefficients;
}

template <class T>
void Mean::ReduceRows(std::span<const std::span<const T>> rows, const Coefficients& coefficients,
                      std::span<double> out) {
  const std::size_t sites = rows.size();
  SKERRY_CHECK(coefficients.weight.size() == sites && coefficients.scale.size() == sites &&
               coefficients.use.size() == sites);
  double total = 0;
  for (std::size_t k = 0; k < sites; ++k) {
    SKERRY_CHECK(rows[k].size() == out.size());
    if (coefficients.use[k]) total += coefficients.weight[k];
  }
  SKERRY_CHECK(total > 0);

  std::vector<WeightedRow<T>> used;
  for (std::size_t k = 0; k < sites; ++k) {
    if (!coefficients.use[k]) continue;
    used.push_back({rows[k].data(), coefficients.weight[k] * coefficients.scale[k]});
  }
  // Pieces whose sums stay in the fastest cache while all sites pass over them.
  constexpr std::size_t kPiece = 1024;
  for (std::size_t begin = 0; begin < out.size(); begin += kPiece) {
    const std::size_t size = std::min(kPiece, out.size() - begin);
    double* sum = out.data() + begin;
    std::fill_n(sum, size, 0.0);
    std::size_t k = 0;
    for (; k + 4 <= used.size(); k += 4) AddRows<4, T>(&used[k], begin, size, sum);
    for (; k < used.size(); ++k) AddRows<1, T>(&used[k], begin, size, sum);
    for (std::size_t i = 0; i < size; ++i) sum[i] /= total;
  }
}

}  // namespace

Status Aggregator::CheckNumUpdates(int64_t n) const {
  return n >= 1 ? OkStatus() : FailedPrecondition("there is no update to aggregate");
}

Result<Coefficients> Aggregator::Judge(const UpdateStatistics& /*statistics*/,
                                       Coefficients in) const {
  return in;
}

void Aggregator::ReduceF64(std::span<const std::span<const double>> /*rows*/,
                           const Coefficients& /*coefficients*/, std::span<double> /*out*/) const {
  SKERRY_CHECK(TakesF64());  // the program has seen to it
}

std::string Aggregator::WeaknessOf(int64_t /*n*/) const { return ""; }

const Aggregator& MeanAggregator() {
  static const Mean mean;
  return mean;
}

std::unique_ptr<Aggregator> MakeMean() { return std::make_unique<Mean>(); }

}  // namespace skerry::learning
