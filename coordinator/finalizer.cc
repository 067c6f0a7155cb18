#include "coordinator/finalizer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/crc32c.h"
#include "base/failpoint.h"
#include "base/first_error.h"
#include "base/parallel.h"
#include "coordinator/result_sums.h"
#include "coordinator/update_reader.h"
#include "crypto/content_hash.h"
#include "rpc/chunks.h"

namespace skerry::coordinator {
namespace {

using learning::FixedTensors;
using learning::Layout;
using learning::RoundSpec;
using learning::Sums;
using storage::CheckpointPart;
using storage::CheckpointRef;

// A block is so small that the rows of all sites together stay in a core's cache.
constexpr int64_t kFloatsPerWorker = int64_t{1} << 20;
int64_t BlockElements(std::size_t num_rows) {
  const int64_t share = kFloatsPerWorker / static_cast<int64_t>(std::max<std::size_t>(num_rows, 1));
  return std::clamp<int64_t>(share, 1024, 64 * 1024);
}

template <class T>
Status ReadExactly(const File& file, uint64_t offset, std::span<T> out) {
  const std::span<char> bytes(reinterpret_cast<char*>(out.data()), out.size_bytes());
  SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file.ReadAt(offset, bytes));
  if (n != bytes.size()) return DataLoss("a file is shorter than its layout");
  return OkStatus();
}

template <class T>
Status Write(File& file, uint64_t offset, std::span<const T> values) {
  return file.WriteAt(offset, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

// The parameters of the new version, block by block, from the base and the counted updates.
class BlockPass {
 public:
  BlockPass(const FinalizeInput& input, const learning::Coefficients& coefficients,
            const learning::RoundScalars& scalars)
      : input_(input), coefficients_(coefficients), scalars_(scalars) {
    const auto section = input.spec.result_layout.Find(learning::kUpdateSection);
    has_update_ = section.has_value() && !input.results.empty();
    if (has_update_) update_.emplace(input.spec.result_layout, *section);
    num_elements_ = input.program->parameters().num_elements();
    num_states_ = input.program->strategy().StateVectors().size();
  }

  // Where the parameters and the state vectors stand in the old and the new files.
  struct Place {
    const File* base_model = nullptr;  // null: the initial parameters
    uint64_t base_model_offset = 0;
    const File* base_state = nullptr;  // null: zeros
    uint64_t base_state_offset = 0;
    File* model = nullptr;
    uint64_t model_offset = 0;
    File* state = nullptr;  // null: no state vectors
    uint64_t state_offset = 0;
  };

  Status Run(const Place& place, Executor& compute, int num_threads) {
    const int64_t block = BlockElements(input_.results.size() + num_states_);
    const auto num_blocks = static_cast<std::size_t>((num_elements_ + block - 1) / block);
    FirstError error;
    ParallelFor(compute, num_threads - 1, num_blocks, [&](std::size_t i) {
      if (error.failed()) return;
      const int64_t first = static_cast<int64_t>(i) * block;
      error.Note(RunBlock(place, first, std::min(block, num_elements_ - first)));
    });
    return error.Take();
  }

 private:
  Status RunBlock(const Place& place, int64_t first, int64_t count) const {
    const auto size = static_cast<std::size_t>(count);
    const auto skip = static_cast<uint64_t>(first) * sizeof(float);
    std::vector<float> parameters(size);
    if (place.base_model == nullptr) {
      input_.program->InitialParameters(first, parameters);
    } else {
      SKERRY_RETURN_IF_ERROR(
          ReadExactly(*place.base_model, place.base_model_offset + skip, std::span(parameters)));
    }
    std::vector<float> state(num_states_ * size);
    std::vector<std::span<float>> states(num_states_);
    for (std::size_t s = 0; s < num_states_; ++s) {
      states[s] = std::span(state).subspan(s * size, size);
      if (place.base_state == nullptr) continue;
      SKERRY_RETURN_IF_ERROR(ReadExactly(
          *place.base_state, place.base_state_offset + StateOffset(s) + skip, states[s]));
    }
    if (has_update_) SKERRY_RETURN_IF_ERROR(ReduceAndApply(first, parameters, states));
    SKERRY_RETURN_IF_ERROR(
        Write(*place.model, place.model_offset + skip, std::span<const float>(parameters)));
    for (std::size_t s = 0; s < num_states_; ++s) {
      SKERRY_RETURN_IF_ERROR(Write(*place.state, place.state_offset + StateOffset(s) + skip,
                                   std::span<const float>(states[s])));
    }
    return OkStatus();
  }

  Status ReduceAndApply(int64_t first, std::vector<float>& parameters,
                        const std::vector<std::span<float>>& states) const {
    const std::size_t size = parameters.size();
    std::vector<float> values(input_.results.size() * size);
    std::vector<std::span<const float>> rows(input_.results.size());
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const std::span<float> row = std::span(values).subspan(k * size, size);
      SKERRY_RETURN_IF_ERROR(update_->Read(*input_.results[k].file, first, row));
      rows[k] = row;
    }
    SKERRY_FAILPOINT("coordinator/block-read");
    std::vector<double> reduced(size);
    input_.program->strategy().aggregator().Reduce(rows, coefficients_, reduced);
    input_.program->strategy().Apply(reduced, scalars_, parameters, states);
    return OkStatus();
  }

  uint64_t StateOffset(std::size_t s) const {
    return s * static_cast<uint64_t>(num_elements_) * sizeof(float);
  }

  const FinalizeInput& input_;
  const learning::Coefficients& coefficients_;
  const learning::RoundScalars& scalars_;
  bool has_update_ = false;
  std::optional<UpdateReader> update_;
  int64_t num_elements_ = 0;
  std::size_t num_states_ = 0;
};

// A checkpoint of which the header has been read.
struct OpenCheckpoint {
  std::unique_ptr<File> file;
  storage::SafetensorsInfo info;
};

// Verified: a disk may have changed it since it was made.
Result<OpenCheckpoint> OpenBase(storage::CheckpointStore& checkpoints, const CheckpointRef& ref,
                                const crypto::Digest& expected, Executor& compute, int helpers) {
  OpenCheckpoint base;
  SKERRY_ASSIGN_OR_RETURN(base.file, checkpoints.OpenVerified(ref, expected, compute, helpers));
  Result<storage::SafetensorsInfo> info = storage::ReadSafetensors(*base.file);
  if (!info.ok()) return info.status().WithContext(checkpoints.PathOf(ref));
  base.info = *std::move(info);
  return base;
}

Layout StateFileLayout(const learning::Program& program) {
  std::vector<learning::TensorSpec> tensors;
  const int64_t n = program.parameters().num_elements();
  for (const std::string& name : program.strategy().StateVectors()) {
    tensors.push_back({name, learning::DType::kF32, {n}});
  }
  Result<Layout> layout = Layout::Create(std::move(tensors));
  SKERRY_CHECK(layout.ok());
  return *std::move(layout);
}

// Makes the next version of a run's model.
class VersionMaker {
 public:
  VersionMaker(const FinalizeInput& input, storage::CheckpointStore& checkpoints, Executor& compute,
               int num_threads)
      : input_(input), checkpoints_(checkpoints), compute_(compute), num_threads_(num_threads) {}

  Result<ModelVersion> Make(const Sums& sums) {
    FixedTensors fixed = input_.program->InitialFixed();
    SKERRY_RETURN_IF_ERROR(OpenBaseFiles(fixed));
    SKERRY_RETURN_IF_ERROR(input_.program->ApplySums(input_.spec, sums, fixed));
    SKERRY_ASSIGN_OR_RETURN(const learning::Coefficients coefficients, Weigh());
    SKERRY_RETURN_IF_ERROR(BeginFiles(fixed));
    BlockPass pass(input_, coefficients, scalars_);
    SKERRY_RETURN_IF_ERROR(pass.Run(place_, compute_, num_threads_));
    return Publish();
  }

 private:
  CheckpointRef Ref(int64_t version, CheckpointPart part) const {
    return {input_.run_id, version, part};
  }

  Status OpenBaseFiles(FixedTensors& fixed) {
    if (!input_.base) return OkStatus();
    SKERRY_ASSIGN_OR_RETURN(
        base_model_, OpenBase(checkpoints_, Ref(input_.base->version, CheckpointPart::kModel),
                              input_.base->model_hash, compute_, num_threads_ - 1));
    const auto fixed_bytes = static_cast<uint64_t>(fixed.layout.size_bytes());
    SKERRY_RETURN_IF_ERROR(
        ReadExactly(*base_model_.file, base_model_.info.data_begin, std::span(fixed.values)));
    place_.base_model = base_model_.file.get();
    place_.base_model_offset = base_model_.info.data_begin + fixed_bytes;
    if (input_.base->state_size_bytes == 0) return OkStatus();
    SKERRY_ASSIGN_OR_RETURN(
        base_state_, OpenBase(checkpoints_, Ref(input_.base->version, CheckpointPart::kState),
                              input_.base->state_hash, compute_, num_threads_ - 1));
    place_.base_state = base_state_.file.get();
    place_.base_state_offset = base_state_.info.data_begin;
    return OkStatus();
  }

  Result<learning::Coefficients> Weigh() {
    if (!input_.spec.result_layout.Find(learning::kUpdateSection) || input_.results.empty()) {
      return learning::Coefficients{};
    }
    std::vector<learning::UpdateInfo> updates;
    for (const CountedResult& result : input_.results) {
      updates.push_back({result.site, result.header.num_examples(), 0});
    }
    const learning::Strategy& strategy = input_.program->strategy();
    SKERRY_ASSIGN_OR_RETURN(scalars_, strategy.Prepare(input_.spec.round, updates));
    return strategy.aggregator().Weigh(updates);
  }

  Status BeginFiles(const FixedTensors& fixed) {
    const int64_t version = input_.spec.round;
    const Layout layout = ModelFileLayout(fixed.layout, input_.program->parameters());
    const std::string header = storage::SafetensorsHeader(layout, input_.metadata);
    SKERRY_ASSIGN_OR_RETURN(model_, checkpoints_.Begin(Ref(version, CheckpointPart::kModel)));
    SKERRY_RETURN_IF_ERROR(model_->WriteAt(0, header));
    SKERRY_RETURN_IF_ERROR(Write(*model_, header.size(), std::span<const double>(fixed.values)));
    place_.model = model_.get();
    place_.model_offset = header.size() + fixed.values.size() * sizeof(double);
    const Layout state_layout = StateFileLayout(*input_.program);
    if (state_layout.tensors().empty()) return OkStatus();
    const std::string state_header = storage::SafetensorsHeader(state_layout, {});
    SKERRY_ASSIGN_OR_RETURN(state_, checkpoints_.Begin(Ref(version, CheckpointPart::kState)));
    SKERRY_RETURN_IF_ERROR(state_->WriteAt(0, state_header));
    place_.state = state_.get();
    place_.state_offset = state_header.size();
    return OkStatus();
  }

  Result<crypto::Digest> HashOf(const File& file) {
    return crypto::ContentHashOf(crypto::kFileHeader, file, compute_, num_threads_ - 1);
  }

  Result<ModelVersion> Publish() {
    SKERRY_FAILPOINT("coordinator/version-written");
    ModelVersion made;
    made.version = input_.spec.round;
    SKERRY_ASSIGN_OR_RETURN(made.model_hash, HashOf(*model_));
    SKERRY_ASSIGN_OR_RETURN(made.model_size_bytes, model_->Size());
    if (state_ != nullptr) {
      SKERRY_ASSIGN_OR_RETURN(made.state_hash, HashOf(*state_));
      SKERRY_ASSIGN_OR_RETURN(made.state_size_bytes, state_->Size());
      SKERRY_RETURN_IF_ERROR(
          checkpoints_.Publish(Ref(made.version, CheckpointPart::kState), *state_));
    }
    SKERRY_RETURN_IF_ERROR(
        checkpoints_.Publish(Ref(made.version, CheckpointPart::kModel), *model_));
    SKERRY_FAILPOINT("coordinator/version-published");
    return made;
  }

  const FinalizeInput& input_;
  storage::CheckpointStore& checkpoints_;
  Executor& compute_;
  const int num_threads_;
  OpenCheckpoint base_model_;
  OpenCheckpoint base_state_;
  std::unique_ptr<File> model_;
  std::unique_ptr<File> state_;
  learning::RoundScalars scalars_;
  BlockPass::Place place_;
};

// Whether a file still holds what was checked when it arrived; by its content hash if an earlier
// process received it.
bool IsWhole(const CountedResult& result) {
  if (result.file == nullptr) return false;
  if (result.chunk_checksums.empty()) {
    const Result<crypto::Digest> hash = rpc::ResultHash(result.header, *result.file);
    return hash.ok() && hash->view() == result.header.content_hash();
  }
  const uint64_t size_bytes = result.header.size_bytes();
  std::vector<char> buffer(std::min(size_bytes, crypto::kChunkBytes));
  for (std::size_t i = 0; i < result.chunk_checksums.size(); ++i) {
    const uint64_t offset = i * crypto::kChunkBytes;
    const std::span<char> chunk(buffer.data(), std::min(crypto::kChunkBytes, size_bytes - offset));
    const Result<std::size_t> n = result.file->ReadAt(offset, chunk);
    const bool read = n.ok() && *n == chunk.size();
    if (!read || Crc32c({chunk.data(), chunk.size()}) != result.chunk_checksums[i]) return false;
  }
  return true;
}

// Results that cannot be used, by index.
std::vector<std::size_t> FindDamaged(const FinalizeInput& input, Executor& compute, int helpers) {
  std::vector<char> whole(input.results.size());  // not bits: threads write neighbours
  ParallelFor(compute, helpers, whole.size(),
              [&](std::size_t i) { whole[i] = IsWhole(input.results[i]) ? 1 : 0; });
  std::vector<std::size_t> damaged;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (whole[i] == 0) damaged.push_back(i);
  }
  return damaged;
}

}  // namespace

