#include "crypto/tls_probe.h"

#include <openssl/err.h>

#include <array>
#include <optional>
#include <utility>

#include "crypto/certificates.h"
#include "crypto/host_names.h"
#include "crypto/openssl.h"
#include "crypto/socket.h"
#include "crypto/tls_client_context.h"
#include "crypto/tls_report.h"

namespace skerry::crypto {
namespace {

// Filled by OpenSSL's verification callback, which sees the chain before it is thrown away.
struct ChainRecord {
  std::optional<CertificateInfo> leaf;
  std::optional<ChainFault> fault;
};

CertificateInfo InfoOf(const X509* certificate) {
  if (certificate == nullptr) return {};
  Result<CertificateInfo> info = DescribeCertificate(*certificate);
  return info.ok() ? *std::move(info) : CertificateInfo{};
}

int RecordChain(int accepted, X509_STORE_CTX* store) {
  auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* record = static_cast<ChainRecord*>(SSL_get_app_data(ssl));
  record->leaf = InfoOf(X509_STORE_CTX_get0_cert(store));
  if (accepted == 0) {
    record->fault = ChainFault{X509_STORE_CTX_get_error(store), *record->leaf,
                               InfoOf(X509_STORE_CTX_get_current_cert(store))};
  }
  return accepted;
}

Result<HandshakeFacts> GatherFacts(const TlsProbeOptions& options, SSL_CTX* context,
                                   const Clock& clock) {
  HandshakeFacts facts;
  facts.host = options.host;
  facts.address = options.host + ":" + std::to_string(options.port);
  SKERRY_ASSIGN_OR_RETURN(facts.own, ReadCertificate(options.certificate_pem));
  SKERRY_ASSIGN_OR_RETURN(facts.authority, ReadCertificate(options.ca_pem));
  facts.own_is_of_authority = ShowsCertificateOf(context, options.ca_pem);
  facts.now = clock.WallNow();
  return facts;
}

// What the certificate is checked against: the name that was dialled, and the time of our clock.
bool Expect(SSL* ssl, const std::string& host, WallTime now) {
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_time(expected, static_cast<time_t>(now.unix_millis / 1000));
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (IsIpAddress(host)) return X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1;
  return X509_VERIFY_PARAM_set1_host(expected, host.c_str(), host.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

// gRPC hangs up on a client that does not offer HTTP/2.
bool OfferHttp2(SSL* ssl) {
  constexpr std::array<unsigned char, 3> kProtocols = {2, 'h', '2'};
  return SSL_set_alpn_protos(ssl, kProtocols.data(), kProtocols.size()) == 0;
}

// One handshake over a connected socket, through memory so that every byte of the peer is seen
// here first and every wait has an end.
class Handshake {
 public:
  Handshake(Socket socket, const HandshakeFacts& facts)
      : socket_(std::move(socket)), facts_(facts) {}
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;

  Status Begin(SSL_CTX* context);
  Status Run(const Deadline& deadline, Duration timeout);
  // Waits for the coordinator's opinion of our certificate: data, an alert, the end, or silence.
  Status AwaitVerdict(const Deadline& deadline);

 private:
  enum class Wire { kData, kClosed, kSilent };

  void Flush(const Deadline& deadline);
  Wire Fetch(const Deadline& deadline, std::string& bytes);
  void Feed(std::string_view bytes);
  Status ExplainFailure(bool handshake_done);

  Socket socket_;
  const HandshakeFacts& facts_;
  ChainRecord chain_;
  UniqueSsl ssl_;
};

Status Handshake::Begin(SSL_CTX* context) {
  ssl_.reset(SSL_new(context));
  UniqueBio in(BIO_new(BIO_s_mem()));
  UniqueBio out(BIO_new(BIO_s_mem()));
  if (!ssl_ || !in || !out || !Expect(ssl_.get(), facts_.host, facts_.now) ||
      !OfferHttp2(ssl_.get()) || SSL_set_app_data(ssl_.get(), &chain_) != 1) {
    return OpenSslFailure("preparing a TLS handshake");
  }
  BIO_set_mem_eof_return(in.get(), -1);  // an empty buffer means "not yet", not "closed"
  SSL_set_bio(ssl_.get(), in.release(), out.release());
  SSL_set_connect_state(ssl_.get());
  return OkStatus();
}

// A peer that takes no more bytes may have said why before it hung up, so that is no error here:
// the next read tells.
void Handshake::Flush(const Deadline& deadline) {
  char* data = nullptr;
  BIO* out = SSL_get_wbio(ssl_.get());
  const auto size = BIO_get_mem_data(out, &data);
  if (size > 0) (void)socket_.Send({data, static_cast<std::size_t>(size)}, deadline);
  (void)BIO_reset(out);
}

Handshake::Wire Handshake::Fetch(const Deadline& deadline, std::string& bytes) {
  Result<std::string> received = socket_.Receive(deadline);
  if (!received.ok()) {
    return received.status().code() == Code::kDeadlineExceeded ? Wire::kSilent : Wire::kClosed;
  }
  bytes = *std::move(received);
  return bytes.empty() ? Wire::kClosed : Wire::kData;
}

void Handshake::Feed(std::string_view bytes) {
  SKERRY_CHECK(BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size())) ==
               static_cast<int>(bytes.size()));
}

Status Handshake::ExplainFailure(bool handshake_done) {
  if (chain_.fault) {
    ERR_clear_error();
    return ExplainChainFault(*chain_.fault, facts_);
  }
  // OpenSSL notes an alert of the peer as this offset and the alert's number.
  const auto error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET) {
    ERR_clear_error();
    return ExplainAlert(reason - SSL_AD_REASON_OFFSET, handshake_done, facts_);
  }
  return FailedPrecondition("the TLS handshake with " + facts_.address +
                            " failed: " + TakeOpenSslError())
      .WithHint("is that the coordinator's port, and no proxy's?");
}

Status Handshake::Run(const Deadline& deadline, Duration timeout) {
  bool heard_something = false;
  for (;;) {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    const int error = SSL_get_error(ssl_.get(), result);
    Flush(deadline);
    if (result == 1) return CheckIsCoordinator(chain_.leaf.value_or(CertificateInfo{}), facts_);
    if (error != SSL_ERROR_WANT_READ) return ExplainFailure(/*handshake_done=*/false);
    std::string bytes;
    const Wire wire = Fetch(deadline, bytes);
    if (wire == Wire::kSilent) {
      return Unavailable(facts_.address +
                         " accepted the connection, but did not finish a TLS "
                         "handshake within " +
                         FormatDuration(timeout))
          .WithHint("is that the coordinator's port? a proxy or firewall may hold the connection");
    }
    if (wire == Wire::kClosed) {
      return Unavailable(facts_.address + " closed the connection during the TLS handshake")
          .WithHint("is that the coordinator's port? its log may say why");
    }
    if (!heard_something) SKERRY_RETURN_IF_ERROR(CheckIsTls(bytes, facts_));
    heard_something = true;
    Feed(bytes);
  }
}

Status Handshake::AwaitVerdict(const Deadline& deadline) {
  for (;;) {
    std::array<char, 1024> data{};
    ERR_clear_error();
    const int result = SSL_read(ssl_.get(), data.data(), static_cast<int>(data.size()));
    if (result > 0) return OkStatus();
    const int error = SSL_get_error(ssl_.get(), result);
    Flush(deadline);
    if (error == SSL_ERROR_ZERO_RETURN) return ExplainHangUp(facts_);
    if (error != SSL_ERROR_WANT_READ) return ExplainFailure(/*handshake_done=*/true);
    std::string bytes;
    const Wire wire = Fetch(deadline, bytes);
    if (wire == Wire::kSilent) return OkStatus();  // a certificate is refused at once or not at all
    if (wire == Wire::kClosed) return ExplainHangUp(facts_);
    Feed(bytes);
  }
}

}  // namespace

