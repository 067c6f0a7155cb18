#include "base/status.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "testing/status_matchers.h"

namespace skerry {
namespace {

using testing::Fails;
using testing::HasCode;
using ::testing::HasSubstr;

TEST(StatusTest, NothingToSayWhenAllIsWell) {
  const Status status;
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.code(), Code::kOk);
  EXPECT_EQ(status.message(), "");
  EXPECT_EQ(status.hint(), "");
  EXPECT_EQ(status.detail(), "");
  EXPECT_EQ(status.ToString(), "OK");
}

TEST(StatusTest, AnErrorKeepsCodeMessageHintAndDetail) {
  const Status status = NotFound("no such run").WithHint("skerry run list").WithDetail("GONE");
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_EQ(status.message(), "no such run");
  EXPECT_EQ(status.hint(), "skerry run list");
  EXPECT_EQ(status.detail(), "GONE");
  EXPECT_EQ(status.ToString(), "NOT_FOUND: no such run (skerry run list)");
}

TEST(StatusTest, ACopyIsIndependentAndAMoveTakesAll) {
  Status original = NotFound("a").WithHint("h");
  const Status copy = original;
  original = std::move(original).WithContext("round 7");
  EXPECT_EQ(copy.message(), "a");
  EXPECT_EQ(original.message(), "round 7: a");
  EXPECT_EQ(original.hint(), "h");
  const Status moved = std::move(original);
  EXPECT_EQ(moved.message(), "round 7: a");
  Status assigned;
  assigned = copy;
  EXPECT_EQ(assigned.ToString(), copy.ToString());
  const Status& same = assigned;
  assigned = same;
  EXPECT_EQ(assigned.message(), "a");
}

TEST(StatusTest, ContextHintAndDetailLeaveSuccessAlone) {
  EXPECT_TRUE(OkStatus().WithContext("c").WithHint("h").WithDetail("d").ok());
  EXPECT_TRUE(Status(Code::kOk, "ignored").ok());
}

TEST(StatusTest, ContextOfALvalueLeavesItAsItWas) {
  const Status status = Internal("m");
  EXPECT_EQ(status.WithContext("c").message(), "c: m");
  EXPECT_EQ(status.message(), "m");
}

// The numbers are grpc::StatusCode's and travel on the wire.
TEST(StatusTest, EveryCodeHasItsNumberAndItsName) {
  const std::pair<Status, std::pair<int, const char*>> codes[] = {
      {Cancelled("m"), {1, "CANCELLED"}},
      {Unknown("m"), {2, "UNKNOWN"}},
      {InvalidArgument("m"), {3, "INVALID_ARGUMENT"}},
      {DeadlineExceeded("m"), {4, "DEADLINE_EXCEEDED"}},
      {NotFound("m"), {5, "NOT_FOUND"}},
      {AlreadyExists("m"), {6, "ALREADY_EXISTS"}},
      {PermissionDenied("m"), {7, "PERMISSION_DENIED"}},
      {ResourceExhausted("m"), {8, "RESOURCE_EXHAUSTED"}},
      {FailedPrecondition("m"), {9, "FAILED_PRECONDITION"}},
      {Aborted("m"), {10, "ABORTED"}},
      {OutOfRange("m"), {11, "OUT_OF_RANGE"}},
      {Unimplemented("m"), {12, "UNIMPLEMENTED"}},
      {Internal("m"), {13, "INTERNAL"}},
      {Unavailable("m"), {14, "UNAVAILABLE"}},
      {DataLoss("m"), {15, "DATA_LOSS"}},
      {Unauthenticated("m"), {16, "UNAUTHENTICATED"}}};
  for (const auto& [status, expected] : codes) {
    EXPECT_EQ(static_cast<int>(status.code()), expected.first);
    EXPECT_EQ(CodeName(status.code()), expected.second);
  }
  EXPECT_EQ(CodeName(Code::kOk), "OK");
}

TEST(StatusTest, ErrorNumbersBecomeTheCodesThatCallersActOn) {
  EXPECT_THAT(FromErrno(ENOSPC, "writing /x"),
              Fails(Code::kResourceExhausted, HasSubstr("writing /x: No space left on device")));
  EXPECT_THAT(FromErrno(EDQUOT, "w"), Fails(Code::kResourceExhausted, HasSubstr("disk space")));
  EXPECT_THAT(FromErrno(ENOENT, "w"), HasCode(Code::kNotFound));
  EXPECT_THAT(FromErrno(ENOTDIR, "w"), HasCode(Code::kNotFound));
  EXPECT_THAT(FromErrno(EISDIR, "w"), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(FromErrno(EACCES, "w"), HasCode(Code::kPermissionDenied));
  EXPECT_THAT(FromErrno(EPERM, "w"), HasCode(Code::kPermissionDenied));
  EXPECT_THAT(FromErrno(EROFS, "w"), HasCode(Code::kPermissionDenied));
  EXPECT_THAT(FromErrno(EIO, "w"), HasCode(Code::kInternal));
}

Result<int> Half(int number) {
  if (number % 2 != 0) return InvalidArgument(std::to_string(number) + " is odd");
  return number / 2;
}

Result<int> Quarter(int number) {
  SKERRY_ASSIGN_OR_RETURN(const int half, Half(number));
  SKERRY_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

Status CheckQuarter(int number) {
  SKERRY_RETURN_IF_ERROR(Quarter(number).status());
  return OkStatus();
}

TEST(ResultTest, IsAValueOrAnError) {
  Result<int> value = Half(8);
  EXPECT_TRUE(value.ok());
  EXPECT_TRUE(value.status().ok());
  EXPECT_EQ(*value, 4);
  *value = 5;
  EXPECT_EQ(value.value(), 5);
  const Result<int> error = Half(7);
  EXPECT_FALSE(error.ok());
  EXPECT_EQ(error.status().message(), "7 is odd");
}

TEST(ResultTest, HoldsWhatCanOnlyBeMoved) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 3);
}

TEST(ResultTest, TheMacrosHandOnTheFirstErrorAndElseTheValue) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_THAT(Quarter(6), Fails(Code::kInvalidArgument, HasSubstr("3 is odd")));
  EXPECT_THAT(Quarter(5), Fails(Code::kInvalidArgument, HasSubstr("5 is odd")));
  EXPECT_OK(CheckQuarter(4));
  EXPECT_THAT(CheckQuarter(2), HasCode(Code::kInvalidArgument));
}

TEST(ResultDeathTest, TakingAValueThatIsNotThereEndsTheProcess) {
  EXPECT_DEATH((void)Half(7).value(), "broken invariant");
}

TEST(ResultDeathTest, AnOkStatusIsNoResult) {
  EXPECT_DEATH((void)Result<int>(OkStatus()), "broken invariant");
}

TEST(CheckDeathTest, ABrokenInvariantNamesItselfAndItsPlace) {
  EXPECT_DEATH(SKERRY_CHECK(1 + 1 == 3), "status_test.cc:[0-9]+: broken invariant: 1 \\+ 1 == 3");
  SKERRY_CHECK(1 + 1 == 2);
}

}  // namespace
}  // namespace skerry