Layout ModelFileLayout(const Layout& fixed, const Layout& parameters) {
  std::vector<learning::TensorSpec> tensors = fixed.tensors();
  tensors.insert(tensors.end(), parameters.tensors().begin(), parameters.tensors().end());
  Result<Layout> layout = Layout::Create(std::move(tensors));
  SKERRY_CHECK(layout.ok());
  return *std::move(layout);
}

Finalizer::Finalizer(storage::CheckpointStore& checkpoints, Executor& compute, int num_threads)
    : checkpoints_(checkpoints), compute_(compute), num_threads_(num_threads) {}

Result<FinalizeOutput> Finalizer::Run(const FinalizeInput& input) {
  SKERRY_FAILPOINT("coordinator/finalize-begins");
  FinalizeOutput output;
  output.damaged = FindDamaged(input, compute_, num_threads_ - 1);
  if (!output.damaged.empty()) return output;
  Sums sums;
  std::vector<const v1::ResultHeader*> headers;
  for (const CountedResult& result : input.results) {
    SKERRY_RETURN_IF_ERROR(AddSums(*result.file, input.spec, sums));
    headers.push_back(&result.header);
  }
  if (!input.results.empty()) {
    SKERRY_ASSIGN_OR_RETURN(output.metrics, input.program->Metrics(input.spec, sums));
  }
  AppendTrainLoss(headers, output.metrics);
  if (input.spec.makes_model) {
    VersionMaker maker(input, checkpoints_, compute_, num_threads_);
    SKERRY_ASSIGN_OR_RETURN(output.model, maker.Make(sums));
  }
  return output;
}

}  // namespace skerry::coordinator
