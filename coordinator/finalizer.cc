#include "coordinator/finalizer.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "base/bytes_file.h"
#include "base/failpoint.h"
#include "coordinator/block_pass.h"
#include "coordinator/checked_updates.h"
#include "coordinator/damaged_results.h"
#include "coordinator/file_values.h"
#include "coordinator/fixed_values.h"
#include "coordinator/result_sums.h"
#include "coordinator/update_reader.h"
#include "coordinator/update_statistics.h"
#include "crypto/content_hash.h"

namespace skerry::coordinator {
namespace {

using learning::FixedTensors;
using learning::Layout;
using learning::RoundSpec;
using learning::Sums;
using storage::CheckpointPart;
using storage::CheckpointRef;

struct OpenCheckpoint {
  std::unique_ptr<File> file;
  uint64_t data_begin = 0;  // of the first tensor
};

struct UpdateBase {
  OpenCheckpoint checkpoint;
  UpdateReader reader;  // of its parameters
};

// Verified: a disk may have changed it since it was made. Its layout is then the run's.
Result<OpenCheckpoint> OpenBase(storage::CheckpointStore& checkpoints, const CheckpointRef& ref,
                                const crypto::Digest& expected, Executor& compute, int helpers) {
  OpenCheckpoint base;
  SKERRY_ASSIGN_OR_RETURN(base.file, checkpoints.OpenVerified(ref, expected, compute, helpers));
  const Result<uint64_t> data_begin = storage::SafetensorsDataBegin(*base.file);
  if (!data_begin.ok()) {
    return Status(data_begin.status()).WithContext(checkpoints.PathOf(ref));
  }
  base.data_begin = *data_begin;
  return base;
}

bool IsLost(const Status& status) {
  return status.code() == Code::kDataLoss || status.code() == Code::kNotFound;
}

// Of models without parameters that rounds aggregate, nothing depends on it.
learning::DType DTypeOf(const Layout& parameters) {
  return parameters.tensors().empty() ? learning::DType::kF32 : parameters.tensors().front().dtype;
}

// Those state vectors that sites get, or those that they do not get.
std::vector<learning::TensorSpec> StateTensors(const learning::Program& program, bool sent) {
  std::vector<learning::TensorSpec> tensors;
  const learning::DType dtype = DTypeOf(program.parameters());
  const int64_t n = program.parameters().num_elements();
  for (const learning::StateVector& vector : program.strategy().StateVectors()) {
    if (vector.sent_to_sites != sent) continue;
    tensors.push_back({sent ? learning::SentTensor(vector.name) : vector.name, dtype, {n}});
  }
  return tensors;
}

// The state vectors one by one, where those that are sent and those that are not follow each other
// in two files.
template <class F>
std::vector<Slice<F>> StateSlices(const learning::Program& program, Slice<F> sent, Slice<F> kept) {
  std::vector<Slice<F>> slices;
  for (const learning::StateVector& vector : program.strategy().StateVectors()) {
    Slice<F>& from = vector.sent_to_sites ? sent : kept;
    slices.push_back(from);
    from.offset += static_cast<uint64_t>(program.parameters().size_bytes());
  }
  return slices;
}

Layout StateFileLayout(const learning::Program& program) {
  std::vector<learning::TensorSpec> tensors = StateTensors(program, false);
  Result<Layout> layout = Layout::Create(std::move(tensors));
  SKERRY_CHECK(layout.ok());
  return *std::move(layout);
}

// Makes the next version of a run's model.
class VersionMaker {
 public:
  VersionMaker(const FinalizeInput& input, storage::CheckpointStore& checkpoints, Executor& compute,
               int num_threads, uint64_t small_version_bytes)
      : input_(input),
        checkpoints_(checkpoints),
        compute_(compute),
        num_threads_(num_threads),
        small_version_bytes_(small_version_bytes),
        update_readers_(ReadersOf(input)) {}

