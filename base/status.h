#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace skerry {

// Values equal grpc::StatusCode, so that a code crosses the wire unchanged. What a client does
// about each is the table in docs/wire.md.
enum class Code : uint8_t {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

// "INVALID_ARGUMENT" and so on.
std::string_view CodeName(Code code);

// Success, or a code with a message for a person, and optionally a hint (the next step, one line)
// and a detail (a word that programs compare, such as "SUPERSEDED").
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message);
  Status(const Status& other);
  Status& operator=(const Status& other);
  Status(Status&&) = default;
  Status& operator=(Status&&) = default;
  ~Status() = default;

  bool ok() const { return rep_ == nullptr; }
  Code code() const { return rep_ ? rep_->code : Code::kOk; }
  const std::string& message() const;
  const std::string& hint() const;
  const std::string& detail() const;

  // Each returns the status itself when it is ok. WithContext("round 7") makes "round 7: message".
  Status WithContext(std::string_view context) &&;
  Status WithContext(std::string_view context) const&;
  Status WithHint(std::string hint) &&;
  Status WithDetail(std::string detail) &&;

  // "INVALID_ARGUMENT: message (hint)", for logs and test failures.
  std::string ToString() const;

 private:
  struct Rep {
    Code code;
    std::string message;
    std::string hint;
    std::string detail;
  };
  std::unique_ptr<Rep> rep_;
};

inline Status OkStatus() { return Status(); }
Status Cancelled(std::string message);
Status Unknown(std::string message);
Status InvalidArgument(std::string message);
Status DeadlineExceeded(std::string message);
Status NotFound(std::string message);
Status AlreadyExists(std::string message);
Status PermissionDenied(std::string message);
Status ResourceExhausted(std::string message);
Status FailedPrecondition(std::string message);
Status Aborted(std::string message);
Status OutOfRange(std::string message);
Status Unimplemented(std::string message);
Status Internal(std::string message);
Status Unavailable(std::string message);
Status DataLoss(std::string message);
Status Unauthenticated(std::string message);
// "open /x: No space left on device". ENOSPC and EDQUOT become RESOURCE_EXHAUSTED, ENOENT and
// ENOTDIR NOT_FOUND, EISDIR INVALID_ARGUMENT, EACCES, EPERM and EROFS PERMISSION_DENIED, the rest
// INTERNAL.
Status FromErrno(int error_number, std::string_view what);

// A T or the reason why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : rep_(std::in_place_index<1>, std::move(value)) {}
  Result(Status status) : rep_(std::in_place_index<0>, std::move(status)) {
    SKERRY_CHECK(!std::get<0>(rep_).ok());  // a Result is a value or an error, never an ok status
  }

  bool ok() const { return rep_.index() == 1; }
  // The error, or an ok status. The rvalue form hands the error on without copying it.
  Status status() const& { return ok() ? Status() : std::get<0>(rep_); }
  Status status() && { return ok() ? Status() : std::move(std::get<0>(rep_)); }

  T& value() & {
    SKERRY_CHECK(ok());
    return std::get<1>(rep_);
  }
  const T& value() const& {
    SKERRY_CHECK(ok());
    return std::get<1>(rep_);
  }
  T&& value() && {
    SKERRY_CHECK(ok());
    return std::get<1>(std::move(rep_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<Status, T> rep_;
};

}  // namespace skerry

#define SKERRY_CONCAT_INNER(a, b) a##b
#define SKERRY_CONCAT(a, b) SKERRY_CONCAT_INNER(a, b)

// Evaluates `expression` (a Status); returns it from this function when it is an error.
#define SKERRY_RETURN_IF_ERROR(expression)                                                        \
  do {                                                                                            \
    if (::skerry::Status skerry_status = (expression); !skerry_status.ok()) return skerry_status; \
  } while (false)

// SKERRY_ASSIGN_OR_RETURN(auto x, F()): x is F()'s value, or this function returns F()'s error.
#define SKERRY_ASSIGN_OR_RETURN(target, expression) \
  SKERRY_ASSIGN_OR_RETURN_IMPL(SKERRY_CONCAT(skerry_result_, __LINE__), target, expression)
#define SKERRY_ASSIGN_OR_RETURN_IMPL(result, target, expression) \
  auto result = (expression);                                    \
  if (!result.ok()) return std::move(result).status();           \
  target = std::move(result).value()
