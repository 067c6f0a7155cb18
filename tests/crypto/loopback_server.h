#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "crypto/federation.h"

namespace skerry::crypto {

// A server on a free port of this machine. It serves one connection after the other on a thread of
// its own; the destructor waits for the one it is serving.
class LoopbackServer {
 public:
  using Service = std::function<void(int connection)>;
  explicit LoopbackServer(Service service, const char* address = "127.0.0.1");
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  int port() const { return port_; }

 private:
  void Run();

  Service service_;
  int port_ = 0;  // before `listener_`, whose initialiser sets it
  int listener_;
  int stop_;
  std::thread thread_;
};

// A port of 127.0.0.1 at which nobody listens.
int ClosedPort();

// Sends `answer` when the client has said something (or at once when `speaks_first`), then waits
// for the client to leave. An empty answer is silence.
LoopbackServer::Service PlainService(std::string answer, bool speaks_first = false);
// Hangs up as soon as the client has said something.
LoopbackServer::Service HangUpService();

enum class AfterHandshake { kGreet, kStayQuiet, kHangUp };

struct TlsServiceOptions {
  PemPair own;
  std::string ca_pem;  // whom it trusts
  int64_t now_unix = kTodayUnix;
  AfterHandshake after = AfterHandshake::kGreet;
  bool tls12_only = false;
};

// What the server learned; read it once the server is gone.
struct SeenByServer {
  std::string protocol;     // "TLSv1.3"
  std::string server_name;  // the name that the client asked for
  std::string application;  // what ALPN settled on
  int verify_error = -1;    // X509_V_OK when the client's certificate was accepted
};

// TLS that requires a client certificate of `ca_pem`, as the coordinator does.
LoopbackServer::Service TlsService(const TlsServiceOptions& options,
                                   std::shared_ptr<SeenByServer> seen = nullptr);

}  // namespace skerry::crypto
