#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/status.h"
#include "crypto/identity.h"
#include "crypto/secret.h"

namespace skerry::crypto {

// What a certificate says, for checks before it is used and for messages.
struct CertificateInfo {
  std::string subject;
  std::string issuer;
  std::string serial_hex;
  std::vector<std::string> uris;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  int64_t not_before_unix = 0;
  int64_t not_after_unix = 0;
  std::string fingerprint_hex;  // SHA-256 of the DER form
};

// The first certificate of a PEM text. INVALID_ARGUMENT when there is none.
Result<CertificateInfo> ReadCertificate(const std::string& pem);

// The one identity in a certificate's URIs. INVALID_ARGUMENT when there is none or more than one.
Result<Identity> IdentityOf(const CertificateInfo& certificate);

// Whether a file has the private key of the first certificate of `certificate_pem`.
// INVALID_ARGUMENT: it has no key in PEM form, one with a pass phrase, or another one. OpenSSL
// itself reads the file, so that the key is in no string of ours.
Status CheckKeyFile(const std::string& certificate_pem, const std::string& key_path);

struct IssuedCertificate {
  std::string certificate_pem;
  SecretBytes key_pem;
};

// A federation's own certificate authority: one ECDSA P-256 key and certificate in a directory that
// is best kept on a machine that is not on the network. Not thread-safe.
class CertificateAuthority {
 public:
  struct Options {
    int64_t ca_days = 3650;
  };

  // Makes `directory` with ca.key (0600) and ca.pem, whose URI skerry://FEDERATION/ca keeps the
  // federation's name. ALREADY_EXISTS when there is one: its key may not be overwritten. An Init
  // that was cut short may be repeated.
  static Result<CertificateAuthority> Init(Files& files, const std::string& directory,
                                           const std::string& federation, const Clock& clock,
                                           const Options& options);
  // NOT_FOUND names the directory and the command that makes one.
  static Result<CertificateAuthority> Open(Files& files, const std::string& directory);

  const std::string& federation() const { return federation_; }
  const std::string& certificate_pem() const { return certificate_pem_; }

  // A new ECDSA P-256 key and a certificate for it that begins five minutes before now, with the
  // identity's URI. It ends with the authority's own at the latest. A coordinator's has
  // `host_names` (DNS names and IP addresses), "localhost" and 127.0.0.1, and may only serve; a
  // site's and an admin's may only dial. INVALID_ARGUMENT for another federation, a bad name or
  // host name; FAILED_PRECONDITION when the authority has expired.
  Result<IssuedCertificate> Issue(const Identity& identity,
                                  const std::vector<std::string>& host_names, const Clock& clock,
                                  int64_t days) const;

 private:
  CertificateAuthority(std::string federation, std::string certificate_pem, SecretBytes key_pem);

  std::string federation_;
  std::string certificate_pem_;
  SecretBytes key_pem_;
};

}  // namespace skerry::crypto
