#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/time.h"
#include "crypto/certificates.h"

// Inside crypto/ only: from what a handshake met to a sentence and a next step. Pure.
namespace skerry::crypto {

// What this side brought to the handshake.
struct HandshakeFacts {
  std::string host;
  std::string address;        // "host:port", for messages
  CertificateInfo own;        // this side's certificate
  CertificateInfo authority;  // whom this side trusts
  bool own_is_of_authority = true;
  WallTime now;
};

// Why this side did not accept the coordinator's chain.
struct ChainFault {
  int error = 0;  // an X509_V_ERR_ number of OpenSSL
  CertificateInfo leaf;
  CertificateInfo failed;  // the certificate of the chain that is at fault
};
Status ExplainChainFault(const ChainFault& fault, const HandshakeFacts& facts);

// OK when `leaf` is the certificate of the coordinator of this side's federation.
Status CheckIsCoordinator(const CertificateInfo& leaf, const HandshakeFacts& facts);

// An alert (RFC 8446, 6.2) from the coordinator; in TLS 1.3 it comes after this side's handshake is
// done when it is about this side's certificate.
Status ExplainAlert(int alert, bool handshake_done, const HandshakeFacts& facts);

// The coordinator hung up after this side's certificate and gave no reason.
Status ExplainHangUp(const HandshakeFacts& facts);

// The error when `bytes`, the first that came, are no TLS record; OK when they may be one.
Status CheckIsTls(std::string_view bytes, const HandshakeFacts& facts);

}  // namespace skerry::crypto
