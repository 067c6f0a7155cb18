#include "coordinator/finalizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <limits>

#include "base/bytes_file.h"
#include "base/crc32c.h"
#include "base/memory_files.h"
#include "base/random.h"
#include "coordinator/checked_updates.h"
#include "crypto/content_hash.h"
#include "learning/strategies/statistics.h"
#include "rpc/chunks.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using learning::DType;
using learning::Layout;
using learning::Rule;
using skerry::testing::Fails;
using skerry::testing::HasCode;
using storage::CheckpointPart;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Remembers half of its last step: m <- m/2 + update, w <- w + m.
class Momentum final : public learning::Strategy {
 public:
  const learning::Aggregator& aggregator() const override { return learning::MeanAggregator(); }
  std::vector<learning::StateVector> StateVectors() const override { return {{"momentum"}}; }
  void Apply(const learning::RoundBlock& block,
             const learning::RoundScalars& /*scalars*/) const override {
    for (std::size_t i = 0; i < block.parameters.size(); ++i) {
      block.state[0][i] = 0.5 * block.state[0][i] + block.reduced[0][i];
      block.parameters[i] += block.state[0][i];
    }
  }
};

// Two vectors of each site, as strategies with control variates have them.
class TwoVectors final : public learning::Strategy {
 public:
  const learning::Aggregator& aggregator() const override { return learning::MeanAggregator(); }
  std::vector<std::string> Sections() const override { return {learning::kUpdateSection, "other"}; }
  void Apply(const learning::RoundBlock& block,
             const learning::RoundScalars& /*scalars*/) const override {
    for (std::size_t i = 0; i < block.parameters.size(); ++i) {
      block.parameters[i] += block.reduced[0][i] + 10 * block.reduced[1][i];
    }
  }
};

// A model of `size` parameters that begin at 1, and a fixed tensor that is set by ApplySums.
class FakeProgram final : public learning::Program {
 public:
  explicit FakeProgram(int64_t size, std::unique_ptr<learning::Strategy> strategy = nullptr)
      : parameters_(Layout::Create({{"w", DType::kF32, {size}}}).value()),
        strategy_(strategy ? std::move(strategy) : std::make_unique<Momentum>()) {}

  std::optional<learning::RoundSpec> Next(
      std::span<const learning::RoundOutcome> /*committed*/) const override {
    return std::nullopt;
  }
  int64_t num_rounds() const override { return 1; }
  const Layout& parameters() const override { return parameters_; }
  void InitialParameters(int64_t /*first*/, std::span<double> out) const override {
    std::fill(out.begin(), out.end(), 1.0);
  }
  learning::FixedTensors InitialFixed() const override {
    return {Layout::Create({{"fixed", DType::kF64, {}}}).value(), {7.0}};
  }
  const learning::Strategy& strategy() const override { return *strategy_; }
  Status ApplySums(const learning::RoundSpec& /*spec*/, const learning::Sums& sums,
                   learning::FixedTensors& fixed) const override {
    if (sums.f64.contains("sums")) fixed.values[0] = sums.f64.at("sums")[0];
    return fixed.values[0] < 0 ? FailedPrecondition("no model can be made of that") : OkStatus();
  }
  Result<std::vector<learning::Metric>> Metrics(const learning::RoundSpec& /*spec*/,
                                                const learning::Sums& sums) const override {
    if (!sums.f64.contains("sums")) return std::vector<learning::Metric>();
    return std::vector<learning::Metric>{{"test.sum", sums.f64.at("sums")[0], 1, 0}};
  }

 private:
  const Layout parameters_;
  const std::unique_ptr<learning::Strategy> strategy_;
};

constexpr auto kTwoChunks = static_cast<int64_t>(crypto::kChunkBytes / sizeof(float)) + 10;

