#include "cli/kit.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "rpc/grpc/transport.h"

namespace skerry::cli {
namespace {

// "{NAME}" in these stands for a value, written as TOML.
constexpr std::string_view kTls = R"([tls]
ca = "ca.pem"
certificate = {CERTIFICATE}   # renewed in place: it is read again without a restart
key = {KEY}
)";

constexpr std::string_view kCoordinatorToml =
    R"(# The coordinator's configuration. Paths are relative to this file.
[listen]
address = {ADDRESS}   # sites dial in here; nothing else need be open
# admin_socket = "/run/skerry/admin.sock"   # for `skerry --socket`; default: in state_dir

{TLS}
[storage]
state_dir = "state"   # journal, checkpoints, results under way; /var/lib/skerry in production
# spool_bytes = 68719476736   # how much the results under way may take

# [limits]
# threads = 0   # 0: one per processor
# transfers = 64   # chunks on their way at the same time, in each direction
)";

constexpr std::string_view kAgentToml =
    R"(# The agent's configuration at site {SITE}. Paths are relative to this file.
# No coordinator can change anything in here.
[site]
name = {SITE}
coordinator = {COORDINATOR}   # the agent dials out; no port of this site is opened
state_dir = "state"   # results until their verdict; /var/lib/skerry-client in production

{TLS}
# A data source: runs name it, and the columns that they read. Nothing but sums and model
# updates leaves this machine.
[data.{SOURCE}]
csv = {FILE}   # or: sqlite = "/srv/data.db" with table = "patients"
# rename = { apache2 = "ApacheIIScore" }   # the run's name of a column = this file's
# missing_values = ["", "NA"]   # cells that count as missing

[policy]   # what this site takes part in; a run that asks for more is refused here
# allowed_models = ["linear", "logistic", "softmax", "mlp"]
# allowed_strategies = ["fedavg"]
min_examples = 10   # fewer training rows than this, and the site takes no part
# max_rounds = 500

[limits]
max_concurrent_tasks = 1
retry_cap = "60s"   # the longest pause between attempts to reach the coordinator
)";

constexpr std::string_view kAdminToml =
    R"(# For: skerry run list --admin admin.toml, and so on. Paths are relative to this file.
[admin]
coordinator = {COORDINATOR}

{TLS})";

// `text` as a TOML string, in quotes.
std::string TomlText(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      quoted += "\\u00" + HexEncode({&c, 1});
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

// The same as a key, which mostly needs no quotes.
std::string TomlKey(std::string_view text) {
  const bool bare = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
  return bare ? std::string(text) : TomlText(text);
}

std::string Fill(std::string_view form,
                 const std::vector<std::pair<std::string_view, std::string>>& values) {
  std::string text;
  while (!form.empty()) {
    const auto stands = [&](const auto& value) {
      return form.front() == '{' && form.substr(1).starts_with(value.first) &&
             form.substr(1 + value.first.size()).starts_with("}");
    };
    const auto found = std::find_if(values.begin(), values.end(), stands);
    text += found == values.end() ? std::string(1, form.front()) : found->second;
    form.remove_prefix(found == values.end() ? 1 : found->first.size() + 2);
  }
  return text;
}

std::string TlsTable(const std::string& stem) {
  return Fill(kTls, {{"CERTIFICATE", TomlText(stem + ".pem")}, {"KEY", TomlText(stem + ".key")}});
}

std::string CoordinatorToml(int port) {
  return Fill(kCoordinatorToml, {{"ADDRESS", TomlText("0.0.0.0:" + std::to_string(port))},
                                 {"TLS", TlsTable("coordinator")}});
}

std::string AgentToml(const std::string& site, const std::string& address,
                      const std::string& source, const std::string& file) {
  return Fill(kAgentToml, {{"SITE", TomlText(site)},
                           {"COORDINATOR", TomlText(address)},
                           {"TLS", TlsTable(site)},
                           {"SOURCE", TomlKey(source)},
                           {"FILE", TomlText(file)}});
}

std::string AdminToml(const std::string& name, const std::string& address) {
  return Fill(kAdminToml, {{"COORDINATOR", TomlText(address)}, {"TLS", TlsTable(name)}});
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
  const Status there = files_.Open(directory + "/" + config_name, OpenMode::kRead).status();
  if (!there.ok() && there.code() != Code::kNotFound) return there;
  if (there.ok()) {
    return AlreadyExists(directory + " holds a kit already")
        .WithHint(
            "its key may be in use. To renew the certificate, issue it elsewhere (--out DIR) "
            "and put DIR/" +
            folder + "/" + stem + ".pem and .key in the place of the old ones");
  }
  SKERRY_ASSIGN_OR_RETURN(const crypto::IssuedCertificate issued,
                          ca_.Issue(identity, hosts, clock_, days_));
  SKERRY_RETURN_IF_ERROR(files_.MakeDirectories(directory));
  SKERRY_RETURN_IF_ERROR(PublishFile(files_, directory + "/ca.pem", ca_.certificate_pem()));
  SKERRY_RETURN_IF_ERROR(
      PublishFile(files_, directory + "/" + stem + ".pem", issued.certificate_pem));
  SKERRY_RETURN_IF_ERROR(
      PublishFile(files_, directory + "/" + stem + ".key", issued.key_pem.Reveal()));
  if (Status last = PublishFile(files_, directory + "/" + config_name, config); !last.ok()) {
    // It may have got its name. Who is told of a failure shall be able to make the kit again.
    static_cast<void>(files_.Remove(directory + "/" + config_name).ok());
    return last;
  }
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
  const std::string address = (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
  Status remembered = SetAddress(address);
  if (remembered.ok()) return remembered;
  return std::move(remembered)
      .WithContext("the kit is made, but its address could not be written down")
      .WithHint("give --address " + address + " with the first site or admin");
}

Status KitMaker::SetAddress(const std::string& address) {
  SKERRY_RETURN_IF_ERROR(rpc::ParseHostPort(address).status());
  return PublishFile(files_, ca_directory_ + "/coordinator-address", address);
}

Result<std::string> KitMaker::Address() {
  Result<std::string> address = ReadFile(files_, ca_directory_ + "/coordinator-address");
  if (address.status().code() == Code::kNotFound) {
    return FailedPrecondition("where will the coordinator be?")
        .WithHint("issue its kit first (--coordinator HOST), or give --address HOST:PORT");
  }
  return address;
}

Status KitMaker::MakeSite(const std::string& name, const std::string& data) {
  SKERRY_ASSIGN_OR_RETURN(const std::string address, Address());
  const std::size_t equals = data.find('=');
  if (!data.empty() && (equals == std::string::npos || equals == 0)) {
    return InvalidArgument("--data must be NAME=FILE, not \"" + data + "\"")
        .WithHint("for instance --data icu=/srv/icu.csv; runs name the source: [data] source");
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
