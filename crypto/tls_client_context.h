#pragma once

#include <string>

#include "base/status.h"
#include "crypto/openssl.h"
#include "crypto/tls_probe.h"

// Inside crypto/ only: whom a TLS client trusts and what it shows.
namespace skerry::crypto {

// TLS 1.3 alone, with the authorities, the certificate chain and the key of `options`.
// INVALID_ARGUMENT names the one that cannot be used.
Result<UniqueSslContext> MakeClientContext(const TlsProbeOptions& options);

// Whether the certificate that `context` shows comes from an authority in `ca_pem`. It need not,
// but when the coordinator refuses it, that is worth knowing.
bool ShowsCertificateOf(SSL_CTX* context, const std::string& ca_pem);

}  // namespace skerry::crypto
