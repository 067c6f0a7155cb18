#include "rpc/parsed_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rpc/chunks.h"
#include "testing/status_matchers.h"

namespace skerry::rpc {
namespace {

using learning::DType;
using learning::ResultLayout;
using skerry::testing::Fails;
using ::testing::HasSubstr;

ResultLayout LayoutOf(const std::string& tensor) {
  learning::Section section;
  section.name = "update";
  section.layout = learning::Layout::Create({{tensor, DType::kF32, {2, 3}}}).value();
  return ResultLayout::Create({section}).value();
}

TEST(ParsedLayoutTest, AMessageGivesItsLayoutAndItsNameOnTheWire) {
  for (const char* tensor : {"weight", "bias", "weight"}) {
    const ResultLayout layout = LayoutOf(tensor);
    ASSERT_OK_AND_ASSIGN(const auto parsed, ParseLayout(layout.ToProto()));
    EXPECT_EQ(parsed->layout.CanonicalText(), layout.CanonicalText());
    EXPECT_EQ(parsed->hash, LayoutHash(layout));
  }
}

TEST(ParsedLayoutTest, EqualMessagesInARowAreParsedOnce) {
  const v1::ResultLayout message = LayoutOf("weight").ToProto();
  ASSERT_OK_AND_ASSIGN(const auto first, ParseLayout(message));
  ASSERT_OK_AND_ASSIGN(const auto second, ParseLayout(message));
  EXPECT_EQ(first, second);
}

TEST(ParsedLayoutTest, AMessageThatIsNoLayoutIsRefusedEachTime) {
  v1::ResultLayout message = LayoutOf("weight").ToProto();
  *message.add_sections() = message.sections(0);  // the same name again
  EXPECT_THAT(ParseLayout(message), Fails(Code::kInvalidArgument, HasSubstr("update")));
  EXPECT_THAT(ParseLayout(message), Fails(Code::kInvalidArgument, HasSubstr("update")));
}

}  // namespace
}  // namespace skerry::rpc
