// Who may talk to a coordinator, and as what.
#include <gmock/gmock.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>

#include "deployment.h"
#include "testing/status_matchers.h"
#include "wire_client.h"

namespace skerry::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class AccessTest : public ::testing::Test {
 protected:
  AccessTest() { federation_.StartCoordinator(); }

  // Whoever was refused disturbed nobody.
  void TheSiteStillGetsIn() {
    federation_.StartClient("north");
    EXPECT_TRUE(federation_.client("north").WaitFor("joined as site"))
        << federation_.client("north").Output();
  }

  // A handshake with north's certificate, in at most this version: "TLSv1.3", or why it failed.
  std::string Handshake(int most_version) {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
        SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    const std::string kit = federation_.Kit("north");
    EXPECT_EQ(SSL_CTX_set_max_proto_version(context.get(), most_version), 1);
    EXPECT_EQ(
        SSL_CTX_use_certificate_file(context.get(), (kit + "/north.pem").c_str(), SSL_FILETYPE_PEM),
        1);
    EXPECT_EQ(
        SSL_CTX_use_PrivateKey_file(context.get(), (kit + "/north.key").c_str(), SSL_FILETYPE_PEM),
        1);
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new_ssl_connect(context.get()),
                                                            &BIO_free_all);
    BIO_set_conn_hostname(bio.get(), ("localhost:" + std::to_string(federation_.port())).c_str());
    SSL* ssl = nullptr;
    BIO_get_ssl(bio.get(), &ssl);
    const unsigned char http2[] = {2, 'h', '2'};
    EXPECT_EQ(SSL_set_alpn_protos(ssl, http2, sizeof(http2)), 0);
    ERR_clear_error();
    if (BIO_do_handshake(bio.get()) == 1) return SSL_get_version(ssl);
    const char* reason = ERR_reason_error_string(ERR_peek_error());
    return reason == nullptr ? "the coordinator hung up" : reason;
  }

  Deployment federation_{{"north"}};
};

TEST_F(AccessTest, AClientThatSpeaksNothingNewerThanTls12IsRefused) {
  EXPECT_EQ(Handshake(TLS1_3_VERSION), "TLSv1.3") << "the same handshake";
  EXPECT_THAT(Handshake(TLS1_2_VERSION), Not(HasSubstr("TLSv")));
  EXPECT_THAT(Handshake(TLS1_1_VERSION), Not(HasSubstr("TLSv")));
  TheSiteStillGetsIn();
}

TEST_F(AccessTest, AClientWithoutACertificateIsRefused) {
  rpc::SetUpGrpc();
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(
      std::make_shared<grpc::experimental::StaticDataCertificateProvider>(
          ReadAll(federation_.Kit("north") + "/ca.pem"),
          std::vector<grpc::experimental::IdentityKeyCertPair>()));
  options.watch_root_certs();
  WireClient nobody(rpc::OpenChannel("localhost:" + std::to_string(federation_.port()),
                                     grpc::experimental::TlsCredentials(options)));
  EXPECT_THAT(nobody.Join(), HasCode(Code::kUnavailable));
  for (const auto& [method, status] : nobody.CallEverySiteMethod()) {
    EXPECT_THAT(status, HasCode(Code::kUnavailable)) << method;
  }
  TheSiteStillGetsIn();
}

TEST_F(AccessTest, TheCoordinatorsOwnCertificateIsNoTicket) {
  WireClient coordinator(federation_.Kit("coordinator"), "coordinator", federation_.port());
  EXPECT_THAT(coordinator.Join(), HasCode(Code::kUnavailable)) << "it is for serving only";
  TheSiteStillGetsIn();
}

TEST_F(AccessTest, AnAdminsCertificateMayNotActAsASite) {
  WireClient ada(federation_.Kit("admin-ada"), "ada", federation_.port());
  for (const auto& [method, status] : ada.CallEverySiteMethod()) {
    EXPECT_THAT(status, Fails(Code::kPermissionDenied,
                              AllOf(HasSubstr("site's certificate"), HasSubstr("\"ada\""))))
        << method;
  }
  for (const auto& [method, status] : ada.CallEveryAdminMethod()) {
    EXPECT_THAT(status, Not(HasCode(Code::kPermissionDenied))) << method << " is an admin's";
  }
  TheSiteStillGetsIn();
}

TEST_F(AccessTest, ASitesCertificateMayNotActAsAnAdmin) {
  WireClient north(federation_.Kit("north"), "north", federation_.port());
  for (const auto& [method, status] : north.CallEveryAdminMethod()) {
    EXPECT_THAT(status, Fails(Code::kPermissionDenied,
                              AllOf(HasSubstr("admin's certificate"), HasSubstr("\"north\""))))
        << method;
  }
  EXPECT_OK(north.Join()) << "what is a site's own, it may";
}

TEST_F(AccessTest, AnErrorThatIsTooLongForAHeaderArrivesWithItsCode) {
  const Finished shown = federation_.Skerry({"run", "show", std::string(50'000, 'x')});
  EXPECT_EQ(shown.exit_code, 3) << shown.err;
  EXPECT_THAT(shown.err, HasSubstr("there is no run \"xxxx"));
}

}  // namespace
}  // namespace skerry::testing
