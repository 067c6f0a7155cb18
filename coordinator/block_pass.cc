#include "coordinator/block_pass.h"

#include <algorithm>
#include <atomic>
#include <memory>

#include "base/failpoint.h"
#include "base/first_error.h"
#include "base/parallel.h"
#include "coordinator/file_values.h"
#include "learning/finite.h"
#include "learning/strategies/statistics.h"

namespace skerry::coordinator {
namespace {

// A block of all sites' rows should fit into the caches, but a read should be so long that the call
// costs little beside its bytes: with 10 and with 50 sites, half a MiB takes 1.3 and 2.2 times as
// long as this, and twice as much is no faster.
constexpr int64_t kWorkspaceBytes = int64_t{2} << 20;
constexpr int64_t kMinElements = 2048;
constexpr int64_t kMaxElements = int64_t{64} * 1024;
constexpr int64_t kPage = 1024;  // elements
constexpr uint64_t kSyncStretch = uint64_t{8} << 20;

// What a pass holds of each element.
int64_t BytesOfElement(const BlockPassInput& input) {
  const std::size_t sections = input.sections.size();
  const std::size_t rows = sections == 0 ? 0 : sections * input.sections.front().size();
  const std::size_t values = rows + 1;  // and one that is read or written just now
  const std::size_t doubles = 1 + input.strategy.StateVectors().size() + sections;
  return static_cast<int64_t>(values * static_cast<std::size_t>(SizeOf(input.dtype)) +
                              doubles * sizeof(double));
}

int64_t BlockElements(int64_t bytes_each) {
  const int64_t elements = kWorkspaceBytes / bytes_each / kPage * kPage;
  return std::clamp(elements, kMinElements, kMaxElements);
}

bool AllFinite(std::span<const float> values) { return learning::CheckF32(values).finite; }
bool AllFinite(std::span<const double> values) { return learning::CheckF64(values).finite; }

// A model that no site could go on with is not made.
template <class T>
Status NotFinite(std::span<const T> values, int64_t first) {
  const auto found = std::find_if(values.begin(), values.end(), [](T value) {
    return !learning::IsFinite(static_cast<double>(value));
  });
  return FailedPrecondition("with these updates, parameter " +
                            std::to_string(first + (found - values.begin())) +
                            " of the next model, or what the strategy keeps of it, would be no "
                            "finite number")
      .WithHint("lower training.learning_rate, or the server's");
}

// One thread's part of the pass, and its memory. T: the numbers in the files.
template <class T>
class Worker {
 public:
  Worker(const BlockPassInput& input, const BlockPassOutput& output, int64_t block)
      : input_(input),
        output_(output),
        block_(static_cast<std::size_t>(block)),
        num_sections_(input.sections.size()),
        num_rows_(num_sections_ == 0 ? 0 : input.sections.front().size()),
        num_states_(input.strategy.StateVectors().size()),
        values_(std::make_unique_for_overwrite<T[]>((num_rows_ * num_sections_ + 1) * block_)),
        doubles_(
            std::make_unique_for_overwrite<double[]>((1 + num_states_ + num_sections_) * block_)),
        rows_(num_rows_),
        reduced_(num_sections_),
        states_(num_states_) {}

  Status Run(int64_t first, int64_t count) {
    const auto size = static_cast<std::size_t>(count);
    const std::span<double> parameters = Doubles(0, size);
    if (input_.base_model.file == nullptr) {
      input_.initial(first, parameters);
    } else {
      SKERRY_RETURN_IF_ERROR(Read(input_.base_model, first, parameters));
    }
    for (std::size_t s = 0; s < num_states_; ++s) {
      states_[s] = Doubles(1 + s, size);
      const Slice<const File> base =
          input_.base_state.empty() ? Slice<const File>{} : input_.base_state[s];
      if (base.file == nullptr) {
        std::fill(states_[s].begin(), states_[s].end(), 0.0);
      } else {
        SKERRY_RETURN_IF_ERROR(Read(base, first, states_[s]));
      }
    }
    if (num_rows_ > 0) SKERRY_RETURN_IF_ERROR(ReduceAndApply(first, parameters));
    SKERRY_RETURN_IF_ERROR(Write(parameters, first, output_.model));
    for (std::size_t s = 0; s < num_states_; ++s) {
      SKERRY_RETURN_IF_ERROR(Write(states_[s], first, output_.state[s]));
    }
    return OkStatus();
  }

