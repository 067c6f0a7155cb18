#include "crypto/openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <climits>
#include <utility>

namespace skerry::crypto {
namespace {

UniqueBio ReadOnlyBio(std::string_view text) {
  if (text.size() > INT_MAX) return nullptr;
  return UniqueBio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string_view Contents(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return {data, size > 0 ? static_cast<std::size_t>(size) : 0};
}

Status NoCertificate(std::string_view pem) {
  if (pem.find("-----BEGIN CERTIFICATE-----") != std::string_view::npos) {
    return InvalidArgument("this PEM text has a certificate that cannot be read")
        .WithHint("copy the file again; it may have been cut or edited");
  }
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos) {
    return InvalidArgument("this is a private key where a certificate belongs")
        .WithHint("are the names of certificate and key swapped?");
  }
  return InvalidArgument("there is no certificate in this text")
      .WithHint("a certificate in PEM form begins with -----BEGIN CERTIFICATE-----");
}

}  // namespace

int NoPassPhrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) { return -1; }

std::string TakeOpenSslError() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason != nullptr ? reason : "no reason given";
}

Status OpenSslFailure(std::string_view what) {
  return Internal(std::string(what) + ": " + TakeOpenSslError());
}

Result<std::vector<UniqueCertificate>> ParseCertificates(std::string_view pem) {
  ERR_clear_error();
  const UniqueBio bio = ReadOnlyBio(pem);
  std::vector<UniqueCertificate> certificates;
  while (bio) {
    UniqueCertificate next(PEM_read_bio_X509(bio.get(), nullptr, NoPassPhrase, nullptr));
    if (!next) break;
    certificates.push_back(std::move(next));
  }
  const bool at_the_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!certificates.empty() && at_the_end) return certificates;
  return NoCertificate(pem);
}

Result<UniqueCertificate> ParseCertificate(std::string_view pem) {
  SKERRY_ASSIGN_OR_RETURN(std::vector<UniqueCertificate> certificates, ParseCertificates(pem));
  return std::move(certificates.front());
}

std::string CertificateToPem(X509& certificate) {
  const UniqueBio bio(BIO_new(BIO_s_mem()));
  SKERRY_CHECK(bio && PEM_write_bio_X509(bio.get(), &certificate) == 1);
  return std::string(Contents(bio.get()));
}

Result<UniqueKey> ParseKey(std::string_view pem) {
  ERR_clear_error();
  const UniqueBio bio = ReadOnlyBio(pem);
  UniqueKey key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassPhrase, nullptr) : nullptr);
  ERR_clear_error();
  if (key) return key;
  return InvalidArgument("there is no private key in this text that can be read")
      .WithHint("a key must be in PEM form and have no pass phrase");
}

Result<SecretBytes> KeyToPem(EVP_PKEY& key) {
  const UniqueBio bio(BIO_new(BIO_s_secmem()));  // wiped when freed
  if (!bio ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return OpenSslFailure("writing a private key");
  }
  return SecretBytes(Contents(bio.get()));
}

}  // namespace skerry::crypto