  // `checked`, if it is there, gets to see all updates. Then nothing is published of what was made
  // of damaged ones, and the output names them.
  Status Make(const Sums& sums, CheckedUpdates* checked, FinalizeOutput& output) {
    FixedTensors fixed = input_.program->InitialFixed();
    SKERRY_RETURN_IF_ERROR(OpenBaseFiles(fixed));
    SKERRY_RETURN_IF_ERROR(OpenUpdateBases(fixed.layout.size_bytes(), output.lost_base));
    if (output.lost_base) return OkStatus();
    SKERRY_RETURN_IF_ERROR(input_.program->ApplySums(input_.spec, sums, fixed));
    SKERRY_ASSIGN_OR_RETURN(learning::Coefficients coefficients, Weigh());
    output.treatments = std::move(coefficients.treatments);
    SKERRY_RETURN_IF_ERROR(BeginFiles(fixed));
    LeftOutCounter left_out(strategy().aggregator(), coefficients,
                            input_.program->parameters().num_elements());
    // Of a file in memory one thread writes all.
    SKERRY_RETURN_IF_ERROR(RunBlockPass(PassInput(coefficients, checked, left_out), output_,
                                        compute_, is_small_ ? 1 : num_threads_));
    if (checked != nullptr) {
      output.damaged = checked->Damaged();
      if (!output.damaged.empty()) return OkStatus();
    }
    TellTrimmed(left_out.Shares(), output.treatments);
    SKERRY_ASSIGN_OR_RETURN(const ModelVersion made, Measure(output.model_chunks));
    SKERRY_FAILPOINT("coordinator/version-written");
    if (state_ != nullptr) {
      SKERRY_RETURN_IF_ERROR(Publish(CheckpointPart::kState, *state_, output.small_state));
    }
    SKERRY_RETURN_IF_ERROR(Publish(CheckpointPart::kModel, *model_, output.small_model));
    SKERRY_FAILPOINT("coordinator/version-published");
    output.model = made;
    return OkStatus();
  }

  // What was begun and is not to be published may be gigabytes, and nobody knows when the round
  // goes on. If it cannot be removed, the next to be begun replaces it.
  void DiscardFiles() {
    if (std::exchange(model_, nullptr) == nullptr) return;
    state_ = nullptr;
    for (const CheckpointPart part : {CheckpointPart::kModel, CheckpointPart::kState}) {
      static_cast<void>(checkpoints_.Discard(Ref(input_.spec.round, part)).ok());
    }
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
    SKERRY_RETURN_IF_ERROR(ReadFixed(*base_model_.file, base_model_.data_begin, fixed));
    model_values_ = {base_model_.file.get(), base_model_.data_begin + fixed_bytes};
    Slice<const File> sent = model_values_;
    sent.offset += static_cast<uint64_t>(input_.program->parameters().size_bytes());
    SKERRY_ASSIGN_OR_RETURN(const Slice<const File> kept, OpenBaseState());
    state_values_ = StateSlices(*input_.program, sent, kept);
    return OkStatus();
  }

  Result<Slice<const File>> OpenBaseState() {
    if (input_.base->state_size_bytes == 0) return Slice<const File>{};
    SKERRY_ASSIGN_OR_RETURN(
        base_state_, OpenBase(checkpoints_, Ref(input_.base->version, CheckpointPart::kState),
                              input_.base->state_hash, compute_, num_threads_ - 1));
    return Slice<const File>{base_state_.file.get(), base_state_.data_begin};
  }

  // What updates began with, for strategies that look at it; each version once.
  Status OpenUpdateBases(int64_t fixed_bytes, std::optional<LostBase>& lost) {
    if (!strategy().NeedsBases() || update_readers_.empty()) return OkStatus();
    for (std::size_t i = 0; i < input_.results.size(); ++i) {
      const CountedResult& result = input_.results[i];
      const ModelVersion& base = BaseOf(result);
      if (update_bases_.contains(base.version)) continue;
      Result<OpenCheckpoint> file =
          OpenBase(checkpoints_, Ref(base.version, CheckpointPart::kModel), base.model_hash,
                   compute_, num_threads_ - 1);
      if (result.base && IsLost(file.status())) {
        lost = LostBase{i, std::move(file).status()};
        return OkStatus();
      }
      SKERRY_RETURN_IF_ERROR(file.status());
      const UpdateReader reader(file->data_begin + static_cast<uint64_t>(fixed_bytes),
                                input_.program->parameters().num_elements());
      update_bases_.emplace(base.version, UpdateBase{*std::move(file), reader});
    }
    return OkStatus();
  }

  const ModelVersion& BaseOf(const CountedResult& result) const {
    return result.base ? *result.base : *input_.base;
  }

  // The updates of the round by section, as they lie in the results' files; none in a round
  // without.
  std::vector<std::vector<Update>> Updates(CheckedUpdates* checked) const {
    std::vector<std::vector<Update>> sections;
    for (const UpdateReader& reader : update_readers_) {
      std::vector<Update>& updates = sections.emplace_back();
      for (std::size_t i = 0; i < input_.results.size(); ++i) {
        ReadCheck* const check = checked != nullptr ? &checked->of(i) : nullptr;
        updates.push_back({input_.results[i].file.get(), &reader, check});
      }
    }
    if (update_bases_.empty()) return sections;
    std::vector<Update>& bases = sections.emplace_back();
    for (const CountedResult& result : input_.results) {
      const UpdateBase& base = update_bases_.at(BaseOf(result).version);
      bases.push_back({base.checkpoint.file.get(), &base.reader});
    }
    return sections;
  }