// Counts the bytes that are read of it; one of them cannot be.
class WatchedFile final : public File {
 public:
  explicit WatchedFile(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<std::size_t> ReadAt(uint64_t offset, std::span<char> out) const override {
    num_read += out.size();
    if (offset <= bad_sector && bad_sector - offset < out.size()) {
      return FromErrno(EIO, "reading a result");
    }
    return bytes_.ReadAt(offset, out);
  }
  Status WriteAt(uint64_t offset, std::string_view data) override {
    return bytes_.WriteAt(offset, data);
  }
  Result<uint64_t> Size() const override { return bytes_.Size(); }
  Status Truncate(uint64_t size) override { return bytes_.Truncate(size); }
  Status Sync() override { return bytes_.Sync(); }

  uint64_t bad_sector = std::numeric_limits<uint64_t>::max();
  mutable std::atomic<uint64_t> num_read = 0;

 private:
  BytesFile bytes_;
};

template <class T>
std::string BytesOf(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

class FinalizerTest : public ::testing::Test {
 protected:
  // A round that sums one number and, unless `size` is 0, aggregates so many floats.
  void SetSize(int64_t size) {
    input.run_id = "r";
    input.program = std::make_shared<FakeProgram>(std::max<int64_t>(1, size));
    std::vector<learning::Section> sections = {
        {"sums", Rule::kSumF64, Layout::Create({{"s", DType::kF64, {}}}).value()}};
    if (size > 0) {
      sections.insert(sections.begin(),
                      {learning::kUpdateSection, Rule::kAggregate, input.program->parameters()});
    }
    input.spec.round = 1;
    input.spec.result_layout = learning::ResultLayout::Create(std::move(sections)).value();
  }
  void Add(const std::string& site, const std::vector<float>& update, double sum,
           int64_t num_examples = 1) {
    CountedResult result;
    result.site = site;
    const std::string bytes = BytesOf(update) + BytesOf<double>({sum});
    auto file = std::make_shared<BytesFile>(bytes);
    v1::ResultHeader header;
    header.set_num_examples(num_examples);
    header.set_size_bytes(bytes.size());
    header.set_content_hash(std::string(rpc::ResultHash(header, *file)->view()));
    result.header = std::make_shared<const v1::ResultHeader>(std::move(header));
    result.file = std::move(file);
    input.results.push_back(std::move(result));
  }
  // As if this process had received the results, it knows their checksums.
  void NoteChecksums() {
    for (CountedResult& result : input.results) {
      const std::string bytes = Bytes(result);
      result.chunk_checksums.clear();
      for (std::size_t at = 0; at < bytes.size(); at += crypto::kChunkBytes) {
        result.chunk_checksums.push_back(
            Crc32c(std::string_view(bytes).substr(at, crypto::kChunkBytes)));
      }
    }
  }
  static std::string Bytes(const CountedResult& result) {
    std::string bytes(result.header->size_bytes(), '\0');
    EXPECT_OK(result.file->ReadAt(0, bytes));
    return bytes;
  }
  // Sets one byte of a result's file to another value.
  static void Damage(CountedResult& result, std::size_t at, char mask = 1) {
    std::string bytes = Bytes(result);
    bytes[at] = static_cast<char>(bytes[at] ^ mask);
    result.file = std::make_shared<BytesFile>(bytes);
  }
  Result<FinalizeOutput> Run(Executor& executor, int num_threads) {
    return Finalizer(checkpoints, executor, num_threads, small_version_bytes).Run(input);
  }
  Result<FinalizeOutput> Run() { return Run(inline_executor, 1); }
  // The last `count` values of a version's file.
  template <class T>
  std::vector<T> Values(int64_t version, CheckpointPart part, std::size_t count) {
    const std::string bytes = ReadFile(files, checkpoints.PathOf({"r", version, part})).value();
    std::vector<T> values(count);
    std::memcpy(values.data(), bytes.data() + bytes.size() - count * sizeof(T), count * sizeof(T));
    return values;
  }
  std::vector<std::string> Names() {
    const auto names = files.List("runs/r");
    return names.ok() ? *names : std::vector<std::string>();
  }

  MemoryFiles files;
  storage::CheckpointStore checkpoints{files, "runs"};
  InlineExecutor inline_executor;
  FinalizeInput input;
  uint64_t small_version_bytes = 0;  // all versions are files
};

TEST_F(FinalizerTest, TheVersionThatARunBeginsWithIsMadeOfNoResults) {
  SetSize(3);
  input.spec.round = 0;
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput output, Run());
  EXPECT_EQ(output.model->version, 0);
  EXPECT_THAT(Values<float>(0, CheckpointPart::kModel, 3), Each(1.0F));
  EXPECT_THAT(Values<float>(0, CheckpointPart::kState, 3), Each(0.0F));
  EXPECT_THAT(output.metrics, IsEmpty());
}

TEST_F(FinalizerTest, ModelAndStateArePublishedTogetherAndTheNextRoundGoesOnFromThem) {
  SetSize(2);
  Add("a", {1, 0}, 10, 3);
  Add("b", {5, 8}, 5, 1);
  ASSERT_OK_AND_ASSIGN(FinalizeOutput output, Run());
  EXPECT_THAT(Values<float>(1, CheckpointPart::kState, 2), ElementsAre(2, 2));
  EXPECT_THAT(Values<float>(1, CheckpointPart::kModel, 2), ElementsAre(3, 3));
  ASSERT_EQ(output.metrics.size(), 1U);
  EXPECT_EQ(output.metrics[0].value, 15);
  const ModelVersion& first = *output.model;
  EXPECT_OK(checkpoints.OpenVerified({"r", 1, CheckpointPart::kModel}, first.model_hash));
  EXPECT_OK(checkpoints.OpenVerified({"r", 1, CheckpointPart::kState}, first.state_hash));
  EXPECT_GT(first.model_size_bytes, first.state_size_bytes);
  input.base = first;
  input.spec.round = 2;
  input.results.clear();
  Add("a", {0, 4}, 1);
  ASSERT_OK(Run());
  EXPECT_THAT(Values<float>(2, CheckpointPart::kState, 2), ElementsAre(1, 5));
  EXPECT_THAT(Values<float>(2, CheckpointPart::kModel, 2), ElementsAre(4, 8));
  EXPECT_THAT(Names(), ElementsAre("model-1.safetensors", "model-2.safetensors",
                                   "state-1.safetensors", "state-2.safetensors"));
}

TEST_F(FinalizerTest, ASmallVersionIsTheSameAsALargeOneAndMakesNoFile) {
  SetSize(2);
  Add("a", {1, 0}, 10, 3);
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput as_files, Run());
  EXPECT_EQ(as_files.small_model + as_files.small_state, "");
  ASSERT_OK(checkpoints.RemoveAllBut("r", {}));
  const uint64_t size = as_files.model->model_size_bytes + as_files.model->state_size_bytes;
  small_version_bytes = size;
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput small, Run());
  EXPECT_EQ(small.model->model_hash, as_files.model->model_hash);
  EXPECT_EQ(small.model->state_hash, as_files.model->state_hash);
  EXPECT_EQ(crypto::ContentHashOf(crypto::kFileHeader, small.small_model), small.model->model_hash);
  EXPECT_EQ(crypto::ContentHashOf(crypto::kFileHeader, small.small_state), small.model->state_hash);
  EXPECT_OK(checkpoints.OpenVerified({"r", 1, CheckpointPart::kModel}, small.model->model_hash));
  EXPECT_OK(checkpoints.OpenVerified({"r", 1, CheckpointPart::kState}, small.model->state_hash));
  EXPECT_THAT(Names(), IsEmpty());
  small_version_bytes = size - 1;
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput large, Run());
  EXPECT_EQ(large.small_model, "");
}

