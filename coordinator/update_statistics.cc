#include "coordinator/update_statistics.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/first_error.h"
#include "base/parallel.h"
#include "learning/aggregators/distances.h"
#include "learning/strategies/statistics.h"

namespace skerry::coordinator {
namespace {

constexpr int64_t kBlock = int64_t{64} * 1024;  // elements that are summed by themselves
constexpr int64_t kWorkspaceElements = int64_t{256} << 10;  // of all rows, for a thread

// What is trained of parameters from `first` on, and zeros, which add nothing to any sum, for the
// rest. T: the numbers in the files.
template <class T>
Status ReadTrained(const UpdatePass& pass, const Update& update, int64_t first, std::span<T> out) {
  SKERRY_RETURN_IF_ERROR(update.Read(first, out));
  learning::ForEachPart(pass.statistics, first, out.size(),
                        [&](std::size_t begin, std::size_t size, bool measured) {
                          if (measured) std::ranges::fill(out.subspan(begin, size), T{0});
                        });
  return OkStatus();
}

// Reads the rows of one block, a part at a time.
template <class T>
Status MeasureBlock(const UpdatePass& pass, int64_t first, int64_t count,
                    learning::DistanceMeter& meter) {
  const std::span<const Update> updates = pass.updates;
  const auto num_rows = static_cast<int64_t>(updates.size());
  const int64_t part =
      std::clamp<int64_t>(kWorkspaceElements / num_rows / 1024 * 1024, 1024, kBlock);
  const auto memory = std::make_unique_for_overwrite<T[]>(
      static_cast<std::size_t>(num_rows * std::min(part, count)));
  std::vector<std::span<const T>> rows(updates.size());
  for (int64_t done = 0; done < count; done += part) {
    const auto size = static_cast<std::size_t>(std::min(part, count - done));
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const std::span<T> row(memory.get() + k * size, size);
      SKERRY_RETURN_IF_ERROR(ReadTrained(pass, updates[k], first + done, row));
      rows[k] = row;
    }
    meter.Add(rows);
  }
  return OkStatus();
}

double SquaredNorm(std::span<const float> values) {
  return learning::CheckF32(values).squared_norm;
}
double SquaredNorm(std::span<const double> values) {
  return learning::CheckF64(values).squared_norm;
}

template <class T>
Status MeasureNorm(const UpdatePass& pass, const Update& update, double& squared_norm) {
  const int64_t num_elements = pass.num_elements;
  std::vector<T> values(static_cast<std::size_t>(std::min(kBlock, num_elements)));
  squared_norm = 0;
  for (int64_t first = 0; first < num_elements; first += kBlock) {
    const int64_t count = std::min(kBlock, num_elements - first);
    const auto block = std::span(values).first(static_cast<std::size_t>(count));
    SKERRY_RETURN_IF_ERROR(ReadTrained(pass, update, first, block));
    squared_norm += SquaredNorm(block);
  }
  return OkStatus();
}

}  // namespace

Status MeasureNorms(const UpdatePass& pass, std::span<learning::UpdateInfo> infos) {
  FirstError error;
  ParallelFor(pass.compute, pass.num_threads - 1, infos.size(), [&](std::size_t k) {
    double& norm = infos[k].squared_norm;
    error.Note(pass.dtype == learning::DType::kF64
                   ? MeasureNorm<double>(pass, pass.updates[k], norm)
                   : MeasureNorm<float>(pass, pass.updates[k], norm));
  });
  return error.Take();
}

Result<learning::UpdateStatistics> MeasureUpdates(const UpdatePass& pass) {
  const std::size_t num_updates = pass.updates.size();
  const int64_t num_elements = pass.num_elements;
  const auto measure =
      pass.dtype == learning::DType::kF64 ? MeasureBlock<double> : MeasureBlock<float>;
  learning::UpdateStatistics statistics(num_updates);
  // So many blocks at a time, whose sums are then added in order.
  const auto wave = static_cast<int64_t>(std::max(1, pass.num_threads));
  for (int64_t begin = 0; begin < num_elements; begin += wave * kBlock) {
    const int64_t blocks = std::min(wave, (num_elements - begin + kBlock - 1) / kBlock);
    std::vector<learning::DistanceMeter> meters(static_cast<std::size_t>(blocks),
                                                learning::DistanceMeter(num_updates));
    FirstError error;
    ParallelFor(pass.compute, pass.num_threads - 1, meters.size(), [&](std::size_t i) {
      const int64_t first = begin + static_cast<int64_t>(i) * kBlock;
      error.Note(measure(pass, first, std::min(kBlock, num_elements - first), meters[i]));
    });
    SKERRY_RETURN_IF_ERROR(error.Take());
    for (const learning::DistanceMeter& meter : meters) meter.AddTo(statistics);
  }
  return statistics;
}

Result<learning::Coefficients> WeighUpdates(const learning::Strategy& strategy,
                                            std::span<const learning::UpdateInfo> infos,
                                            const UpdatePass& pass) {
  const learning::Aggregator& aggregator = strategy.aggregator();
  SKERRY_ASSIGN_OR_RETURN(learning::Coefficients coefficients, strategy.Weigh(infos));
  if (!aggregator.NeedsStatistics()) return coefficients;
  SKERRY_ASSIGN_OR_RETURN(const learning::UpdateStatistics statistics, MeasureUpdates(pass));
  return aggregator.Judge(statistics, std::move(coefficients));
}

}  // namespace skerry::coordinator
