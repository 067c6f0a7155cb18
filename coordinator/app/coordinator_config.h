#pragma once

#include <cstdint>
#include <string>

#include "base/files.h"
#include "base/status.h"
#include "rpc/grpc/transport.h"

namespace skerry::coordinator {

// coordinator.toml. Relative paths in it are relative to the file's own directory.
struct CoordinatorConfig {
  std::string address = "0.0.0.0:8443";
  std::string admin_socket;  // default: STATE_DIR/admin.sock
  rpc::TlsFiles tls;
  std::string state_dir;
  uint64_t spool_bytes = uint64_t{64} << 30;
  int threads = 0;       // 0: one per processor
  int transfers = 64;    // chunks on their way at the same time, in each direction
  std::string call_log;  // "": calls are not logged
};

// INVALID_ARGUMENT with every error, one "file:line: key: what" a line. `insecure`: [tls] may be
// absent.
Result<CoordinatorConfig> LoadCoordinatorConfig(Files& files, const std::string& path,
                                                bool insecure);

}  // namespace skerry::coordinator
