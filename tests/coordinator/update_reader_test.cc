// Encoded updates: how they are read in pieces, and what strangers may send.
#include "coordinator/update_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/bytes_file.h"
#include "base/random.h"
#include "coordinator/result_check.h"
#include "learning/compression/dense.h"
#include "learning/compression/top_k.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using learning::Encoding;
using learning::Layout;
using learning::ResultLayout;
using learning::Rule;
using skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Kind = Encoding::Kind;

// A count, then an update of two tensors, encoded; so that nothing begins at 0 by chance.
ResultLayout LayoutOf(const Encoding& encoding, int64_t num_elements) {
  const Layout counts = Layout::Create({{"n", learning::DType::kI64, {}}}).value();
  const Layout update = Layout::Create({{"bias", learning::DType::kF32, {3}},
                                        {"weight", learning::DType::kF32, {num_elements - 3}}})
                            .value();
  return ResultLayout::Create({{"counts", Rule::kSumI64, counts, {}},
                               {"update", Rule::kAggregate, update, encoding}})
      .value();
}

std::vector<float> Values(int64_t size) {
  RandomStream random(3, Purpose::kSimulation, 0, "", 0);
  std::vector<float> values(static_cast<std::size_t>(size));
  for (float& value : values) value = static_cast<float>(random.Normal());
  return values;
}

std::string Encode(const Encoding& encoding, std::vector<float> values) {
  std::string bytes(
      static_cast<std::size_t>(EncodedBytes(encoding, static_cast<int64_t>(values.size()))), '\0');
  if (encoding.kind == Kind::kPlain) {
    std::memcpy(bytes.data(), values.data(), bytes.size());
  } else if (encoding.kind == Kind::kTopK) {
    std::vector<uint32_t> indices(static_cast<std::size_t>(encoding.kept));
    std::vector<float> kept(indices.size());
    learning::TakeTopK(values, indices, kept);
    std::memcpy(bytes.data(), indices.data(), indices.size() * 4);
    std::memcpy(bytes.data() + indices.size() * 4, kept.data(), kept.size() * 4);
  } else {
    EXPECT_OK(learning::EncodeDense(encoding, {1, 2, "north"}, 0, values, bytes));
  }
  return std::string(8, '\0') + bytes;
}

struct Case {
  Encoding encoding;
  int64_t num_elements;
};
const Case kCases[] = {{{Kind::kPlain, 0, 0}, 3000},     {{Kind::kF16, 256, 0}, 3000},
                       {{Kind::kBF16, 0, 0}, 3000},      {{Kind::kInt8, 256, 0}, 3000},
                       {{Kind::kInt8, 37, 0}, 3000},     {{Kind::kTopK, 0, 1}, 3000},
                       {{Kind::kTopK, 0, 1500}, 3000},   {{Kind::kTopK, 0, 3000}, 3000},
                       {{Kind::kTopK, 0, 9000}, 150000}, {{Kind::kInt8, 65536, 0}, 150000}};

TEST(UpdateReaderTest, AnyPieceIsThatPieceOfTheWhole) {
  for (const auto& [encoding, num_elements] : kCases) {
    SCOPED_TRACE(learning::EncodingText(encoding));
    const ResultLayout layout = LayoutOf(encoding, num_elements);
    const BytesFile file(Encode(encoding, Values(num_elements)));
    const UpdateReader reader(layout, 1);
    ASSERT_OK(CheckValues(file, layout));
    std::vector<float> whole(static_cast<std::size_t>(num_elements));
    ASSERT_OK(reader.Read(file, 0, whole));
    for (const int64_t step : {num_elements / 7, int64_t{1024}, num_elements}) {
      for (int64_t first = 0; first < num_elements; first += step) {
        const int64_t count = std::min(step, num_elements - first);
        std::vector<float> piece(static_cast<std::size_t>(count), 77);
        ASSERT_OK(reader.Read(file, first, piece));
        ASSERT_EQ(piece, std::vector<float>(whole.begin() + first, whole.begin() + first + count));
      }
    }
  }
}