// Its file is in memory, where two threads may not write.
TEST_F(FinalizerTest, ASmallVersionOfManyResultsIsTheSameWithAnyNumberOfThreads) {
  constexpr int64_t kSize = 7'000;
  SetSize(kSize);
  for (int site = 0; site < 200; ++site) {
    Add("s" + std::to_string(1000 + site),
        std::vector<float>(kSize, static_cast<float>(site) * 0.37F), 1);
  }
  small_version_bytes = kSmallVersionBytes;
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput expected, Run());
  ASSERT_NE(expected.small_model, "");
  ThreadPool pool(3);
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK_AND_ASSIGN(const FinalizeOutput output, Run(pool, 4));
    ASSERT_EQ(output.model->model_hash, expected.model->model_hash);
    ASSERT_EQ(output.small_model, expected.small_model);
  }
}

TEST_F(FinalizerTest, AModelThatWouldNotBeFiniteIsNotMade) {
  SetSize(3);
  constexpr float kLarge = 3e38F;
  Add("a", {0, kLarge, 0}, 1);
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput output, Run());
  input.base = *output.model;
  input.spec.round = 2;
  EXPECT_THAT(Run(), Fails(Code::kFailedPrecondition, HasSubstr("parameter 1 ")));
  EXPECT_THAT(Names(), Not(Contains("model-2.safetensors")));
  EXPECT_OK(checkpoints.OpenVerified({"r", 1, CheckpointPart::kModel}, output.model->model_hash))
      << "the version before it stays";
}

