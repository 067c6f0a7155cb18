#pragma once

#include <memory>

#include "base/status.h"
#include "client/app/client_config.h"
#include "client/task_runner.h"

namespace skerry::client {

// A running client agent: one session with the coordinator, kept up for ever.
class Agent {
 public:
  // Finds everything that can be wrong on this side: files, certificates (expired, of another
  // site), the state directory (in use, not writable). `trainer` does the work of tasks, and
  // answers for the site's policy too; null: the native one.
  static Result<std::unique_ptr<Agent>> Start(const ClientConfig& config, bool insecure,
                                              std::unique_ptr<Trainer> trainer = nullptr);
  ~Agent();

  // Works until Stop(), on the calling thread. OK after Stop(); otherwise why it had to end:
  // PERMISSION_DENIED with detail SUPERSEDED (a newer process of this site is at work),
  // UNIMPLEMENTED (the versions do not fit), or a failure of this side's disk.
  Status Run();
  // Ends Run() at once: all that matters is on disk. From any thread.
  void Stop();

 private:
  struct Parts;
  explicit Agent(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace skerry::client
