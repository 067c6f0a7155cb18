#include "rpc/grpc/transport.h"

#include <grpc/impl/codegen/grpc_types.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <string_view>

#include "base/clock.h"
#include "crypto/certificates.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::rpc {
namespace {

using ::testing::AllOf;
using testing::Fails;
using testing::HasCode;
using ::testing::HasSubstr;

// ---- Addresses ----

TEST(HostPortTest, NamesAndAddressesAreRead) {
  const struct {
    const char* text;
    const char* host;
    int port;
  } cases[] = {{"fl.example.org:8443", "fl.example.org", 8443},
               {"127.0.0.1:0", "127.0.0.1", 0},
               {"localhost:65535", "localhost", 65535},
               {"[::1]:8443", "::1", 8443},
               {"[2001:db8::7]:443", "2001:db8::7", 443}};
  for (const auto& tested : cases) {
    ASSERT_OK_AND_ASSIGN(const HostPort address, ParseHostPort(tested.text));
    EXPECT_EQ(address.host, tested.host);
    EXPECT_EQ(address.port, tested.port);
  }
}

TEST(HostPortTest, WhatIsNoAddressIsRefusedWithTheForm) {
  for (const char* text :
       {"", "fl.example.org", ":8443", "host:", "host:x", "host:80x", "host:-1", "host:65536",
        "host:99999999999", "::1", "::1:8443", "[::1]", "[]:80", "[::1:80", "::1]:80"}) {
    EXPECT_THAT(ParseHostPort(text), Fails(Code::kInvalidArgument, HasSubstr("HOST:PORT"))) << text;
  }
}

TEST(LoopbackTest, OnlyThisMachineIsLoopback) {
  for (const char* host : {"localhost", "127.0.0.1", "127.8.9.10", "::1"}) {
    EXPECT_TRUE(IsLoopback(host)) << host;
  }
  for (const char* host : {"", "0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "127.example.org",
                           "127.0.0.1.example.org", "localhost.example.org", "::2"}) {
    EXPECT_FALSE(IsLoopback(host)) << host << ": plaintext would leave the machine";
  }
}

// ---- Files of certificates and keys ----

class TlsFilesTest : public ::testing::Test {
 protected:
  static constexpr int64_t kToday = 1'767'225'600;  // 2026-01-01
  static constexpr int64_t kDay = 86'400;

  TlsFilesTest() {
    const ManualClock founded({kToday * 1000});
    const auto authority = crypto::CertificateAuthority::Init(files_, dir_.File("ca"), "icu",
                                                              founded, {.ca_days = 1000});
    EXPECT_OK(authority);
    const auto issued =
        authority->Issue({"icu", crypto::Role::kSite, "north"}, {}, founded, /*days=*/30);
    EXPECT_OK(issued);
    tls_ = {dir_.File("ca/ca.pem"), dir_.Write("north.pem", issued->certificate_pem),
            dir_.Write("north.key", std::string(issued->key_pem.Reveal()))};
    EXPECT_EQ(::chmod(tls_.key.c_str(), 0600), 0);
  }

