#include "served_certificate.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <csignal>
#include <memory>

namespace skerry::testing {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

std::string PemOf(X509* certificate) {
  const std::unique_ptr<BIO, Freed<BIO_free_all>> memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(memory.get(), certificate);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

}  // namespace

std::string ServedCertificate(int port) {
  const std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>> context(SSL_CTX_new(TLS_client_method()));
  const std::unique_ptr<BIO, Freed<BIO_free_all>> connection(BIO_new_ssl_connect(context.get()));
  SSL* ssl = nullptr;
  BIO_get_ssl(connection.get(), &ssl);
  constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  SSL_set_alpn_protos(ssl, kHttp2, sizeof(kHttp2));
  BIO_set_conn_hostname(connection.get(), ("127.0.0.1:" + std::to_string(port)).c_str());
  std::signal(SIGPIPE, SIG_IGN);  // it may hang up
  // The server wants a certificate of ours too, which it does not get: but it has shown its own.
  static_cast<void>(BIO_do_handshake(connection.get()));
  const std::unique_ptr<X509, Freed<X509_free>> shown(SSL_get1_peer_certificate(ssl));
  return shown == nullptr ? "" : PemOf(shown.get());
}

}  // namespace skerry::testing
