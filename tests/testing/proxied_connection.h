#pragma once

#include <netinet/in.h>
#include <poll.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "testing/pipe.h"

namespace skerry::testing {

// A file descriptor of its own.
class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  ~Socket() { Close(); }
  Socket(Socket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Socket& operator=(Socket&& other) noexcept;

  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void Close();
  // Closes so that the peer gets a RST instead of an end.
  void Reset();

 private:
  int fd_ = -1;
};

// Non-blocking, without Nagle, and with a small buffer, so that what a link does not carry stays
// with the sender. Begins to connect; the result shows when it is used.
Socket ConnectTo(const sockaddr_in& to);
void Configure(int fd);

// Which way bytes go.
enum class Way { kUp, kDown };  // up: from the client to the coordinator

// One client connection through a proxy and its counterpart beyond it. Belongs to the proxy's
// thread.
class ProxiedConnection {
 public:
  explicit ProxiedConnection(Socket client) : client_(std::move(client)) {}

  void Connect(const sockaddr_in& to) { server_ = ConnectTo(to); }
  bool is_connected() const { return server_.is_open(); }
  bool is_open() const { return client_.is_open(); }
  void Reset();
  void Close();
  // From now on it carries nothing, and stays open.
  void Silence() { silent_ = true; }
  bool is_silent() const { return silent_; }
  // It ends when so many bytes have gone up.
  void TruncateAfter(uint64_t bytes) { truncate_after_ = bytes; }
  // Keeps a copy of the first bytes that come from the client.
  void CopyFirst(std::size_t bytes) { copy_bytes_ = bytes; }
  // The copy, once, when it is complete.
  std::optional<std::string> TakeCopy();

  // Adds the sockets that it waits for; `room`: by way, what the link could carry now. Returns when
  // to look again without news of those: when a piece is due, or soon when there is no room.
  std::optional<Timestamp> Poll(Timestamp now, const std::array<std::size_t, 2>& room,
                                std::vector<pollfd>& out);
  // Reads and writes whatever goes without waiting. Bytes read are due after `delay`; at most
  // `limit` bytes, by way, are written. Returns how many were. What is read on a way that `loses`
  // is gone; a connection that has lost bytes ends as soon as more would arrive behind the gap.
  std::array<std::size_t, 2> Move(Timestamp now, Duration delay,
                                  const std::array<std::size_t, 2>& limit,
                                  const std::array<bool, 2>& loses = {});

  const Pipe& pipe(Way way) const { return pipes_[static_cast<std::size_t>(way)]; }
  Allowance& allowance(Way way) { return allowances_[static_cast<std::size_t>(way)]; }

 private:
  std::size_t Write(Way way, Timestamp now, std::size_t limit);

  Socket client_;
  Socket server_;
  std::array<Pipe, 2> pipes_;            // by way
  std::array<Allowance, 2> allowances_;  // of this connection alone
  std::array<bool, 2> told_end_{};       // the receiver of a way knows that it has ended
  std::array<bool, 2> has_gap_{};        // bytes of this way are lost
  bool silent_ = false;
  std::optional<uint64_t> truncate_after_;
  std::size_t copy_bytes_ = 0;
  std::string copy_;
};

}  // namespace skerry::testing