TEST_F(FinalizerTest, AnyNumberOfThreadsMakesTheSameBits) {
  constexpr int64_t kSize = 300'001;  // several blocks, the last one odd
  SetSize(kSize);
  RandomStream random(1, Purpose::kSimulation, 0, "finalizer", 0);
  for (int site = 0; site < 7; ++site) {
    std::vector<float> update(kSize);
    for (float& value : update) value = static_cast<float>(random.Uniform() - 0.5);
    Add("site-" + std::to_string(site), update, random.Uniform(), 1 + site);
  }
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput alone, Run());
  for (const int num_threads : {2, 5}) {
    ThreadPool pool(num_threads);
    ASSERT_OK_AND_ASSIGN(const FinalizeOutput output, Run(pool, num_threads));
    EXPECT_EQ(output.model->model_hash, alone.model->model_hash) << num_threads << " threads";
    EXPECT_EQ(output.model->state_hash, alone.model->state_hash) << num_threads << " threads";
    EXPECT_EQ(output.metrics, alone.metrics);
  }
}

TEST_F(FinalizerTest, ResultsThatAreGoneOrDamagedAreNamedAndNothingElseIsDone) {
  SetSize(1);
  for (const char* site : {"a", "b", "c", "d"}) Add(site, {1}, 1);
  input.results[1].file = nullptr;
  for (const std::size_t i : {2U, 3U}) {
    input.results[i].file =
        std::make_shared<BytesFile>(BytesOf<float>({i == 2U ? 2.0F : 1.0F}) + BytesOf<double>({1}));
  }
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput output, Run());
  EXPECT_THAT(output.damaged, ElementsAre(1, 2));
  EXPECT_FALSE(output.model.has_value());
  EXPECT_THAT(Names(), IsEmpty());
}

// A result that this process received is compared with what it was then, chunk by chunk. Here the
// damage is where only the updates are.
TEST_F(FinalizerTest, AnUpdateThatChangedAfterItWasCheckedIsDamagedAndNothingOfItStays) {
  SetSize(kTwoChunks);
  for (const char* site : {"a", "b", "c"}) Add(site, std::vector<float>(kTwoChunks, 1), 1);
  NoteChecksums();
  Damage(input.results[1], 0);
  Damage(input.results[2], crypto::kChunkBytes - 1);
  ThreadPool pool(2);
  for (const int num_threads : {1, 3}) {
    ASSERT_OK_AND_ASSIGN(const FinalizeOutput output, Run(pool, num_threads));
    EXPECT_THAT(output.damaged, ElementsAre(1, 2));
    EXPECT_FALSE(output.model.has_value());
    EXPECT_THAT(output.metrics, IsEmpty());
    EXPECT_THAT(Names(), IsEmpty());
  }
}

