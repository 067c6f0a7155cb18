#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "crypto/secret.h"

// Inside crypto/ only: what holds OpenSSL's objects, and the few calls that several files need.
namespace skerry::crypto {

struct CertificateInfo;

template <auto kFree>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using UniqueBio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using UniqueBignum = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using UniqueCertificate = std::unique_ptr<X509, Freer<X509_free>>;
using UniqueExtension = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;
using UniqueGeneralName = std::unique_ptr<GENERAL_NAME, Freer<GENERAL_NAME_free>>;
using UniqueGeneralNames = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;
using UniqueKey = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using UniqueSsl = std::unique_ptr<SSL, Freer<SSL_free>>;
using UniqueSslContext = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;

// For every call that takes such a function: keeps OpenSSL from asking a terminal for a pass
// phrase, so that an encrypted key is an error.
int NoPassPhrase(char* buffer, int size, int writing, void* context);

// The reason of the oldest error that OpenSSL noted in this thread, and none left behind.
std::string TakeOpenSslError();

// INTERNAL "what: reason", for calls that fail only when memory is short or we misuse them.
Status OpenSslFailure(std::string_view what);

// The certificates of `pem`, one at least. INVALID_ARGUMENT says what the text is instead.
Result<std::vector<UniqueCertificate>> ParseCertificates(std::string_view pem);
// The first of them.
Result<UniqueCertificate> ParseCertificate(std::string_view pem);
std::string CertificateToPem(X509& certificate);

// A private key without a pass phrase. INVALID_ARGUMENT when there is none.
Result<UniqueKey> ParseKey(std::string_view pem);
Result<SecretBytes> KeyToPem(EVP_PKEY& key);

// What `certificate` says. INVALID_ARGUMENT when a date in it cannot be read.
Result<CertificateInfo> DescribeCertificate(const X509& certificate);

}  // namespace skerry::crypto
