#include "base/bytes_file.h"

#include <gtest/gtest.h>

#include <string>

#include "testing/status_matchers.h"

namespace skerry {
namespace {

std::string All(const File& file) {
  std::string bytes(file.Size().value(), '\0');
  EXPECT_EQ(file.ReadAt(0, bytes).value(), bytes.size());
  return bytes;
}

TEST(BytesFileTest, HoldsWhatItWasMadeWith) {
  const BytesFile file("0123456789");
  EXPECT_EQ(All(file), "0123456789");
  std::string buffer(8, '.');
  EXPECT_EQ(file.ReadAt(7, buffer).value(), 3U);
  EXPECT_EQ(buffer, "789.....");
  EXPECT_EQ(file.ReadAt(10, buffer).value(), 0U);
  EXPECT_EQ(file.ReadAt(1000, buffer).value(), 0U);
  EXPECT_EQ(file.ReadAt(0, {}).value(), 0U);
}

TEST(BytesFileTest, GrowsAsAFileDoes) {
  BytesFile file;
  EXPECT_OK(file.WriteAt(3, "x"));
  EXPECT_EQ(All(file), std::string("\0\0\0x", 4));
  EXPECT_OK(file.WriteAt(2, "abc"));
  EXPECT_EQ(All(file), std::string("\0\0abc", 5));
  EXPECT_OK(file.WriteAt(9, ""));
  EXPECT_EQ(file.Size().value(), 5U);
  EXPECT_OK(file.Truncate(3));
  EXPECT_EQ(All(file), std::string("\0\0a", 3));
  EXPECT_OK(file.Sync());
}

}  // namespace
}  // namespace skerry
