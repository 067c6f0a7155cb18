#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/report.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/kit.h"
#include "crypto/certificates.h"

namespace skerry::cli {
namespace {

int Init(const std::string& directory, const std::string& federation) {
  PosixFiles files;
  const Result<crypto::CertificateAuthority> ca =
      crypto::CertificateAuthority::Init(files, directory, federation, SystemClock(), {});
  if (!ca.ok()) return ReportError(ca.status());
  std::printf(
      "made the certificate authority of federation \"%s\" in %s\n"
      "  %s/ca.pem   goes into every kit\n"
      "  %s/ca.key   stays here; whoever has it can add sites. Keep it off the network, and backed "
      "up\n"
      "next: skerry ca issue --coordinator HOST\n",
      federation.c_str(), directory.c_str(), directory.c_str(), directory.c_str());
  return 0;
}

struct IssueOptions {
  std::string directory = "ca";
  std::string out = "kits";
  std::string coordinator;  // host
  int port = 8443;
  std::vector<std::string> sites;
  std::vector<std::string> admins;
  std::string address;  // of the coordinator, for sites and admins
  std::string data;     // NAME=FILE
  int64_t days = 365;
};

Status IssueAll(const IssueOptions& options) {
  PosixFiles files;
  SystemClock clock;
  SKERRY_ASSIGN_OR_RETURN(const auto ca,
                          crypto::CertificateAuthority::Open(files, options.directory));
  KitMaker maker(files, clock, ca, options.directory, options.out, options.days);
  if (!options.coordinator.empty()) {
    SKERRY_RETURN_IF_ERROR(maker.MakeCoordinator(options.coordinator, options.port));
  }
  if (!options.address.empty()) SKERRY_RETURN_IF_ERROR(maker.SetAddress(options.address));
  for (const std::string& site : options.sites) {
    SKERRY_RETURN_IF_ERROR(maker.MakeSite(site, options.data));
  }
  for (const std::string& admin : options.admins) SKERRY_RETURN_IF_ERROR(maker.MakeAdmin(admin));
  for (const std::string& line : maker.report()) std::printf("%s\n", line.c_str());
  return OkStatus();
}

int Issue(const IssueOptions& options) {
  if (options.coordinator.empty() && options.sites.empty() && options.admins.empty()) {
    return ReportError(InvalidArgument("what shall be issued?")
                           .WithHint("--coordinator HOST, --site NAME or --admin NAME"));
  }
  const Status status = IssueAll(options);
  return status.ok() ? 0 : ReportError(status);
}

}  // namespace

void AddCaCommands(CLI::App& app, Action& action) {
  CLI::App* noun = app.add_subcommand("ca", "The federation's certificate authority and kits");
  noun->require_subcommand(1);
  auto directory = std::make_shared<std::string>("ca");
  auto federation = std::make_shared<std::string>();
  CLI::App* init = noun->add_subcommand("init", "Make a certificate authority");
  init->footer("Example:\n  skerry ca init --federation icu");
  init->add_option("--federation", *federation, "its name: a-z, 0-9 and '-'")->required();
  init->add_option("--dir", *directory, "where to keep it")->capture_default_str();
  init->callback([&action, directory, federation] {
    action = [directory, federation] { return Init(*directory, *federation); };
  });

  auto options = std::make_shared<IssueOptions>();
  CLI::App* issue = noun->add_subcommand(
      "issue",
      "Issue kits: a certificate, its key, the CA and a commented configuration file each");
  issue->footer(
      "Examples:\n"
      "  skerry ca issue --coordinator fl.example.org --port 8443\n"
      "  skerry ca issue --site north --site south\n"
      "  skerry ca issue --admin ada\n"
      "A kit holds a private key: hand it over as you would a password.");
  issue->add_option("--coordinator", options->coordinator,
                    "for the coordinator: the host name or IP address that sites will dial");
  issue->add_option("--port", options->port, "the port that the coordinator listens on")
      ->check(CLI::Range(1, 65535))
      ->capture_default_str();
  issue->add_option("--site", options->sites, "for a site; may be given several times");
  issue->add_option("--admin", options->admins, "for an operator; may be given several times");
  issue->add_option("--address", options->address,
                    "HOST:PORT of the coordinator, if it was not issued here");
  issue->add_option(
      "--data", options->data,
      "NAME=FILE.csv: a data source for the sites' agent.toml; {site} in FILE is the site's "
      "name");
  issue->add_option("--days", options->days, "how long the certificates are valid")
      ->check(CLI::Range(1, 3650))
      ->capture_default_str();
  issue->add_option("--dir", options->directory, "the certificate authority")
      ->capture_default_str();
  issue->add_option("--out", options->out, "where the kits go, each in a folder of its own")
      ->capture_default_str();
  issue->callback([&action, options] { action = [options] { return Issue(*options); }; });
}

}  // namespace skerry::cli