  static std::vector<UpdateReader> ReadersOf(const FinalizeInput& input) {
    std::vector<UpdateReader> readers;
    for (const std::size_t section : UpdateSections(input)) {
      readers.emplace_back(input.spec.result_layout, section);
    }
    return readers;
  }

  static void TellTrimmed(const std::vector<double>& shares,
                          std::vector<learning::Treatment>& treatments) {
    if (shares.empty()) return;
    treatments.resize(shares.size());
    for (std::size_t k = 0; k < shares.size(); ++k) treatments[k].trimmed = shares[k];
  }

  BlockPassInput PassInput(const learning::Coefficients& coefficients, CheckedUpdates* checked,
                           LeftOutCounter& left_out) const {
    const learning::Program& program = *input_.program;
    return {.num_elements = program.parameters().num_elements(),
            .dtype = DTypeOf(program.parameters()),
            .strategy = strategy(),
            .coefficients = coefficients,
            .scalars = scalars_,
            .sections = Updates(checked),
            .base_model = model_values_,
            .initial = [&program](int64_t first,
                                  std::span<double> out) { program.InitialParameters(first, out); },
            .base_state = state_values_,
            .left_out = &left_out};
  }

  const learning::Strategy& strategy() const { return input_.program->StrategyOf(input_.spec); }

  int64_t StalenessOf(const CountedResult& result) const {
    return result.base ? input_.base->version - result.base->version : 0;
  }

  Result<learning::Coefficients> Weigh() {
    const std::vector<std::vector<Update>> sections = Updates(nullptr);
    if (sections.empty() || sections.front().empty()) return learning::Coefficients{};
    std::vector<learning::UpdateInfo> updates;
    for (const CountedResult& result : input_.results) {
      const auto& scalars = result.header->scalars();
      updates.push_back({.site = result.site,
                         .num_examples = result.header->num_examples(),
                         .staleness = StalenessOf(result),
                         .scalars = {scalars.begin(), scalars.end()}});
    }
    const learning::Program& program = *input_.program;
    const UpdatePass pass = {.updates = sections.front(),
                             .num_elements = program.parameters().num_elements(),
                             .dtype = DTypeOf(program.parameters()),
                             .compute = compute_,
                             .num_threads = num_threads_,
                             .statistics = strategy().Statistics()};
    if (strategy().NeedsNorms()) SKERRY_RETURN_IF_ERROR(MeasureNorms(pass, updates));
    const learning::RoundContext context = {input_.spec.round, input_.num_sites,
                                            input_.spec.learning_rate};
    SKERRY_ASSIGN_OR_RETURN(scalars_, strategy().Prepare(context, updates));
    return WeighUpdates(strategy(), updates, pass);
  }

  Status BeginFiles(const FixedTensors& fixed) {
    const Layout layout = ModelFileLayout(fixed.layout, *input_.program);
    const std::string header = storage::SafetensorsHeader(layout, input_.metadata);
    const Layout state_layout = StateFileLayout(*input_.program);
    const std::string state_header =
        state_layout.tensors().empty() ? "" : storage::SafetensorsHeader(state_layout, {});
    const int64_t tensor_bytes = layout.size_bytes() + state_layout.size_bytes();
    is_small_ = header.size() + state_header.size() + static_cast<uint64_t>(tensor_bytes) <=
                small_version_bytes_;
    SKERRY_ASSIGN_OR_RETURN(model_, Begin(CheckpointPart::kModel));
    SKERRY_RETURN_IF_ERROR(model_->WriteAt(0, header));
    const std::string fixed_bytes = FixedBytes(fixed);
    SKERRY_RETURN_IF_ERROR(model_->WriteAt(header.size(), fixed_bytes));
    output_.model = {model_.get(), header.size() + fixed_bytes.size()};
    Slice<File> sent = output_.model;
    sent.offset += static_cast<uint64_t>(input_.program->parameters().size_bytes());
    SKERRY_ASSIGN_OR_RETURN(const Slice<File> kept, BeginState(state_header));
    output_.state = StateSlices(*input_.program, sent, kept);
    return OkStatus();
  }

  // `header`: empty if there is no state.
  Result<Slice<File>> BeginState(const std::string& header) {
    if (header.empty()) return Slice<File>{};
    SKERRY_ASSIGN_OR_RETURN(state_, Begin(CheckpointPart::kState));
    SKERRY_RETURN_IF_ERROR(state_->WriteAt(0, header));
    return Slice<File>{state_.get(), header.size()};
  }

  Result<std::unique_ptr<File>> Begin(CheckpointPart part) {
    if (is_small_) return std::unique_ptr<File>(std::make_unique<BytesFile>());
    return checkpoints_.Begin(Ref(input_.spec.round, part));
  }

  Result<crypto::Digest> HashOf(const File& file, std::vector<crypto::Digest>* chunks = nullptr) {
    return crypto::ContentHashOf(crypto::kFileHeader, file, compute_, num_threads_ - 1, chunks);
  }

