#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace skerry::bench {

// What both programs that look for a limit are told, by bench/rows/limits.py. Ends the process with
// a message when an option is missing or unknown.
struct LimitOptions {
  bool server = false;  // else one of the clients
  std::string host = "127.0.0.1";
  int port = 0;
  std::string kit;     // folder with ca.pem, NAME.pem, NAME.key
  std::string name;    // of the certificate
  int clients = 1;     // that the server waits for
  uint64_t bytes = 0;  // each way, for each client and round
  int rounds = 5;

  static LimitOptions Parse(int argc, char** argv);
  std::string Address() const { return host + ":" + std::to_string(port); }
  std::string Path(const std::string& suffix) const { return kit + "/" + suffix; }
};

// What rounds took: time, and CPU seconds of this process. The first round, with its handshakes,
// does not count.
class Laps {
 public:
  // Call it at the end of each round.
  void Lap();
  std::size_t count() const { return ends_.size(); }
  // "seconds 0.1 0.2 ..." and, the mean of a round, "cpu 0.1" on standard output.
  void Print() const;

 private:
  std::vector<std::chrono::steady_clock::time_point> ends_;
  double first_cpu_ = 0;
};

}  // namespace skerry::bench
