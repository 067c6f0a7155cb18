#include "client/inline_model.h"

#include <gtest/gtest.h>

#include "base/bytes_file.h"
#include "crypto/content_hash.h"

namespace skerry::client {
namespace {

std::string HashOf(const std::string& contents) {
  return std::string(
      crypto::ContentHashOf(crypto::kFileHeader, BytesFile(contents)).value().view());
}

std::string ContentsOf(const File& file) {
  std::string bytes(file.Size().value(), '\0');
  EXPECT_TRUE(file.ReadAt(0, bytes).ok());
  return bytes;
}

TEST(InlineModelTest, BytesWithTheHashThatTheirTaskNamesAreTheModel) {
  for (const char* contents : {"one", "another", "one"}) {
    const auto model = InlineModel(contents, HashOf(contents));
    ASSERT_NE(model, nullptr);
    EXPECT_EQ(ContentsOf(*model), contents);
  }
}

TEST(InlineModelTest, OtherBytesAreRefusedAlsoWhenTheHashIsTheLastModels) {
  const std::string hash = HashOf("good");
  ASSERT_NE(InlineModel("good", hash), nullptr);
  EXPECT_EQ(InlineModel("evil", hash), nullptr);
  EXPECT_EQ(InlineModel("good", HashOf("evil")), nullptr);
  EXPECT_EQ(InlineModel("good", ""), nullptr);
}

TEST(InlineModelTest, SitesThatGetTheSameBytesShareThem) {
  const std::string hash = HashOf("shared");
  EXPECT_EQ(InlineModel("shared", hash), InlineModel("shared", hash));
}

}  // namespace
}  // namespace skerry::client
