#include "crypto/federation.h"

#include "base/memory_files.h"
#include "testing/status_matchers.h"

namespace skerry::crypto {

CertificateAuthority MakeFederation(const std::string& name) {
  MemoryFiles files;
  const ManualClock clock(At(kFoundedUnix));
  Result<CertificateAuthority> authority =
      CertificateAuthority::Init(files, "/ca", name, clock, CertificateAuthority::Options{});
  EXPECT_OK(authority);
  return std::move(authority).value();
}

PemPair IssueFor(const CertificateAuthority& authority, const std::string& uri, int64_t issued_unix,
                 int64_t days, const std::vector<std::string>& host_names) {
  const Result<Identity> identity = ParseIdentityUri(uri);
  EXPECT_OK(identity);
  const ManualClock clock(At(issued_unix));
  const Result<IssuedCertificate> issued = authority.Issue(*identity, host_names, clock, days);
  EXPECT_OK(issued);
  return {issued->certificate_pem, std::string(issued->key_pem.Reveal())};
}

}  // namespace skerry::crypto
