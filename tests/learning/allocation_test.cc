#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <vector>

#include "learning/aggregator.h"
#include "learning/local_training.h"
#include "learning/random_data.h"

namespace {
thread_local int64_t allocations = 0;
}  // namespace

// Counts what this test program's own thread allocates. Never inlined: g++ would else see free() at
// the end of a new expression and warn of a mismatch. All forms that are used (std::stable_sort's
// is the one that does not throw), since each must go with the same way to free.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace skerry::learning {
namespace {

constexpr int64_t kInputs = 400;

std::unique_ptr<Model> MakeMlp() {
  v1::ModelSpec spec;
  spec.set_kind("mlp");
  spec.add_hidden(300);
  spec.add_hidden(20);
  spec.set_activation("tanh");
  return MakeModel(spec, kInputs, 3).value();
}

TEST(AllocationTest, AGradientAllocatesNothing) {
  const auto model = MakeMlp();
  const std::vector<float> features = RandomFloats(40 * kInputs, 1);
  const std::vector<float> labels = RandomClasses(40, 3, 2);
  std::vector<float> parameters(static_cast<std::size_t>(model->parameters().num_elements()));
  model->Initialize(1, 0, parameters);
  std::vector<float> gradient(parameters.size());
  const auto workspace = model->NewWorkspace(40);
  const int64_t before = allocations;
  model->Gradient(parameters, {40, features, labels}, gradient, *workspace);
  EXPECT_EQ(allocations, before);
}

TEST(AllocationTest, MoreStepsOfTrainingAllocateNoMore) {
  const auto model = MakeMlp();
  const Dataset data = {25, kInputs, RandomFloats(25 * kInputs, 1), RandomClasses(25, 3, 2)};
  std::vector<float> parameters(static_cast<std::size_t>(model->parameters().num_elements()));
  const StepProgress progress = [](int64_t, int64_t) {};
  const auto count = [&](int64_t epochs) {
    const LocalTrainingOptions options = {.local_epochs = epochs, .batch_size = 4, .momentum = 0.5};
    const int64_t before = allocations;
    const auto result = TrainLocally(*model, data, options, parameters, {}, progress);
    EXPECT_TRUE(result.ok());
    return allocations - before;
  };
  EXPECT_EQ(count(5), count(1));
  EXPECT_GT(count(1), 0);
}

}  // namespace
}  // namespace skerry::learning