  const testing::TempDir dir_;
  PosixFiles files_;
  TlsFiles tls_;
};

TEST_F(TlsFilesTest, GoodFilesPass) { EXPECT_OK(CheckTlsFiles(files_, tls_, kToday)); }

TEST_F(TlsFilesTest, AnExpiredCertificateIsNamedWithItsDateAndTheNextStep) {
  EXPECT_THAT(CheckTlsFiles(files_, tls_, kToday + 31 * kDay),
              Fails(Code::kFailedPrecondition,
                    AllOf(HasSubstr("north.pem"), HasSubstr("expired on 2026-01-31"),
                          HasSubstr("skerry ca issue"))));
}

TEST_F(TlsFilesTest, AnExpiredAuthorityIsNamedToo) {
  EXPECT_THAT(CheckTlsFiles(files_, tls_, kToday + 1001 * kDay),
              Fails(Code::kFailedPrecondition, HasSubstr("ca.pem")));
}

TEST_F(TlsFilesTest, ACertificateOfTomorrowPointsAtTheClock) {
  EXPECT_THAT(CheckTlsFiles(files_, tls_, kToday - kDay),
              Fails(Code::kFailedPrecondition, HasSubstr("clock")));
}

TEST_F(TlsFilesTest, AMissingOrForeignFileIsNamed) {
  TlsFiles missing = tls_;
  missing.certificate = dir_.File("nobody.pem");
  EXPECT_THAT(CheckTlsFiles(files_, missing, kToday),
              Fails(Code::kFailedPrecondition, HasSubstr("nobody.pem")));
  TlsFiles foreign = tls_;
  foreign.certificate = dir_.Write("text.pem", "this is no certificate");
  EXPECT_THAT(CheckTlsFiles(files_, foreign, kToday),
              Fails(Code::kFailedPrecondition, HasSubstr("text.pem")));
  TlsFiles swapped = tls_;
  swapped.key = dir_.Write("no.key", "this is no key");
  EXPECT_EQ(::chmod(swapped.key.c_str(), 0600), 0);
  EXPECT_THAT(CheckTlsFiles(files_, swapped, kToday),
              Fails(Code::kFailedPrecondition, HasSubstr("no.key")));
}

TEST_F(TlsFilesTest, AKeyThatOthersMayReadIsRefusedWithTheCommandThatMendsIt) {
  ASSERT_EQ(::chmod(tls_.key.c_str(), 0640), 0);
  EXPECT_THAT(CheckTlsFiles(files_, tls_, kToday),
              Fails(Code::kFailedPrecondition, HasSubstr("chmod 600 " + tls_.key)));
}

TEST_F(TlsFilesTest, AKeyOfAnotherCertificateIsRefused) {
  const ManualClock today({kToday * 1000});
  ASSERT_OK_AND_ASSIGN(const auto authority,
                       crypto::CertificateAuthority::Open(files_, dir_.File("ca")));
  ASSERT_OK_AND_ASSIGN(const auto other,
                       authority.Issue({"icu", crypto::Role::kSite, "south"}, {}, today, 30));
  tls_.key = dir_.Write("south.key", std::string(other.key_pem.Reveal()));
  ASSERT_EQ(::chmod(tls_.key.c_str(), 0600), 0);
  EXPECT_THAT(
      CheckTlsFiles(files_, tls_, kToday),
      Fails(Code::kFailedPrecondition, AllOf(HasSubstr("south.key"), HasSubstr("north.pem"))));
}

// ---- Connections ----

// Milliseconds, or whatever an argument counts; -1: it is not set.
int ValueOf(Traffic traffic, std::string_view name) {
  const grpc::ChannelArguments limits = ChannelLimits(traffic);
  const grpc_channel_args args = limits.c_channel_args();
  for (std::size_t i = 0; i < args.num_args; ++i) {
    if (args.args[i].key == name) return args.args[i].value.integer;
  }
  return -1;
}

TEST(ConnectionTest, WithTwoThousandSitesTheAnswersToHeldCallsComeBeforeAPingIsDue) {
  constexpr int kLongestHoldMillis = 44'000;
  EXPECT_GT(ValueOf(Traffic::kCalls, GRPC_ARG_KEEPALIVE_TIME_MS), kLongestHoldMillis);
}

TEST(ConnectionTest, AClientGivesUpASilentLinkWithin65SecondsOrThirtyInATransfer) {
  const auto seconds = [](Traffic traffic) {
    return (ValueOf(traffic, GRPC_ARG_KEEPALIVE_TIME_MS) +
            ValueOf(traffic, GRPC_ARG_KEEPALIVE_TIMEOUT_MS)) /
           1000;
  };
  EXPECT_LE(seconds(Traffic::kCalls), 65);
  EXPECT_LE(seconds(Traffic::kTransfers), 30);
}

TEST(ConnectionTest, OnlyAConnectionForTransfersIsClosedWhenItHasNone) {
  EXPECT_EQ(ValueOf(Traffic::kTransfers, GRPC_ARG_CLIENT_IDLE_TIMEOUT_MS), 60'000);
  EXPECT_EQ(ValueOf(Traffic::kCalls, GRPC_ARG_CLIENT_IDLE_TIMEOUT_MS), -1);
}

}  // namespace
}  // namespace skerry::rpc