// The sum stands behind the update.
TEST_F(FinalizerTest, ASumThatChangedAfterItWasCheckedIsDamagedToo) {
  SetSize(kTwoChunks);
  for (const char* site : {"a", "b", "c"}) Add(site, std::vector<float>(kTwoChunks, 1), 1);
  NoteChecksums();
  Damage(input.results[0], 0);
  Damage(input.results[2], input.results[2].header->size_bytes() - 1, static_cast<char>(0x80));
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput output, Run());
  EXPECT_THAT(output.damaged, ElementsAre(0, 2));
  EXPECT_THAT(Names(), IsEmpty());
}

// Here the damage makes the update infinite, which no model can be made of.
TEST_F(FinalizerTest, WhatADamagedResultWouldLeadToIsNotTheRunsFault) {
  SetSize(kTwoChunks);
  for (const char* site : {"a", "b"}) Add(site, std::vector<float>(kTwoChunks, 1), 1);
  NoteChecksums();
  Damage(input.results[1], 3, 0x40);  // 1 becomes infinity
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput output, Run());
  EXPECT_THAT(output.damaged, ElementsAre(1));
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(FinalizerTest, RulesThatSortSeeNoDamagedNumber) {
  v1::TrainingSpec spec;
  spec.set_strategy("fedavg");
  for (const char* rule : {"trimmed_mean", "median", "geometric_median", "krum"}) {
    spec.mutable_aggregation()->set_rule(rule);
    spec.mutable_aggregation()->set_trim(0.2);
    spec.mutable_aggregation()->set_attackers(1);
    SetSize(kTwoChunks);
    input.program = std::make_shared<FakeProgram>(kTwoChunks, learning::MakeStrategy(spec).value());
    input.results.clear();
    for (const char* site : {"a", "b", "c", "d", "e"}) {
      Add(site, std::vector<float>(kTwoChunks, 1), 1);
    }
    NoteChecksums();
    EXPECT_EQ(CheckedUpdates::Of(input, inline_executor, 0), nullptr) << rule;
    Damage(input.results[3], 2, static_cast<char>(0xff));
    Damage(input.results[3], 3, 0x40);  // no number
    ASSERT_OK_AND_ASSIGN(const FinalizeOutput output, Run());
    EXPECT_THAT(output.damaged, ElementsAre(3)) << rule;
  }
}

// Its site is asked for it again; only what cannot be written ends the process.
TEST_F(FinalizerTest, AResultThatTheDiskDoesNotGiveBackIsDamaged) {
  SetSize(kTwoChunks);
  for (const char* site : {"a", "b", "c"}) Add(site, std::vector<float>(kTwoChunks, 1), 1);
  NoteChecksums();
  const CountedResult good = input.results[1];
  for (const uint64_t bad_sector : {uint64_t{4096}, good.header->size_bytes() - 1}) {
    auto file = std::make_shared<WatchedFile>(Bytes(good));
    file->bad_sector = bad_sector;
    input.results[1].file = std::move(file);
    ASSERT_OK_AND_ASSIGN(const FinalizeOutput output, Run());
    EXPECT_THAT(output.damaged, ElementsAre(1));
  }
}

// But for the chunk in which the sum stands: that is looked at before, and the sum is read by
// itself.
TEST_F(FinalizerTest, LargeResultsThatAreWholeAreReadOnceAndGiveTheSameModel) {
  SetSize(kTwoChunks);
  for (const char* site : {"a", "b", "c"}) Add(site, std::vector<float>(kTwoChunks, 2), 1);
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput expected, Run());
  NoteChecksums();
  std::vector<std::shared_ptr<WatchedFile>> watched;
  for (CountedResult& result : input.results) {
    watched.push_back(std::make_shared<WatchedFile>(Bytes(result)));
    result.file = watched.back();
  }
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput output, Run());
  EXPECT_THAT(output.damaged, IsEmpty());
  EXPECT_EQ(output.model->model_hash, expected.model->model_hash);
  EXPECT_EQ(output.metrics, expected.metrics);
  const uint64_t size = input.results[0].header->size_bytes();
  for (const auto& file : watched) {
    EXPECT_EQ(file->num_read, size + (size - crypto::kChunkBytes));
  }
}

