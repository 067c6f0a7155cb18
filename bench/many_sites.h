#pragma once

#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/files.h"
#include "base/status.h"
#include "crypto/certificates.h"

namespace skerry::bench {

// "site-00017": as bench/harness names them.
std::string SiteName(int64_t index);

// As many open files as this user may have: each connection is one.
void AllowManyFiles();

// Certificates for any number of sites in one process, made when they are asked for and never
// written down: unlike an agent's, nobody watches their files.
class SiteCertificates {
 public:
  // `directory`: of `skerry ca init`.
  static Result<SiteCertificates> Open(const std::string& directory);

  // Mutual TLS with a new key and certificate of this site. Not thread-safe.
  Result<std::shared_ptr<grpc::ChannelCredentials>> Credentials(const std::string& site) const;

 private:
  explicit SiteCertificates(crypto::CertificateAuthority authority)
      : authority_(std::move(authority)) {}

  crypto::CertificateAuthority authority_;
};

}  // namespace skerry::bench
