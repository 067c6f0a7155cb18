#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "base/time.h"

namespace skerry::testing {

// One direction of a connection through a proxy: bytes on their way, in order, each piece due at
// its time. Sockets are non-blocking and belong to others.
class Pipe {
 public:
  // Whether another piece may be read: the pipe holds only so much, so that the sender feels what
  // the link carries.
  bool WantsToRead() const { return !ended_ && !broken_ && held_ < room_; }
  // Reads one piece from `socket`, due after `delay`. Returns it as it came, for who keeps a copy.
  std::string Read(int socket, Timestamp now, Duration delay);

  // Reads what there is and forgets it. False: there was nothing.
  bool Swallow(int socket);

  bool HasDue(Timestamp now) const { return !pieces_.empty() && pieces_.front().due <= now; }
  // When the next piece is due, if there is one.
  std::optional<Timestamp> NextDue() const;
  // Writes what is due, at most `limit` bytes. Returns how many the socket took.
  std::size_t Write(int socket, Timestamp now, std::size_t limit);

  // The source has ended and all has been written: the other side may be told.
  bool IsDrained() const { return ended_ && pieces_.empty(); }
  // One of the two sockets has failed.
  bool broken() const { return broken_; }
  uint64_t bytes_in() const { return bytes_in_; }
  uint64_t bytes_out() const { return bytes_out_; }

 private:
  static constexpr std::size_t kRoom = 128 * 1024;
  static constexpr std::size_t kRoomOfLongLink = 1024 * 1024;  // what is under way has room too
  static constexpr std::size_t kPiece = 16 * 1024;

  struct Piece {
    Timestamp due;
    std::string bytes;
  };
  std::deque<Piece> pieces_;
  std::size_t room_ = kRoom;
  std::size_t held_ = 0;
  bool ended_ = false;
  bool broken_ = false;
  uint64_t bytes_in_ = 0;
  uint64_t bytes_out_ = 0;
};

// How many bytes may go now, when so many may go in a second. 0 a second: as many as one likes.
class Allowance {
 public:
  void SetRate(int64_t bytes_per_second);
  std::size_t At(Timestamp now);
  void Spend(std::size_t bytes);
  bool limited() const { return rate_ > 0; }

 private:
  int64_t rate_ = 0;
  double saved_ = 0;
  Timestamp last_;
};

}  // namespace skerry::testing
