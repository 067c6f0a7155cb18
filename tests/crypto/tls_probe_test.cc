#include "crypto/tls_probe.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include <memory>
#include <string>

#include "base/clock.h"
#include "crypto/federation.h"
#include "crypto/loopback_server.h"
#include "crypto/openssl.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::crypto {
namespace {

using ::skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kDay = 86400;

std::string WithPassPhrase(const std::string& key_pem) {
  const Result<UniqueKey> key = ParseKey(key_pem);
  const UniqueBio bio(BIO_new(BIO_s_mem()));
  EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(bio.get(), key->get(), EVP_aes_256_cbc(), "test", 4,
                                          nullptr, nullptr),
            1);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

class TlsProbeTest : public ::testing::Test {
 protected:
  // What the site "north" of "icu" has in its configuration.
  TlsProbeOptions Options(const PemPair& own, int port) {
    return {.host = "localhost",
            .port = port,
            .ca_pem = icu_.certificate_pem(),
            .certificate_pem = own.certificate,
            .key_pem_path = dir_.Write("own.key", own.key),
            .timeout = 20s};
  }
  TlsServiceOptions Coordinator() {
    return {.own = coordinator_, .ca_pem = icu_.certificate_pem()};
  }

  Status Probe(const TlsServiceOptions& server_options) { return Probe(north_, server_options); }
  Status Probe(const PemPair& own, const TlsServiceOptions& server_options) {
    const LoopbackServer server(TlsService(server_options));
    return ProbeTls(Options(own, server.port()), clock_);
  }
  Status ProbePlain(LoopbackServer::Service service) {
    const LoopbackServer server(std::move(service));
    return ProbeTls(Options(north_, server.port()), clock_);
  }