  Result<ModelVersion> Measure(std::vector<crypto::Digest>& model_chunks) {
    ModelVersion made;
    made.version = input_.spec.round;
    SKERRY_ASSIGN_OR_RETURN(made.model_hash, HashOf(*model_, &model_chunks));
    SKERRY_ASSIGN_OR_RETURN(made.model_size_bytes, model_->Size());
    if (state_ != nullptr) {
      SKERRY_ASSIGN_OR_RETURN(made.state_hash, HashOf(*state_));
      SKERRY_ASSIGN_OR_RETURN(made.state_size_bytes, state_->Size());
    }
    return made;
  }

  // `small`: gets its bytes if they are few.
  Status Publish(CheckpointPart part, File& file, std::string& small) {
    const CheckpointRef ref = Ref(input_.spec.round, part);
    if (!is_small_) return checkpoints_.Publish(ref, file);
    SKERRY_ASSIGN_OR_RETURN(const uint64_t size, file.Size());
    small.resize(size);
    SKERRY_RETURN_IF_ERROR(ReadValues(file, 0, std::span(small)));
    return checkpoints_.Keep(ref, small);
  }

  const FinalizeInput& input_;
  storage::CheckpointStore& checkpoints_;
  Executor& compute_;
  const int num_threads_;
  const uint64_t small_version_bytes_;
  const std::vector<UpdateReader> update_readers_;  // of the strategy's sections
  std::map<int64_t, UpdateBase> update_bases_;      // by version; none if nobody looks at them
  OpenCheckpoint base_model_;
  OpenCheckpoint base_state_;
  std::unique_ptr<File> model_;
  std::unique_ptr<File> state_;
  learning::RoundScalars scalars_;
  Slice<const File> model_values_;  // of the base version; no file: there is none
  std::vector<Slice<const File>> state_values_;
  BlockPassOutput output_;
  bool is_small_ = false;
};

}  // namespace

Layout ModelFileLayout(const Layout& fixed, const learning::Program& program) {
  std::vector<learning::TensorSpec> tensors = fixed.tensors();
  const Layout& parameters = program.parameters();
  tensors.insert(tensors.end(), parameters.tensors().begin(), parameters.tensors().end());
  const std::vector<learning::TensorSpec> sent = StateTensors(program, true);
  tensors.insert(tensors.end(), sent.begin(), sent.end());
  Result<Layout> layout = Layout::Create(std::move(tensors));
  SKERRY_CHECK(layout.ok());
  return *std::move(layout);
}

Finalizer::Finalizer(storage::CheckpointStore& checkpoints, Executor& compute, int num_threads,
                     uint64_t small_version_bytes)
    : checkpoints_(checkpoints),
      compute_(compute),
      num_threads_(num_threads),
      small_version_bytes_(small_version_bytes) {}

Result<FinalizeOutput> Finalizer::Run(const FinalizeInput& input) {
  SKERRY_FAILPOINT("coordinator/finalize-begins");
  const std::unique_ptr<CheckedUpdates> checked =
      CheckedUpdates::Of(input, compute_, num_threads_ - 1);
  if (checked != nullptr) {
    Result<FinalizeOutput> output = Make(input, checked.get());
    const Code code = output.status().code();
    if (output.ok() || code == Code::kInternal || code == Code::kResourceExhausted) return output;
    // It may be the fault of a damaged result, which is asked for again: so these are looked for.
  }
  FinalizeOutput output;
  output.damaged = FindDamaged(input.results, compute_, num_threads_ - 1);
  if (!output.damaged.empty()) return output;
  return Make(input, nullptr);
}

Result<FinalizeOutput> Finalizer::Make(const FinalizeInput& input, CheckedUpdates* checked) {
  FinalizeOutput output;
  Sums sums;
  std::vector<const v1::ResultHeader*> headers;
  for (const CountedResult& result : input.results) {
    SKERRY_RETURN_IF_ERROR(AddSums(*result.file, input.spec, sums));
    headers.push_back(result.header.get());
  }
  if (!input.results.empty()) {
    SKERRY_ASSIGN_OR_RETURN(output.metrics, input.program->Metrics(input.spec, sums));
  }
  AppendTrainLoss(headers, output.metrics);
  if (input.spec.makes_model) {
    VersionMaker maker(input, checkpoints_, compute_, num_threads_, small_version_bytes_);
    Status made = maker.Make(sums, checked, output);
    if (!made.ok() || !output.damaged.empty()) maker.DiscardFiles();
    SKERRY_RETURN_IF_ERROR(std::move(made));
  }
  if (output.damaged.empty()) return output;
  FinalizeOutput only_damaged;
  only_damaged.damaged = std::move(output.damaged);
  return only_damaged;
}

}  // namespace skerry::coordinator
