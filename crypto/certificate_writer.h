#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "crypto/openssl.h"

// Inside crypto/ only: from what a certificate shall say to the certificate.
namespace skerry::crypto {

struct CertificateText {
  std::string organization;
  std::string unit;         // empty: none
  std::string common_name;  // for people; nothing is decided by it
  std::string uri;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;  // as inet_pton reads them
  int64_t not_before_unix = 0;
  int64_t not_after_unix = 0;
  // Numbers and values as openssl-x509v3_config(5) has them, in the order of the certificate.
  std::vector<std::pair<int, std::string>> extensions;
};

Result<UniqueKey> NewKey();  // ECDSA P-256

// A certificate for `key` with a random 128-bit serial number, signed with `issuer_key`. Signed by
// itself when `issuer` is null.
Result<UniqueCertificate> WriteCertificate(const CertificateText& text, EVP_PKEY& key,
                                           const X509* issuer, EVP_PKEY& issuer_key);

}  // namespace skerry::crypto