TEST(UpdateReaderTest, WhatTopKDidNotSendIsZero) {
  const Encoding encoding = {Kind::kTopK, 0, 2};
  const ResultLayout layout = LayoutOf(encoding, 6);
  const BytesFile file(Encode(encoding, {1, -4, 2, 0, 3, 0}));
  std::vector<float> whole(6, 77);
  ASSERT_OK(UpdateReader(layout, 1).Read(file, 0, whole));
  EXPECT_THAT(whole, ::testing::ElementsAre(0, -4, 0, 0, 3, 0));
}

TEST(UpdateReaderTest, AFileThatIsCutShortIsDamage) {
  for (const auto& [encoding, num_elements] : kCases) {
    const ResultLayout layout = LayoutOf(encoding, num_elements);
    std::string bytes = Encode(encoding, Values(num_elements));
    bytes.pop_back();
    EXPECT_EQ(CheckValues(BytesFile(bytes), layout).code(), Code::kDataLoss);
  }
}

TEST(UpdateReaderTest, ValuesBeyondTheLimitAreNamedByTensorAndElement) {
  std::vector<float> values = Values(3000);
  values[1000] = 3e6F;
  for (const auto& [encoding, num_elements] : kCases) {
    if (num_elements != 3000) continue;
    SCOPED_TRACE(learning::EncodingText(encoding));
    EXPECT_THAT(CheckValues(BytesFile(Encode(encoding, values)), LayoutOf(encoding, 3000)),
                Fails(Code::kInvalidArgument,
                      AllOf(HasSubstr("element 997 of tensor \"weight\" in section \"update\""),
                            HasSubstr("the limit is"))));
  }
}

template <class T>
std::string With(std::string bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
  return bytes;
}

TEST(UpdateReaderTest, IndicesThatDoNotAscendOrPointOutsideAreRefused) {
  const Encoding encoding = {Kind::kTopK, 0, 70'000};  // more than are read at once
  const ResultLayout layout = LayoutOf(encoding, 150'000);
  const std::string good = Encode(encoding, Values(150'000));
  const auto fails = [&](std::size_t entry, uint32_t index, const char* what) {
    EXPECT_THAT(
        CheckValues(BytesFile(With(good, 8 + 4 * entry, index)), layout),
        Fails(Code::kInvalidArgument, AllOf(HasSubstr("section \"update\""), HasSubstr(what))));
  };
  fails(69'999, 150'000, "index 150000 of 150000 elements");
  fails(69'999, 0, "index 0 follows index");
  fails(65'536, 1, "index 1 follows index");
  fails(0, 0xffffffff, "index 4294967295 of");
}

TEST(UpdateReaderTest, ScalesAndHalvesOfStrangersAreChecked) {
  const Encoding bytes8 = {Kind::kInt8, 100, 0};
  EXPECT_THAT(CheckValues(BytesFile(With(Encode(bytes8, Values(500)), 8 + 104, -1.0F)),
                          LayoutOf(bytes8, 500)),
              Fails(Code::kInvalidArgument,
                    HasSubstr("section \"update\": the block of element 100 has a scale")));
  const Encoding halves = {Kind::kF16, 100, 0};
  EXPECT_THAT(CheckValues(BytesFile(With(Encode(halves, Values(500)), 8 + 4, uint16_t{0xfc00})),
                          LayoutOf(halves, 500)),
              Fails(Code::kInvalidArgument, HasSubstr("element 0 has a half that is not finite")));
  const Encoding bfloats = {Kind::kBF16, 0, 0};
  EXPECT_THAT(CheckValues(BytesFile(With(Encode(bfloats, Values(500)), 8 + 8, uint16_t{0x7fc0})),
                          LayoutOf(bfloats, 500)),
              Fails(Code::kInvalidArgument, HasSubstr("element 1 of tensor \"weight\"")));
}

}  // namespace
}  // namespace skerry::coordinator
