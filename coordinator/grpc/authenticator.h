#pragma once

#include <grpcpp/server_context.h>

#include <string>

#include "base/status.h"
#include "crypto/identity.h"

namespace skerry::coordinator {

// Who calls: from the certificate of the connection, never from a message. Over the Unix socket,
// which only the coordinator's own user may open, every caller is an operator. Thread-safe.
class Authenticator {
 public:
  // `insecure`: plaintext on loopback, where sites give their names themselves.
  Authenticator(std::string federation, bool insecure)
      : federation_(std::move(federation)), insecure_(insecure) {}

  // UNAUTHENTICATED: no certificate of this federation. PERMISSION_DENIED: one of another role.
  Result<std::string> SiteOf(const grpc::CallbackServerContext& context) const;
  // The admin's name; "local" over the Unix socket.
  Result<std::string> AdminOf(const grpc::CallbackServerContext& context) const;

  // When the certificate of the connection expires; 0 without one.
  static int64_t CertificateExpiresUnix(const grpc::CallbackServerContext& context);

 private:
  Result<crypto::Identity> IdentityOf(const grpc::CallbackServerContext& context) const;

  const std::string federation_;
  const bool insecure_;
};

}  // namespace skerry::coordinator
