#include "testing/proxied_connection.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace skerry::testing {
namespace {

constexpr Duration kWhenFull = 5ms;

}  // namespace

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

void Socket::Close() {
  if (is_open()) ::close(std::exchange(fd_, -1));
}

void Socket::Reset() {
  if (!is_open()) return;
  const linger at_once = {1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  Close();
}

void Configure(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  constexpr int kBufferBytes = 128 * 1024;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kBufferBytes, sizeof(kBufferBytes));
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kBufferBytes, sizeof(kBufferBytes));
}

Socket ConnectTo(const sockaddr_in& to) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  SKERRY_CHECK(socket.is_open());
  Configure(socket.fd());
  // In progress, or refused: reading and writing tell.
  static_cast<void>(::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)));
  return socket;
}

void ProxiedConnection::Reset() {
  client_.Reset();
  server_.Reset();
}

void ProxiedConnection::Close() {
  client_.Close();
  server_.Close();
}

std::optional<std::string> ProxiedConnection::TakeCopy() {
  if (copy_bytes_ == 0 || copy_.size() < copy_bytes_) return std::nullopt;
  copy_.resize(std::exchange(copy_bytes_, 0));
  return std::move(copy_);
}

std::optional<Timestamp> ProxiedConnection::Poll(Timestamp now,
                                                 const std::array<std::size_t, 2>& room,
                                                 std::vector<pollfd>& out) {
  const std::array<int, 2> from = {client_.fd(), server_.fd()};
  std::array<int16_t, 2> events{};
  std::optional<Timestamp> again;
  for (std::size_t i = 0; i < 2; ++i) {
    if (pipes_[i].WantsToRead()) events[i] |= POLLIN;
    std::optional<Timestamp> due = pipes_[i].NextDue();
    if (!due) continue;
    if (pipes_[i].HasDue(now)) {
      const bool goes = std::min(room[i], allowances_[i].At(now)) > 0;
      if (goes) events[1 - i] |= POLLOUT;
      due = goes ? std::nullopt : std::optional(now + kWhenFull);
    }
    if (due) again = again ? std::min(*again, *due) : *due;
  }
  for (std::size_t i = 0; i < 2; ++i) {
    // One that waits for nothing is left out: poll would report that its peer has gone, for ever.
    if (events[i] != 0) out.push_back({from[i], events[i], 0});
  }
  return again;
}

std::array<std::size_t, 2> ProxiedConnection::Move(Timestamp now, Duration delay,
                                                   const std::array<std::size_t, 2>& limit,
                                                   const std::array<bool, 2>& loses) {
  std::array<std::size_t, 2> written{};
  for (const Way way : {Way::kUp, Way::kDown}) {
    const auto i = static_cast<std::size_t>(way);
    const int from = way == Way::kUp ? client_.fd() : server_.fd();
    if (pipes_[i].WantsToRead() && loses[i]) {
      has_gap_[i] = pipes_[i].Swallow(from) || has_gap_[i];
    } else if (pipes_[i].WantsToRead()) {
      const std::string bytes = pipes_[i].Read(from, now, delay);
      if (has_gap_[i] && !bytes.empty()) {
        Reset();
        return written;
      }
      if (way == Way::kUp && copy_.size() < copy_bytes_) copy_ += bytes;
    }
    written[i] = Write(way, now, limit[i]);
    if (!is_open()) return written;
  }
  if (told_end_[0] && told_end_[1]) Close();
  return written;
}

std::size_t ProxiedConnection::Write(Way way, Timestamp now, std::size_t limit) {
  const auto i = static_cast<std::size_t>(way);
  const int to = way == Way::kUp ? server_.fd() : client_.fd();
  Pipe& pipe = pipes_[i];
  std::size_t at_most = std::min(limit, allowances_[i].At(now));
  const bool ends_early = way == Way::kUp && truncate_after_.has_value();
  if (ends_early) at_most = std::min<std::size_t>(at_most, *truncate_after_ - pipe.bytes_out());
  const std::size_t written = pipe.Write(to, now, at_most);
  allowances_[i].Spend(written);
  if (ends_early && pipe.bytes_out() >= *truncate_after_) {
    Close();
  } else if (pipe.broken()) {
    Reset();
  } else if (pipe.IsDrained() && !std::exchange(told_end_[i], true)) {
    ::shutdown(to, SHUT_WR);
  }
  return written;
}

}  // namespace skerry::testing
