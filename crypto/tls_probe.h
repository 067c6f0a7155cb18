#pragma once

#include <string>

#include "base/clock.h"
#include "base/status.h"

namespace skerry::crypto {

struct TlsProbeOptions {
  std::string host;
  int port = 0;
  std::string ca_pem;
  std::string certificate_pem;
  std::string key_pem_path;  // read by OpenSSL itself, so that the key is in no string of ours
  Duration timeout = 5s;     // for each of: connecting, the handshake, the alert after it
};

// Why a connection to a coordinator fails, found by a raw handshake (gRPC says only "Socket
// closed"). Blocks for up to three times `timeout`, besides what the resolver takes for a name. OK
// when the handshake succeeds and the coordinator does not object to it. Otherwise UNAVAILABLE
// (name does not resolve, refused, no answer, the peer closed), FAILED_PRECONDITION (that port
// speaks no TLS, or not TLS 1.3), UNAUTHENTICATED (a certificate is not accepted) or
// INVALID_ARGUMENT (CA, certificate or key of this side cannot be used), with a sentence that names
// what was met and what was expected, and a hint with the next step:
//   the coordinator's certificate: unknown CA, expired or not yet valid (with the dates), name
//   mismatch (the name dialled and the names in the certificate), not the coordinator's of this
//   side's federation;
//   this side's certificate, from the coordinator's alert: unknown CA, expired, refused. A server
//   of gRPC 1.51 sends no alert but hangs up; then the sentence says what this side itself can find
//   wrong with its certificate: expired, not yet valid, of another CA, not for dialling.
Status ProbeTls(const TlsProbeOptions& options, const Clock& clock);

// The same for a side that speaks plaintext HTTP/2: OK when the other does, too.
// FAILED_PRECONDITION when it answers otherwise, with TLS most likely, or hangs up.
Status ProbePlain(const std::string& host, int port, Duration timeout, const Clock& clock);

}  // namespace skerry::crypto
