#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/files.h"
#include "base/status.h"
#include "base/time.h"
#include "client/data/table.h"
#include "client/external/trainer_program.h"
#include "client/site_policy.h"
#include "rpc/grpc/transport.h"

namespace skerry::client {

// agent.toml. Relative paths in it are relative to the file's own directory.
struct ClientConfig {
  std::string site;
  std::string coordinator;  // host:port
  std::string state_dir;
  rpc::TlsFiles tls;
  std::map<std::string, DataSource> sources;
  TrainerPrograms trainers;
  SitePolicy policy;
  int max_concurrent_tasks = 1;
  Duration retry_cap = 60s;
  std::string call_log;  // "": calls are not logged
};

// INVALID_ARGUMENT with every error, one "file:line: key: what" a line. `insecure`: [tls] may be
// absent.
Result<ClientConfig> LoadClientConfig(Files& files, const std::string& path, bool insecure);

}  // namespace skerry::client
