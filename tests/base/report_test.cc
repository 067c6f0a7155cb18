#include "base/report.h"

#include <gtest/gtest.h>

#include <string>

namespace skerry {
namespace {

TEST(ReportTest, EveryKindOfErrorHasItsExitCode) {
  EXPECT_EQ(ExitCode(OkStatus()), 0);
  EXPECT_EQ(ExitCode(Internal("m")), 1);
  EXPECT_EQ(ExitCode(Unknown("m")), 1);
  EXPECT_EQ(ExitCode(InvalidArgument("m")), 2);
  EXPECT_EQ(ExitCode(OutOfRange("m")), 2);
  EXPECT_EQ(ExitCode(NotFound("m")), 3);
  EXPECT_EQ(ExitCode(Unavailable("m")), 4);
  EXPECT_EQ(ExitCode(DeadlineExceeded("m")), 4);
  EXPECT_EQ(ExitCode(Unauthenticated("m")), 5);
  EXPECT_EQ(ExitCode(PermissionDenied("m")), 5);
  EXPECT_EQ(ExitCode(FailedPrecondition("m")), 6);
  EXPECT_EQ(ExitCode(AlreadyExists("m")), 6);
  EXPECT_EQ(ExitCode(Aborted("m")), 6);
  EXPECT_EQ(ExitCode(ResourceExhausted("m")), 7);
  EXPECT_EQ(ExitCode(DataLoss("m")), 8);
  EXPECT_EQ(ExitCode(Unimplemented("m")), 9);
  EXPECT_EQ(ExitCode(PermissionDenied("m").WithDetail("SUPERSEDED")), 10);
  EXPECT_EQ(ExitCode(Cancelled("m")), 130);
}

TEST(ReportTest, MessageAndHintStandOnLinesOfTheirOwn) {
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(ReportError(NotFound("no such run").WithHint("skerry run list")), 3);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "error: no such run\nhint: skerry run list\n");
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(ReportError(Internal("m")), 1);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "error: m\n");
}

}  // namespace
}  // namespace skerry
