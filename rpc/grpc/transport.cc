#include "rpc/grpc/transport.h"

#include <absl/synchronization/mutex.h>
#include <arpa/inet.h>
#include <grpc/grpc.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <sys/stat.h>

#include <charconv>
#include <cstdlib>

#include "base/time.h"
#include "crypto/certificates.h"
#include "crypto/tls_probe.h"

namespace skerry::rpc {
namespace {

using grpc::experimental::FileWatcherCertificateProvider;

constexpr unsigned kReloadSeconds = 2;
constexpr int kMaxMessageBytes = 4 << 20;
constexpr int kAnyLength = -1;
// Certificates are looked at when a connection begins: after this time a new one does, so that an
// expired certificate, or a new authority, has its effect. Calls on the old one end as they would.
constexpr int kConnectionAgeMillis = 10 * 60 * 1000;
// A side that has heard nothing for so long asks with a ping. With up to 2000 sites a held call is
// answered sooner than that, and no ping is needed; with 10 000, pings every 10 s would cost the
// coordinator more than all else that idle sites do. The coordinator itself asks only where the
// client's own pings do not come.
constexpr int kCallsPingMillis = 55'000;
constexpr int kTransfersPingMillis = 10'000;
constexpr int kServerPingMillis = 75'000;
// A connection for transfers that has none for so long is closed: an idle site has one connection,
// not two. gRPC opens it again by itself.
constexpr int kTransfersIdleMillis = 60'000;
// How long the answer, or the acknowledgement of any byte (TCP_USER_TIMEOUT), may take before the
// connection counts as dead. A ping waits behind what is on its way: with transfers up to two
// chunks, for which 100 kB/s need 21 s. The coordinator can be patient: it misses a site when its
// held call has been answered and no new one comes.
constexpr int kCallsTimeoutMillis = 10'000;
constexpr int kTransfersTimeoutMillis = 20'000;
constexpr int kServerTimeoutMillis = 40'000;
// How much of a stream may be on its way, besides the rest of the chunk that is being received.
// gRPC would otherwise raise it to what the link once carried: memory, and minutes in front of a
// ping.
constexpr int kWindowBytes = 1 << 20;
// The coordinator's is smaller: each of a thousand sites whose turn it is not may have sent so
// much. Room for the rest of a chunk is announced when the chunk is read.
constexpr int kServerWindowBytes = 64 << 10;
// What the server's connections may hold in buffers together, and for each chunk on its way
// besides. Without a limit each of them keeps room for as many bytes as once came at a time, a
// megabyte after an upload, also while nothing comes; gRPC takes that room back when the limit is
// near. Of a connection at rest 26 kB suffice: so much is room for 20 000.
constexpr std::size_t kServerBufferBytes = std::size_t{512} << 20;
constexpr std::size_t kTransferBufferBytes = std::size_t{2} << 20;
// Of HTTP/2: a chunk in a few frames instead of 64. Not a whole one, so that a ping need not wait
// for it.
constexpr int kFrameBytes = 256 << 10;
// For TCP, TLS and the first frames of HTTP/2 together: several times there and back. gRPC calls it
// the shortest pause between attempts; an attempt that fails at once is still repeated at once.
constexpr int kConnectMillis = 10'000;

std::shared_ptr<FileWatcherCertificateProvider> Watch(const TlsFiles& tls) {
  return std::make_shared<FileWatcherCertificateProvider>(tls.key, tls.certificate, tls.ca,
                                                          kReloadSeconds);
}

Status CheckCertificate(Files& files, const std::string& path, int64_t now_unix) {
  Result<std::string> pem = ReadFile(files, path);
  if (!pem.ok()) return FailedPrecondition(pem.status().message());
  const Result<crypto::CertificateInfo> info = crypto::ReadCertificate(*pem);
  if (!info.ok()) return FailedPrecondition(path + ": " + info.status().message());
  if (now_unix > info->not_after_unix) {
    return FailedPrecondition(path + ": the certificate expired on " +
                              FormatWallTime({info->not_after_unix * 1000}))
        .WithHint("ask the federation's operator for a new kit: skerry ca issue");
  }
  if (now_unix < info->not_before_unix) {
    return FailedPrecondition(path + ": the certificate is valid only from " +
                              FormatWallTime({info->not_before_unix * 1000}))
        .WithHint("is this machine's clock right?");
  }
  return OkStatus();
}

Status CheckKeyFile(Files& files, const std::string& path, const std::string& certificate) {
  const auto file = files.Open(path, OpenMode::kRead);
  if (!file.ok()) return FailedPrecondition(file.status().message());
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0) {
    return FailedPrecondition(path + ": others may read this private key")
        .WithHint("chmod 600 " + path);
  }
  SKERRY_ASSIGN_OR_RETURN(const std::string pem, ReadFile(files, certificate));
  const Status belongs = crypto::CheckKeyFile(pem, path);
  if (belongs.ok()) return OkStatus();
  return FailedPrecondition(path + ", the key of " + certificate + ": " + belongs.message())
      .WithHint("certificate and key come together, in one kit: skerry ca issue");
}

}  // namespace

