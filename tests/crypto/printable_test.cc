#include "crypto/printable.h"

#include <gtest/gtest.h>

namespace skerry::crypto {
namespace {

TEST(PrintableTest, OrdinaryTextStaysAsItIs) {
  EXPECT_EQ(Printable("SSH-2.0-OpenSSH_9.2 ~"), "SSH-2.0-OpenSSH_9.2 ~");
}

TEST(PrintableTest, NothingCanStartANewLineOrAnEscapeSequence) {
  EXPECT_EQ(Printable(std::string_view("a\nb\r\x1b[31m\0\xff", 11)),
            "a\\x0ab\\x0d\\x1b[31m\\x00\\xff");
}

TEST(PrintableTest, LongTextIsCutAndSaysSo) {
  EXPECT_EQ(Printable("12345678", 8), "12345678");
  EXPECT_EQ(Printable("123456789", 8), "12345678...");
}

}  // namespace
}  // namespace skerry::crypto
