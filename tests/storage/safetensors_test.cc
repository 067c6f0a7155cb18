#include "storage/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/memory_files.h"
#include "base/random.h"
#include "testing/status_matchers.h"

namespace skerry::storage {
namespace {

using learning::DType;
using learning::Layout;
using learning::TensorSpec;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::Fails;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Layout MakeLayout(std::vector<TensorSpec> specs) {
  return Layout::Create(std::move(specs)).value();
}

std::string WithLength(const std::string& header) {
  std::string file;
  for (std::size_t i = 0; i < 8; ++i) {
    file.push_back(static_cast<char>((header.size() >> (8 * i)) & 0xff));
  }
  return file + header;
}

// A file with this header and so many bytes of data.
Result<SafetensorsInfo> Parse(const std::string& header, std::size_t data_bytes) {
  const std::string file = WithLength(header) + std::string(data_bytes, '\0');
  return ParseSafetensors(file, file.size());
}

std::string Tensor(const std::string& name, const std::string& shape, const std::string& offsets,
                   const std::string& dtype = "F32") {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape +
         "],\"data_offsets\":[" + offsets + "]}";
}

TEST(SafetensorsTest, TheBytesOfAHeaderAreTheseAndNoOthers) {
  const Layout layout = MakeLayout({{"w", DType::kF32, {2, 3}}, {"b", DType::kF64, {}}});
  EXPECT_EQ(SafetensorsHeader(layout, {{"run", "icu-1"}, {"format", "pt"}}),
            std::string("\xa0\0\0\0\0\0\0\0", 8) +
                "{\"__metadata__\":{\"format\":\"pt\",\"run\":\"icu-1\"},"
                "\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                "\"b\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[24,32]}}    ");
}

TEST(SafetensorsTest, TheDataBeginsAtAMultipleOfEight) {
  for (std::size_t length = 1; length <= 20; ++length) {
    const Layout layout = MakeLayout({{std::string(length, 'n'), DType::kI64, {1}}});
    EXPECT_EQ(SafetensorsHeader(layout, {}).size() % 8, 0U);
  }
}

TEST(SafetensorsTest, WhatIsWrittenIsReadBack) {
  const Layout layout = MakeLayout({{"zeta", DType::kF32, {3}},
                                    {"alpha", DType::kF64, {2, 2}},
                                    {"none", DType::kI64, {0, 7}},
                                    {"a \"name\" \\ \xc3\xa9", DType::kI64, {}},
                                    {"last", DType::kF32, {1, 1, 1, 1, 1}}});
  const Metadata metadata = {{"", "empty key"}, {"k", ""}, {"line", "1\n2\t\"3\""}};
  const std::string header = SafetensorsHeader(layout, metadata);
  const uint64_t size = header.size() + static_cast<uint64_t>(layout.size_bytes());
  ASSERT_OK_AND_ASSIGN(const SafetensorsInfo info, ParseSafetensors(header, size));
  EXPECT_EQ(info.layout, layout);
  EXPECT_EQ(info.metadata, metadata);
  EXPECT_EQ(info.data_begin, header.size());
}

TEST(SafetensorsTest, AnEmptyLayoutIsAFileToo) {
  const std::string header = SafetensorsHeader(Layout(), {});
  EXPECT_EQ(header, std::string("\x08\0\0\0\0\0\0\0{}      ", 16));
  ASSERT_OK_AND_ASSIGN(const SafetensorsInfo info, ParseSafetensors(header, 16));
  EXPECT_THAT(info.layout.tensors(), IsEmpty());
}

TEST(SafetensorsTest, TensorsComeInTheOrderOfTheirData) {
  ASSERT_OK_AND_ASSIGN(
      const SafetensorsInfo info,
      Parse("{" + Tensor("third", "2", "12,20") + "," + Tensor("empty", "0", "8,8") + "," +
                Tensor("first", "2", "0,8") + "," + Tensor("second", "1", "8,12") + "}",
            20));
  std::vector<std::string> names;
  for (const TensorSpec& spec : info.layout.tensors()) names.push_back(spec.name);
  EXPECT_THAT(names, ElementsAre("first", "empty", "second", "third"));
}

TEST(SafetensorsTest, AFileIsReadThroughFiles) {
  MemoryFiles files;
  ASSERT_OK(files.MakeDirectories("d"));
  ASSERT_OK_AND_ASSIGN(const auto file, files.Open("d/m", OpenMode::kCreate));
  const Layout layout = MakeLayout({{"w", DType::kF32, {1000}}});
  const std::string header = SafetensorsHeader(layout, {{"k", "v"}});
  ASSERT_OK(file->WriteAt(0, header + std::string(4000, 'x')));
  ASSERT_OK_AND_ASSIGN(const SafetensorsInfo info, ReadSafetensors(*file));
  EXPECT_EQ(info.layout, layout);
  EXPECT_EQ(info.data_begin, header.size());
  ASSERT_OK_AND_ASSIGN(const uint64_t data_begin, SafetensorsDataBegin(*file));
  EXPECT_EQ(data_begin, header.size());
  ASSERT_OK(file->Truncate(header.size() + 3999));
  EXPECT_THAT(ReadSafetensors(*file), Fails(Code::kDataLoss, HasSubstr("cut short, within")));
  ASSERT_OK(file->Truncate(5));
  EXPECT_THAT(ReadSafetensors(*file), Fails(Code::kDataLoss, HasSubstr("only 5 bytes")));
  EXPECT_THAT(SafetensorsDataBegin(*file), Fails(Code::kDataLoss, HasSubstr("only 5 bytes")));
}

TEST(SafetensorsTest, EveryTruncationOfAFileIsDataLoss) {
  const Layout layout = MakeLayout({{"w", DType::kF32, {4}}, {"b", DType::kF64, {1}}});
  const std::string file = SafetensorsHeader(layout, {{"k", "v"}}) + std::string(16 + 8, '\0');
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_THAT(ParseSafetensors(std::string_view(file).substr(0, size), size),
                HasCode(Code::kDataLoss))
        << size;
  }
  EXPECT_OK(ParseSafetensors(file, file.size()));
}

TEST(SafetensorsTest, ALengthThatCannotBeIsRefusedBeforeAnythingIsRead) {
  const std::string huge = std::string(8, '\xff') + "{}";
  EXPECT_THAT(ParseSafetensors(huge, huge.size()),
              Fails(Code::kDataLoss, HasSubstr("18446744073709551615 bytes")));
  std::string over_the_limit(8, '\0');
  over_the_limit[3] = 1;  // 16 MiB
  over_the_limit[0] = 1;
  EXPECT_THAT(ParseSafetensors(over_the_limit, uint64_t{1} << 40),
              Fails(Code::kDataLoss, HasSubstr("16777217 bytes, more than 16777216")));
}

struct BadHeader {
  std::string header;
  std::size_t data_bytes;
  std::string complaint;
};

TEST(SafetensorsTest, WhatIsWrongWithAHeaderIsSaid) {
  const std::string good = Tensor("w", "2", "0,8");
  const std::vector<BadHeader> bad = {
      {"", 0, "not a JSON object"},
      {"[]", 0, "not a JSON object"},
      {" {}", 0, "not a JSON object"},
      {"\xef\xbb\xbf{}", 0, "not a JSON object"},
      {"{", 0, "not JSON from byte"},
      {"{}{}", 0, "not JSON from byte 3"},
      {"{" + good + ",}", 8, "not JSON"},
      {"{\"\xff\":1}", 0, "not JSON"},
      {"{" + good + "," + good + "}", 8, "\"w\" is there twice"},
      {R"({"__metadata__":{},"__metadata__":{}})", 0, "\"__metadata__\" is there twice"},
      {R"({"__metadata__":{"k":"1","k":"2"}})", 0, "metadata \"k\" is there twice"},
      {R"({"__metadata__":{"k":1}})", 0, "a number where none may be"},
      {R"({"__metadata__":{"k":{}}})", 0, "an object where none may be"},
      {R"({"__metadata__":[]})", 0, "a list where none may be"},
      {R"({"w":null})", 0, "null where none may be, at or after \"w\""},
      {R"({"w":{}})", 0, "lacks its dtype, shape or data_offsets"},
      {R"({"w":{"dtype":"F32","shape":[2]}})", 8, "lacks its dtype, shape or data_offsets"},
      {R"({"w":{"dtype":"F32","dtype":"F32"}})", 8, "has the key \"dtype\" twice"},
      {R"({"w":{"colour":"red"}})", 8, "has the key \"colour\" twice or for no reason"},
      {R"({"w":{"dtype":7}})", 8, "a number where none may be"},
      {R"({"w":{"shape":"2"}})", 8, "a text where none may be"},
      {R"({"w":{"shape":[[2]]}})", 8, "a list where none may be"},
      {R"({"w":{"shape":[true]}})", 8, "a truth value where none may be"},
      {"{" + Tensor("w", "2", "0,8", "BF16") + "}", 8, "\"BF16\"; Skerry reads F32, F64 and I64"},
      {"{" + Tensor("w", "-2", "0,8") + "}", 8, "a negative number"},
      {"{" + Tensor("w", "2.0", "0,8") + "}", 8, "a fraction"},
      {"{" + Tensor("w", "2e0", "0,8") + "}", 8, "a fraction"},
      {"{" + Tensor("w", "99999999999999999999", "0,8") + "}", 8, "a fraction"},
      {"{" + Tensor("w", "18446744073709551615", "0,8") + "}", 8, "is too large"},
      {"{" + Tensor("w", "4294967296,4294967296,4", "0,8") + "}", 8, "not a safetensors file"},
      {"{" + Tensor("w", "2", "0") + "}", 8, "needs two data_offsets"},
      {"{" + Tensor("w", "2", "0,8,8") + "}", 8, "needs two data_offsets"},
      {"{" + Tensor("w", "3", "0,8") + "}", 8, "has 8 bytes, its shape needs 12"},
      {"{" + Tensor("w", "2", "0,8", "F64") + "}", 8, "has 8 bytes, its shape needs 16"},
      {"{" + Tensor("w", "2", "8,0") + "}", 8, "a gap before tensor \"w\""},
      {"{" + Tensor("v", "2", "0,8") + "," + Tensor("w", "2", "9,8") + "}", 8, "a gap before"},
      {"{" + Tensor("v", "3", "0,12") + "," + Tensor("w", "0", "12,4") + "}", 12,
       "ends before it begins"},
      {"{" + Tensor("w", "2", "4,12") + "}", 12, "a gap before tensor \"w\""},
      {"{" + good + "," + Tensor("v", "2", "4,12") + "}", 12, "tensor \"v\" overlaps"},
      {"{" + good + "," + Tensor("v", "2", "0,8") + "}", 8, "overlaps the one before it"},
      {"{" + Tensor("w", "3", "0,12") + "}", 8, "cut short, within tensor \"w\""},
      {"{" + good + "}", 11, "3 bytes left over at the end"},
      {"{}", 1, "1 bytes left over at the end"},
      {"{" + Tensor("", "2", "0,8") + "}", 8, "name"},
  };
  for (const BadHeader& example : bad) {
    EXPECT_THAT(Parse(example.header, example.data_bytes),
                Fails(Code::kDataLoss,
                      AllOf(HasSubstr("not a safetensors file"), HasSubstr(example.complaint))))
        << example.header;
  }
}

TEST(SafetensorsTest, DeepNestingIsRefusedAtOnce) {
  const std::string deep = "{\"w\":" + std::string(1'000'000, '[');
  EXPECT_THAT(Parse(deep, 0), Fails(Code::kDataLoss, HasSubstr("a list where none may be")));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"w\":";
  EXPECT_THAT(Parse(objects, 0), HasCode(Code::kDataLoss));
}

TEST(SafetensorsTest, AHeaderOfManyTensorsIsRead) {
  std::vector<TensorSpec> specs;
  specs.reserve(20'000);
  for (int i = 0; i < 20'000; ++i)
    specs.push_back({"layer." + std::to_string(i), DType::kF32, {2}});
  const Layout layout = MakeLayout(std::move(specs));
  const std::string header = SafetensorsHeader(layout, {});
  ASSERT_OK_AND_ASSIGN(const SafetensorsInfo info,
                       ParseSafetensors(header, header.size() + 160'000));
  EXPECT_THAT(info.layout.tensors(), SizeIs(20'000));
  EXPECT_EQ(info.layout, layout);
}

TEST(SafetensorsTest, AFileMayBeLargerThanTheMemory) {
  const Layout layout = MakeLayout({{"w", DType::kF32, {int64_t{1} << 40}}});
  const std::string header = SafetensorsHeader(layout, {});
  ASSERT_OK_AND_ASSIGN(const SafetensorsInfo info,
                       ParseSafetensors(header, header.size() + (uint64_t{1} << 42)));
  EXPECT_EQ(info.layout, layout);
}

TEST(SafetensorsTest, FlippedBytesAreDataLossOrAnotherGoodFile) {
  const Layout layout = MakeLayout({{"w", DType::kF32, {4}}, {"b", DType::kF64, {1}}});
  const std::string good = SafetensorsHeader(layout, {{"k", "v"}}) + std::string(24, '\0');
  for (std::size_t byte = 0; byte + 24 < good.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[byte] = static_cast<char>(bad[byte] ^ (1 << bit));
      const auto info = ParseSafetensors(bad, bad.size());
      if (!info.ok()) {
        EXPECT_THAT(info, HasCode(Code::kDataLoss));
        continue;
      }
      EXPECT_EQ(info->data_begin + static_cast<uint64_t>(info->layout.size_bytes()), bad.size());
    }
  }
}

}  // namespace
}  // namespace skerry::storage