Status ProbeTls(const TlsProbeOptions& options, const Clock& clock) {
  SKERRY_ASSIGN_OR_RETURN(const UniqueSslContext context, MakeClientContext(options));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, RecordChain);
  SKERRY_ASSIGN_OR_RETURN(const HandshakeFacts facts, GatherFacts(options, context.get(), clock));
  SKERRY_ASSIGN_OR_RETURN(Socket socket,
                          Socket::Dial(options.host, options.port, options.timeout, clock));
  Handshake handshake(std::move(socket), facts);
  SKERRY_RETURN_IF_ERROR(handshake.Begin(context.get()));
  SKERRY_RETURN_IF_ERROR(handshake.Run({clock, clock.Now() + options.timeout}, options.timeout));
  return handshake.AwaitVerdict({clock, clock.Now() + options.timeout});
}

Status ProbePlain(const std::string& host, int port, Duration timeout, const Clock& clock) {
  constexpr std::string_view kPreface("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
  SKERRY_ASSIGN_OR_RETURN(Socket socket, Socket::Dial(host, port, timeout, clock));
  const Deadline deadline = {clock, clock.Now() + timeout};
  (void)socket.Send(kPreface, deadline);
  const Result<std::string> answer = socket.Receive(deadline);
  const std::string address = host + ":" + std::to_string(port);
  constexpr std::size_t kTypeAt = 3;  // of the first frame, SETTINGS (RFC 9113, 3.4)
  if (answer.ok() && answer->size() > kTypeAt && (*answer)[kTypeAt] == 4) return OkStatus();
  if (answer.status().code() == Code::kDeadlineExceeded) {
    return Unavailable(address + " accepted the connection, but says nothing")
        .WithHint("is that the coordinator's port? a proxy or firewall may hold the connection");
  }
  return FailedPrecondition(address + " does not speak plaintext, as --insecure does: it " +
                            (answer.ok() && !answer->empty() ? "answers otherwise" : "hangs up") +
                            "; most likely it wants TLS")
      .WithHint("leave --insecure out, or start the coordinator with --insecure as well");
}

}  // namespace skerry::crypto
