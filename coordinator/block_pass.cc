#include "coordinator/block_pass.h"

#include <algorithm>
#include <atomic>
#include <memory>

#include "base/failpoint.h"
#include "base/first_error.h"
#include "base/parallel.h"
#include "coordinator/file_values.h"

namespace skerry::coordinator {
namespace {

// A block of all sites' rows should fit into the caches, but a read should be so long that the call
// costs little beside its bytes: with 10 and with 50 sites, half a MiB takes 1.3 and 2.2 times as
// long as this, and twice as much is no faster.
constexpr int64_t kWorkspaceBytes = int64_t{2} << 20;
constexpr int64_t kMinElements = 2048;
constexpr int64_t kMaxElements = 64 * 1024;
constexpr int64_t kPage = 1024;  // floats

int64_t BlockElements(std::size_t num_rows) {
  const auto bytes_each =
      static_cast<int64_t>(num_rows * sizeof(float) + sizeof(double) /* the reduced value */);
  const int64_t elements = kWorkspaceBytes / bytes_each / kPage * kPage;
  return std::clamp(elements, kMinElements, kMaxElements);
}

// One thread's part of the pass, and its memory.
class Worker {
 public:
  Worker(const BlockPassInput& input, const BlockPassOutput& output, int64_t block)
      : input_(input),
        output_(output),
        block_(static_cast<std::size_t>(block)),
        num_states_(input.strategy.StateVectors().size()),
        floats_(std::make_unique_for_overwrite<float[]>((input.updates.size() + 1 + num_states_) *
                                                        block_)),
        reduced_(std::make_unique_for_overwrite<double[]>(block_)),
        rows_(input.updates.size()),
        states_(num_states_) {}

  Status Run(int64_t first, int64_t count) {
    const auto size = static_cast<std::size_t>(count);
    const auto skip = static_cast<uint64_t>(first) * sizeof(float);
    const std::span<float> parameters = Memory(0, size);
    if (input_.base_model.file == nullptr) {
      input_.initial(first, parameters);
    } else {
      SKERRY_RETURN_IF_ERROR(Read(input_.base_model, skip, parameters));
    }
    for (std::size_t s = 0; s < num_states_; ++s) {
      states_[s] = Memory(1 + s, size);
      if (input_.base_state.file == nullptr) {
        std::fill(states_[s].begin(), states_[s].end(), 0.0F);
      } else {
        SKERRY_RETURN_IF_ERROR(Read(input_.base_state, StateOffset(s) + skip, states_[s]));
      }
    }
    if (!rows_.empty()) SKERRY_RETURN_IF_ERROR(ReduceAndApply(first, parameters));
    return Write(skip, parameters);
  }

 private:
  std::span<float> Memory(std::size_t row, std::size_t size) const {
    return {floats_.get() + row * block_, size};
  }

  uint64_t StateOffset(std::size_t s) const {
    return s * static_cast<uint64_t>(input_.num_elements) * sizeof(float);
  }

  static Status Read(const Slice<const File>& from, uint64_t skip, std::span<float> out) {
    return ReadValues(*from.file, from.offset + skip, out);
  }

  Status ReduceAndApply(int64_t first, std::span<float> parameters) {
    for (std::size_t k = 0; k < rows_.size(); ++k) {
      const std::span<float> row = Memory(1 + num_states_ + k, parameters.size());
      SKERRY_RETURN_IF_ERROR(input_.updates[k].Read(first, row));
      rows_[k] = row;
    }
    SKERRY_FAILPOINT("coordinator/block-read");
    const std::span<double> reduced(reduced_.get(), parameters.size());
    input_.strategy.aggregator().Reduce(rows_, input_.coefficients, reduced);
    input_.strategy.Apply(reduced, input_.scalars, parameters, states_);
    return OkStatus();
  }

  Status Write(uint64_t skip, std::span<const float> parameters) const {
    SKERRY_RETURN_IF_ERROR(
        WriteValues(*output_.model.file, output_.model.offset + skip, parameters));
    for (std::size_t s = 0; s < num_states_; ++s) {
      SKERRY_RETURN_IF_ERROR(WriteValues(*output_.state.file,
                                         output_.state.offset + StateOffset(s) + skip,
                                         std::span<const float>(states_[s])));
    }
    return OkStatus();
  }

  const BlockPassInput& input_;
  const BlockPassOutput& output_;
  const std::size_t block_;  // elements
  const std::size_t num_states_;
  // A row of `block_` each: the parameters, the state vectors, the updates. Not set to zero first:
  // every element is read into before it is used.
  const std::unique_ptr<float[]> floats_;
  const std::unique_ptr<double[]> reduced_;
  std::vector<std::span<const float>> rows_;
  std::vector<std::span<float>> states_;
};

}  // namespace

Status RunBlockPass(const BlockPassInput& input, const BlockPassOutput& output, Executor& compute,
                    int num_threads) {
  const int64_t block =
      BlockElements(input.updates.size() + 1 + input.strategy.StateVectors().size());
  FirstError error;
  std::atomic<int64_t> next{0};
  const auto work = [&](std::size_t) {
    if (next >= input.num_elements) return;  // a helper that starts late allocates nothing
    Worker worker(input, output, block);
    for (;;) {
      const int64_t first = next.fetch_add(block);
      if (first >= input.num_elements || error.failed()) return;
      error.Note(worker.Run(first, std::min(block, input.num_elements - first)));
    }
  };
  ParallelFor(compute, num_threads - 1, static_cast<std::size_t>(std::max(num_threads, 1)), work);
  return error.Take();
}

}  // namespace skerry::coordinator