  const testing::TempDir dir_;
  const CertificateAuthority icu_ = MakeFederation("icu");
  const PemPair coordinator_ = IssueFor(icu_, "skerry://icu/coordinator");
  const PemPair north_ = IssueFor(icu_, "skerry://icu/site/north");
  const ManualClock clock_{At(kTodayUnix)};
};

TEST_F(TlsProbeTest, AHandshakeThatBothSidesAcceptIsOk) {
  const auto seen = std::make_shared<SeenByServer>();
  {
    const LoopbackServer server(TlsService(Coordinator(), seen));
    EXPECT_OK(ProbeTls(Options(north_, server.port()), clock_));
  }
  EXPECT_EQ(seen->protocol, "TLSv1.3");
  EXPECT_EQ(seen->server_name, "localhost");
  EXPECT_EQ(seen->application, "h2");
  EXPECT_EQ(seen->verify_error, X509_V_OK);
}

TEST_F(TlsProbeTest, ACoordinatorMayBeDialledByItsAddress) {
  const LoopbackServer server(TlsService(Coordinator()));
  TlsProbeOptions options = Options(north_, server.port());
  options.host = "127.0.0.1";
  EXPECT_OK(ProbeTls(options, clock_));
}

TEST_F(TlsProbeTest, ACoordinatorThatSaysNothingAfterTheHandshakeHasAccepted) {
  TlsServiceOptions server_options = Coordinator();
  server_options.after = AfterHandshake::kStayQuiet;
  const LoopbackServer server(TlsService(server_options));
  TlsProbeOptions options = Options(north_, server.port());
  options.timeout = 300ms;
  EXPECT_OK(ProbeTls(options, clock_));
}

TEST_F(TlsProbeTest, AnUnknownCaOfTheCoordinatorIsNamedBesideTheExpectedOne) {
  const CertificateAuthority trauma = MakeFederation("trauma");
  TlsServiceOptions server_options = Coordinator();
  server_options.own = IssueFor(trauma, "skerry://trauma/coordinator");
  EXPECT_THAT(Probe(server_options),
              Fails(Code::kUnauthenticated,
                    AllOf(HasSubstr("coordinator of federation \"trauma\""),
                          HasSubstr("issued by \"CN=Skerry CA,O=trauma\", an unknown CA"),
                          HasSubstr("\"CN=Skerry CA,O=icu\""))));
}

TEST_F(TlsProbeTest, AnotherCaOfTheSameNameIsNotTakenForTheRightOne) {
  TlsServiceOptions server_options = Coordinator();
  server_options.own = IssueFor(MakeFederation("icu"), "skerry://icu/coordinator");
  EXPECT_THAT(Probe(server_options),
              Fails(Code::kUnauthenticated,
                    AllOf(HasSubstr("an authority of the same name"), HasSubstr("another key"),
                          HasSubstr("compare the fingerprint"))));
}

TEST_F(TlsProbeTest, AnExpiredCoordinatorCertificateIsNamedWithItsDate) {
  TlsServiceOptions server_options = Coordinator();
  server_options.own = IssueFor(icu_, "skerry://icu/coordinator", kTodayUnix - 40 * kDay, 30);
  EXPECT_THAT(Probe(server_options),
              Fails(Code::kUnauthenticated,
                    AllOf(HasSubstr("certificate of localhost:"),
                          HasSubstr("expired at 2025-12-22T00:00:00Z"),
                          HasSubstr("now is 2026-01-01T00:00:00Z"), HasSubstr("must renew it"))));
}

TEST_F(TlsProbeTest, ACoordinatorCertificateOfTomorrowPointsAtTheClocks) {
  TlsServiceOptions server_options = Coordinator();
  server_options.own = IssueFor(icu_, "skerry://icu/coordinator", kTodayUnix + kDay);
  EXPECT_THAT(Probe(server_options),
              Fails(Code::kUnauthenticated,
                    AllOf(HasSubstr("not valid before 2026-01-01T23:55:00Z"), HasSubstr("clock"))));
}

TEST_F(TlsProbeTest, AnExpiredAuthorityIsToldFromAnExpiredCoordinator) {
  const ManualClock later(At(kFoundedUnix + 3651 * kDay));
  const LoopbackServer server(TlsService(Coordinator()));
  // The leaf has expired too; the root is checked first, and is the one to replace.
  EXPECT_THAT(ProbeTls(Options(north_, server.port()), later),
              Fails(Code::kUnauthenticated,
                    HasSubstr("the CA certificate \"CN=Skerry CA,O=icu\" behind localhost:")));
}

TEST_F(TlsProbeTest, AWrongAddressIsNamedBesideTheNamesOfTheCertificate) {
  const LoopbackServer server(TlsService(Coordinator()), "127.0.0.2");
  TlsProbeOptions options = Options(north_, server.port());
  options.host = "127.0.0.2";
  EXPECT_THAT(ProbeTls(options, clock_),
              Fails(Code::kUnauthenticated,
                    AllOf(HasSubstr("name mismatch: this side dialled \"127.0.0.2\""),
                          HasSubstr("is for localhost, 127.0.0.1"))));
}

TEST_F(TlsProbeTest, AWrongNameIsNamedBesideTheNamesOfTheCertificate) {
  TlsServiceOptions server_options = Coordinator();
  server_options.own =
      IssueFor(icu_, "skerry://icu/coordinator", kTodayUnix, 365, {"fl.example.org"});
  const LoopbackServer server(TlsService(server_options));
  TlsProbeOptions options = Options(north_, server.port());
  options.host = "127.1";  // a short form of 127.0.0.1 to the resolver, a name to TLS
  EXPECT_THAT(
      ProbeTls(options, clock_),
      Fails(Code::kUnauthenticated, AllOf(HasSubstr("dialled \"127.1\""),
                                          HasSubstr("is for fl.example.org, localhost, 127.0.0.1"),
                                          HasSubstr("have one issued that has \"127.1\""))));
}

TEST_F(TlsProbeTest, ASiteThatServesIsNotTakenForTheCoordinator) {
  TlsServiceOptions server_options = Coordinator();
  server_options.own = IssueFor(icu_, "skerry://icu/site/south");
  EXPECT_THAT(Probe(server_options),
              Fails(Code::kUnauthenticated,
                    AllOf(HasSubstr("certificate of site \"south\" of federation \"icu\""),
                          HasSubstr("not the coordinator's"))));
}

TEST_F(TlsProbeTest, ACertificateOfAnotherAuthorityThanOurCaFileIsNamed) {
  const PemPair foreign = IssueFor(MakeFederation("icu"), "skerry://icu/site/north");
  EXPECT_THAT(Probe(foreign, Coordinator()),
              Fails(Code::kUnauthenticated,
                    AllOf(HasSubstr("does not know the CA of this side's certificate"),
                          HasSubstr("it was not signed with the key of \"CN=Skerry CA,O=icu\""))));
}

TEST_F(TlsProbeTest, TheCoordinatorOfAnotherFederationOfOurCaIsNotOurs) {
  const CertificateAuthority trauma = MakeFederation("trauma");
  EXPECT_THAT(Probe(IssueFor(trauma, "skerry://trauma/site/north"), Coordinator()),
              Fails(Code::kUnauthenticated,
                    AllOf(HasSubstr("is the coordinator of federation \"icu\""),
                          HasSubstr("that of site \"north\" of federation \"trauma\""))));
}

TEST_F(TlsProbeTest, ACoordinatorThatDoesNotKnowOurCaSaysSoInItsAlert) {
  TlsServiceOptions server_options = Coordinator();
  server_options.ca_pem = MakeFederation("trauma").certificate_pem();
  EXPECT_THAT(Probe(server_options),
              Fails(Code::kUnauthenticated,
                    AllOf(HasSubstr("does not know the CA of this side's certificate (site "
                                    "\"north\" of federation \"icu\", issued by \"CN=Skerry "
                                    "CA,O=icu\""),
                          HasSubstr("authority that the coordinator trusts"),
                          Not(HasSubstr("it was not signed")))));
}

TEST_F(TlsProbeTest, AnExpiredCertificateOfThisSideIsNamedWithItsDate) {
  const PemPair expired = IssueFor(icu_, "skerry://icu/site/north", kTodayUnix - 40 * kDay, 30);
  EXPECT_THAT(Probe(expired, Coordinator()),
              Fails(Code::kUnauthenticated,
                    AllOf(HasSubstr("finds this side's certificate (site \"north\""),
                          HasSubstr("to 2025-12-22T00:00:00Z) expired"),
                          HasSubstr("have a new one issued"), Not(HasSubstr("clock")))));
}

TEST_F(TlsProbeTest, ACertificateThatExpiredOnlyForTheCoordinatorPointsAtTheClocks) {
  TlsServiceOptions server_options = Coordinator();
  server_options.now_unix = kTodayUnix + 366 * kDay;
  EXPECT_THAT(Probe(server_options),
              Fails(Code::kUnauthenticated, AllOf(HasSubstr("expired, by its own clock"),
                                                  HasSubstr("compare the clocks"))));
}

TEST_F(TlsProbeTest, ACertificateThatIsNotValidYetIsRefusedWithThatReason) {
  const PemPair early = IssueFor(icu_, "skerry://icu/site/north", kTodayUnix + kDay);
  EXPECT_THAT(Probe(early, Coordinator()),
              Fails(Code::kUnauthenticated,
                    AllOf(HasSubstr("bad certificate"), HasSubstr("it is not valid yet"))));
}

TEST_F(TlsProbeTest, ACoordinatorsCertificateCannotDial) {
  EXPECT_THAT(Probe(coordinator_, Coordinator()),
              Fails(Code::kUnauthenticated,
                    AllOf(HasSubstr("refused this side's certificate (coordinator of federation"),
                          HasSubstr("unsupported certificate"))));
}

TEST_F(TlsProbeTest, ACoordinatorThatHangsUpAfterOurCertificateIsReportedAsARefusal) {
  TlsServiceOptions server_options = Coordinator();
  server_options.after = AfterHandshake::kHangUp;
  EXPECT_THAT(
      Probe(server_options),
      Fails(Code::kUnauthenticated, AllOf(HasSubstr("closed the connection once it had seen"),
                                          HasSubstr("site \"north\" of federation \"icu\""),
                                          HasSubstr("known there and not revoked"))));
}

TEST_F(TlsProbeTest, AServerOfAnOlderTlsIsNoCoordinator) {
  TlsServiceOptions server_options = Coordinator();
  server_options.tls12_only = true;
  EXPECT_THAT(Probe(server_options),
              Fails(Code::kFailedPrecondition, HasSubstr("speaks TLS, but not TLS 1.3")));
}

TEST_F(TlsProbeTest, APlainHttpServerIsRecognised) {
  EXPECT_THAT(ProbePlain(PlainService("HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n")),
              Fails(Code::kFailedPrecondition,
                    AllOf(HasSubstr("speaks no TLS: it is a plain HTTP server"),
                          HasSubstr("HTTP/1.1 400 Bad Request"), Not(HasSubstr("Server: x")))));
}

TEST_F(TlsProbeTest, AGrpcServerWithoutTlsIsRecognised) {
  const std::string settings("\0\0\0\4\0\0\0\0\0", 9);
  EXPECT_THAT(ProbePlain(PlainService(settings, /*speaks_first=*/true)),
              Fails(Code::kFailedPrecondition, HasSubstr("gRPC server without TLS")));
}

TEST_F(TlsProbeTest, AnyOtherServerIsQuoted) {
  EXPECT_THAT(ProbePlain(PlainService("SSH-2.0-OpenSSH_9.2\r\n", /*speaks_first=*/true)),
              Fails(Code::kFailedPrecondition,
                    HasSubstr("speaks no TLS: it answered \"SSH-2.0-OpenSSH_9.2")));
}

TEST_F(TlsProbeTest, AClosedPortIsUnavailable) {
  EXPECT_THAT(ProbeTls(Options(north_, ClosedPort()), clock_),
              Fails(Code::kUnavailable,
                    AllOf(HasSubstr("refuses connections"), HasSubstr("coordinator running"))));
}

TEST_F(TlsProbeTest, APortThatAcceptsAndStaysSilentIsUnavailable) {
  const LoopbackServer server(PlainService(""));
  TlsProbeOptions options = Options(north_, server.port());
  options.timeout = 200ms;
  EXPECT_THAT(ProbeTls(options, clock_),
              Fails(Code::kUnavailable,
                    AllOf(HasSubstr("accepted the connection"), HasSubstr("within 200ms"))));
}

TEST_F(TlsProbeTest, APeerThatHangsUpDuringTheHandshakeIsUnavailable) {
  EXPECT_THAT(ProbePlain(HangUpService()),
              Fails(Code::kUnavailable, HasSubstr("closed the connection during the TLS")));
}

TEST_F(TlsProbeTest, ANameThatDoesNotResolveIsNamed) {
  TlsProbeOptions options = Options(north_, 1);
  options.host = "no..such.host";  // refused before any name server is asked
  EXPECT_THAT(ProbeTls(options, clock_),
              Fails(Code::kUnavailable,
                    AllOf(HasSubstr("\"no..such.host\" does not resolve"), HasSubstr("DNS"))));
}

TEST_F(TlsProbeTest, FilesThatCannotBeUsedAreNamedBeforeDialling) {
  const TlsProbeOptions good = Options(north_, ClosedPort());
  TlsProbeOptions options = good;
  options.ca_pem = "nothing";
  EXPECT_THAT(ProbeTls(options, clock_),
              Fails(Code::kInvalidArgument, HasSubstr("the CA file: there is no certificate")));
  options = good;
  options.certificate_pem = north_.key;
  EXPECT_THAT(
      ProbeTls(options, clock_),
      Fails(Code::kInvalidArgument, HasSubstr("this side's certificate: this is a private")));
  options = good;
  options.key_pem_path = dir_.Write("other.key", IssueFor(icu_, "skerry://icu/site/x").key);
  EXPECT_THAT(ProbeTls(options, clock_),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("other.key"), HasSubstr("key values mismatch"))));
  options = good;
  options.key_pem_path = dir_.Write("locked.key", WithPassPhrase(north_.key));
  EXPECT_THAT(ProbeTls(options, clock_),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("locked.key"), HasSubstr("without a pass phrase"))));
  options = good;
  options.key_pem_path = dir_.File("missing.key");
  EXPECT_THAT(ProbeTls(options, clock_), Fails(Code::kInvalidArgument, HasSubstr("missing.key")));
}

