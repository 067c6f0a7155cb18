// The limit behind the gRPC limit: the same bytes over bare TLS 1.3 sockets on loopback, with the
// cipher that gRPC's connections have, one thread for each connection.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/limit_options.h"

namespace skerry::bench {
namespace {

constexpr uint64_t kPieceBytes = 1 << 20;
constexpr const char* kCipher = "TLS_AES_256_GCM_SHA384";

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "error: %s\n", what);
  ERR_print_errors_fp(stderr);
  std::exit(1);
}

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;
using Connection = std::unique_ptr<SSL, FreeSsl>;

Context MakeContext(const LimitOptions& options) {
  Context context(SSL_CTX_new(TLS_method()));
  const bool made =
      context != nullptr && SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_ciphersuites(context.get(), kCipher) == 1 &&
      SSL_CTX_load_verify_file(context.get(), options.Path("ca.pem").c_str()) == 1 &&
      SSL_CTX_use_certificate_chain_file(context.get(),
                                         options.Path(options.name + ".pem").c_str()) == 1 &&
      SSL_CTX_use_PrivateKey_file(context.get(), options.Path(options.name + ".key").c_str(),
                                  SSL_FILETYPE_PEM) == 1;
  if (!made) Die("cannot use the kit");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

Connection OnSocket(SSL_CTX* context, int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  Connection connection(SSL_new(context));
  if (connection == nullptr || SSL_set_fd(connection.get(), socket) != 1) Die("SSL_new");
  return connection;
}

void Send(SSL* ssl, const std::vector<char>& bytes) {
  for (uint64_t at = 0; at < bytes.size();) {
    std::size_t n = 0;
    if (SSL_write_ex(ssl, bytes.data() + at, std::min(kPieceBytes, bytes.size() - at), &n) != 1) {
      Die("the line broke while sending");
    }
    at += n;
  }
}

void Receive(SSL* ssl, uint64_t bytes, std::vector<char>& piece) {
  while (bytes > 0) {
    std::size_t n = 0;
    if (SSL_read_ex(ssl, piece.data(), std::min<uint64_t>(bytes, piece.size()), &n) != 1) {
      Die("the line broke while receiving");
    }
    bytes -= n;
  }
}

sockaddr_in AddressOf(const LimitOptions& options) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(options.port));
  inet_pton(AF_INET, options.host.c_str(), &address.sin_addr);
  return address;
}

int Listen(const LimitOptions& options) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = AddressOf(options);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(listener, options.clients) != 0) {
    Die("cannot listen");
  }
  return listener;
}

int Dial(const LimitOptions& options) {
  const sockaddr_in address = AddressOf(options);
  for (int attempt = 0; attempt < 100; ++attempt) {  // the server may not listen yet
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
      return socket;
    }
    ::close(socket);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  Die("cannot connect");
}

// One byte from the server ends a round: all clients begin the next one together.
int Serve(const LimitOptions& options) {
  const Context context = MakeContext(options);
  const std::vector<char> model(options.bytes, 'x');
  Laps laps;
  std::barrier gate(options.clients, [&laps]() noexcept { laps.Lap(); });
  const int listener = Listen(options);
  std::vector<std::thread> threads;
  for (int i = 0; i < options.clients; ++i) {
    const int socket = ::accept(listener, nullptr, nullptr);
    threads.emplace_back([&, socket] {
      const Connection connection = OnSocket(context.get(), socket);
      if (SSL_accept(connection.get()) != 1) Die("handshake");
      std::vector<char> piece(kPieceBytes);
      for (int round = 0; round <= options.rounds; ++round) {
        Send(connection.get(), model);
        Receive(connection.get(), options.bytes, piece);
        gate.arrive_and_wait();
        Send(connection.get(), {'.'});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  laps.Print();
  return 0;
}

int RunClient(const LimitOptions& options) {
  const Context context = MakeContext(options);
  const Connection connection = OnSocket(context.get(), Dial(options));
  if (SSL_connect(connection.get()) != 1) Die("handshake");
  const std::vector<char> update(options.bytes, 'u');
  std::vector<char> piece(kPieceBytes);
  Laps laps;
  for (int round = 0; round <= options.rounds; ++round) {
    Receive(connection.get(), options.bytes, piece);
    Send(connection.get(), update);
    Receive(connection.get(), 1, piece);
    laps.Lap();
  }
  laps.Print();
  return 0;
}

}  // namespace
}  // namespace skerry::bench

int main(int argc, char** argv) {
  const auto options = skerry::bench::LimitOptions::Parse(argc, argv);
  return options.server ? skerry::bench::Serve(options) : skerry::bench::RunClient(options);
}
