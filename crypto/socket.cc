#include "crypto/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "crypto/printable.h"

namespace skerry::crypto {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { ::freeaddrinfo(addresses); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Result<Addresses> Resolve(const std::string& host, int port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found);
  if (error != 0) {
    return Unavailable("the name \"" + Printable(host) +
                       "\" does not resolve: " + ::gai_strerror(error))
        .WithHint("check its spelling, and whether this machine's DNS knows it");
  }
  return Addresses(found);
}

// OK when `fd` is ready for `events` or broken, DEADLINE_EXCEEDED when it is neither in time.
Status Await(int fd, short events, const Deadline& deadline) {
  for (;;) {
    const Duration left = std::max(deadline.at - deadline.clock.Now(), Duration(0));
    const auto millis = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    pollfd waiting{fd, events, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<int64_t>(millis, 1 << 30)));
    if (ready > 0) return OkStatus();
    if (ready == 0) return DeadlineExceeded("no answer in time");
    if (errno != EINTR) return FromErrno(errno, "waiting for a connection");
  }
}

// The error number that connecting ended with, 0 for success.
int Connect(int fd, const addrinfo& address, const Deadline& deadline) {
  if (::connect(fd, address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS && errno != EINTR) return errno;
  if (!Await(fd, POLLOUT, deadline).ok()) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof(error);
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

Status ExplainConnectError(int error, const std::string& where, Duration timeout) {
  if (error == ECONNREFUSED) {
    return Unavailable(where + " refuses connections")
        .WithHint("nothing listens there: is the coordinator running, and is that its port?");
  }
  if (error == ETIMEDOUT) {
    return Unavailable("no answer from " + where + " within " + FormatDuration(timeout))
        .WithHint("a firewall may drop the packets, or the machine is down");
  }
  return Unavailable(FromErrno(error, "connecting to " + where).message())
      .WithHint("check the network between this machine and the coordinator");
}

}  // namespace

Result<Socket> Socket::Dial(const std::string& host, int port, Duration timeout,
                            const Clock& clock) {
  SKERRY_ASSIGN_OR_RETURN(const Addresses addresses, Resolve(host, port));
  int left = 0;
  for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next) ++left;
  const Timestamp end = clock.Now() + timeout;
  int error = EHOSTUNREACH;
  for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next, --left) {
    const Timestamp now = clock.Now();
    const int fd = ::socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      error = errno;
      continue;
    }
    Socket socket(fd);
    error = Connect(fd, *a, {clock, now + std::max(end - now, Duration(0)) / left});
    if (error == 0) return socket;
  }
  return ExplainConnectError(error, host + ":" + std::to_string(port), timeout);
}

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

Socket::Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Status Socket::Send(std::string_view bytes, const Deadline& deadline) {
  while (!bytes.empty()) {
    // No signal: a peer that has gone must not end this process.
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      SKERRY_RETURN_IF_ERROR(Await(fd_, POLLOUT, deadline));
    } else if (errno != EINTR) {
      return Unavailable(FromErrno(errno, "sending").message());
    }
  }
  return OkStatus();
}

Result<std::string> Socket::Receive(const Deadline& deadline) {
  std::string bytes(16384, '\0');
  for (;;) {
    const ssize_t n = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (n >= 0) {
      bytes.resize(static_cast<std::size_t>(n));
      return bytes;
    }
    if (errno == EAGAIN) {
      SKERRY_RETURN_IF_ERROR(Await(fd_, POLLIN, deadline));
    } else if (errno != EINTR) {
      return Unavailable(FromErrno(errno, "receiving").message());
    }
  }
}

}  // namespace skerry::crypto