Status CheckTlsFiles(Files& files, const TlsFiles& tls, int64_t now_unix) {
  SKERRY_RETURN_IF_ERROR(CheckCertificate(files, tls.ca, now_unix));
  SKERRY_RETURN_IF_ERROR(CheckCertificate(files, tls.certificate, now_unix));
  return CheckKeyFile(files, tls.key, tls.certificate);
}

Status ProbeCoordinator(const std::string& address, const TlsFiles& tls, const Clock& clock) {
  SKERRY_ASSIGN_OR_RETURN(const HostPort parsed, ParseHostPort(address));
  PosixFiles files;
  crypto::TlsProbeOptions options;
  options.host = parsed.host;
  options.port = parsed.port;
  SKERRY_ASSIGN_OR_RETURN(options.ca_pem, ReadFile(files, tls.ca));
  SKERRY_ASSIGN_OR_RETURN(options.certificate_pem, ReadFile(files, tls.certificate));
  options.key_pem_path = tls.key;
  return crypto::ProbeTls(options, clock);
}

Status ProbePlainCoordinator(const std::string& address, const Clock& clock) {
  SKERRY_ASSIGN_OR_RETURN(const HostPort parsed, ParseHostPort(address));
  return crypto::ProbePlain(parsed.host, parsed.port, 5s, clock);
}

void SetUpGrpc() {
  // With ECDSA certificates no TLS 1.2 cipher of this list fits, so that only TLS 1.3 is left: gRPC
  // 1.51 has no setting for a minimum version.
  setenv("GRPC_SSL_CIPHER_SUITES", "ECDHE-RSA-AES256-GCM-SHA384", 1);
  setenv("GRPC_VERBOSITY", "NONE", 0);
  // Debian's Abseil looks for deadlocks at each lock of gRPC's: a tenth of the CPU of a small
  // round.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

std::shared_ptr<grpc::ServerCredentials> ServerTls(const TlsFiles& tls) {
  grpc::experimental::TlsServerCredentialsOptions options(Watch(tls));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.set_check_call_host(false);
  return grpc::experimental::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> ChannelTls(const TlsFiles& tls) {
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(Watch(tls));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(true);
  return grpc::experimental::TlsCredentials(options);
}

grpc::ChannelArguments ChannelLimits(Traffic traffic) {
  const bool transfers = traffic == Traffic::kTransfers;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
                   traffic == Traffic::kOperator ? kAnyLength : kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, transfers ? kTransfersPingMillis : kCallsPingMillis);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                   traffic == Traffic::kCalls ? kCallsTimeoutMillis : kTransfersTimeoutMillis);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kWindowBytes);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, kFrameBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  if (transfers) arguments.SetInt(GRPC_ARG_CLIENT_IDLE_TIMEOUT_MS, kTransfersIdleMillis);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Retries are ours: rpc/reaction.h.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMillis);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  return arguments;
}

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& target,
                                           std::shared_ptr<grpc::ChannelCredentials> credentials,
                                           Traffic traffic) {
  return grpc::CreateCustomChannel(target, std::move(credentials), ChannelLimits(traffic));
}

void SetServerLimits(grpc::ServerBuilder& builder, std::size_t transfers) {
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetResourceQuota(grpc::ResourceQuota("skerry server")
                               .Resize(kServerBufferBytes + transfers * kTransferBufferBytes));
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 16 * 1024);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 64);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, kConnectionAgeMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kServerPingMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kServerTimeoutMillis);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kServerWindowBytes);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, kFrameBytes);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

Result<HostPort> ParseHostPort(const std::string& address) {
  HostPort parsed;
  const std::size_t colon = address.rfind(':');
  const Status wrong = InvalidArgument("\"" + address + "\" is not an address")
                           .WithHint("write HOST:PORT, for instance fl.example.org:8443");
  if (colon == std::string::npos || colon == 0) return wrong;
  parsed.host = address.substr(0, colon);
  const bool brackets = parsed.host.starts_with('[') && parsed.host.ends_with(']');
  if (brackets) parsed.host = parsed.host.substr(1, parsed.host.size() - 2);
  if (parsed.host.empty() || (!brackets && parsed.host.find_first_of(":[]") != std::string::npos)) {
    return wrong;
  }
  const char* const end = address.data() + address.size();
  const auto [rest, error] = std::from_chars(address.data() + colon + 1, end, parsed.port);
  if (error != std::errc() || rest != end || parsed.port < 0 || parsed.port > 65535) return wrong;
  return parsed;
}

bool IsLoopback(const std::string& host) {
  in_addr address{};
  const bool ipv4 = inet_pton(AF_INET, host.c_str(), &address) == 1;
  return host == "localhost" || host == "::1" || (ipv4 && ntohl(address.s_addr) >> 24 == 127);
}

}  // namespace skerry::rpc
