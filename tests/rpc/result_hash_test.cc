// The names of layouts and results on the wire. Both sides must make the same ones, so they are
// pinned.
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "base/bytes_file.h"
#include "base/text.h"
#include "crypto/sha256.h"
#include "rpc/chunks.h"
#include "testing/status_matchers.h"

namespace skerry::rpc {
namespace {

using learning::DType;
using learning::Layout;
using learning::ResultLayout;
using learning::Rule;
using learning::TensorSpec;

std::vector<TensorSpec> UpdateTensors() {
  return {{"weight", DType::kF32, {4, 1}}, {"bias", DType::kF32, {1}}};
}

ResultLayout MakeLayout(std::vector<TensorSpec> update, const std::string& counts = "counts",
                        bool counts_first = false) {
  const auto section = [](std::string name, Rule rule, std::vector<TensorSpec> tensors) {
    Result<Layout> layout = Layout::Create(std::move(tensors));
    EXPECT_OK(layout);
    return learning::Section{std::move(name), rule, *std::move(layout)};
  };
  std::vector<learning::Section> sections = {
      section("update", Rule::kAggregate, std::move(update)),
      section(counts, Rule::kSumI64, {{"n", DType::kI64, {}}})};
  if (counts_first) std::swap(sections[0], sections[1]);
  Result<ResultLayout> layout = ResultLayout::Create(std::move(sections));
  EXPECT_OK(layout);
  return *std::move(layout);
}

v1::ResultHeader MakeHeader() {
  v1::ResultHeader header;
  header.set_task_id(7);
  header.set_layout_hash(std::string(LayoutHash(MakeLayout(UpdateTensors())).view()));
  header.set_size_bytes(28);
  header.set_num_examples(199);
  (*header.mutable_scalars())["train_loss"] = 0.5;
  (*header.mutable_scalars())["a"] = -1.25;
  return header;
}

std::string Bytes() {
  std::string bytes(28, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i);
  return bytes;
}

// The three numbers below were worked out apart from this code.
TEST(LayoutHashTest, AKnownLayoutHasItsKnownName) {
  EXPECT_EQ(HexEncode(LayoutHash(MakeLayout(UpdateTensors())).view()),
            "36c35158a84292769a0dc5ae5bcf78932ae49fd0e11a8f95252cba156894e2be");
}

TEST(LayoutHashTest, NamesShapesTypesAndOrderAllCount) {
  const auto name = [](const ResultLayout& layout) { return HexEncode(LayoutHash(layout).view()); };
  std::vector<TensorSpec> renamed = UpdateTensors();
  renamed[0].name = "weights";
  std::vector<TensorSpec> turned = UpdateTensors();
  turned[0].shape = {1, 4};
  std::vector<TensorSpec> flat = UpdateTensors();
  flat[0].shape = {4};
  std::vector<TensorSpec> swapped = UpdateTensors();
  std::swap(swapped[0], swapped[1]);
  std::vector<TensorSpec> fewer = UpdateTensors();
  fewer.pop_back();
  const std::set<std::string> names = {
      name(MakeLayout(UpdateTensors())),
      name(MakeLayout(renamed)),
      name(MakeLayout(turned)),
      name(MakeLayout(flat)),
      name(MakeLayout(swapped)),
      name(MakeLayout(fewer)),
      name(MakeLayout(UpdateTensors(), "count")),
      name(MakeLayout(UpdateTensors(), "counts", /*counts_first=*/true)),
      name(ResultLayout())};
  EXPECT_EQ(names.size(), 9U);
}

TEST(CanonicalHeaderTest, AKnownHeaderHasItsKnownBytes) {
  const std::string text = CanonicalHeader(MakeHeader());
  EXPECT_EQ(text.size(), 130U);
  EXPECT_EQ(HexEncode(crypto::Sha256(text).view()),
            "5ca50ad0164346f4ebb01c52aeb8b652bb8ea6986141c09e891afcf6f283de9f");
}

TEST(CanonicalHeaderTest, DoesNotDependOnTheOrderInWhichScalarsWereSet) {
  v1::ResultHeader forward = MakeHeader();
  v1::ResultHeader backward = MakeHeader();
  for (int i = 0; i < 50; ++i) (*forward.mutable_scalars())["s" + std::to_string(i)] = i;
  for (int i = 49; i >= 0; --i) (*backward.mutable_scalars())["s" + std::to_string(i)] = i;
  EXPECT_EQ(CanonicalHeader(forward), CanonicalHeader(backward));
}

TEST(CanonicalHeaderTest, LeavesTheContentHashItselfOut) {
  v1::ResultHeader header = MakeHeader();
  header.set_content_hash("anything");
  EXPECT_EQ(CanonicalHeader(header), CanonicalHeader(MakeHeader()));
}

TEST(CanonicalHeaderTest, NothingCanMoveFromOneFieldToTheNext) {
  v1::ResultHeader a = MakeHeader();
  a.clear_scalars();
  v1::ResultHeader b = a;
  (*a.mutable_scalars())["ab"] = 1;
  (*b.mutable_scalars())["a"] = 1;
  (*b.mutable_scalars())["b"] = 1;
  EXPECT_NE(CanonicalHeader(a), CanonicalHeader(b));
}

TEST(ResultHashTest, AKnownResultHasItsKnownHash) {
  ASSERT_OK_AND_ASSIGN(const auto hash, ResultHash(MakeHeader(), BytesFile(Bytes())));
  EXPECT_EQ(HexEncode(hash.view()),
            "48526380957c4cc5f65e10418fcd134b2ea36259ff700cec2be56869fe301d5e");
}

TEST(ResultHashTest, EveryFieldAndEveryByteCounts) {
  ASSERT_OK_AND_ASSIGN(const auto hash, ResultHash(MakeHeader(), BytesFile(Bytes())));
  const std::vector<std::function<void(v1::ResultHeader&)>> changes = {
      [](auto& header) { header.set_task_id(8); },
      [](auto& header) { header.mutable_layout_hash()->back() ^= 1; },
      [](auto& header) { header.set_size_bytes(29); },
      [](auto& header) { header.set_num_examples(200); },
      [](auto& header) { header.set_num_examples(-199); },
      [](auto& header) { (*header.mutable_scalars())["train_loss"] = 0.25; },
      [](auto& header) { (*header.mutable_scalars())["train_loss"] = -0.5; },
      [](auto& header) { (*header.mutable_scalars())["more"] = 0; },
      [](auto& header) { header.mutable_scalars()->erase("a"); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    v1::ResultHeader header = MakeHeader();
    changes[i](header);
    ASSERT_OK_AND_ASSIGN(const auto changed, ResultHash(header, BytesFile(Bytes())));
    EXPECT_FALSE(changed == hash) << "change " << i;
  }
  for (std::size_t i = 0; i < Bytes().size(); ++i) {
    std::string bytes = Bytes();
    bytes[i] ^= 1;
    ASSERT_OK_AND_ASSIGN(const auto changed, ResultHash(MakeHeader(), BytesFile(bytes)));
    EXPECT_FALSE(changed == hash) << "byte " << i;
  }
}

TEST(ResultHashTest, ZeroAndMinusZeroAreToldApart) {
  v1::ResultHeader plus = MakeHeader();
  v1::ResultHeader minus = MakeHeader();
  (*plus.mutable_scalars())["a"] = 0.0;
  (*minus.mutable_scalars())["a"] = -0.0;
  EXPECT_NE(CanonicalHeader(plus), CanonicalHeader(minus));
}

}  // namespace
}  // namespace skerry::rpc
