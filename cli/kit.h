#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/status.h"
#include "crypto/certificates.h"

namespace skerry::cli {

// Makes kits: folders with ca.pem, a certificate, its key (0600) and a commented configuration
// file, ready to be handed over. ALREADY_EXISTS when a kit is there: its key may be in use.
class KitMaker {
 public:
  // `ca_directory` also remembers the coordinator's address for later kits.
  KitMaker(Files& files, const Clock& clock, const crypto::CertificateAuthority& ca,
           std::string ca_directory, std::string out_directory, int64_t days);

  Status MakeCoordinator(const std::string& host, int port);
  // The address that sites and admins dial. INVALID_ARGUMENT unless HOST:PORT.
  Status SetAddress(const std::string& address);
  // `data`: "NAME=FILE", where {site} in FILE stands for the site's name; "" for an example.
  Status MakeSite(const std::string& name, const std::string& data);
  Status MakeAdmin(const std::string& name);

  // What was made, a line each.
  const std::vector<std::string>& report() const { return report_; }

 private:
  Status MakeKit(const std::string& folder, const crypto::Identity& identity,
                 const std::vector<std::string>& hosts, const std::string& stem,
                 const std::string& config_name, const std::string& config);
  Result<std::string> Address();

  Files& files_;
  const Clock& clock_;
  const crypto::CertificateAuthority& ca_;
  const std::string ca_directory_;
  const std::string out_directory_;
  const int64_t days_;
  std::vector<std::string> report_;
};

}  // namespace skerry::cli
