#include "rpc/grpc/status_codec.h"

#include <gtest/gtest.h>

#include <string>

#include "rpc/coordinator_api.h"
#include "rpc/reaction.h"
#include "testing/status_matchers.h"

namespace skerry::rpc {
namespace {

using testing::HasCode;

void ExpectSame(const Status& back, const Status& sent) {
  EXPECT_EQ(back.code(), sent.code());
  EXPECT_EQ(back.message(), sent.message());
  EXPECT_EQ(back.hint(), sent.hint());
  EXPECT_EQ(back.detail(), sent.detail());
}

TEST(StatusCodecTest, EveryCodeComesBackWithMessageHintAndDetail) {
  for (int code = 1; code <= static_cast<int>(Code::kUnauthenticated); ++code) {
    SCOPED_TRACE(code);
    const Status bare(static_cast<Code>(code), "what went wrong");
    ExpectSame(FromGrpc(ToGrpc(bare)), bare);
    const Status hinted = Status(bare).WithHint("the next step");
    ExpectSame(FromGrpc(ToGrpc(hinted)), hinted);
    const Status detailed = Status(bare).WithDetail("WORD");
    ExpectSame(FromGrpc(ToGrpc(detailed)), detailed);
    const Status whole = Status(bare).WithDetail("WORD").WithHint("the next step");
    ExpectSame(FromGrpc(ToGrpc(whole)), whole);
    EXPECT_EQ(static_cast<int>(ToGrpc(bare).error_code()), code);
  }
}

TEST(StatusCodecTest, SuccessIsSuccess) {
  EXPECT_TRUE(ToGrpc(OkStatus()).ok());
  EXPECT_OK(FromGrpc(grpc::Status::OK));
}

TEST(StatusCodecTest, AHintOfSeveralLinesComesBackWhole) {
  const Status status = NotFound("no such run").WithHint("one\ntwo\n").WithDetail("WORD");
  ExpectSame(FromGrpc(ToGrpc(status)), status);
}

TEST(StatusCodecTest, WhatTheClientActsOnSurvivesTheWire) {
  const auto reaction = [](const Status& status) { return ReactionTo(FromGrpc(ToGrpc(status))); };
  EXPECT_EQ(reaction(PermissionDenied("").WithDetail(kSuperseded)), Reaction::kExitSuperseded);
  EXPECT_EQ(reaction(PermissionDenied("").WithHint(kSuperseded)), Reaction::kStayUnhealthy);
  EXPECT_EQ(reaction(FailedPrecondition("").WithDetail(kEpochUnknown).WithHint("later")),
            Reaction::kRejoin);
}

TEST(StatusCodecTest, ACodeThatNobodyKnowsIsUnknown) {
  for (const int code : {-1, 17, 31}) {
    const Status status = FromGrpc({static_cast<grpc::StatusCode>(code), "from another world"});
    EXPECT_THAT(status, HasCode(Code::kUnknown));
    EXPECT_EQ(status.message(), "from another world");
  }
}

TEST(StatusCodecTest, DetailsOfAnotherSoftwareAreLeftAlone) {
  const Status status = FromGrpc({grpc::StatusCode::PERMISSION_DENIED, "denied by a proxy",
                                  std::string("\x08\x07\x12\x01x", 5)});
  EXPECT_THAT(status, HasCode(Code::kPermissionDenied));
  EXPECT_EQ(status.detail(), "");
  EXPECT_EQ(status.hint(), "");
}

TEST(StatusCodecTest, WhatIsTooLongForAHeaderIsCutAndKeepsItsMeaning) {
  const std::string essay(100'000, 'x');
  const grpc::Status sent =
      ToGrpc(PermissionDenied("who? " + essay).WithHint("go " + essay).WithDetail(kSuperseded));
  EXPECT_LT(3 * sent.error_message().size() + 2 * sent.error_details().size(), 8192U);
  const Status back = FromGrpc(sent);
  EXPECT_THAT(back, HasCode(Code::kPermissionDenied));
  EXPECT_EQ(back.detail(), kSuperseded);
  EXPECT_TRUE(back.message().starts_with("who? xxx") && back.message().ends_with("x ..."));
  EXPECT_TRUE(back.hint().starts_with("go xxx") && back.hint().ends_with("x ..."));
}

TEST(StatusCodecTest, ACutDoesNotSplitACharacter) {
  for (std::size_t i = 0; i < 4; ++i) {
    std::string text(i, 'x');
    while (text.size() < 5000) text += "\xE2\x82\xAC";  // a euro sign
    const std::string message = FromGrpc(ToGrpc(NotFound(text))).message();
    ASSERT_TRUE(message.ends_with(" ..."));
    EXPECT_EQ((message.size() - 4 - i) % 3, 0U);
  }
}

}  // namespace
}  // namespace skerry::rpc
