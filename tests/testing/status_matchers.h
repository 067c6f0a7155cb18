#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "base/status.h"

// ASSERT_OK(expression), EXPECT_OK(expression): for a Status or a Result<T>.
#define ASSERT_OK(expression) ASSERT_THAT(expression, ::skerry::testing::IsOk())
#define EXPECT_OK(expression) EXPECT_THAT(expression, ::skerry::testing::IsOk())
// ASSERT_OK_AND_ASSIGN(auto x, F());
#define ASSERT_OK_AND_ASSIGN(target, expression) \
  ASSERT_OK_AND_ASSIGN_IMPL(SKERRY_CONCAT(skerry_test_result_, __LINE__), target, expression)
#define ASSERT_OK_AND_ASSIGN_IMPL(result, target, expression) \
  auto result = (expression);                                 \
  ASSERT_TRUE(result.ok()) << result.status().ToString();     \
  target = std::move(result).value()

namespace skerry::testing {

inline const Status& GetStatus(const Status& status) { return status; }
template <class T>
Status GetStatus(const Result<T>& result) {
  return result.status();
}

MATCHER(IsOk, negation ? "is an error" : "is ok") {
  const Status status = GetStatus(arg);
  if (!status.ok()) *result_listener << status.ToString();
  return status.ok();
}

// HasCode(Code::kNotFound): the code alone.
MATCHER_P(HasCode, code, std::string("has code ") + std::string(CodeName(code))) {
  const Status status = GetStatus(arg);
  *result_listener << status.ToString();
  return status.code() == code;
}

// Fails(Code::kInvalidArgument, HasSubstr("line 3")): the code, and a matcher for message and hint.
MATCHER_P2(Fails, code, text, std::string("fails with ") + std::string(CodeName(code))) {
  const Status status = GetStatus(arg);
  *result_listener << status.ToString();
  return status.code() == code &&
         ::testing::ExplainMatchResult(text, status.ToString(), result_listener);
}

}  // namespace skerry::testing

namespace skerry {
inline void PrintTo(const Status& status, std::ostream* os) { *os << status.ToString(); }
template <class T>
void PrintTo(const Result<T>& result, std::ostream* os) {
  *os << (result.ok() ? "a value" : result.status().ToString());
}
}  // namespace skerry
