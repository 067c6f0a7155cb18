#include "learning/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "testing/status_matchers.h"

namespace skerry::learning {
namespace {

using ::skerry::testing::Fails;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

TensorSpec F32(std::string name, std::vector<int64_t> shape) {
  return {std::move(name), DType::kF32, std::move(shape)};
}

Layout MakeLayout(std::vector<TensorSpec> tensors) {
  return Layout::Create(std::move(tensors)).value();
}

TEST(LayoutTest, TensorsStandOneBehindTheOther) {
  ASSERT_OK_AND_ASSIGN(const Layout layout, Layout::Create({F32("weight", {3, 5}),
                                                            {"scale", DType::kF64, {}},
                                                            {"none", DType::kI64, {4, 0}},
                                                            {"count", DType::kI64, {2}}}));
  EXPECT_EQ(layout.offset_bytes(0), 0);
  EXPECT_EQ(layout.offset_bytes(1), 60);
  EXPECT_EQ(layout.offset_bytes(2), 68);
  EXPECT_EQ(layout.offset_bytes(3), 68);
  EXPECT_EQ(layout.size_bytes(), 84);
  EXPECT_EQ(layout.num_elements(), 18);
  EXPECT_THAT(layout.Find("none"), Optional(2U));
  EXPECT_EQ(layout.Find("nothing"), std::nullopt);
}

TEST(LayoutTest, AnEmptyLayoutHasNoBytes) {
  EXPECT_EQ(Layout().size_bytes(), 0);
  EXPECT_EQ(Layout().num_elements(), 0);
  EXPECT_EQ(MakeLayout({}), Layout());
}

TEST(LayoutTest, NamesMustBeThereOnceAndFitForALog) {
  EXPECT_THAT(Layout::Create({F32("a", {1}), F32("", {1})}),
              Fails(Code::kInvalidArgument, HasSubstr("tensor 1 has no name")));
  EXPECT_THAT(Layout::Create({F32("w", {1}), F32("v", {1}), F32("w", {2})}),
              Fails(Code::kInvalidArgument, HasSubstr("two tensors are called \"w\"")));
  EXPECT_THAT(Layout::Create({F32("a\nb", {1})}),
              Fails(Code::kInvalidArgument, HasSubstr("control characters")));
  EXPECT_THAT(Layout::Create({F32(std::string(256, 'x'), {1})}),
              Fails(Code::kInvalidArgument, HasSubstr("255 bytes")));
  EXPECT_OK(Layout::Create({F32(std::string(255, 'x'), {1}), F32("größe", {1})}));
}

TEST(LayoutTest, SizesThatOverflowAreRefused) {
  EXPECT_THAT(Layout::Create({F32("w", {2, -3})}),
              Fails(Code::kInvalidArgument, HasSubstr("\"w\" has the shape [2, -3]")));
  EXPECT_THAT(Layout::Create({F32("w", {kHuge})}),
              Fails(Code::kInvalidArgument, HasSubstr("2^62")));
  EXPECT_THAT(Layout::Create({F32("w", {kHuge, kHuge, kHuge})}),
              Fails(Code::kInvalidArgument, HasSubstr("2^62")));
  EXPECT_THAT(Layout::Create({F32("w", {int64_t{1} << 32, int64_t{1} << 32})}),
              Fails(Code::kInvalidArgument, HasSubstr("2^62")));
  const int64_t most = int64_t{1} << 60;
  EXPECT_OK(Layout::Create({F32("w", {most})}));
  EXPECT_THAT(Layout::Create({F32("w", {most}), F32("v", {1})}),
              Fails(Code::kInvalidArgument, HasSubstr("together")));
  EXPECT_THAT(Layout::Create({{"w", DType::kF64, {most}}}),
              Fails(Code::kInvalidArgument, HasSubstr("2^62")));
}

TEST(LayoutTest, AnEmptyTensorsOtherDimensionsMustFitInAnyOrder) {
  EXPECT_THAT(Layout::Create({F32("w", {0, kHuge, kHuge})}),
              Fails(Code::kInvalidArgument, HasSubstr("2^62")));
  EXPECT_THAT(Layout::Create({F32("w", {kHuge, kHuge, 0})}),
              Fails(Code::kInvalidArgument, HasSubstr("2^62")));
}

TEST(LayoutTest, AbsurdCountsAreRefused) {
  EXPECT_THAT(Layout::Create({F32("w", std::vector<int64_t>(17, 1))}),
              Fails(Code::kInvalidArgument, HasSubstr("17 dimensions")));
  std::vector<TensorSpec> tensors;
  tensors.reserve(65537);
  for (int i = 0; i < 65537; ++i) tensors.push_back(F32(std::to_string(i), {1}));
  EXPECT_THAT(Layout::Create(std::move(tensors)),
              Fails(Code::kInvalidArgument, HasSubstr("65536 tensors")));
  std::vector<Section> sections;
  sections.reserve(1025);
  for (int i = 0; i < 1025; ++i) sections.push_back({std::to_string(i), Rule::kAggregate, {}});
  EXPECT_THAT(ResultLayout::Create(std::move(sections)),
              Fails(Code::kInvalidArgument, HasSubstr("1024 sections")));
}

// All rules, all dtypes, a scalar.
ResultLayout MakeResultLayout() {
  return ResultLayout::Create(
             {{"update", Rule::kAggregate, MakeLayout({F32("weight", {1, 3}), F32("bias", {1})})},
              {"counts", Rule::kSumI64, MakeLayout({{"n", DType::kI64, {}}})},
              {"sums", Rule::kSumF64, MakeLayout({{"loss", DType::kF64, {2}}})}})
      .value();
}

TEST(ResultLayoutTest, SectionsStandOneBehindTheOther) {
  const ResultLayout layout = MakeResultLayout();
  EXPECT_EQ(layout.offset_bytes(0), 0);
  EXPECT_EQ(layout.offset_bytes(1), 16);
  EXPECT_EQ(layout.offset_bytes(2), 24);
  EXPECT_EQ(layout.size_bytes(), 40);
  EXPECT_THAT(layout.Find("sums"), Optional(2U));
  EXPECT_EQ(layout.Find("weight"), std::nullopt);
}

TEST(ResultLayoutTest, ARuleReducesOneDType) {
  EXPECT_THAT(ResultLayout::Create({{"s", Rule::kSumF64, MakeLayout({F32("w", {1})})}}),
              Fails(Code::kInvalidArgument,
                    HasSubstr("section \"s\": tensor \"w\" is F32, but the rule SUM_F64")));
  EXPECT_THAT(
      ResultLayout::Create({{"s", Rule::kAggregate, MakeLayout({{"n", DType::kI64, {1}}})}}),
      Fails(Code::kInvalidArgument, HasSubstr("AGGREGATE reduces F32")));
}

TEST(ResultLayoutTest, SectionNamesMustBeThereOnce) {
  EXPECT_THAT(ResultLayout::Create({{"a", Rule::kAggregate, {}}, {"a", Rule::kSumF64, {}}}),
              Fails(Code::kInvalidArgument, HasSubstr("two sections are called \"a\"")));
  EXPECT_THAT(ResultLayout::Create({{"a", Rule::kAggregate, {}}, {"", Rule::kSumF64, {}}}),
              Fails(Code::kInvalidArgument, HasSubstr("section 1 has no name")));
}

TEST(ResultLayoutTest, SectionsThatOverflowTogetherAreRefused) {
  const Layout big = MakeLayout({F32("w", {int64_t{3} << 58})});
  EXPECT_THAT(ResultLayout::Create({{"a", Rule::kAggregate, big}, {"b", Rule::kAggregate, big}}),
              Fails(Code::kInvalidArgument, HasSubstr("together")));
}

TEST(ResultLayoutTest, TheWireKeepsEverything) {
  const ResultLayout layout = MakeResultLayout();
  ASSERT_OK_AND_ASSIGN(const ResultLayout read, ResultLayout::FromProto(layout.ToProto()));
  EXPECT_EQ(read.sections(), layout.sections());
  EXPECT_EQ(read.size_bytes(), layout.size_bytes());
}

TEST(ResultLayoutTest, WhatStrangersWriteIsChecked) {
  const auto read = [](auto change) {
    v1::ResultLayout proto = MakeResultLayout().ToProto();
    change(proto);
    return ResultLayout::FromProto(proto);
  };
  const auto number = [](int n) { return HasSubstr(std::to_string(n) + " is unknown"); };
  EXPECT_THAT(read([](auto& p) { p.mutable_sections(0)->set_rule(static_cast<v1::Rule>(9)); }),
              Fails(Code::kInvalidArgument, number(9)));
  EXPECT_THAT(read([](auto& p) { p.mutable_sections(0)->clear_rule(); }),
              Fails(Code::kInvalidArgument, number(0)));
  EXPECT_THAT(read([](auto& p) {
                p.mutable_sections(0)->mutable_tensors(1)->set_dtype(static_cast<v1::DType>(-4));
              }),
              Fails(Code::kInvalidArgument, number(-4)));
  EXPECT_THAT(read([](auto& p) { p.mutable_sections(0)->mutable_tensors(0)->set_shape(0, -1); }),
              Fails(Code::kInvalidArgument, HasSubstr("section 0: tensor \"weight\"")));
  EXPECT_THAT(read([](auto& p) { p.mutable_sections(2)->mutable_tensors(0)->add_shape(kHuge); }),
              Fails(Code::kInvalidArgument, HasSubstr("2^62")));
  EXPECT_THAT(read([](auto& p) { p.mutable_sections(0)->mutable_tensors(1)->set_name("weight"); }),
              Fails(Code::kInvalidArgument, HasSubstr("two tensors")));
  EXPECT_THAT(read([](auto& p) { p.mutable_sections(1)->set_name("update"); }),
              Fails(Code::kInvalidArgument, HasSubstr("two sections")));
  EXPECT_THAT(read([](auto& p) { p.mutable_sections(1)->set_rule(v1::SUM_F64); }),
              Fails(Code::kInvalidArgument, HasSubstr("is I64")));
}

// The text's hash goes over the wire: a change here breaks clients of other versions.
TEST(ResultLayoutTest, TheCanonicalTextIsFixed) {
  EXPECT_EQ(MakeResultLayout().CanonicalText(),
            "skerry result layout 1, 3\n"
            "section AGGREGATE 2 6:update\n"
            "tensor F32 2 1 3 6:weight\n"
            "tensor F32 1 1 4:bias\n"
            "section SUM_I64 1 6:counts\n"
            "tensor I64 0 1:n\n"
            "section SUM_F64 1 4:sums\n"
            "tensor F64 1 2 4:loss\n");
}

TEST(ResultLayoutTest, LayoutsThatDifferHaveTextsThatDiffer) {
  const auto one = [](std::string name, std::vector<int64_t> shape) {
    return Section{std::move(name), Rule::kAggregate, MakeLayout({F32("w", std::move(shape))})};
  };
  const std::vector<std::vector<Section>> layouts = {
      {},
      {{"a", Rule::kAggregate, {}}},
      {{"a", Rule::kSumF64, {}}},
      {one("a", {})},
      {one("a", {1})},
      {one("a", {1, 1})},
      {one("a", {11})},
      {one("a", {1}), {"b", Rule::kAggregate, {}}},
      {{"b", Rule::kAggregate, {}}, one("a", {1})},
      {one("a tensor F32 1 1 1:w", {})},
      {one("a", {1}), one("b", {1})},
  };
  std::vector<std::string> texts;
  for (const std::vector<Section>& sections : layouts) {
    ASSERT_OK_AND_ASSIGN(const ResultLayout layout, ResultLayout::Create(sections));
    for (const std::string& other : texts) EXPECT_NE(layout.CanonicalText(), other);
    texts.push_back(layout.CanonicalText());
  }
}

TEST(DTypeTest, NamesAndSizesAreThoseOfSafetensors) {
  EXPECT_EQ(DTypeName(DType::kF32), "F32");
  EXPECT_EQ(DTypeName(DType::kF64), "F64");
  EXPECT_EQ(DTypeName(DType::kI64), "I64");
  EXPECT_THAT((std::vector{SizeOf(DType::kF32), SizeOf(DType::kF64), SizeOf(DType::kI64)}),
              ElementsAre(4, 8, 8));
}

// ---- Encodings ----

Section Encoded(const Encoding& encoding, int64_t num_elements = 1000) {
  return {"update", Rule::kAggregate, MakeLayout({F32("w", {num_elements})}), encoding};
}

TEST(EncodingTest, ASectionHasTheSizeOfItsEncoding) {
  using Kind = Encoding::Kind;
  EXPECT_EQ(Encoded({}).size_bytes(), 4000);
  EXPECT_EQ(Encoded({Kind::kF16, 256, 0}).size_bytes(), 2000 + 4 * 4);
  EXPECT_EQ(Encoded({Kind::kBF16, 0, 0}).size_bytes(), 2000);
  EXPECT_EQ(Encoded({Kind::kInt8, 250, 0}).size_bytes(), 1000 + 4 * 4);
  EXPECT_EQ(Encoded({Kind::kTopK, 0, 10}).size_bytes(), 80);
  const Section counts = {"counts", Rule::kSumI64, MakeLayout({{"n", DType::kI64, {}}}), {}};
  ASSERT_OK_AND_ASSIGN(const ResultLayout layout,
                       ResultLayout::Create({Encoded({Kind::kTopK, 0, 10}), counts}));
  EXPECT_EQ(layout.offset_bytes(1), 80);
  EXPECT_EQ(layout.size_bytes(), 88);
}

TEST(EncodingTest, TheWireAndTheCanonicalTextTellEncodingsApart) {
  using Kind = Encoding::Kind;
  std::set<std::string> texts;
  const Encoding encodings[] = {{},
                                {Kind::kF16, 256, 0},
                                {Kind::kF16, 128, 0},
                                {Kind::kBF16, 0, 0},
                                {Kind::kInt8, 256, 0},
                                {Kind::kTopK, 0, 256}};
  for (const Encoding& encoding : encodings) {
    ASSERT_OK_AND_ASSIGN(const ResultLayout layout, ResultLayout::Create({Encoded(encoding)}));
    ASSERT_OK_AND_ASSIGN(const ResultLayout read, ResultLayout::FromProto(layout.ToProto()));
    EXPECT_EQ(read.sections(), layout.sections());
    texts.insert(layout.CanonicalText());
  }
  EXPECT_EQ(texts.size(), 6U);
  EXPECT_EQ(texts.count("skerry result layout 1, 1\nsection AGGREGATE 1 6:update\n"
                        "encoding INT8 256\ntensor F32 1 1000 1:w\n"),
            1U);
}

TEST(EncodingTest, AnEncodingMustFitItsSection) {
  using Kind = Encoding::Kind;
  const Encoding bad[] = {{Kind::kInt8, 0, 0},    {Kind::kInt8, 65537, 0}, {Kind::kF16, -1, 0},
                          {Kind::kBF16, 256, 0},  {Kind::kTopK, 0, 0},     {Kind::kTopK, 0, 1001},
                          {Kind::kTopK, 256, 10}, {Kind::kInt8, 256, 1},   {Kind::kPlain, 1, 0},
                          {Kind::kTopK, 0, -1}};
  for (const Encoding& encoding : bad) {
    EXPECT_THAT(ResultLayout::Create({Encoded(encoding)}),
                Fails(Code::kInvalidArgument, HasSubstr("section \"update\"")));
  }
  EXPECT_THAT(ResultLayout::Create({Encoded({Kind::kTopK, 0, 10}, (int64_t{1} << 32) + 1)}),
              Fails(Code::kInvalidArgument, HasSubstr("2^32")));
  const Section sums = {
      "sums", Rule::kSumF64, MakeLayout({{"s", DType::kF64, {2}}}), {Kind::kBF16, 0, 0}};
  EXPECT_THAT(ResultLayout::Create({sums}),
              Fails(Code::kInvalidArgument, HasSubstr("SUM_F64 adds what is not encoded")));
  v1::ResultLayout proto = ResultLayout::Create({Encoded({})})->ToProto();
  proto.mutable_sections(0)->mutable_encoding()->set_kind(static_cast<v1::Encoding::Kind>(9));
  EXPECT_THAT(ResultLayout::FromProto(proto),
              Fails(Code::kInvalidArgument, HasSubstr("encoding 9 is unknown")));
}

}  // namespace
}  // namespace skerry::learning