 private:
  std::span<T> Values(std::size_t row, std::size_t size) const {
    return {values_.get() + row * block_, size};
  }
  std::span<double> Doubles(std::size_t row, std::size_t size) const {
    return {doubles_.get() + row * block_, size};
  }
  std::span<T> Passing(std::size_t size) const { return Values(num_rows_ * num_sections_, size); }

  Status Read(const Slice<const File>& from, int64_t first, std::span<double> out) const {
    const std::span<T> values = Passing(out.size());
    SKERRY_RETURN_IF_ERROR(ReadValues(*from.file, from.offset + Bytes(first), values));
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(values[i]);
    return OkStatus();
  }

  Status Write(std::span<const double> from, int64_t first, const Slice<File>& to) const {
    const std::span<T> values = Passing(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) values[i] = static_cast<T>(from[i]);
    if (!AllFinite(values)) return NotFinite(std::span<const T>(values), first);
    const uint64_t offset = to.offset + Bytes(first);
    SKERRY_RETURN_IF_ERROR(WriteValues(*to.file, offset, std::span<const T>(values)));
    // Of whole stretches: small writes to the disk would cost more than they spare the sync.
    const uint64_t end = offset + values.size_bytes();
    if (offset / kSyncStretch != end / kSyncStretch) {
      to.file->BeginSync((offset / kSyncStretch) * kSyncStretch, kSyncStretch);
    }
    return OkStatus();
  }

  static uint64_t Bytes(int64_t elements) { return static_cast<uint64_t>(elements) * sizeof(T); }

  Status ReduceAndApply(int64_t first, std::span<double> parameters) {
    for (std::size_t s = 0; s < num_sections_; ++s) {
      for (std::size_t k = 0; k < num_rows_; ++k) {
        const std::span<T> row = Values(s * num_rows_ + k, parameters.size());
        SKERRY_RETURN_IF_ERROR(input_.sections[s][k].Read(first, row));
        rows_[k] = row;
      }
      SKERRY_FAILPOINT("coordinator/block-read");
      const std::span<double> reduced = Doubles(1 + num_states_ + s, parameters.size());
      const std::span<const std::span<const T>> rows = rows_;
      if (s == 0 && input_.left_out != nullptr) input_.left_out->Look(first, rows);
      learning::ReduceBlock(input_.strategy, first, rows, input_.coefficients, reduced);
      reduced_[s] = reduced;
    }
    input_.strategy.Apply({reduced_, parameters, states_, first}, input_.scalars);
    return OkStatus();
  }

  const BlockPassInput& input_;
  const BlockPassOutput& output_;
  const std::size_t block_;  // elements
  const std::size_t num_sections_;
  const std::size_t num_rows_;  // of each section
  const std::size_t num_states_;
  // Rows of `block_` each. Not set to zero first: every element is written before it is read.
  const std::unique_ptr<T[]> values_;  // the updates by section, then what passes to or from a file
  const std::unique_ptr<double[]> doubles_;  // the parameters, the state vectors, the aggregates
  std::vector<std::span<const T>> rows_;
  std::vector<std::span<const double>> reduced_;
  std::vector<std::span<double>> states_;
};

template <class T>
Status RunPass(const BlockPassInput& input, const BlockPassOutput& output, Executor& compute,
               int num_threads) {
  const int64_t block = BlockElements(BytesOfElement(input));
  FirstError error;
  std::atomic<int64_t> next{0};
  const auto work = [&](std::size_t) {
    if (next >= input.num_elements) return;  // a helper that starts late allocates nothing
    Worker<T> worker(input, output, block);
    for (;;) {
      const int64_t first = next.fetch_add(block);
      if (first >= input.num_elements || error.failed()) return;
      error.Note(worker.Run(first, std::min(block, input.num_elements - first)));
    }
  };
  ParallelFor(compute, num_threads - 1, static_cast<std::size_t>(std::max(num_threads, 1)), work);
  return error.Take();
}

}  // namespace

Status RunBlockPass(const BlockPassInput& input, const BlockPassOutput& output, Executor& compute,
                    int num_threads) {
  return input.dtype == learning::DType::kF64 ? RunPass<double>(input, output, compute, num_threads)
                                              : RunPass<float>(input, output, compute, num_threads);
}

}  // namespace skerry::coordinator
