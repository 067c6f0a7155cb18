#pragma once

#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "testing/proxied_connection.h"

namespace skerry::testing {

// Answers every connection with its own bytes, and remembers them.
class EchoServer {
 public:
  EchoServer();
  ~EchoServer();

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // What each connection has sent so far, oldest first.
  std::vector<std::string> heard() const;

 private:
  void Run();

  int port_ = 0;
  Socket listener_;
  Socket stop_;
  mutable Mutex mutex_;
  std::vector<std::string> heard_ SKERRY_GUARDED_BY(mutex_);
  std::thread thread_;
};

// A plain client; it blocks, for a few seconds at most.
class PlainClient {
 public:
  explicit PlainClient(int port);
  bool Send(const std::string& bytes);
  // Exactly so many bytes, or fewer when the connection ends or nothing comes for `seconds`.
  std::string Receive(std::size_t bytes, int seconds = 5);
  // The error of the last call of Receive; 0: none, or an orderly end.
  int error() const { return error_; }

 private:
  Socket socket_;
  int error_ = 0;
};

}  // namespace skerry::testing
