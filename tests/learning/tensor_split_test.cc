#include "learning/tensor_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Layout Model() {
  return Layout::Create({{"layers.0.weight", DType::kF32, {2}},
                         {"layers.0.bias", DType::kF32, {1}},
                         {"layers.1.weight", DType::kF32, {3}},
                         {"layers.1.bias", DType::kF32, {1}}})
      .value();
}

Result<TensorSplit> Split(const std::vector<std::string>& beginnings) {
  return TensorSplit::Create(Model(), beginnings);
}

TEST(TensorSplitTest, EachPartKeepsTheOrderOfTheWhole) {
  ASSERT_OK_AND_ASSIGN(const TensorSplit split, Split({"layers.0.bias", "layers.1.w"}));
  EXPECT_EQ(split.num_local(), 4);
  EXPECT_EQ(split.shared().num_elements(), 3);
  EXPECT_TRUE(split.shared().Find("layers.1.bias"));
  std::vector<float> shared(3);
  std::vector<float> local(4);
  const std::vector<float> all = {0, 1, 2, 3, 4, 5, 6};
  split.Divide<float>(all, shared, local);
  EXPECT_THAT(shared, ElementsAre(0, 1, 6));
  EXPECT_THAT(local, ElementsAre(2, 3, 4, 5));
  std::vector<float> joined(7);
  split.Join<float>(shared, local, joined);
  EXPECT_EQ(joined, all);
}

TEST(TensorSplitTest, ARangeOfWhatIsSharedIsRangesOfTheWhole) {
  ASSERT_OK_AND_ASSIGN(const TensorSplit split, Split({"layers.0.bias"}));
  std::vector<std::tuple<int64_t, int64_t, int64_t>> ranges;
  split.ForShared(1, 3, [&](int64_t in_all, int64_t after, int64_t count) {
    ranges.emplace_back(in_all, after, count);
  });
  EXPECT_THAT(ranges, ElementsAre(std::tuple(1, 0, 1), std::tuple(3, 1, 2)));
}

TEST(TensorSplitTest, WithoutLocalTensorsAllIsShared) {
  ASSERT_OK_AND_ASSIGN(const TensorSplit split, Split({}));
  EXPECT_FALSE(split.has_local());
  EXPECT_EQ(split.shared(), Model());
}

TEST(TensorSplitTest, AMisspeltTensorIsRefused) {
  EXPECT_THAT(Split({"layer.0"}), Fails(Code::kInvalidArgument, HasSubstr("layer.0")));
  EXPECT_THAT(Split({""}), Fails(Code::kInvalidArgument, HasSubstr("model.local_tensors")));
  EXPECT_THAT(Split({"layers."}), Fails(Code::kInvalidArgument, HasSubstr("share")));
}

}  // namespace
}  // namespace skerry::learning