// The second stands before the first, and the sum between them.
TEST_F(FinalizerTest, AllSectionsOfAnUpdateAreCheckedWhereverTheyStand) {
  SetSize(kTwoChunks);
  input.program = std::make_shared<FakeProgram>(kTwoChunks, std::make_unique<TwoVectors>());
  const Layout& parameters = input.program->parameters();
  input.spec.result_layout =
      learning::ResultLayout::Create(
          {{"other", Rule::kAggregate, parameters},
           {"sums", Rule::kSumF64, Layout::Create({{"s", DType::kF64, {}}}).value()},
           {learning::kUpdateSection, Rule::kAggregate, parameters}})
          .value();
  const std::vector<float> other(kTwoChunks, 2);
  const std::string update = BytesOf(std::vector<float>(kTwoChunks, 3));
  for (const char* site : {"a", "b", "c"}) {
    Add(site, other, 1);
    CountedResult& result = input.results.back();
    const std::string bytes = Bytes(result) + update;
    v1::ResultHeader header = *result.header;
    header.set_size_bytes(bytes.size());
    result.header = std::make_shared<const v1::ResultHeader>(header);
    result.file = std::make_shared<BytesFile>(bytes);
  }
  NoteChecksums();
  ASSERT_NE(CheckedUpdates::Of(input, inline_executor, 0), nullptr);
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput output, Run());
  EXPECT_THAT(output.damaged, IsEmpty());
  EXPECT_THAT(Values<float>(1, CheckpointPart::kModel, 3), Each(1 + 3 + 20));
  Damage(input.results[0], 5);
  Damage(input.results[2], input.results[2].header->size_bytes() - 1);
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput damaged, Run());
  EXPECT_THAT(damaged.damaged, ElementsAre(0, 2));
}

TEST_F(FinalizerTest, TheDigestsOfTheNewModelsChunksAreTold) {
  SetSize(kTwoChunks);
  Add("a", std::vector<float>(kTwoChunks, 2), 1);
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput output, Run());
  ASSERT_OK_AND_ASSIGN(const auto file, checkpoints.Open({"r", 1, CheckpointPart::kModel}));
  ASSERT_OK_AND_ASSIGN(const auto digests, crypto::ChunkDigestsOf(*file));
  EXPECT_EQ(output.model_chunks, digests);
  EXPECT_EQ(digests.size(), 2U);
}

TEST_F(FinalizerTest, AHeaderThatIsNotTheOneThatWasHashedCountsAsDamageToo) {
  SetSize(1);
  Add("a", {1}, 1);
  v1::ResultHeader header = *input.results[0].header;
  header.set_num_examples(1000);
  input.results[0].header = std::make_shared<const v1::ResultHeader>(header);
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput output, Run());
  EXPECT_THAT(output.damaged, ElementsAre(0));
}

TEST_F(FinalizerTest, AResultThatIsCutShortEndsTheRoundWithDataLoss) {
  SetSize(4);
  Add("a", {1, 2}, 3);  // two floats are missing
  EXPECT_THAT(Run(), HasCode(Code::kDataLoss));
  EXPECT_THAT(Names(), ::testing::Not(::testing::Contains("model-1.safetensors")));
}

// 1, 0.2 and then, from a site that began with the first again, 0.2: not 0.2 - 0.8.
TEST_F(FinalizerTest, AMeasuredValueOfAnOldVersionIsTakenAsItIs) {
  SetSize(1);
  v1::TrainingSpec spec;
  spec.set_strategy("fedbuff");
  spec.mutable_async()->set_staleness("constant");
  input.program = std::make_shared<FakeProgram>(
      1, learning::AverageStatistics(learning::MakeStrategy(spec).value(), {{0, 1}}));
  input.spec.round = 0;
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput begun, Run());
  input.base = begun.model;
  input.spec.round = 1;
  Add("a", {-0.8F}, 1);
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput first, Run());
  input.base = first.model;
  input.spec.round = 2;
  input.results[0].base = begun.model;
  ASSERT_OK(Run());
  EXPECT_THAT(Values<float>(2, CheckpointPart::kModel, 1), ElementsAre(FloatNear(0.2F, 1e-6F)));
}

