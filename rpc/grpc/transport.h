#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/channel_arguments.h>

#include <cstddef>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "base/status.h"

namespace skerry::rpc {

// Paths of PEM files. They are watched: a renewed certificate is used without a restart.
struct TlsFiles {
  std::string ca;
  std::string certificate;
  std::string key;
};

// FAILED_PRECONDITION names the file that is missing, unreadable, no certificate, expired (with the
// date), a key that others may read, or a key that does not belong to the certificate.
Status CheckTlsFiles(Files& files, const TlsFiles& tls, int64_t now_unix);

// Why a coordinator cannot be reached, in words and with a next step, found by a handshake beside
// gRPC's (crypto/tls_probe.h says which statuses). Blocks for seconds. OK: there is nothing wrong.
Status ProbeCoordinator(const std::string& address, const TlsFiles& tls, const Clock& clock);

// The same for a connection without TLS.
Status ProbePlainCoordinator(const std::string& address, const Clock& clock);

// Before the first use of gRPC in a process: TLS 1.3 only, and quiet logs.
void SetUpGrpc();

// Mutual TLS 1.3: the peer must show a certificate of the same CA.
std::shared_ptr<grpc::ServerCredentials> ServerTls(const TlsFiles& tls);
std::shared_ptr<grpc::ChannelCredentials> ChannelTls(const TlsFiles& tls);

// What a connection is for. A ping on one with transfers waits behind a megabyte on a slow link,
// and is given the time that takes; without any transfer for a minute it is closed until the next.
// An operator's carries replies of any size: whole histories.
enum class Traffic { kCalls, kTransfers, kOperator };

// Skerry's limits, keepalive and retries for a connection of this kind.
grpc::ChannelArguments ChannelLimits(Traffic traffic);

// A connection of its own to "host:port" or "unix:/path", with these limits.
std::shared_ptr<grpc::Channel> OpenChannel(const std::string& target,
                                           std::shared_ptr<grpc::ChannelCredentials> credentials,
                                           Traffic traffic = Traffic::kCalls);
// The same limits for a server, of which so many chunks may be on their way at the same time in
// each direction: what its connections hold in buffers is bounded.
void SetServerLimits(grpc::ServerBuilder& builder, std::size_t transfers);

// "host:port" -> both. INVALID_ARGUMENT shows the form. An IPv6 address is written in brackets:
// "[::1]:8443".
struct HostPort {
  std::string host;
  int port = 0;
};
Result<HostPort> ParseHostPort(const std::string& address);
// Whether an address can be reached from this machine only: 127.0.0.0/8, ::1, localhost.
bool IsLoopback(const std::string& host);

}  // namespace skerry::rpc