TEST_F(TlsProbeTest, OneProbeLeavesNothingBehindForTheNext) {
  TlsServiceOptions refusing = Coordinator();
  refusing.ca_pem = MakeFederation("trauma").certificate_pem();
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(Probe(refusing), Fails(Code::kUnauthenticated, HasSubstr("does not know the CA")));
    EXPECT_OK(Probe(Coordinator()));
  }
}

TEST_F(TlsProbeTest, APlaintextSideFindsOutThatTheOtherWantsTls) {
  const LoopbackServer tls(TlsService(Coordinator()));
  EXPECT_THAT(crypto::ProbePlain("127.0.0.1", tls.port(), 20s, clock_),
              Fails(Code::kFailedPrecondition, HasSubstr("most likely it wants TLS")));
  const LoopbackServer silent(HangUpService());
  EXPECT_THAT(crypto::ProbePlain("127.0.0.1", silent.port(), 20s, clock_),
              Fails(Code::kFailedPrecondition, HasSubstr("hangs up")));
  const LoopbackServer http2(PlainService(std::string("\0\0\0\4\0\0\0\0\0", 9)));
  EXPECT_OK(crypto::ProbePlain("127.0.0.1", http2.port(), 20s, clock_));
  EXPECT_THAT(crypto::ProbePlain("127.0.0.1", ClosedPort(), 20s, clock_),
              Fails(Code::kUnavailable, HasSubstr("refuses connections")));
}

}  // namespace
}  // namespace skerry::crypto
