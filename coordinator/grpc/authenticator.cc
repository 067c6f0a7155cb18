#include "coordinator/grpc/authenticator.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>

#include "base/text.h"
#include "crypto/certificates.h"
#include "rpc/grpc/grpc_coordinator_api.h"

namespace skerry::coordinator {
namespace {

bool IsUnixSocket(const grpc::CallbackServerContext& context) {
  return context.peer().starts_with("unix:");
}

}  // namespace

Result<crypto::Identity> Authenticator::IdentityOf(
    const grpc::CallbackServerContext& context) const {
  const auto auth = context.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) {
    return Unauthenticated("the connection shows no certificate")
        .WithHint("set [tls] in the configuration file");
  }
  const auto uris = auth->FindPropertyValues(GRPC_PEER_URI_PROPERTY_NAME);
  if (uris.size() != 1) {
    return Unauthenticated("the certificate must have one skerry:// URI; it has " +
                           std::to_string(uris.size()));
  }
  SKERRY_ASSIGN_OR_RETURN(crypto::Identity identity,
                          crypto::ParseIdentityUri({uris[0].data(), uris[0].size()}));
  if (identity.federation != federation_) {
    return Unauthenticated("the certificate belongs to federation \"" + identity.federation +
                           "\"; this is \"" + federation_ + "\"");
  }
  return identity;
}

Result<std::string> Authenticator::SiteOf(const grpc::CallbackServerContext& context) const {
  if (insecure_ && !IsUnixSocket(context)) {
    const auto found = context.client_metadata().find(rpc::kInsecureSiteKey);
    if (found == context.client_metadata().end()) {
      return Unauthenticated("this coordinator runs with --insecure; the client must too");
    }
    const std::string name(found->second.data(), found->second.size());
    if (!IsName(name)) return Unauthenticated("\"" + name + "\" is no site name");
    return name;
  }
  SKERRY_ASSIGN_OR_RETURN(const crypto::Identity identity, IdentityOf(context));
  if (identity.role != crypto::Role::kSite) {
    return PermissionDenied("this needs a site's certificate, not that of " +
                            crypto::Describe(identity));
  }
  return identity.name;
}

int64_t Authenticator::CertificateExpiresUnix(const grpc::CallbackServerContext& context) {
  const auto auth = context.auth_context();
  if (auth == nullptr) return 0;
  const auto pems = auth->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (pems.size() != 1) return 0;
  const Result<crypto::CertificateInfo> info =
      crypto::ReadCertificate({pems[0].data(), pems[0].size()});
  return info.ok() ? info->not_after_unix : 0;
}

Result<std::string> Authenticator::AdminOf(const grpc::CallbackServerContext& context) const {
  if (IsUnixSocket(context)) return std::string("local");
  if (insecure_) {
    return PermissionDenied("with --insecure, operators use the Unix socket only");
  }
  SKERRY_ASSIGN_OR_RETURN(const crypto::Identity identity, IdentityOf(context));
  if (identity.role != crypto::Role::kAdmin) {
    return PermissionDenied("this needs an admin's certificate, not that of " +
                            crypto::Describe(identity))
        .WithHint("skerry ca issue --admin NAME");
  }
  return identity.name;
}

}  // namespace skerry::coordinator
