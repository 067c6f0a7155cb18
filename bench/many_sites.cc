#include "bench/many_sites.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <sys/resource.h>

#include <cstdio>
#include <vector>

namespace skerry::bench {

std::string SiteName(int64_t index) {
  char name[32];
  std::snprintf(name, sizeof(name), "site-%05lld", static_cast<long long>(index));
  return name;
}

void AllowManyFiles() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

Result<SiteCertificates> SiteCertificates::Open(const std::string& directory) {
  PosixFiles files;
  SKERRY_ASSIGN_OR_RETURN(auto authority, crypto::CertificateAuthority::Open(files, directory));
  return SiteCertificates(std::move(authority));
}

Result<std::shared_ptr<grpc::ChannelCredentials>> SiteCertificates::Credentials(
    const std::string& site) const {
  using grpc::experimental::IdentityKeyCertPair;
  const crypto::Identity identity{authority_.federation(), crypto::Role::kSite, site};
  SKERRY_ASSIGN_OR_RETURN(const crypto::IssuedCertificate issued,
                          authority_.Issue(identity, {}, SystemClock(), /*days=*/1));
  const std::vector<IdentityKeyCertPair> pairs = {
      {std::string(issued.key_pem.Reveal()), issued.certificate_pem}};
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(
      std::make_shared<grpc::experimental::StaticDataCertificateProvider>(
          authority_.certificate_pem(), pairs));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(true);
  return grpc::experimental::TlsCredentials(options);
}

}  // namespace skerry::bench