// The trained ones are 3 and 4 long, and 6 and 8.
TEST_F(FinalizerTest, ClippingLooksAtWhatIsTrainedAndShortensNothingElse) {
  SetSize(3);
  v1::TrainingSpec spec;
  spec.set_strategy("fedavg");
  spec.mutable_aggregation()->set_clipping_norm(5);
  input.program = std::make_shared<FakeProgram>(
      3, learning::AverageStatistics(learning::MakeStrategy(spec).value(), {{1, 1}}));
  Add("a", {3, 1000, 4}, 1);
  Add("b", {6, 2000, 8}, 1);
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput output, Run());
  EXPECT_THAT(Values<float>(1, CheckpointPart::kModel, 3), ElementsAre(4, 1501, 5));
  ASSERT_EQ(output.treatments.size(), 2U);
  EXPECT_EQ(output.treatments[0].norm, 5);
  EXPECT_EQ(output.treatments[0].factor, 1);
  EXPECT_EQ(output.treatments[1].norm, 10);
  EXPECT_EQ(output.treatments[1].factor, 0.5);
}

TEST_F(FinalizerTest, ADamagedOrMissingBaseIsNamed) {
  SetSize(2);
  input.spec.round = 0;
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput base, Run());
  input.base = base.model;
  input.spec.round = 1;
  Add("a", {1, 1}, 1);
  const std::string path = checkpoints.PathOf({"r", 0, CheckpointPart::kModel});
  ASSERT_OK(files.Open(path, OpenMode::kCreate).value()->WriteAt(0, "no safetensors file"));
  EXPECT_THAT(Run(), Fails(Code::kDataLoss, HasSubstr(path)));
  ASSERT_OK(files.Remove(path));
  EXPECT_THAT(Run(), Fails(Code::kNotFound, HasSubstr(path)));
}

TEST_F(FinalizerTest, WhatTheProgramRefusesIsForTheResearcher) {
  SetSize(1);
  Add("a", {1}, -3);
  EXPECT_THAT(Run(), Fails(Code::kFailedPrecondition, HasSubstr("no model can be made")));
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(FinalizerTest, ARoundWithoutAModelGivesItsMetricsAlone) {
  SetSize(0);
  input.spec.makes_model = false;
  Add("a", {}, 2);
  CountedResult& result = input.results[0];
  v1::ResultHeader header = *result.header;
  (*header.mutable_scalars())["train_loss"] = 0.5;
  header.set_content_hash(std::string(rpc::ResultHash(header, *result.file)->view()));
  result.header = std::make_shared<const v1::ResultHeader>(header);
  ASSERT_OK_AND_ASSIGN(const FinalizeOutput output, Run());
  EXPECT_FALSE(output.model.has_value());
  ASSERT_EQ(output.metrics.size(), 2U);
  EXPECT_EQ(output.metrics[1].name, "train.loss");
}

TEST_F(FinalizerTest, TheModelFileNamesItsTensorsAndWhatItWasMadeOf) {
  SetSize(2);
  input.metadata = {{"run", "icu"}};
  Add("a", {1, 1}, 4);
  ASSERT_OK(Run());
  ASSERT_OK_AND_ASSIGN(const auto file, checkpoints.Open({"r", 1, CheckpointPart::kModel}));
  ASSERT_OK_AND_ASSIGN(const storage::SafetensorsInfo info, storage::ReadSafetensors(*file));
  EXPECT_EQ(info.layout, ModelFileLayout(input.program->InitialFixed().layout, *input.program));
  EXPECT_EQ(info.metadata.at("run"), "icu");
}

}  // namespace
}  // namespace skerry::coordinator
