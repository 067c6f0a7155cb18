#include "cli/kit.h"

#include <utility>

#include "base/text.h"
#include "rpc/grpc/transport.h"

namespace skerry::cli {
namespace {

std::string TlsTable(const std::string& stem) {
  return "[tls]\n"
         "ca = \"ca.pem\"\n"
         "certificate = \"" +
         stem +
         ".pem\"   # renewed in place: it is read again without a restart\n"
         "key = \"" +
         stem + ".key\"\n";
}

std::string CoordinatorToml(int port) {
  return "# The coordinator's configuration. Paths are relative to this file.\n"
         "[listen]\n"
         "address = \"0.0.0.0:" +
         std::to_string(port) +
         "\"   # sites dial in here; nothing else need be open\n"
         "# admin_socket = \"/run/skerry/admin.sock\"   # for `skerry --socket`; default: in "
         "state_dir\n"
         "\n" +
         TlsTable("coordinator") +
         "\n"
         "[storage]\n"
         "state_dir = \"state\"   # journal, checkpoints, results under way; /var/lib/skerry in "
         "production\n"
         "# spool_bytes = 68719476736   # how much the results under way may take\n"
         "\n"
         "# [limits]\n"
         "# threads = 0   # 0: one per processor\n";
}

std::string AgentToml(const std::string& site, const std::string& address,
                      const std::string& source, const std::string& file) {
  return "# The agent's configuration at site \"" + site +
         "\". Paths are relative to this file.\n"
         "# No coordinator can change anything in here.\n"
         "[site]\n"
         "name = \"" +
         site +
         "\"\n"
         "coordinator = \"" +
         address +
         "\"   # the agent dials out; no port of this site is opened\n"
         "state_dir = \"state\"   # results until their verdict; /var/lib/skerry-client in "
         "production\n"
         "\n" +
         TlsTable(site) +
         "\n"
         "# A data source: runs name it, and the columns that they read. Nothing but sums and "
         "model\n"
         "# updates leaves this machine.\n"
         "[data." +
         source +
         "]\n"
         "csv = \"" +
         file +
         "\"   # or: sqlite = \"/srv/data.db\" with table = \"patients\"\n"
         "# rename = { apache2 = \"ApacheIIScore\" }   # the run's name of a column = this file's\n"
         "# missing_values = [\"\", \"NA\"]   # cells that count as missing\n"
         "\n"
         "[policy]   # what this site takes part in; a run that asks for more is refused here\n"
         "# allowed_models = [\"linear\", \"logistic\", \"softmax\", \"mlp\"]\n"
         "# allowed_strategies = [\"fedavg\"]\n"
         "min_examples = 10   # fewer training rows than this, and the site takes no part\n"
         "# max_rounds = 500\n"
         "\n"
         "[limits]\n"
         "max_concurrent_tasks = 1\n"
         "retry_cap = \"60s\"   # the longest pause between attempts to reach the coordinator\n";
}

std::string AdminToml(const std::string& name, const std::string& address) {
  return "# For: skerry --admin admin.toml ... Paths are relative to this file.\n"
         "[admin]\n"
         "coordinator = \"" +
         address +
         "\"\n"
         "\n" +
         TlsTable(name);
}

}  // namespace

KitMaker::KitMaker(Files& files, const Clock& clock, const crypto::CertificateAuthority& ca,
                   std::string ca_directory, std::string out_directory, int64_t days)
    : files_(files),
      clock_(clock),
      ca_(ca),
      ca_directory_(std::move(ca_directory)),
      out_directory_(std::move(out_directory)),
      days_(days) {}

Status KitMaker::MakeKit(const std::string& folder, const crypto::Identity& identity,
                         const std::vector<std::string>& hosts, const std::string& stem,
                         const std::string& config_name, const std::string& config) {
  const std::string directory = out_directory_ + "/" + folder;
  if (files_.Open(directory + "/" + config_name, OpenMode::kRead).ok()) {
    return AlreadyExists(directory + " holds a kit already")
        .WithHint("move it away first: its key may be in use");
  }
  SKERRY_ASSIGN_OR_RETURN(const crypto::IssuedCertificate issued,
                          ca_.Issue(identity, hosts, clock_, days_));
  SKERRY_RETURN_IF_ERROR(files_.MakeDirectories(directory));
  SKERRY_RETURN_IF_ERROR(PublishFile(files_, directory + "/ca.pem", ca_.certificate_pem()));
  SKERRY_RETURN_IF_ERROR(
      PublishFile(files_, directory + "/" + stem + ".pem", issued.certificate_pem));
  SKERRY_RETURN_IF_ERROR(
      PublishFile(files_, directory + "/" + stem + ".key", issued.key_pem.Reveal()));
  SKERRY_RETURN_IF_ERROR(PublishFile(files_, directory + "/" + config_name, config));
  report_.push_back(directory + "/  kit for " + crypto::Describe(identity) + ", valid " +
                    std::to_string(days_) + " days");
  return OkStatus();
}

Status KitMaker::MakeCoordinator(const std::string& host, int port) {
  std::vector<std::string> hosts = {host};
  for (const char* local : {"localhost", "127.0.0.1"}) {
    if (host != local) hosts.emplace_back(local);
  }
  SKERRY_RETURN_IF_ERROR(MakeKit("coordinator", {ca_.federation(), crypto::Role::kCoordinator, ""},
                                 hosts, "coordinator", "coordinator.toml", CoordinatorToml(port)));
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return SetAddress((is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port));
}

Status KitMaker::SetAddress(const std::string& address) {
  SKERRY_RETURN_IF_ERROR(rpc::ParseHostPort(address).status());
  return PublishFile(files_, ca_directory_ + "/coordinator-address", address);
}

Result<std::string> KitMaker::Address() {
  Result<std::string> address = ReadFile(files_, ca_directory_ + "/coordinator-address");
  if (!address.ok()) {
    return FailedPrecondition("where will the coordinator be?")
        .WithHint("issue its kit first (--coordinator HOST), or give --address HOST:PORT");
  }
  return address;
}

Status KitMaker::MakeSite(const std::string& name, const std::string& data) {
  SKERRY_ASSIGN_OR_RETURN(const std::string address, Address());
  const std::size_t equals = data.find('=');
  if (!data.empty() && (equals == std::string::npos || equals == 0)) {
    return InvalidArgument("--data must be NAME=FILE, not \"" + data + "\"");
  }
  const std::string source = data.empty() ? "example" : data.substr(0, equals);
  std::string file = data.empty() ? "/srv/example.csv" : data.substr(equals + 1);
  constexpr std::string_view kPlaceholder = "{site}";
  if (const std::size_t at = file.find(kPlaceholder); at != std::string::npos) {
    file.replace(at, kPlaceholder.size(), name);
  }
  return MakeKit(name, {ca_.federation(), crypto::Role::kSite, name}, {}, name, "agent.toml",
                 AgentToml(name, address, source, file));
}

Status KitMaker::MakeAdmin(const std::string& name) {
  SKERRY_ASSIGN_OR_RETURN(const std::string address, Address());
  return MakeKit("admin-" + name, {ca_.federation(), crypto::Role::kAdmin, name}, {}, name,
                 "admin.toml", AdminToml(name, address));
}

}  // namespace skerry::cli
