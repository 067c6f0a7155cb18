#include "crypto/tls_client_context.h"

#include <openssl/err.h>

#include <utility>
#include <vector>

namespace skerry::crypto {
namespace {

Status Trust(SSL_CTX* context, const std::string& ca_pem) {
  Result<std::vector<UniqueCertificate>> authorities = ParseCertificates(ca_pem);
  if (!authorities.ok()) return std::move(authorities).status().WithContext("the CA file");
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const UniqueCertificate& authority : *authorities) {
    if (X509_STORE_add_cert(store, authority.get()) != 1) return OpenSslFailure("trusting a CA");
  }
  return OkStatus();
}

Status Show(SSL_CTX* context, const TlsProbeOptions& options) {
  Result<std::vector<UniqueCertificate>> chain = ParseCertificates(options.certificate_pem);
  if (!chain.ok()) return std::move(chain).status().WithContext("this side's certificate");
  if (SSL_CTX_use_certificate(context, chain->front().get()) != 1) {
    return InvalidArgument("this side's certificate cannot be used: " + TakeOpenSslError());
  }
  for (std::size_t i = 1; i < chain->size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) != 1) {
      return OpenSslFailure("using this side's certificate chain");
    }
  }
  if (SSL_CTX_use_PrivateKey_file(context, options.key_pem_path.c_str(), SSL_FILETYPE_PEM) == 1) {
    return OkStatus();
  }
  return InvalidArgument("the key in " + options.key_pem_path +
                         " cannot be used: " + TakeOpenSslError())
      .WithHint(
          "it must be readable, in PEM form, without a pass phrase, and belong to this "
          "side's certificate");
}

}  // namespace

Result<UniqueSslContext> MakeClientContext(const TlsProbeOptions& options) {
  ERR_clear_error();
  UniqueSslContext context(SSL_CTX_new(TLS_client_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1) {
    return OpenSslFailure("making a TLS context");
  }
  SSL_CTX_set_default_passwd_cb(context.get(), NoPassPhrase);
  SKERRY_RETURN_IF_ERROR(Trust(context.get(), options.ca_pem));
  SKERRY_RETURN_IF_ERROR(Show(context.get(), options));
  return context;
}

bool ShowsCertificateOf(SSL_CTX* context, const std::string& ca_pem) {
  const Result<std::vector<UniqueCertificate>> authorities = ParseCertificates(ca_pem);
  if (!authorities.ok()) return false;
  for (const UniqueCertificate& authority : *authorities) {
    if (X509_verify(SSL_CTX_get0_certificate(context), X509_get0_pubkey(authority.get())) == 1) {
      return true;
    }
  }
  ERR_clear_error();
  return false;
}

}  // namespace skerry::crypto
