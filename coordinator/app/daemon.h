#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "coordinator/app/coordinator_config.h"

namespace skerry::coordinator {

// A running coordinator: journal, threads, gRPC server. Everything that can be wrong with its
// files, its addresses or its certificates is found by Start(), before it says that it is there.
class Daemon {
 public:
  // `insecure`: plaintext, on a loopback address only.
  static Result<std::unique_ptr<Daemon>> Start(const CoordinatorConfig& config, bool insecure);
  ~Daemon();

  // The port it listens on: of use when the address asked for port 0.
  int port() const;
  const std::string& federation() const;

  // Works until Stop(), on the calling thread. OK after a drain; otherwise why it had to end.
  Status Run();
  // Ends Run(): held calls are answered, what is under way is committed. From any thread.
  void Stop();

 private:
  struct Parts;
  explicit Daemon(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace skerry::coordinator
