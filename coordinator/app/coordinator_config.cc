#include "coordinator/app/coordinator_config.h"

#include "base/toml_reader.h"

namespace skerry::coordinator {

Result<CoordinatorConfig> LoadCoordinatorConfig(Files& files, const std::string& path,
                                                bool insecure) {
  SKERRY_ASSIGN_OR_RETURN(TomlReader toml, TomlReader::Load(files, path));
  const std::string base = ParentDirectory(path);
  CoordinatorConfig config;
  config.address = toml.String("listen.address", config.address);
  if (Status status = rpc::ParseHostPort(config.address).status(); !status.ok()) {
    toml.Fail("listen.address", status.message(), status.hint());
  }
  config.state_dir = ResolvePath(base, toml.String("storage.state_dir"));
  const std::string socket = toml.String("listen.admin_socket", "");
  config.admin_socket =
      socket.empty() ? config.state_dir + "/admin.sock" : ResolvePath(base, socket);
  constexpr std::size_t kMaxSocketPath = 107;
  if (config.admin_socket.size() > kMaxSocketPath) {
    toml.Fail("listen.admin_socket", "the path is longer than a Unix socket's may be (107 bytes)",
              "set it to a short path, for instance /run/skerry/admin.sock");
  }
  const int64_t spool =
      toml.Integer("storage.spool_bytes", static_cast<int64_t>(config.spool_bytes));
  if (spool < 1 << 20) toml.Fail("storage.spool_bytes", "must be at least 1048576");
  config.spool_bytes = static_cast<uint64_t>(spool);
  const int64_t threads = toml.Integer("limits.threads", 0);
  if (threads < 0 || threads > 1024) toml.Fail("limits.threads", "must be between 0 and 1024");
  config.threads = static_cast<int>(threads);
  const int64_t transfers = toml.Integer("limits.transfers", config.transfers);
  if (transfers < 1 || transfers > 100'000) {
    toml.Fail("limits.transfers", "must be between 1 and 100000");
  }
  config.transfers = static_cast<int>(transfers);
  if (!insecure || toml.Has("tls")) {
    config.tls = {ResolvePath(base, toml.String("tls.ca")),
                  ResolvePath(base, toml.String("tls.certificate")),
                  ResolvePath(base, toml.String("tls.key"))};
  }
  if (toml.Has("log.calls")) config.call_log = ResolvePath(base, toml.String("log.calls"));
  SKERRY_RETURN_IF_ERROR(toml.Finish());
  return config;
}

}  // namespace skerry::coordinator
