#include "testing/pipe.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

namespace skerry::testing {
namespace {

bool IsForLater(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

std::string Pipe::Read(int socket, Timestamp now, Duration delay) {
  room_ = delay > Duration{0} ? kRoomOfLongLink : kRoom;
  if (held_ >= room_) return "";
  std::array<char, kPiece> buffer{};
  const ssize_t n = ::recv(socket, buffer.data(), std::min(kPiece, room_ - held_), 0);
  if (n == 0) ended_ = true;
  if (n < 0 && !IsForLater(errno)) broken_ = true;
  if (n <= 0) return "";
  std::string bytes(buffer.data(), static_cast<std::size_t>(n));
  held_ += bytes.size();
  bytes_in_ += bytes.size();
  pieces_.push_back({now + delay, bytes});
  return bytes;
}

bool Pipe::Swallow(int socket) {
  const std::string bytes = Read(socket, Timestamp(), Duration{0});
  if (bytes.empty()) return false;
  held_ -= bytes.size();
  pieces_.pop_back();
  return true;
}

std::optional<Timestamp> Pipe::NextDue() const {
  if (pieces_.empty()) return std::nullopt;
  return pieces_.front().due;
}

std::size_t Pipe::Write(int socket, Timestamp now, std::size_t limit) {
  std::size_t written = 0;
  while (HasDue(now) && written < limit) {
    std::string& bytes = pieces_.front().bytes;
    const std::size_t wanted = std::min(bytes.size(), limit - written);
    const ssize_t n = ::send(socket, bytes.data(), wanted, MSG_NOSIGNAL);
    if (n < 0) {
      broken_ = !IsForLater(errno);
      break;
    }
    written += static_cast<std::size_t>(n);
    bytes.erase(0, static_cast<std::size_t>(n));
    if (bytes.empty()) pieces_.pop_front();
    if (static_cast<std::size_t>(n) < wanted) break;
  }
  held_ -= written;
  bytes_out_ += written;
  return written;
}

void Allowance::SetRate(int64_t bytes_per_second) {
  rate_ = bytes_per_second;
  saved_ = 0;
}

void Allowance::Spend(std::size_t bytes) {
  if (limited()) saved_ -= static_cast<double>(bytes);
}

std::size_t Allowance::At(Timestamp now) {
  const double passed = ToSeconds(now - last_);
  last_ = now;
  if (!limited()) return std::numeric_limits<std::size_t>::max();
  // Given out by the packet, and saved up for a tenth of a second at most: a link, not an account.
  constexpr double kPacket = 1000;
  const auto per_second = static_cast<double>(rate_);
  saved_ = std::min(saved_ + passed * per_second, std::max(per_second / 10, 1.5 * kPacket));
  return saved_ < kPacket ? 0 : static_cast<std::size_t>(saved_);
}

}  // namespace skerry::testing
