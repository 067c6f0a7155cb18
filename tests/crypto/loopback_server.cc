#include "crypto/loopback_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "crypto/openssl.h"

namespace skerry::crypto {
namespace {

int Listen(const char* address, int& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  SKERRY_CHECK(inet_pton(AF_INET, address, &where.sin_addr) == 1);
  socklen_t size = sizeof(where);
  SKERRY_CHECK(::bind(fd, reinterpret_cast<sockaddr*>(&where), size) == 0);
  SKERRY_CHECK(::getsockname(fd, reinterpret_cast<sockaddr*>(&where), &size) == 0);
  SKERRY_CHECK(::listen(fd, 16) == 0);
  port = ntohs(where.sin_port);
  return fd;
}

void WaitUntilClientLeaves(int connection) {
  std::array<char, 4096> buffer{};
  while (::recv(connection, buffer.data(), buffer.size(), 0) > 0) {
  }
}

void HearSomething(int connection) {
  std::array<char, 4096> buffer{};
  (void)::recv(connection, buffer.data(), buffer.size(), 0);
}

int ChooseHttp2(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size,
                const unsigned char* offered, unsigned int offered_size, void* /*context*/) {
  static constexpr std::array<unsigned char, 3> kWanted = {2, 'h', '2'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kWanted.data(), kWanted.size(), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

UniqueSslContext ServerContext(const TlsServiceOptions& options) {
  UniqueSslContext context(SSL_CTX_new(TLS_server_method()));
  const Result<UniqueCertificate> certificate = ParseCertificate(options.own.certificate);
  const Result<UniqueKey> key = ParseKey(options.own.key);
  const Result<UniqueCertificate> authority = ParseCertificate(options.ca_pem);
  SKERRY_CHECK(SSL_CTX_use_certificate(context.get(), certificate->get()) == 1);
  SKERRY_CHECK(SSL_CTX_use_PrivateKey(context.get(), key->get()) == 1);
  SKERRY_CHECK(X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), authority->get()) == 1);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  if (options.tls12_only) SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_alpn_select_cb(context.get(), ChooseHttp2, nullptr);
  X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(context.get()),
                             static_cast<time_t>(options.now_unix));
  return context;
}

void Remember(SSL* ssl, SeenByServer& seen) {
  seen.protocol = SSL_get_version(ssl);
  if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
    seen.server_name = name;
  }
  const unsigned char* protocol = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &size);
  seen.application.assign(reinterpret_cast<const char*>(protocol), size);
  seen.verify_error = static_cast<int>(SSL_get_verify_result(ssl));
}

}  // namespace

LoopbackServer::LoopbackServer(Service service, const char* address)
    : service_(std::move(service)),
      listener_(Listen(address, port_)),
      stop_(::eventfd(0, EFD_CLOEXEC)),
      thread_([this] { Run(); }) {}

LoopbackServer::~LoopbackServer() {
  const uint64_t one = 1;
  SKERRY_CHECK(::write(stop_, &one, sizeof(one)) == sizeof(one));
  thread_.join();
  ::close(stop_);
  ::close(listener_);
}

void LoopbackServer::Run() {
  // OpenSSL writes without MSG_NOSIGNAL. Only this thread may meet a closed connection: were the
  // probe to raise the signal, the test would die of it, as it should.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  for (;;) {
    std::array<pollfd, 2> waiting = {{{listener_, POLLIN, 0}, {stop_, POLLIN, 0}}};
    SKERRY_CHECK(::poll(waiting.data(), waiting.size(), -1) > 0);
    if (waiting[1].revents != 0) return;
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    SKERRY_CHECK(connection >= 0);
    const int on = 1;
    ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    service_(connection);
    ::close(connection);
  }
}

int ClosedPort() {
  int port = 0;
  ::close(Listen("127.0.0.1", port));
  return port;
}

LoopbackServer::Service PlainService(std::string answer, bool speaks_first) {
  return [answer = std::move(answer), speaks_first](int connection) {
    if (!speaks_first) HearSomething(connection);
    (void)::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
    WaitUntilClientLeaves(connection);
  };
}

LoopbackServer::Service HangUpService() { return HearSomething; }

LoopbackServer::Service TlsService(const TlsServiceOptions& options,
                                   std::shared_ptr<SeenByServer> seen) {
  return [options, seen = std::move(seen)](int connection) {
    const UniqueSslContext context = ServerContext(options);
    const UniqueSsl ssl(SSL_new(context.get()));
    SSL_set_fd(ssl.get(), connection);
    const bool accepted = SSL_accept(ssl.get()) == 1;
    if (seen) Remember(ssl.get(), *seen);
    if (!accepted || options.after == AfterHandshake::kHangUp) return;
    if (options.after == AfterHandshake::kGreet) SSL_write(ssl.get(), "hello", 5);
    WaitUntilClientLeaves(connection);
  };
}

}  // namespace skerry::crypto
