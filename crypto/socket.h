#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"

// Inside crypto/ only: a TCP connection whose every wait ends.
namespace skerry::crypto {

// Until when a wait may last, on `clock`, which must outlive it.
struct Deadline {
  const Clock& clock;
  Timestamp at;
};

class Socket {
 public:
  // Tries the addresses of `host` in the resolver's order; each gets an equal part of the time that
  // is left. UNAVAILABLE names what stands in the way: the name, a refusal, no answer.
  static Result<Socket> Dial(const std::string& host, int port, Duration timeout,
                             const Clock& clock);
  ~Socket();
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // DEADLINE_EXCEEDED when the other side takes nothing, UNAVAILABLE when the connection is broken.
  Status Send(std::string_view bytes, const Deadline& deadline);
  // What has come, one byte at least; empty once the other side has closed. Errors as of Send.
  Result<std::string> Receive(const Deadline& deadline);

 private:
  explicit Socket(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace skerry::crypto
